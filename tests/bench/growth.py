"""What the service takes while more and more is stored: nothing it does may take longer for that.

    python -m tests.bench --only growth [--stored 10000 100000 1000000] [--history 10]

Alerts that a service stored are multiplied in the database: with their incidents, episodes, events, believers,
notifications and history, and other identities.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Table, Uuid, make_url

from alertsvc.store import tables
from tests.bench.ingest import NOBODY, Shape, in_turns, make_known
from tests.bench.load import Plan
from tests.bench.rows import Row
from tests.bench.targets import Target, load, service
from tests.programs import asked

SEED_REQUESTS = 100
ALERTS_PER_REQUEST = 10
COPIED: Sequence[Table] = (
    tables.incident,
    tables.alert,
    tables.episode,
    tables.event,
    tables.believer,
    tables.notification,
    tables.history,
)
KEPT = frozenset({"arrival_id", "digest_id"})
"""References to what is not copied."""
READINGS = 15
LEAST_OF_EMPTY = 0.2
"""Ingest with a million stored, to that with the fewest: what is still acceptable."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is stored: open alerts, and rows of history."""

    alerts: int
    history: int

    def __str__(self) -> str:
        return f"{self.alerts:,} alerts, {self.history:,} rows of history"


async def measure(
    folder: Path,
    databases: Mapping[str, str],
    seconds: float,
    rounds: int,
    stored: Sequence[int] = (10_000, 100_000),
    history_per_alert: int = 10,
) -> list[Row]:
    """Each database at each size, from the smallest on."""
    rows: list[Row] = []
    for name, url in databases.items():
        async with service(folder, name, url, NOBODY) as target:
            await _seed(target)
        first: dict[str, float] = {}
        for alerts in stored:
            size = await asyncio.to_thread(grow, url, alerts, alerts * history_per_alert)
            began = time.perf_counter()
            async with service(folder, name, url, NOBODY) as target:
                found = {"start to ready, s": time.perf_counter() - began}
                found |= await _figures(target, seconds, rounds)
            for what, value in found.items():
                ratio = value / first.setdefault(what, value)
                unit = what.rpartition(", ")[2]
                bound = LEAST_OF_EMPTY if unit == "alerts/s" else None
                rows.append(Row(f"{name}, {size}: {what}", value, unit, beside=f"{ratio:.2f} x of the smallest"))
                if bound is not None and alerts != stored[0]:
                    rows.append(Row(f"{name}, {size}: {what} to the smallest", ratio, "x", at_least=bound))
    return rows


async def _seed(target: Target) -> None:
    plan = Plan(target.port, target.path, 4, 60.0, SEED_REQUESTS, False, ALERTS_PER_REQUEST, form=target.form)
    result = await load(plan)
    assert not result.failures


async def _figures(target: Target, seconds: float, rounds: int) -> dict[str, float]:
    await asyncio.sleep(2)
    found = {"memory after 2 s, MB": target.resident_mb}
    await make_known(target, ALERTS_PER_REQUEST)
    for again in (True, False):
        shape = Shape(16, again)
        runs = (await in_turns([target], shape, seconds, rounds))[target.name]
        found[f"ingest, {shape}, alerts/s"] = median(each.alerts_per_second for each in runs)
    url = target.program.url
    listed = (await asked("GET", f"{url}/api/v1/incidents?limit=1")).json()["items"]
    digests = (await asked("GET", f"{url}/api/v1/digests")).json()["items"]
    paths = {
        "page of incidents": "/api/v1/incidents?limit=50",
        "page of a filter that fits none": "/api/v1/incidents?filter=model%3Dnone&limit=50",
        "page of the open ones of a severity": "/api/v1/incidents?severity=warning&status=open&limit=50",
        "an incident's explanation": f"/api/v1/incidents/{listed[0]['id']}/explain",
        "preview of the digest": f"/api/v1/digests/{digests[0]['id']}/preview",
        "metrics": "/metrics",
    }
    for what, path in paths.items():
        found[f"{what}, ms"] = await _taken(url + path)
    label_set = {"labels": {"alertname": "Bench", "model": "m0", "severity": "warning"}}
    found["what would become of a label set, ms"] = await _taken(
        f"{url}/api/v1/explain", json.dumps(label_set).encode()
    )
    found["memory in the end, MB"] = target.resident_mb
    return found


async def _taken(url: str, body: bytes | None = None) -> float:
    """The median of some readings, in milliseconds."""
    taken: list[float] = []
    for _ in range(READINGS):
        since = time.perf_counter()
        reply = await asked("GET" if body is None else "POST", url, body)
        taken.append((time.perf_counter() - since) * 1000)
        assert reply.status == 200, (url, reply.status, reply.body[:200])
    return median(taken)


# -------------------------------------------------------------------------------------------------------- multiplying


@dataclass(frozen=True, slots=True)
class Stored:
    """A database of which more is to be stored.

    `run` executes a statement, `other_id` spells another identity than a column's, `next_number` is the statement after
    which incidents get free numbers again.
    """

    run: Callable[[str], list[tuple[Any, ...]]]
    other_id: Callable[[str, str], str]
    next_number: str

    def grow(self, alerts: int, history: int) -> Size:
        """Double everything until there are so many alerts, then the history alone until it has so many rows."""
        while (count := self._count("alert")) < alerts:
            for table in COPIED:
                self._double(table, str(count))
            self.run(self.next_number)
        while (count := self._count("history")) < history:
            self._double(tables.history, f"h{count}", same=("incident_id",))
        self.run("ANALYZE")
        return Size(self._count("alert"), self._count("history"))

    def _count(self, table: str) -> int:
        return int(self.run(f"SELECT count(*) FROM {table}")[0][0])

    def _double(self, table: Table, salt: str, same: Sequence[str] = ()) -> None:
        names = [column.name for column in table.columns]
        values = [name if name in same else self._value(table, name, salt) for name in names]
        self.run(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table.name}")

    def _value(self, table: Table, name: str, salt: str) -> str:
        if isinstance(table.c[name].type, Uuid) and name not in KEPT:
            return self.other_id(name, salt)
        if name == "fingerprint":
            return f"substr(md5({name} || '{salt}'), 1, 16)"
        if name == "correlation_key":
            return f"{name} || '-{salt}'"
        if name == "number":
            return "number + (SELECT max(number) FROM incident)"
        return name


def _md5(text: str | None) -> str | None:
    return None if text is None else md5(text.encode()).hexdigest()


@contextmanager
def opened(url: str) -> Iterator[Stored]:
    """The database that the service used, while it does not."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(place.database), isolation_level=None)) as conn:
            conn.create_function("md5", 1, _md5, deterministic=True)
            conn.execute("PRAGMA synchronous = OFF")
            yield Stored(
                lambda sql: conn.execute(sql).fetchall(),
                lambda name, salt: f"substr({name}, 1, 20) || substr(md5({name} || '{salt}'), 1, 12)",
                "UPDATE number_series SET value = (SELECT max(number) FROM incident) WHERE name = 'incident'",
            )
    else:
        import psycopg

        plain = place.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as conn:

            def run(sql: str) -> list[tuple[Any, ...]]:
                cursor = conn.execute(sql)
                return cursor.fetchall() if cursor.description else []

            yield Stored(
                run,
                lambda name, salt: f"(left({name}::text, 24) || left(md5({name}::text || '{salt}'), 12))::uuid",
                "SELECT setval('incident_number_seq', (SELECT max(number) FROM incident))",
            )


def grow(url: str, alerts: int, history: int) -> Size:
    """See `Stored.grow`."""
    with opened(url) as stored:
        return stored.grow(alerts, history)
