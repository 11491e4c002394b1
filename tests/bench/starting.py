"""How soon the service is ready, and how much memory it holds while nothing happens."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.bench.rows import Row
from tests.bench.targets import service

FLOOR_SECONDS = 2.0
FLOOR_MB = 130.0
IDLE_SECONDS = 3.0
NOBODY = "http://127.0.0.1:9/nobody"


async def measure(folder: Path, databases: Mapping[str, str], _seconds: float, rounds: int) -> list[Row]:
    """Start and end it some times on a database that has its tables already."""
    rows: list[Row] = []
    for name, url in databases.items():
        async with service(folder, name, url, NOBODY):
            pass
        took: list[float] = []
        held: list[float] = []
        for _ in range(rounds):
            since = time.perf_counter()
            async with service(folder, name, url, NOBODY) as target:
                took.append(time.perf_counter() - since)
                await asyncio.sleep(IDLE_SECONDS)
                held.append(target.resident_mb)
        rows.append(Row(f"start to ready: {name}", median(took), "s", at_most=FLOOR_SECONDS))
        rows.append(Row(f"idle memory: {name}", median(held), "MB", at_most=FLOOR_MB))
    return rows
