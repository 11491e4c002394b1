"""How long one webhook takes when nothing else is to be done: to the acknowledgement, and to the provider."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

from tests.bench.load import FORMS, Connection, alert, percentile, request
from tests.bench.rows import Row
from tests.bench.targets import Target, real_alertmanager, service
from tests.fakes.provider import Answer, Asked, Sink

REQUESTS = 200
NOTIFICATIONS = 100
PAUSE_SECONDS = 0.02
SETTLING_SECONDS = 2.0
"""A second after its start a service looks once at all that it knows: that is no idle time."""
BETWEEN_NOTIFICATIONS_SECONDS = 0.1
"""Slower than the service's own rate for a webhook, which is not what is measured."""
FLOORS_MS = {10: (5.0, 15.0), 200: (40.0, None)}
FLOOR_TO_PROVIDER_MS = (20.0, 60.0)
FLOOR_TO_ALERTMANAGER = 6.0
numbers = count(500_000_000, 1_000)


class Watched(Sink):
    """A provider that says when what is awaited came."""

    def __init__(self) -> None:
        super().__init__()
        self.came = asyncio.Event()
        self.awaited = b"nothing"

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        if self.awaited in asked.body:
            self.came.set()
        return super().answer(asked)


async def measure(folder: Path, databases: Mapping[str, str], _seconds: float, _rounds: int) -> list[Row]:
    """One request after the other, the targets in turn."""
    rows: list[Row] = []
    async with AsyncExitStack() as stack:
        hook = Watched()
        await stack.enter_async_context(hook)
        manager = await stack.enter_async_context(real_alertmanager(folder, f"{hook.url}/hook", "0s"))
        targets = [
            await stack.enter_async_context(service(folder, name, url, f"{hook.url}/hook"))
            for name, url in databases.items()
        ]
        await asyncio.sleep(SETTLING_SECONDS)
        for target in targets:
            for size in FLOORS_MS:
                rows += await _acknowledged(target, size)
        told = await _told([manager, *targets], hook)
        reference = percentile(told[manager.name], 50)
        rows.append(Row("webhook to provider: Alertmanager, group_wait 0s, p50", reference, "ms"))
        for target in targets:
            p50, p99 = (percentile(told[target.name], percent) for percent in (50, 99))
            rows.append(Row(f"webhook to provider: {target.name} p50", p50, "ms", at_most=FLOOR_TO_PROVIDER_MS[0]))
            rows.append(Row(f"webhook to provider: {target.name} p99", p99, "ms", at_most=FLOOR_TO_PROVIDER_MS[1]))
            what = f"webhook to provider: {target.name} p50 to Alertmanager's"
            rows.append(Row(what, p50 / reference, "x", at_most=FLOOR_TO_ALERTMANAGER))
    return rows


async def _acknowledged(target: Target, size: int) -> list[Row]:
    """Webhooks of `size` alerts nobody has seen, then the same again."""
    connection = await Connection.to(target.port)
    fresh = [_prepared(target, size)[1] for _ in range(REQUESTS if size < 100 else REQUESTS // 10)]
    rows: list[Row] = []
    for kind in ("new", "known"):
        took: list[float] = []
        for prepared in fresh:
            await asyncio.sleep(PAUSE_SECONDS)
            since = time.perf_counter()
            assert await connection.send(prepared)
            took.append((time.perf_counter() - since) * 1000)
        for percent, floor in zip((50, 99), FLOORS_MS[size], strict=True):
            what = f"webhook of {size}, {kind}: {target.name} p{percent}"
            rows.append(Row(what, percentile(took, percent), "ms", at_most=floor))
    connection.close()
    return rows


def _prepared(target: Target, size: int, severity: str = "warning") -> tuple[int, bytes]:
    """The number of the first of `size` alerts that nobody has seen, and the request that carries them."""
    first = next(numbers)
    alerts = [alert(first + i, model=f"m{first}", severity=severity) for i in range(size)]
    return first, request(f"127.0.0.1:{target.port}", target.path, FORMS[target.form](alerts))


async def _told(targets: list[Target], hook: Watched) -> dict[str, list[float]]:
    """Milliseconds from the first byte of a critical alert until the provider has its message."""
    connections = {target.name: await Connection.to(target.port) for target in targets}
    taken: dict[str, list[float]] = {target.name: [] for target in targets}
    for _ in range(NOTIFICATIONS):
        for target in targets:
            await asyncio.sleep(BETWEEN_NOTIFICATIONS_SECONDS)
            first, prepared = _prepared(target, 1, "critical")
            hook.awaited = f"feature_{first}".encode()
            hook.came.clear()
            since = time.perf_counter()
            sending = asyncio.create_task(connections[target.name].send(prepared))
            async with asyncio.timeout(10):
                await hook.came.wait()
            taken[target.name].append((time.perf_counter() - since) * 1000)
            assert await sending
    for connection in connections.values():
        connection.close()
    return taken
