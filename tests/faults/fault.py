"""What a fault is, and what a run of one comes to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.postgres import Server

BOTH = ("sqlite", "postgresql")


class NotHereError(Exception):
    """This machine does not let us do that. The text says what is missing."""


class NotInstalledError(NotHereError):
    """A program is missing that could be installed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens: an empty folder, a database with the tables in it, and the chance that is its own.

    `brief` runs are for every day: what lasts is as short as it can be and still mean something.
    """

    folder: Path
    database: str
    database_url: str
    server: Server | None
    chance: Random
    brief: bool = False

    def lasting(self, seconds: float, *, brief: float) -> float:
        """How long something lasts."""
        return brief if self.brief else seconds


@dataclass(slots=True)
class Outcome:
    """What one run came to. `broken` are the promises that were not kept, in words.

    `may_repeat` is how many of the messages may have come twice.
    """

    acknowledged: int = 0
    lost: int = 0
    untold: int = 0
    messages: int = 0
    repeats: int = 0
    may_repeat: int = 0
    mismatches: int = 0
    recovery_seconds: float | None = None
    remarks: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong: `does` says what, `run` has it go wrong once."""

    name: str
    does: str
    run: Callable[[Place], Awaitable[Outcome]]
    databases: tuple[str, ...] = BOTH
