"""What a database tells of its transactions: how long they took, how often they were run again, what they counted."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from alertsvc.store.tally import Tally

Access = Literal["read", "write"]
ACCESSES: tuple[Access, ...] = ("read", "write")

CONFLICT = "conflict"
POSTGRES_RETRY_CODES = {"40001": "serialization", "40P01": "deadlock", "55P03": "lock"}
"""The states of PostgreSQL after which the same transaction may pass, and what they are called here."""
RETRY_CAUSES = (CONFLICT, *POSTGRES_RETRY_CODES.values())


def _nobody_hears(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Listener:
    """Hears, in the event loop: what a committed transaction counted; how long one took, in seconds; why one is run
    again.
    """

    counted: Callable[[Tally], None] = _nobody_hears
    ended: Callable[[Access, float], None] = _nobody_hears
    retried: Callable[[str], None] = _nobody_hears


class Watched:
    """What both databases tell. `in_progress` is how many transactions run or wait for a connection."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.in_progress: dict[Access, int] = dict.fromkeys(ACCESSES, 0)

    @contextmanager
    def watched(self, access: Access) -> Generator[None]:
        """Somebody waits for a transaction meanwhile."""
        since = perf_counter()
        self.in_progress[access] += 1
        try:
            yield
        finally:
            self.in_progress[access] -= 1
            self.listener.ended(access, perf_counter() - since)
