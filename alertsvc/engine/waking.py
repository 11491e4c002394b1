"""How a process has others look for work at once: else they find it when they next look by themselves."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from alertsvc.core.effects import Delivery
from alertsvc.engine.receive import NoPassenger
from alertsvc.store.database import StoreUnavailableError
from alertsvc.store.doorbell import Doorbell
from alertsvc.store.outbox import Lease

log = logging.getLogger(__name__)

SPACING_SECONDS = 0.1
"""Between two rings: however much becomes due, the database hears of it ten times a second at most."""
AFTER_FAULT_SECONDS = 1.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
"""Seconds until a listener that was cut off connects again; longer each time."""


class Bell:
    """Rings for others, when there is something to ring."""

    def __init__(self, doorbell: Doorbell | None) -> None:
        self._doorbell = doorbell
        self._wanted = asyncio.Event()

    def ring(self) -> None:
        """Something is due that this process does not send, at least not now. It waits for nothing."""
        self._wanted.set()

    async def run(self) -> None:
        """Ring until cancelled. A ring that fails is forgotten: who sends looks by itself, only later."""
        while self._doorbell is not None:
            await self._wanted.wait()
            self._wanted.clear()
            pause = SPACING_SECONDS
            try:
                await self._doorbell.ring()
            except StoreUnavailableError as fault:
                log.debug("nobody could be woken: %s", fault)
                pause = AFTER_FAULT_SECONDS
            except Exception:
                log.exception("nobody could be woken")
                pause = AFTER_FAULT_SECONDS
            await asyncio.sleep(pause)

    def close(self) -> None:
        """Hang up."""
        if self._doorbell is not None:
            self._doorbell.close()


class Ear:
    """Hears others ring, and connects again whenever it is cut off."""

    def __init__(self, doorbell: Doorbell, heard: Callable[[], None]) -> None:
        self._doorbell = doorbell
        self._heard = heard
        self._pause = SHORTEST_PAUSE

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._doorbell.listen(self._heard, self._listening)
            except StoreUnavailableError as fault:
                log.info("nobody can wake this process for %.1f s, it looks by itself: %s", self._pause, fault)
            except Exception:
                log.exception("nobody can wake this process, it looks by itself")
            await asyncio.sleep(self._pause * random.uniform(0.75, 1.25))  # noqa: S311  # jitter, not a secret
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _listening(self) -> None:
        self._pause = SHORTEST_PAUSE
        self._heard()  # somebody may have rung before


class Bystander(NoPassenger):
    """Rides in the transaction of ingest in a process that sends nothing, and rings when that made something due."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._is_anything_due = False

    def begin(self) -> None:
        """See `Passenger`."""
        self._is_anything_due = False

    def board(self, deliveries: Sequence[Delivery], now: datetime) -> Mapping[UUID, Lease]:
        """See `Boarding`."""
        self._is_anything_due |= any(each.due_at <= now and not each.behind for each in deliveries)
        return {}

    def stays(self) -> None:
        """See `Boarding`."""
        self._is_anything_due = True

    def start(self) -> bool:
        """See `Passenger`."""
        if self._is_anything_due:
            self._ring()
        return False

    def abandon(self) -> None:
        """See `Passenger`."""
        self.start()
