"""The clockwork: what is to be done again and again, and how that ends."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # pyright: ignore[reportMissingTypeStubs]
from apscheduler.triggers.interval import IntervalTrigger  # pyright: ignore[reportMissingTypeStubs]

from alertsvc.store.database import StoreUnavailableError

log = logging.getLogger(__name__)


class Metronome:
    """Runs jobs at an interval between `start` and `stop`. A job that is late runs once, never beside itself."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def every(self, seconds: int, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` every so many seconds. Its failure is logged, and it comes again."""

        async def job() -> None:
            before = self._running.get(name)
            if not self._stopped and (before is None or before.done()):
                # a task of its own: the scheduler, when it ends, cancels its jobs in the middle of a transaction
                self._running[name] = asyncio.create_task(_guarded(name, work), name=name)

        self._scheduler.add_job(  # pyright: ignore[reportUnknownMemberType]  # the library has no types
            job, IntervalTrigger(seconds=seconds, timezone="UTC"), coalesce=True, misfire_grace_time=None
        )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    async def stop(self, within_seconds: float) -> None:
        """Start nothing more, and let what runs come to its end."""
        self._stopped = True
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


async def _guarded(name: str, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except StoreUnavailableError as fault:
        log.warning("%s has to wait, the database is unavailable: %s", name, fault)
    except Exception:
        log.exception("%s failed; it comes again", name)
