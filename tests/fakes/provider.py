"""What providers have in common: an original without a network, and a loopback HTTP server in front of it."""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Mood(StrEnum):
    """How the next requests are treated."""

    NORMAL = "normal"
    ERROR = "error"
    RATE_LIMITED = "rate_limited"
    HANG = "hang"
    RESET = "reset"
    DROP_ANSWER = "drop_answer"
    GARBAGE = "garbage"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came. `at` is monotonic, in seconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Original:
    """A provider without its network: it keeps what it was told and says what it would say.

    It asks no clock: when something happens is when a request came. `faults` collects what a real provider would refuse
    or silently lose; a test asserts that it is empty.
    """

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.faults: list[str] = []
        self.retry_after = 1

    def answer(self, asked: Asked) -> Answer:
        """What a request in a normal mood gets."""
        raise NotImplementedError

    def rate_limited(self) -> Answer:
        """What a request gets that came too soon."""
        return Answer(429, b"rate_limited", {"Retry-After": str(self.retry_after)})

    def treat(self, asked: Asked, mood: Mood) -> Answer | None:
        """What comes back in a mood; None when no answer does, whether the request was taken or not."""
        if mood in {Mood.HANG, Mood.RESET}:
            return None
        if mood is Mood.ERROR:
            return Answer(500, b"internal error")
        if mood is Mood.RATE_LIMITED:
            return self.rate_limited()
        self.requests.append(asked)
        try:
            answer = self.answer(asked)
        except Exception as fault:  # a test looks at `faults`; the sender sees a server error
            self.faults.append(f"{type(fault).__name__}: {fault}")
            answer = Answer(500)
        return None if mood is Mood.DROP_ANSWER else answer


class Rate:
    """So many within so many seconds; one that is too many does not count."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._taken: dict[str, list[float]] = {}

    def allows(self, key: str, at: float) -> bool:
        """Whether another one fits at `at`; if so it is counted."""
        recent = [each for each in self._taken.get(key, []) if each > at - self._seconds]
        fits = len(recent) < self._most
        self._taken[key] = [*recent, at] if fits else recent
        return fits


class Provider(Original):
    """Serves an original on a free port, in the mood it is told to be in."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = Mood.NORMAL
        self.next_moods: deque[Mood] = deque()
        self.slowness = 1.0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Provider":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (asked := await read_request(reader)) is not None:
                if not await self._treat(asked, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _treat(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        mood = self.next_moods.popleft() if self.next_moods else self.mood
        if mood is Mood.HANG:
            await asyncio.sleep(3600)
        if mood is Mood.GARBAGE:
            writer.write(b"\x16\x03\x01 this is no HTTP\r\n\0\xff" * 64)
            await writer.drain()
            return False
        if mood is Mood.SLOW:
            await asyncio.sleep(self.slowness)
        answer = self.treat(asked, mood)
        if answer is None:
            writer.transport.abort()
            return False
        await write_answer(writer, answer)
        return True


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request of a connection, or None when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body, time.monotonic())


async def write_answer(writer: asyncio.StreamWriter, answer: Answer) -> None:
    """Send an answer whole."""
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    head = f"HTTP/1.1 {answer.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(head.encode() + b"\r\n" + answer.body)
    await writer.drain()


class Sink(Provider):
    """Takes everything with the status it is told."""

    status = 200

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        return Answer(self.status, b"ok")


@contextlib.asynccontextmanager
async def running(*providers: Provider) -> AsyncIterator[None]:
    """All of them, for as long as the context lasts."""
    async with contextlib.AsyncExitStack() as stack:
        for provider in providers:
            await stack.enter_async_context(provider)
        yield
