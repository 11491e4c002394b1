"""Starts the service quickly, again and again: by forks of a process that has imported everything it needs.

A fork is a process like any other, with its own memory, files and sockets: only the second or two of reading modules,
which differ in nothing from one start to the next, is left out. The other tests start the command itself.
"""

import asyncio
import contextlib
import json
import os
import pkgutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Forked:
    """A forked service: what `asyncio.subprocess.Process` is for one that was started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.ended = asyncio.Event()
        self.returncode: int | None = None

    def send_signal(self, signum: int) -> None:
        """A signal to this very process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signum)

    async def wait(self) -> int:
        """Its exit status, once it has ended; a signal's number below zero."""
        await self.ended.wait()
        assert self.returncode is not None
        return self.returncode


class ForkServer:
    """Talks to the process that forks. One `fork` at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._running: dict[int, Forked] = {}
        self._started: asyncio.Queue[Forked] = asyncio.Queue()

    async def fork(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str], program: str = "alertsvc.cli:main"
    ) -> Forked:
        """Run `alertsvc`, or another program, with these arguments in a new process; its output goes to `log`."""
        assert self._process.stdin
        order = {"arguments": list(arguments), "log": str(log), "environment": dict(environment), "program": program}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(60):  # the first waits until everything is imported
            return await self._started.get()

    async def listen(self) -> None:
        """Take in what has begun and what has ended, for as long as the process lives."""
        assert self._process.stdout
        async for line in self._process.stdout:
            news = json.loads(line)
            if "returncode" not in news:
                forked = self._running[news["pid"]] = Forked(news["pid"])
                self._started.put_nowait(forked)
                continue
            forked = self._running.pop(news["pid"])
            forked.returncode = news["returncode"]
            forked.ended.set()


@contextlib.asynccontextmanager
async def fork_server() -> AsyncIterator[ForkServer]:
    """A process that forks services; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fork_server",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    server = ForkServer(process)
    listening = asyncio.create_task(server.listen())
    try:
        yield server
    finally:
        assert process.stdin
        process.stdin.close()
        async with asyncio.timeout(20):
            await process.wait()
            await listening


def tell(news: Mapping[str, int]) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


def bury(*_: object) -> None:
    """Tell of each process that has ended."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            tell({"pid": found[0], "returncode": os.waitstatus_to_exitcode(found[1])})


def serve_forks() -> None:
    """Fork whenever a line on standard input says so, until it ends."""
    import uvloop  # noqa: F401

    import alertsvc.cli
    import alertsvc.serve  # noqa: F401

    for line in sys.stdin.buffer:
        order = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # that it has begun is told before its end is
        pid = os.fork()
        if pid:
            tell({"pid": pid})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(ours, theirs)
        os.environ.update(order["environment"])
        pkgutil.resolve_name(order["program"])(order["arguments"])


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, bury)
    serve_forks()
