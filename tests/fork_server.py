"""Starts the service quickly, again and again: by forks of a process that has imported everything it needs.

A fork is a process like any other, with its own memory, files and sockets: only the second or two of reading modules,
which differ in nothing from one start to the next, is left out. Some tests start the command itself.
"""

import asyncio
import contextlib
import json
import os
import pkgutil
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED_WITHIN_SECONDS = 60
LOOK_SECONDS = 0.01


class Forked:
    """A forked service: what `asyncio.subprocess.Process` is for one that was started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def send_signal(self, signum: int) -> None:
        """A signal to this very process."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signum)

    async def wait(self) -> int:
        """Its exit status, once it has ended; a signal's number below zero."""
        while self.returncode is None:
            await asyncio.sleep(LOOK_SECONDS)
        return self.returncode


class ForkServer:
    """Talks to the process that forks. It belongs to no event loop, so that tests can share it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.fork_server"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._running: dict[int, Forked] = {}
        self._started: queue.Queue[Forked] = queue.Queue()
        self._one_at_a_time = threading.Lock()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    async def fork(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str], program: str = "alertsvc.cli:main"
    ) -> Forked:
        """Run `alertsvc`, or another program, with these arguments in a new process; its output goes to `log`."""
        around = {**os.environ, **environment}
        order = {"arguments": list(arguments), "log": str(log), "environment": around, "program": program}
        return await asyncio.to_thread(self._fork, json.dumps(order).encode() + b"\n")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._listening.join(20)
        self._process.stdout.close()

    def _fork(self, order: bytes) -> Forked:
        assert self._process.stdin
        with self._one_at_a_time:
            self._process.stdin.write(order)
            self._process.stdin.flush()
            return self._started.get(timeout=IMPORTED_WITHIN_SECONDS)  # the first waits until everything is imported

    def _listen(self) -> None:
        """Take in what has begun and what has ended, for as long as the process lives."""
        assert self._process.stdout
        for line in self._process.stdout:
            news = json.loads(line)
            if "returncode" not in news:
                forked = self._running[news["pid"]] = Forked(news["pid"])
                self._started.put(forked)
            else:
                self._running.pop(news["pid"]).returncode = news["returncode"]


@cache
def shared_forks() -> ForkServer:
    """The one of this process, which ends with it."""
    return ForkServer()


@contextlib.asynccontextmanager
async def fork_server() -> AsyncIterator[ForkServer]:
    """One that ends with the block."""
    server = ForkServer()
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


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
        os.environ.clear()
        os.environ.update(order["environment"])
        pkgutil.resolve_name(order["program"])(order["arguments"])


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, bury)
    serve_forks()
