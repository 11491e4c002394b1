"""What more processes on one PostgreSQL bring: alerts taken in by 1, 2 and 4 of them, and messages sent by as many.

They share the machine with the database, the load and the provider: the ratios say what is lost to waiting for each
other, and on a machine of few processors what these have left.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median

from sqlalchemy.engine import make_url

from tests.bench.load import Connection, Plan, alert, request, webhook
from tests.bench.rows import Row
from tests.bench.targets import HOOK, SERVICE, Target, load
from tests.fakes.provider import Answer, Asked, Sink
from tests.postgres import Server
from tests.programs import alertsvc

PROCESSES = (1, 2, 4)
CLIENTS = 64
ALERTS_PER_REQUEST = 10
KNOWN_BODIES = 20
NEW_BODIES_PER_SECOND = 700
DESTINATIONS, INCIDENTS = 32, 20
"""As many incidents as a webhook may be told of at once: its own rate is not what is measured."""
SETTLING_SECONDS = 2.0
NOBODY = "http://127.0.0.1:9/nobody"
numbers = count(2_000_000_000, 1_000_000)

SENDING = """
server: {{role: {role}}}
delivery: {{rate: 10000}}
storm: {{messages: 0, pages: 0}}
correlate: [{{name: model, by: [model]}}]
route: {{receiver: team, group_wait: 0s}}
receivers: [{{name: team, webhook_configs: {hooks}}}]
"""


class Counter(Sink):
    """A provider that says when it has been told everything."""

    def __init__(self) -> None:
        super().__init__()
        self.has_all = asyncio.Event()

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        if len(self.requests) >= DESTINATIONS * INCIDENTS:
            self.has_all.set()
        return super().answer(asked)


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, rounds: int) -> list[Row]:
    """All of it on PostgreSQL, which alone takes more than one process."""
    if "postgresql" not in databases:
        return []
    server = Server(make_url(databases["postgresql"]))  # with a new database for each: a start looks at all there is
    taken: dict[str, dict[int, float]] = {"new": {}, "known": {}}
    sent: dict[int, float] = {}
    for processes in PROCESSES:
        async with AsyncExitStack() as stack:
            config, url = SERVICE.format(hook=NOBODY), server.new_database()
            group = [
                await stack.enter_async_context(_process(folder, f"all-{place}", config, url))
                for place in range(processes)
            ]
            await asyncio.sleep(SETTLING_SECONDS)
            for kind, found in taken.items():
                runs = [await _taken_by(group, seconds, again=kind == "known") for _ in range(rounds)]
                found[processes] = median(runs)
        sent[processes] = median([await _sent_by(folder, server.new_database(), processes) for _ in range(rounds)])
    return [
        *(row for kind, found in taken.items() for row in _rows(f"replicas, {kind} alerts", found, "alerts/s")),
        *_rows("replicas, messages sent", sent, "messages/s"),
    ]


def _rows(what: str, found: Mapping[int, float], unit: str) -> list[Row]:
    one = found[PROCESSES[0]]
    rows = [Row(f"{what}: {processes}", each, unit) for processes, each in found.items()]
    return rows + [Row(f"{what}: {processes} to 1", found[processes] / one, "x") for processes in PROCESSES[1:]]


@asynccontextmanager
async def _process(folder: Path, name: str, configuration: str, database: str) -> AsyncIterator[Target]:
    config = folder / f"{name}.yaml"
    config.write_text(configuration)
    async with alertsvc(config, database=database) as program:
        yield Target(name, program, HOOK, "webhook")


async def _taken_by(group: list[Target], seconds: float, *, again: bool) -> float:
    """Alerts a second that all of a group make durable together. The known ones are the same for all."""
    if again:
        await load(_plan(group[0], 1, 60.0, again=False, bodies=KNOWN_BODIES, offset=0))
    bodies = KNOWN_BODIES if again else int(NEW_BODIES_PER_SECOND * seconds)
    share = CLIENTS // len(group)
    plans = [
        _plan(each, share, seconds, again=again, bodies=bodies, offset=0 if again else next(numbers)) for each in group
    ]
    results = await asyncio.gather(*(load(plan) for plan in plans))
    assert not any(each.failures for each in results)
    return sum(each.per_second for each in results) * ALERTS_PER_REQUEST


def _plan(target: Target, clients: int, seconds: float, *, again: bool, bodies: int, offset: int) -> Plan:
    return Plan(target.port, target.path, clients, seconds, bodies, again, ALERTS_PER_REQUEST, offset)


async def _sent_by(folder: Path, database: str, processes: int) -> float:
    """Messages a second, from the first alert that an `api` takes until the provider has the last message."""
    async with AsyncExitStack() as stack:
        provider = Counter()
        await stack.enter_async_context(provider)
        hooks = json.dumps([{"name": f"h{place}", "url": f"{provider.url}/{place}"} for place in range(DESTINATIONS)])
        for place in range(processes):
            config = SENDING.format(role="worker", hooks=hooks)
            await stack.enter_async_context(_process(folder, f"worker-{place}", config, database))
        config = SENDING.format(role="api", hooks=hooks)
        api = await stack.enter_async_context(_process(folder, "api", config, database))
        await asyncio.sleep(SETTLING_SECONDS)
        first = next(numbers)
        alerts = [alert(first + each, model=f"m{first + each}", severity="critical") for each in range(INCIDENTS)]
        connection = await Connection.to(api.port)
        since = time.perf_counter()
        for each in alerts:
            assert await connection.send(request(f"127.0.0.1:{api.port}", HOOK, webhook([each])))
        async with asyncio.timeout(120):
            await provider.has_all.wait()
        took = time.perf_counter() - since
        connection.close()
        return DESTINATIONS * INCIDENTS / took
