"""Twice as much as can be taken, for a minute: what is taken, what memory that costs, and how soon it is over."""

import asyncio
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from statistics import median

from tests.bench.flood import Flood
from tests.bench.ingest import NOBODY, Shape, in_turns
from tests.bench.load import FORMS, Connection, Plan, alert, request
from tests.bench.rows import Row
from tests.bench.targets import Target, flooded, service

FLOOD_SECONDS = 60.0
TIMES = 2.0
ALERTS = 10
LEAST_GOODPUT = 0.8
MOST_P99_MS = 2000.0
MOST_MB = 512.0
MOST_SECONDS_TO_CALM = 60.0
CALM_MS = 100.0
offsets = count(3_000_000_000, 100_000_000)


class Watch:
    """Looks at a process's memory now and then."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.highest_mb = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.highest_mb = max(self.highest_mb, self._target.resident_mb)
            await asyncio.sleep(0.5)


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, rounds: int) -> list[Row]:
    """Each database in turn. The capacity is what 16 clients get done that wait for their answers."""
    rows: list[Row] = []
    for name, url in databases.items():
        async with service(folder, name, url, NOBODY) as target:
            runs = (await in_turns([target], Shape(16, again=False, alerts=ALERTS), seconds, rounds))[name]
            capacity = median(each.result.per_second for each in runs)
            watch = Watch(target)
            watching = asyncio.create_task(watch.run())
            flood = await flooded(_plan(target, capacity), capacity * TIMES)
            calm = await _seconds_until_calm(target)
            watching.cancel()
            rows += _rows(name, capacity, flood, calm, watch.highest_mb)
    return rows


def _plan(target: Target, capacity: float) -> Plan:
    bodies = int(capacity * TIMES * FLOOD_SECONDS) + 1
    return Plan(target.port, target.path, 0, FLOOD_SECONDS, bodies, False, ALERTS, next(offsets), form=target.form)


async def _seconds_until_calm(target: Target) -> float:
    """Until ten requests in turn, one after the other, are taken without delay."""
    since = time.perf_counter()
    connection = await Connection.to(target.port)
    quick = 0
    while quick < 10 and time.perf_counter() - since < 2 * MOST_SECONDS_TO_CALM:
        first = next(offsets)
        body = FORMS[target.form]([alert(first + i, model=f"m{first}") for i in range(ALERTS)])
        began = time.perf_counter()
        taken = await connection.send(request(f"127.0.0.1:{target.port}", target.path, body))
        quick = quick + 1 if taken and (time.perf_counter() - began) * 1000 < CALM_MS else 0
        await asyncio.sleep(0.05)
    connection.close()
    return time.perf_counter() - since


def _rows(name: str, capacity: float, flood: Flood, calm: float, highest_mb: float) -> list[Row]:
    what = f"{TIMES:g} times the capacity: {name}"
    others = {status: number for status, number in flood.statuses.items() if status not in {"202", "503"}}
    assert not others, f"{name}: answers other than 202 and 503: {others}"
    asked = flood.taken + flood.refused + flood.broken
    beside = (
        f"{asked} requests in {flood.seconds:.0f} s; {flood.refused} refused, {flood.broken} broken, {flood.late} late"
    )
    return [
        Row(f"{what}, the capacity", capacity, "requests/s", beside=f"{ALERTS} new alerts each"),
        Row(f"{what}, taken to the capacity", flood.taken_per_second / capacity, "x", LEAST_GOODPUT, beside=beside),
        Row(f"{what}, p99 of the taken", flood.p99_ms, "ms", at_most=MOST_P99_MS, beside=f"p50 {flood.p50_ms:.0f} ms"),
        Row(f"{what}, p99 of the refused", flood.refused_p99_ms, "ms"),
        Row(f"{what}, highest memory", highest_mb, "MB", at_most=MOST_MB),
        Row(f"{what}, seconds until calm", calm, "s", at_most=MOST_SECONDS_TO_CALM),
    ]
