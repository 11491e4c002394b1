"""How long the end of the service may take, step by step, and how to wait for tasks no longer than that."""

import asyncio
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The longest that each step of the end takes, in seconds: together less than 25, which is what is promised.

    `sends` counts from the signal, however long the doors take to close: what left just before it comes to its own end
    under the usual patience of 20. `records` is for writing down what was given up then, while channels close.
    `closing` is for what hangs even so, and once more for the database.
    """

    sends: float = 20.5
    records: float = 2.0
    closing: float = 0.75


class Countdown:
    """Counts from the instant it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def left(self, seconds: float) -> float:
        """How much is left of so many seconds since then; never less than none."""
        return max(0.0, self._began + seconds - time.monotonic())


async def ended_within(seconds: float, tasks: Collection[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Wait for `tasks`, and return those that are late. How the others ended is for them to say."""
    if not tasks:
        return []
    ended, late = await asyncio.wait(tasks, timeout=seconds)
    await asyncio.gather(*ended, return_exceptions=True)
    return list(late)


async def cut_short(seconds: float, tasks: Collection[asyncio.Task[Any]], *, quietly: bool = False) -> None:
    """Cancel those of `tasks` that still run, and wait so long for them to clean up. `quietly`: they never end else.

    Some wait even then, for a database that says nothing. Nobody waits for them.
    """
    late = [task for task in tasks if not task.done()]
    for task in late:
        if not quietly:
            log.warning("%s did not end within its time", task.get_name())
        task.cancel()
    await ended_within(seconds, late)
