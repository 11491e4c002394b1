"""Ingest in every shape: 1, 10 and 200 alerts a request, from 1, 16 and 64 clients, known and new, beside the peers."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from tests.bench.ingest import NOBODY, Measured, Shape, in_turns, make_known
from tests.bench.rows import Row
from tests.bench.targets import Target, alerta, bare, real_alertmanager, service

SIZES = (1, 10, 200)
CLIENTS = (1, 16, 64)
MOST_FOR_ALERTA = 160
"""Alerts under way at once: more would keep it for minutes after a run's end."""
FLOOR_TO_ALERTA = {"sqlite": 12.0, "postgresql": 8.0}


async def measure(
    folder: Path,
    databases: Mapping[str, str],
    seconds: float,
    rounds: int,
    peer: tuple[Path, str] | None = None,
) -> list[Row]:
    """All shapes; the targets take turns. `peer` is an environment with Alerta, and a database for it."""
    async with AsyncExitStack() as stack:
        targets = [
            await stack.enter_async_context(bare(folder)),
            await stack.enter_async_context(real_alertmanager(folder, NOBODY)),
        ]
        if peer is not None:
            targets.append(await stack.enter_async_context(alerta(folder, *peer)))
        for name, url in databases.items():
            targets.append(await stack.enter_async_context(service(folder, name, url, NOBODY)))
        rows: list[Row] = []
        for size in SIZES:
            for again in (True, False):
                for clients in CLIENTS:
                    shape = Shape(clients, again, size)
                    able = [each for each in targets if _is_able(each, shape)]
                    if again and clients == CLIENTS[0]:
                        for target in able:
                            await make_known(target, size)
                    rows += _rows(f"{size} a request, {shape}", await in_turns(able, shape, seconds, rounds), databases)
        return rows


def _is_able(target: Target, shape: Shape) -> bool:
    return not target.name.startswith("Alerta") or shape.clients * shape.alerts <= MOST_FOR_ALERTA


def _rows(what: str, taken: Mapping[str, Sequence[Measured]], databases: Mapping[str, str]) -> list[Row]:
    rows: list[Row] = []
    middle = {name: median(each.alerts_per_second for each in runs) for name, runs in taken.items()}
    for name, runs in taken.items():
        p50, p99 = (median(getattr(each.result, f"p{percent}_ms") for each in runs) for percent in (50, 99))
        cpu = median(each.cpu_us for each in runs)
        beside = f"{cpu:.0f} us of CPU each; p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        rows.append(Row(f"{what}: {name}", middle[name], "alerts/s", beside=beside))
    for name in databases:
        for other in middle.keys() - databases.keys():
            floor = (
                FLOOR_TO_ALERTA[name] if other.startswith("Alerta") and what == "10 a request, known, c=16" else None
            )
            rows.append(Row(f"{what}: {name} to {other}", middle[name] / middle[other], "x", at_least=floor))
    return rows
