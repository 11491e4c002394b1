"""How many alerts a second become durable, and how long a sender waits for that."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

from tests.bench.load import Plan, Result
from tests.bench.rows import Row
from tests.bench.targets import Target, bare, load, real_alertmanager, service

ALERTS_PER_REQUEST = 10
CLIENTS = (16, 64)
KNOWN_BODIES = 20
NEW_ALERTS_PER_SECOND = {"bare endpoint": 30_000, "Alertmanager": 40_000, "Alerta, PostgreSQL": 1_000}
"""Beyond what can be taken: a run that is out of requests ends early. Ours take fewer than the first two."""
NEW_ALERTS_OF_OURS = 12_000
MOST_NEW_REQUESTS_PER_SECOND = 5_000
NOBODY = "http://127.0.0.1:9/nobody"
FLOOR_TO_ALERTMANAGER = {"sqlite": 0.25, "postgresql": 0.18}
FLOOR_OF_P99 = 2.0
numbers = count(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of load against one target, and the CPU seconds its process used meanwhile."""

    result: Result
    cpu_seconds: float
    alerts: int = ALERTS_PER_REQUEST

    @property
    def alerts_per_second(self) -> float:
        """Acknowledged."""
        return self.result.per_second * self.alerts

    @property
    def cpu_us(self) -> float:
        """CPU of the process for one alert, in microseconds."""
        return self.cpu_seconds / (self.result.requests * self.alerts) * 1e6


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of load: so many clients, so many alerts in each of their requests, which came before or never did."""

    clients: int
    again: bool
    alerts: int = ALERTS_PER_REQUEST

    def __str__(self) -> str:
        return f"{'known' if self.again else 'new'}, c={self.clients}"


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, rounds: int) -> list[Row]:
    """Duplicates and new alerts, from 16 and from 64 clients; the targets take turns."""
    async with AsyncExitStack() as stack:
        targets = [
            await stack.enter_async_context(bare(folder)),
            await stack.enter_async_context(real_alertmanager(folder, NOBODY)),
        ]
        for name, url in databases.items():
            targets.append(await stack.enter_async_context(service(folder, name, url, NOBODY)))
        rows: list[Row] = []
        for again in (True, False):
            if again:
                for target in targets:
                    await make_known(target, ALERTS_PER_REQUEST)
            for clients in CLIENTS:
                shape = Shape(clients, again)
                rows += _rows(str(shape), await in_turns(targets, shape, seconds, rounds), list(databases))
        return rows


async def make_known(target: Target, alerts: int) -> None:
    """Send each of the requests once whose alerts are to be known."""
    await load(_plan(target, Shape(1, again=False, alerts=alerts), 60.0, bodies=KNOWN_BODIES, offset=0))


async def in_turns(targets: Sequence[Target], shape: Shape, seconds: float, rounds: int) -> dict[str, list[Measured]]:
    """All runs of each target; the targets take turns."""
    taken: dict[str, list[Measured]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            taken[target.name].append(await _measure(target, shape, seconds))
    return taken


def _plan(target: Target, shape: Shape, seconds: float, *, bodies: int, offset: int) -> Plan:
    return Plan(
        target.port, target.path, shape.clients, seconds, bodies, shape.again, shape.alerts, offset, form=target.form
    )


async def _measure(target: Target, shape: Shape, seconds: float) -> Measured:
    fastest = min(
        NEW_ALERTS_PER_SECOND.get(target.name, NEW_ALERTS_OF_OURS) / shape.alerts, MOST_NEW_REQUESTS_PER_SECOND
    )
    bodies = KNOWN_BODIES if shape.again else max(shape.clients, int(fastest * seconds))
    plan = _plan(target, shape, seconds, bodies=bodies, offset=0 if shape.again else next(numbers))
    before = target.cpu_seconds
    result = await load(plan)
    assert not result.failures, f"{target.name}: {result.failures} of {result.requests} requests failed"
    return Measured(result, target.cpu_seconds - before, shape.alerts)


def _rows(what: str, taken: Mapping[str, Sequence[Measured]], databases: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    middle = {name: median(each.alerts_per_second for each in runs) for name, runs in taken.items()}
    p99 = {name: median(each.result.p99_ms for each in runs) for name, runs in taken.items()}
    for name, runs in taken.items():
        cpu, p50 = (median(each.cpu_us for each in runs), median(each.result.p50_ms for each in runs))
        beside = f"{cpu:.0f} us of CPU each; p50 {p50:.1f} ms, p99 {p99[name]:.1f} ms"
        rows.append(Row(f"{what}: {name}", middle[name], "alerts/s", beside=beside))
    for name in databases:
        floor = FLOOR_TO_ALERTMANAGER[name] if what == "known, c=16" else None
        ratio = middle[name] / middle["Alertmanager"]
        rows.append(Row(f"{what}: {name} to Alertmanager", ratio, "x", at_least=floor))
        rows.append(Row(f"{what}: {name} to the bare endpoint", middle[name] / middle["bare endpoint"], "x"))
        worst = FLOOR_OF_P99 if what.endswith("c=16") else None
        rows.append(Row(f"{what}: {name} p99 to Alertmanager's", p99[name] / p99["Alertmanager"], "x", at_most=worst))
    return rows
