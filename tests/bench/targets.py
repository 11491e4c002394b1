"""What is measured: our service on a database, the real Alertmanager, and an endpoint that only decodes."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.flood import Flood
from tests.bench.load import Plan, Result
from tests.programs import ROOT, Program, alertmanager, alertsvc, free_port, start

HOOK = "/api/v1/hooks/alertmanager"
API = "/api/v2/alerts"
ALERTA = "alerta:create_app()"

SERVICE = """
storm: {{pages: 1000}}
correlate:
  - {{name: model, by: [model, alertname]}}
digests:
  - {{name: daily, every: 24h}}
route:
  receiver: team
  digest: daily
  group_wait: 0s
receivers:
  - name: team
    webhook_configs: [{{url: "{hook}"}}]
"""
"""What looks out for storms is at work, as it is by default, and sees none: each alert is told by itself."""

ALERTMANAGER = """
route: {{receiver: team, group_by: [alertname, model], group_wait: {group_wait}, group_interval: 1h}}
receivers:
  - name: team
    webhook_configs: [{{url: "{hook}"}}]
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A running program that takes alerts."""

    name: str
    program: Program
    path: str
    form: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.program.url.rpartition(":")[2])

    @property
    def cpu_seconds(self) -> float:
        """What its processes have used so far, without a database server's part."""
        pids = [self.program.process.pid, *_children(self.program.process.pid)]
        return sum(map(_cpu_seconds, pids))

    @property
    def resident_mb(self) -> float:
        """Its memory."""
        for line in Path(f"/proc/{self.program.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process is gone")


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def bare(folder: Path) -> AsyncIterator[Target]:
    """The endpoint that decodes and forgets."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.bare", str(port)]
    program = await start(command, folder / "bare.log", f"http://127.0.0.1:{port}")
    try:
        await program.wait_ready("/-/ready")
        yield Target("bare endpoint", program, HOOK, "webhook")
    finally:
        await program.end()


@contextlib.asynccontextmanager
async def real_alertmanager(folder: Path, hook: str, group_wait: str = "1h") -> AsyncIterator[Target]:
    """The real Alertmanager, which tells `hook`."""
    async with alertmanager(folder / "alertmanager", ALERTMANAGER.format(hook=hook, group_wait=group_wait)) as program:
        yield Target("Alertmanager", program, API, "listed")


@contextlib.asynccontextmanager
async def service(folder: Path, name: str, database: str, hook: str) -> AsyncIterator[Target]:
    """The service on `database`, which tells `hook`."""
    config = folder / f"{name}.yaml"
    config.write_text(SERVICE.format(hook=hook))
    async with alertsvc(config, database=database) as program:
        yield Target(name, program, HOOK, "webhook")


@contextlib.asynccontextmanager
async def alerta(folder: Path, environment: Path, database: str) -> AsyncIterator[Target]:
    """Alerta on PostgreSQL, with two workers, out of a virtual environment that has alerta-server and gunicorn."""
    port = free_port()
    command = [str(environment / "bin" / "gunicorn"), "--preload", "-w", "2", "-b", f"127.0.0.1:{port}", ALERTA]
    settings = {"DATABASE_URL": database, "AUTH_REQUIRED": "False", "SECRET_KEY": "bench", "PYTHONPATH": ""}
    program = await start(command, folder / "alerta.log", f"http://127.0.0.1:{port}", settings)
    try:
        await program.wait_ready("/_")
        yield Target("Alerta, PostgreSQL", program, "/webhooks/prometheus", "webhook")
    finally:
        await program.end()


async def load(plan: Plan) -> Result:
    """Run a plan from a process of its own, which prepares its requests before it begins."""
    return Result(**await _generated("tests.bench.load", asdict(plan)))


async def flooded(plan: Plan, rate: float) -> Flood:
    """Send the requests of a plan, so many a second, from a process of its own."""
    return Flood(**await _generated("tests.bench.flood", {**asdict(plan), "rate": rate}))


async def _generated(module: str, given: Mapping[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", module]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(given).encode() + b"\n")
    assert await process.stdout.readline() == b"ready\n"
    process.stdin.write(b"\n")
    result = json.loads(await process.stdout.readline())
    await process.wait()
    return result
