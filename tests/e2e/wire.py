"""Speaks HTTP byte by byte, as no decent client does."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

HOOK = "/api/v1/hooks/alertmanager"
JSON = "Content-Type: application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Line:
    """A connection on which every byte is ours."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._read = b""

    async def send(self, data: bytes) -> bool:
        """Whether all of it could be sent before the other side hung up."""
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, data)
        except ConnectionError:
            return False
        return True

    def end_sending(self) -> None:
        """Close our half."""
        self._socket.shutdown(socket.SHUT_WR)

    async def reply(self, seconds: float = 5.0, *, to_head: bool = False) -> Reply | None:
        """The next answer; None when there is none before the other side hangs up. Silence is a failure."""
        async with asyncio.timeout(seconds):
            while b"\r\n\r\n" not in self._read:
                if not await self._more():
                    return None
            head, _, self._read = self._read.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = 0 if to_head else int(headers.get("content-length", "0"))
            while len(self._read) < size:
                if not await self._more():
                    return None
            body, self._read = self._read[:size], self._read[size:]
            return Reply(int(first.split(" ")[1]), headers, body)

    async def is_closed_within(self, seconds: float) -> bool:
        """Whether the other side hangs up in time."""
        try:
            async with asyncio.timeout(seconds):
                while await self._more():
                    pass
        except TimeoutError:
            return False
        return True

    async def _more(self) -> bool:
        try:
            found = await asyncio.get_running_loop().sock_recv(self._socket, 65536)
        except ConnectionError:
            return False
        self._read += found
        return bool(found)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Line]:
    """A connection to the service at `url`."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.socket() as sock:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        yield Line(sock)


async def exchanged(url: str, data: bytes, seconds: float = 10.0) -> tuple[Reply | None, float]:
    """What is answered to one request (None: the connection ended), and after how many seconds."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with connected(url) as line:
            await line.send(data)
            return await line.reply(seconds), clock() - began
    except ConnectionError:
        return None, clock() - began


def request(
    body: bytes = b"",
    *headers: str,
    method: str = "POST",
    path: str = HOOK,
    version: str = "1.1",
    size: int | None = None,
) -> bytes:
    """A request with a Content-Length (`size` when it is to lie) unless `headers` have another framing."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", *headers]
    named = {line.partition(":")[0].lower() for line in headers}
    if not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body) if size is None else size}")
    if "content-type" not in named and body:
        lines.append(JSON)
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body; nothing ends it."""
    return b"%x\r\n" % len(data) + data + b"\r\n"


def alert(name: str, **fields: Any) -> dict[str, Any]:
    """An alert as Alertmanager sends it."""
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": "info"},
        "annotations": {},
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        **fields,
    }


def webhook(*alerts: Any) -> bytes:
    """A webhook call with `alerts`."""
    return json.dumps({"version": "4", "alerts": list(alerts)}).encode()


def body_of(labels: Mapping[str, str]) -> bytes:
    """A webhook call with one alert that fires."""
    sent = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-01-01T00:00:00Z"}
    return json.dumps({"version": "4", "alerts": [sent]}).encode()


async def post(port: int, body: bytes) -> int:
    """The status of the answer to one webhook call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = "POST /api/v1/hooks/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n")
        return int(answer.split(b" ")[1])
    finally:
        writer.close()
