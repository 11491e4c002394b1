"""Runs real programs beside a test: on free loopback ports, ready before use, ended by their own process id."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import Forked, ForkServer, shared_forks

ROOT = Path(__file__).parents[1]
READY_SECONDS = 20.0


class _Usual:
    is_forked = False


def fork_services() -> None:
    """From here on services of this process are forked, where a test says nothing else."""
    _Usual.is_forked = True


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str) -> str:
    """Where a program is. Without it a test is skipped on a person's machine; where CI is set it fails."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is not on the PATH; Debian has it in: prometheus prometheus-alertmanager"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    return found


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    """One request, whatever the answer's status."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return Reply(answer.status, answer.read(), dict(answer.headers))
    except urllib.error.HTTPError as refused:
        with refused:
            return Reply(refused.code, refused.read(), dict(refused.headers))


async def asked(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
    """`ask`, without holding up the loop."""
    return await asyncio.to_thread(ask, method, url, body, headers)


class Program:
    """A process and its output."""

    def __init__(self, process: asyncio.subprocess.Process | Forked, log: Path, url: str) -> None:
        self.process = process
        self.log = log
        self.url = url

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")

    def send(self, signum: int) -> None:
        """A signal to this very process."""
        if self.process.returncode is None:
            self.process.send_signal(signum)

    async def end(self, signum: int = signal.SIGTERM, seconds: float = 25.0) -> int:
        """Signal it and wait; its exit status."""
        self.send(signum)
        try:
            async with asyncio.timeout(seconds):
                return await self.process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.process.wait()
            raise AssertionError(f"it did not end within {seconds} s:\n{self.output[-4000:]}") from None

    async def wait_ready(self, path: str) -> None:
        """Until it answers 200 at `path`."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            assert self.process.returncode is None, f"it ended:\n{self.output[-4000:]}"
            with contextlib.suppress(OSError):
                if (await asked("GET", self.url + path)).status == 200:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"it was not ready within {READY_SECONDS} s:\n{self.output[-4000:]}")


async def start(command: Sequence[str], log: Path, url: str, environment: Mapping[str, str] | None = None) -> Program:
    """Start a program; its output goes to `log`."""
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, cwd=ROOT, env={**os.environ, **(environment or {})}
        )
    return Program(process, log, url)


async def launch(
    config: Path,
    *,
    port: int | None = None,
    database: str | None = None,
    forks: ForkServer | None = None,
    failpoints: str = "",
) -> Program:
    """The service itself, just begun, with the configuration `config`; forked where it is to be quick."""
    forks = forks or (shared_forks() if _Usual.is_forked else None)
    chosen, log = port or free_port(), config.with_suffix(".log")
    url = f"http://127.0.0.1:{chosen}"
    environment = {"ALERTSVC_LOG_FORMAT": "json"} | ({"ALERTSVC_DATABASE_URL": database} if database else {})
    environment |= {"ALERTSVC_FAILPOINTS": failpoints} if failpoints else {}
    arguments = ["serve", "-c", str(config), "--listen", f"127.0.0.1:{chosen}"]
    if forks is None:
        return await start([sys.executable, "-m", "alertsvc", *arguments], log, url, environment)
    return Program(await forks.fork(arguments, log, environment), log, url)


@contextlib.asynccontextmanager
async def alertsvc(
    config: Path,
    *,
    port: int | None = None,
    database: str | None = None,
    forks: ForkServer | None = None,
    failpoints: str = "",
) -> AsyncIterator[Program]:
    """The service, ready."""
    program = await launch(config, port=port, database=database, forks=forks, failpoints=failpoints)
    try:
        await program.wait_ready("/-/ready")
        yield program
    finally:
        if program.process.returncode is None:
            await program.end()


@contextlib.asynccontextmanager
async def alertmanager(folder: Path, configuration: str) -> AsyncIterator[Program]:
    """The real Alertmanager with a fresh data folder."""
    folder.mkdir(exist_ok=True)
    (folder / "alertmanager.yml").write_text(configuration)
    port = free_port()
    command = [
        binary("prometheus-alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.external-url=http://alertmanager.example:9093",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
    ]
    program = await start(command, folder / "alertmanager.log", f"http://127.0.0.1:{port}")
    try:
        await program.wait_ready("/-/ready")
        yield program
    finally:
        await program.end()


@contextlib.asynccontextmanager
async def prometheus(folder: Path, configuration: str, rules: str) -> AsyncIterator[Program]:
    """The real Prometheus with a fresh data folder."""
    folder.mkdir(exist_ok=True)
    (folder / "prometheus.yml").write_text(configuration)
    (folder / "rules.yml").write_text(rules)
    port = free_port()
    command = [
        binary("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.external-url=http://prometheus.example:9090",
        "--web.route-prefix=/",
        "--rules.alert.resend-delay=1s",
        "--rules.alert.for-grace-period=1s",
    ]
    program = await start(command, folder / "prometheus.log", f"http://127.0.0.1:{port}")
    try:
        await program.wait_ready("/-/ready")
        yield program
    finally:
        await program.end()


async def eventually(check: Any, seconds: float = 30.0) -> Any:
    """The first true value of `check`, which may be a coroutine function. Fails with the last value when time is up."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s; last: {found!r}"
        await asyncio.sleep(0.1)
