"""Looks whether anybody sends, for a process that does not: else nobody would notice until messages are late."""

import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection

from alertsvc.store import presence
from alertsvc.store.database import Database, StoreUnavailableError

log = logging.getLogger(__name__)

MISSED_AFTER_SECONDS = 30.0
"""A process that is replaced is away for less."""


class Lookout:
    """`look` now and then. `trouble` is why the database took no write when it last looked."""

    def __init__(self, database: Database, ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self._seen_at = ticks()
        self._is_missed = False
        self.trouble: str | None = None

    @property
    def missed_seconds(self) -> float | None:
        """For how long nobody who sends was seen, if that is long."""
        return self._ticks() - self._seen_at if self._is_missed else None

    async def look(self) -> None:
        """Look once. Whoever writes seldom learns here that its database takes no writes any more."""
        try:
            is_there = await self._database.transaction(_look)
        except StoreUnavailableError as fault:
            self.trouble = str(fault)
            raise
        self.trouble = None
        if is_there:
            self._seen_at = self._ticks()
        is_missed = self._ticks() - self._seen_at >= MISSED_AFTER_SECONDS
        if is_missed and not self._is_missed:
            log.error("no process that sends is connected to the database: start one with --role worker or all")
        elif self._is_missed and not is_missed:
            log.warning("a process that sends is connected to the database again")
        self._is_missed = is_missed


def _look(conn: Connection) -> bool:
    presence.write_nothing(conn)
    return presence.is_any_sender_here(conn)
