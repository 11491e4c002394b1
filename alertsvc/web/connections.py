"""Bounds what a connection may cost before its request is whole, and lets go gently of one that was refused."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from alertsvc.web.bodies import seconds_to_send
from alertsvc.web.crowded import crowded

HEAD_SECONDS = 10.0
MOST_HEAD_BYTES = 64 * 1024
MOST_BODY_BYTES = 100 * 1024 * 1024
"""What no configuration allows more of."""
GRACE_SECONDS = 5.0
"""The doors that take large bodies answer 408 by themselves, before this."""
LINGER_SECONDS = 2.0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for the rest of a request and takes a head of any size.

    A client whose request was answered before it was read (too large, say) may send on for a moment: what it sends is
    thrown away. Were the connection closed at once, it would often see a reset, and not the answer that says why.

    Beyond `limit_concurrency` the answer is ours: uvicorn's own does not say when to come again.
    """

    _number = 0
    _part: Literal["head", "body", "none"] = "head"
    _head_bytes = 0
    _end: asyncio.TimerHandle | None = None
    _is_parting = False
    _most: int | None = None
    app: Any
    _app: Any

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._app = self.app
        self._gentle = _GentleTransport(transport, self._part_with_client)
        self._end_after(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_after(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._number, self._part
        super().data_received(data)
        if self._is_parting and self._part != "body":
            self.transport.close()
        elif (self._number, self._part) != before:
            self._head_bytes = 0
            self._end_after(self._patience())
        elif self._part == "head":
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of this request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._number += 1
        self._part = "head"

    def on_headers_complete(self) -> None:
        self.app = crowded if self._is_crowded() else self._app
        super().on_headers_complete()
        self._part = "body"
        self.cycle.transport = self._gentle

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = "none"

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._part == "body" and self.cycle.response_complete:
            self._end_after(LINGER_SECONDS)

    def _is_crowded(self) -> bool:
        return self._most is not None and max(len(self.connections), len(self.tasks)) >= self._most

    def _part_with_client(self) -> None:
        """The connection is to end with the answer that was just given."""
        if self._part == "body":
            self._is_parting = True
            self._end_after(LINGER_SECONDS)
        else:
            self.transport.close()

    def _patience(self) -> float | None:
        """How long the part that has begun may take."""
        if self._part == "none":
            return None
        if self._part == "head":
            return HEAD_SECONDS
        announced = next((int(value) for name, value in self.headers if name == b"content-length"), MOST_BODY_BYTES)
        return seconds_to_send(min(announced, MOST_BODY_BYTES)) + GRACE_SECONDS

    def _end_after(self, seconds: float | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None if seconds is None else self.loop.call_later(seconds, self.transport.close)


class _GentleTransport(asyncio.Transport):
    """What an answer is written to. `close` is a wish: `end` says when it comes true."""

    def __init__(self, inner: asyncio.Transport, end: Callable[[], None]) -> None:
        super().__init__()
        self._inner = inner
        self.close = end

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._inner.write(data)

    def is_closing(self) -> bool:
        return self._inner.is_closing()
