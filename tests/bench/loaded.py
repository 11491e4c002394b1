"""How long a critical alert takes to its provider while others come, and while other destinations are in trouble.

Each critical goes to three destinations at once: the one that is watched, and two others that are well, or of which one
is dead and one answers only after ten seconds.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path

from tests.bench.latency import Watched
from tests.bench.load import FORMS, Connection, alert, percentile, request
from tests.bench.rows import Row
from tests.bench.targets import HOOK, Target
from tests.fakes.provider import Mood, Sink
from tests.programs import alertsvc, free_port

RATES = (1, 100, 1000)
"""Other alerts a second; from 100 on ten of them share a request."""
CRITICALS = 60
PAUSE_SECONDS = 0.25
SLOW_SECONDS = 10.0
FLOOR_MS = (500.0, 5000.0)
numbers = count(900_000_000, 1_000)

CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: model, by: [model, alertname]}}]
digests: [{{name: daily, every: 24h}}]
route: {{receiver: all, digest: daily, group_wait: 0s}}
receivers:
  - name: all
    webhook_configs:
      - {{name: watched, url: "{watched}/w"}}
      - {{name: second, url: "{second}/w"}}
      - {{name: third, url: "{third}/w"}}
"""


async def measure(folder: Path, databases: Mapping[str, str], seconds: float, _rounds: int) -> list[Row]:
    """Each rate, with the other destinations well and in trouble."""
    rows: list[Row] = []
    for name, url in databases.items():
        for in_trouble in (False, True):
            async with _running(folder, name, url, in_trouble=in_trouble) as (target, watched):
                for rate in RATES:
                    took = await _told(target, watched, rate)
                    what = f"critical at {rate}/s, others {'dead and slow' if in_trouble else 'well'}: {name}"
                    for percent, floor in zip((50, 99), FLOOR_MS, strict=True):
                        rows.append(Row(f"{what} p{percent}", percentile(took, percent), "ms", at_most=floor))
    return rows


@asynccontextmanager
async def _running(
    folder: Path, name: str, database: str, *, in_trouble: bool
) -> AsyncIterator[tuple[Target, Watched]]:
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(Watched())
        if in_trouble:
            slow = Sink()
            slow.mood, slow.slowness = Mood.SLOW, SLOW_SECONDS
            await stack.enter_async_context(slow)
            second, third = f"http://127.0.0.1:{free_port()}", slow.url
        else:
            second, third = [(await stack.enter_async_context(Sink())).url for _ in range(2)]
        config = folder / f"loaded-{name}-{in_trouble}.yaml"
        config.write_text(CONFIGURATION.format(watched=watched.url, second=second, third=third))
        program = await stack.enter_async_context(alertsvc(config, database=database))
        yield Target(name, program, HOOK, "webhook"), watched


async def _told(target: Target, watched: Watched, rate: int) -> list[float]:
    """Milliseconds from the first byte of each critical until the watched provider has its message."""
    background = asyncio.create_task(_keep_coming(target, rate))
    connection = await Connection.to(target.port)
    taken: list[float] = []
    try:
        await asyncio.sleep(1)
        for _ in range(CRITICALS):
            await asyncio.sleep(PAUSE_SECONDS)
            first, prepared = _prepared(target, 1, "critical")
            watched.awaited = f"feature_{first}".encode()
            watched.came.clear()
            since = time.perf_counter()
            sending = asyncio.create_task(connection.send(prepared))
            async with asyncio.timeout(30):
                await watched.came.wait()
            taken.append((time.perf_counter() - since) * 1000)
            assert await sending
    finally:
        background.cancel()
        with suppress(asyncio.CancelledError):
            await background
        connection.close()
    return taken


async def _keep_coming(target: Target, rate: int) -> None:
    """New alerts of no urgency, evenly. Whoever is late does not slow down those that follow."""
    size = 10 if rate >= 100 else 1
    pause = size / rate
    connections = [await Connection.to(target.port) for _ in range(4)]
    due = time.perf_counter()
    for place in count():
        due += pause
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        assert await connections[place % len(connections)].send(_prepared(target, size, "warning")[1])


def _prepared(target: Target, size: int, severity: str) -> tuple[int, bytes]:
    first = next(numbers)
    alerts = [alert(first + i, model=f"m{first}", severity=severity) for i in range(size)]
    return first, request(f"127.0.0.1:{target.port}", target.path, FORMS[target.form](alerts))
