"""What forgetting costs: how long its transactions take, and how long an alert waits that comes meanwhile.

    python -m tests.bench --only retention --size 100000

`--size` is how many incidents there are, each with an alert, an episode, an event, an arrival, two notifications with a
delivery and an attempt each, and three lines of history. Half of them are old.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from alertsvc.clock import new_id, utc_now
from alertsvc.engine.forgetting import forget_all
from alertsvc.engine.receive import Committer
from alertsvc.engine.submissions import Submission
from alertsvc.store import migrate, tables
from alertsvc.store.bulk import insert_rows
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database
from alertsvc.store.housekeeping import Retention
from alertsvc.store.listening import Access, Listener
from tests.bench.rows import Row
from tests.world import event, rules

DAY = timedelta(days=1)
OLD, YOUNG = 500 * DAY, 2 * DAY
TOGETHER = 1000
MOST_MS = 50.0


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, rounds: int, size: int) -> list[Row]:
    """On each database, once: to fill it takes longest."""
    del folder, rounds
    rows: list[Row] = []
    for name, url in databases.items():
        await asyncio.to_thread(migrate.upgrade, url)
        database = open_database(url)
        rows += [*await _measured(database, seconds, size, name)]
        await database.close()
    return rows


async def _measured(database: Database, seconds: float, size: int, name: str) -> list[Row]:
    for start in range(0, size, TOGETHER):
        await database.transaction(partial(_fill, range(start, min(start + TOGETHER, size)), size))
    committer = Committer(database, rules, utc_now, new_id)
    loop = asyncio.create_task(committer.run())
    alone = await _waits(committer, seconds)
    took: list[float] = []
    forgetting = asyncio.create_task(_forget(database, took))
    beside: list[float] = []
    while not forgetting.done():
        beside += await _waits(committer, 0.2)
    elapsed, gone = forgetting.result()
    left = await database.snapshot(lambda conn: conn.execute(select(func.count(tables.history.c.id))).scalar_one())
    committer.close()
    with suppress(asyncio.CancelledError):
        await loop
    lines = f"{size // 2 * 3} of {size * 3} lines of history gone, {left} left"
    return [
        Row(f"forget, {name}", gone / elapsed, "rows/s", beside=f"{gone} rows in {elapsed:.1f} s; {lines}"),
        Row(f"its transactions, p99, {name}", 1000 * _p99(took), "ms", at_most=MOST_MS, beside=f"{len(took)} of them"),
        Row(f"the longest of them, {name}", 1000 * max(took), "ms"),
        Row(f"a new alert alone, p99, {name}", 1000 * _p99(alone), "ms", beside=f"{len(alone)} alerts"),
        Row(f"a new alert meanwhile, p99, {name}", 1000 * _p99(beside), "ms", beside=f"{len(beside)} alerts"),
    ]


async def _forget(database: Database, took: list[float]) -> tuple[float, int]:
    """How long it took and how many rows went; `took` gets each transaction's seconds, without the wait for a place."""
    began = time.perf_counter()
    gone = await forget_all(_Timed(database, took), Retention(), utc_now(), time.monotonic)
    return time.perf_counter() - began, gone


class _Timed:
    """A database whose transactions are timed where they run."""

    def __init__(self, database: Database, took: list[float]) -> None:
        self._database = database
        self._took = took
        self.dialect = database.dialect
        self.listener: Listener = database.listener
        self.in_progress: dict[Access, int] = database.in_progress

    async def transaction(self, work: Any) -> Any:
        def timed(conn: Connection) -> Any:
            began = time.perf_counter()
            try:
                return work(conn)
            finally:
                self._took.append(time.perf_counter() - began)

        return await self._database.transaction(timed)

    async def snapshot(self, work: Any) -> Any:
        return await self._database.snapshot(work)

    async def close(self) -> None:
        await self._database.close()


