"""The clockwork: what is to be done again and again, and how that ends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # pyright: ignore[reportMissingTypeStubs]
from apscheduler.triggers.interval import IntervalTrigger  # pyright: ignore[reportMissingTypeStubs]

from alertsvc.clock import Clock, utc_now
from alertsvc.engine.wall import Ticks, Wall
from alertsvc.store.database import StoreUnavailableError

log = logging.getLogger(__name__)

TURNS_MISSED = 3
GRACE = 30.0
"""Seconds. A job is overdue when it has missed three turns, and this long."""
LOOK_SECONDS = 1.0


class Metronome:
    """Runs jobs at an interval between `start` and `stop`. A job that is late runs once, never beside itself."""

    def __init__(self, ticks: Ticks = time.monotonic, clock: Clock = utc_now) -> None:
        self._ticks = ticks
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._wall = Wall(clock)
        self._watching: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._jobs: dict[str, Callable[[], None]] = {}
        self._seconds: dict[str, int] = {}
        self._well_at: dict[str, float] = {}
        """When each job came to a good end last, or would have begun to: of a monotonic clock."""
        self._stopped = False

    def every(self, seconds: int, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` every so many seconds. Its failure is logged, and it comes again."""

        def begin() -> None:
            before = self._running.get(name)
            if not self._stopped and (before is None or before.done()):
                # a task of its own: the scheduler, when it ends, cancels its jobs in the middle of a transaction
                self._running[name] = asyncio.create_task(self._guarded(name, work), name=name)

        async def job() -> None:  # else the scheduler would run it in a thread
            begin()

        self._jobs[name] = begin
        self._seconds[name] = seconds
        self._scheduler.add_job(  # pyright: ignore[reportUnknownMemberType]  # the library has no types
            job, _each(seconds), id=name, coalesce=True, misfire_grace_time=None
        )

    def start(self) -> None:
        """Begin."""
        self._well_at = dict.fromkeys(self._jobs, self._ticks())
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch_clock(), name="clock")

    async def _watch_clock(self) -> None:
        """The scheduler goes by the clock on the wall: set back by an hour, it would do nothing for an hour."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._wall.look():
                for job in self._scheduler.get_jobs():  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                    job.reschedule(_each(self._seconds[job.id]))  # pyright: ignore[reportUnknownMemberType]

    def soon(self, name: str) -> None:
        """Begin a job now, unless it runs."""
        self._jobs[name]()

    def overdue(self) -> list[str]:
        """The jobs that have come to no good end for too long."""
        now = self._ticks()
        return [name for name, at in self._well_at.items() if now - at > TURNS_MISSED * self._seconds[name] + GRACE]

    async def stop(self, within_seconds: float) -> None:
        """Start nothing more, and let what runs come to its end."""
        self._stopped = True
        if self._watching is not None:
            self._watching.cancel()
        if self._scheduler.running:
            self._scheduler.pause()
            await asyncio.sleep(0)  # what it has just set off begins: shutting down would cancel it, with a traceback
            self._scheduler.shutdown(wait=False)
        if not self._running:
            return
        _, late = await asyncio.wait(self._running.values(), timeout=within_seconds)
        for task in late:
            log.warning("%s did not end within %.0f s", task.get_name(), within_seconds)
            task.cancel()

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
            self._well_at[name] = self._ticks()
        except StoreUnavailableError as fault:
            log.warning("%s has to wait, the database is unavailable: %s", name, fault)
        except Exception:
            log.exception("%s failed; it comes again", name)


def _each(seconds: int) -> IntervalTrigger:
    """Begins by the clock as it is now."""
    return IntervalTrigger(seconds=seconds, timezone="UTC")
