"""Reads the gauges when somebody asks for /metrics or /health: from the database, and from what waits here.

One reading of the database is under way at most, and whoever asks shares it: a database that answers slowly must not
be asked again and again meanwhile. Nobody waits for it longer than `LONGEST_WAIT`.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from alertsvc.clock import Clock
from alertsvc.engine.deadman import Deadman
from alertsvc.engine.deliver import Sender
from alertsvc.engine.receive import Committer
from alertsvc.observe.gauges import Readings
from alertsvc.store import gauges
from alertsvc.store.database import Database, StoreUnavailableError

LONGEST_WAIT = 5.0
"""Seconds. Prometheus gives a target ten, unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Where the gauges are read from. `destinations` are those in force; one that does not send has no breakers.

    `deadman` may be left away.
    """

    database: Database
    committer: Committer
    sender: Sender
    destinations: Callable[[], Collection[str]]
    clock: Clock
    sends: bool = True
    deadman: Deadman | None = None


class Gauging:
    """Reads them."""

    def __init__(self, reader: Reader, longest_wait: float = LONGEST_WAIT) -> None:
        self._from = reader
        self._longest_wait = longest_wait
        self._under_way: asyncio.Task[Readings] | None = None

    async def read(self) -> Readings:
        """Everything that can be read now; without the database what this process knows by itself."""
        stored: Mapping[str, Mapping[tuple[str, ...], float]] = {}
        is_up = 1.0
        try:
            stored = await self._stored()
        except StoreUnavailableError:
            is_up = 0.0
        return {**stored, **self._own(), **self._storms(stored), "database_up": {(): is_up}}

    async def _stored(self) -> Readings:
        task = self._under_way
        if task is None or task.done():
            task = self._under_way = asyncio.create_task(self._from.database.snapshot(self._look))
            task.add_done_callback(_forgotten)
        await asyncio.wait({task}, timeout=self._longest_wait)
        if not task.done():
            raise StoreUnavailableError(f"no answer within {self._longest_wait:.0f} s")
        return task.result()

    def _look(self, conn: Connection) -> Readings:
        return gauges.stored(conn, self._from.clock)

    def _own(self) -> Readings:
        committer, sender = self._from.committer, self._from.sender
        breakers = sender.breakers() if self._from.sends else {}
        oldest = committer.oldest_received_at
        age = 0.0 if oldest is None else max(0.0, (self._from.clock() - oldest).total_seconds())
        return {
            "database_in_progress": {(access,): n for access, n in self._from.database.in_progress.items()},
            "inbox_pending": {(): committer.waiting_count},
            "inbox_oldest_age_seconds": {(): age},
            "ingest_inflight_bytes": {(): committer.held_bytes},
            "messages_in_flight": {(): sender.in_flight_count},
            "breaker_state": {(name,): int(state) for name, state in breakers.items()},
            **self._deadman(),
        }

    def _deadman(self) -> Readings:
        deadman = self._from.deadman
        if deadman is None or not deadman.is_set:
            return {}
        at = deadman.last_success
        return {"deadman_last_success_timestamp_seconds": {(): 0.0 if at is None else at.timestamp()}}

    def _storms(self, stored: Readings) -> Readings:
        """Of every destination in force, and of no other, if it could be read."""
        if "storm_active" not in stored:
            return {}
        known = stored["storm_active"]
        return {"storm_active": {(name,): known.get((name,), 0.0) for name in self._from.destinations()}}


def _forgotten(task: "asyncio.Task[Readings]") -> None:
    if not task.cancelled():
        task.exception()  # whoever wanted to know may have gone