async def _waits(committer: Committer, seconds: float) -> list[float]:
    """How long each new alert waited to be stored, one after the other for so long."""
    waits: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        alert = event(model=str(new_id()))
        await committer.submit(Submission(new_id(), "alertmanager", utc_now(), [alert], b"{}"))
        waits.append(time.perf_counter() - began)
    return waits


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _fill(numbers: range, size: int, conn: Connection) -> None:
    made: dict[str, list[dict[str, Any]]] = {}
    for number in numbers:
        for table, row in _life(number, old=number < size // 2):
            made.setdefault(table, []).append(row)
    for table, rows in made.items():
        insert_rows(conn, tables.metadata.tables[table], rows)


def _life(number: int, *, old: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one incident that is over."""
    at = utc_now() - (OLD if old else YOUNG)
    incident, alert, arrival = new_id(), new_id(), new_id()
    key = {"incident_id": incident}
    about = {"labels": {"alertname": "Old", "n": str(number)}, "severity": 4}
    counts = {"received_count": 1, "new_count": 1}
    zero = dict.fromkeys(("updated", "duplicate", "stale", "recorded", "quarantined", "truncated"), 0)
    nothing = {f"{name}_count": value for name, value in zero.items()}
    yield "arrival", {
        "id": arrival, "source": "alertmanager", "received_at": at, "body_bytes": 2, **counts, **nothing
    }  # fmt: skip
    yield "incident", {
        "id": incident, "number": 1_000_000 + number, "correlation_key": f"v1:{number}", "title": "Old", "summary": "",
        "status": "resolved", "peak_severity": 4, "opened_at": at, "updated_at": at, "resolved_at": at,
        "firing_info": 0, "firing_warning": 0, "firing_error": 0, "firing_critical": 0, "alert_count": 1, "version": 1,
        **about,
    }  # fmt: skip
    yield "alert", {
        "id": alert, "fingerprint": f"{number:016x}", "source": "alertmanager", "state": "resolved", "annotations": {},
        "links": [], "decided_by": "source", "content_hash": "x", "starts_at": at, "latest_start_at": at,
        "first_seen_at": at, "last_seen_at": at, "closed_at": at, "closed_by": "source", "end_is_held": False,
        "is_silent": False, "revision": 1, **key, **about,
    }  # fmt: skip
    yield "episode", {"id": new_id(), "alert_id": alert, "starts_at": at, "opened_at": at, "closed_at": at, **key}
    yield "event", {
        "id": new_id(), "arrival_id": arrival, "alert_id": alert, "received_at": at, "change": "opened",
        "state": "firing", "severity": 4, "annotations": {}, **key,
    }  # fmt: skip
    for reason in ("opened", "resolved"):
        yield from _told(incident, reason, at)
    for kind in ("opened", "delivered", "resolved"):
        yield "history", {
            "id": new_id(), "at": at, "kind": kind, "actor": "a", "channel": "a", "detail": "", "facts": {}, **key
        }  # fmt: skip


def _told(incident: UUID, reason: str, at: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    delivery = new_id()
    same = {"destination": "team/chat", "severity": 4}
    yield "notification", {
        "id": new_id(), "incident_id": incident, "receiver": "team", "route": "root", "reason": reason,
        "state": "delivered", "why": "", "ended_why": "", "created_at": at, "ended_at": at, "delivery_id": delivery,
        **same,
    }  # fmt: skip
    yield "delivery", {
        "id": delivery, "lane": f"{incident}/team/chat", "receiver": "team", "incident_id": incident, "reason": reason,
        "outcome": "accepted", "detail": "", "attempt_count": 1, "unknown_count": 0, "created_at": at,
        "finished_at": at, **same,
    }  # fmt: skip
    yield "attempt", {
        "id": new_id(), "delivery_id": delivery, "number": 1, "destination": "team/chat", "worker": "w",
        "started_at": at, "finished_at": at, "outcome": "accepted", "detail": "",
    }  # fmt: skip
