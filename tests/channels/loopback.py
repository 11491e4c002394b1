"""A small HTTP server on this machine that does to a connection whatever a test wants."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CHUNK = b"x" * 65536


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def whole(self) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"POST {self.path}\r\n{lines}\r\n".encode() + self.body


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Loopback:
    """What came so far, and what is done with the next requests. `written` counts bytes of huge replies."""

    behave: Behaviour
    tls: object = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    written: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                request = await read_request(reader)
                self.requests.append(request)
                await self.behave(request, writer)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def loopback(behave: Behaviour, tls: object = None) -> AsyncIterator[Loopback]:
    """A server that treats every request with `behave`."""
    found = Loopback(behave, tls)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await found.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await asyncio.sleep(0.02)  # connections that were just accepted begin, so that they can be ended
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(status: int, body: bytes | str = b"", **headers: str) -> Behaviour:
    """Answers whole. Header names come with underscores."""
    content = body.encode() if isinstance(body, str) else body

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        lines = {"Content-Length": str(len(content)), **{name.replace("_", "-"): v for name, v in headers.items()}}
        head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(head.encode("latin-1") + b"\r\n" + content)
        await writer.drain()

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after another; the last one stays."""
    left = list(behaviours)

    async def behave(request: Request, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return behave


async def echo(request: Request, writer: asyncio.StreamWriter, status: int = 400) -> None:
    """Repeats everything that it was told."""
    await answer(status, request.whole())(request, writer)


async def hang(_: Request, writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.sleep(600)


async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
    """Tears the connection down once the request is there."""
    at_once = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    writer.transport.abort()


async def close_silently(_: Request, writer: asyncio.StreamWriter) -> None:
    """Hangs up in good order, without a word."""
    writer.close()


async def drip_head(_: Request, writer: asyncio.StreamWriter) -> None:
    """A byte at a time, for ever, before the end of the headers."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"z")
        await writer.drain()
        await asyncio.sleep(0.05)


def drip_body(status: int) -> Behaviour:
    """The headers at once, and then a body that never ends, a byte at a time."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 100000\r\n\r\n".encode())
        while True:
            writer.write(b"z")
            await writer.drain()
            await asyncio.sleep(0.05)

    return behave


def cut_body(status: int, body: bytes) -> Behaviour:
    """Less of a body than was promised."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body) + 10}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.transport.abort()

    return behave


def huge(status: int, server: Callable[[], Loopback]) -> Behaviour:
    """Fifty megabytes of body."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {800 * len(CHUNK)}\r\n\r\n".encode())
        for _turn in range(800):
            writer.write(CHUNK)
            await writer.drain()
            server().written += len(CHUNK)

    return behave


async def garbage(_: Request, writer: asyncio.StreamWriter) -> None:
    """No HTTP."""
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()
    writer.close()
