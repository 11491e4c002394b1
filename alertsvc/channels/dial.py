"""Opens connections for the HTTP client: resolves, checks every address, and holds each read to the deadline.

The deadline of a request is a context variable, because the client's own timeouts bound single reads: a server that
drips one byte every few seconds would keep a request for hours, and a request must never be cancelled from outside.
"""

import asyncio
import ssl
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from itertools import zip_longest
from typing import Any, cast

import httpcore

from alertsvc import failpoints
from alertsvc.channels.addresses import AddressPolicy
from alertsvc.channels.resolving import Resolve, Resolver, system_resolve

deadline: ContextVar[float] = ContextVar("deadline")
"""When the request that this task makes must end, on the monotonic clock."""

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class AddressRefusedError(httpcore.ConnectError):
    """No address of the host may be connected to. The text says why."""


class Dialler(httpcore.AsyncNetworkBackend):
    """Connects for one destination."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve = system_resolve) -> None:
        self._policy = policy
        self._resolve = Resolver(resolve)
        # httpcore shows type checkers only the stand-in that it has for when anyio is missing.
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that is allowed and answers."""
        until = time.monotonic() + _left(timeout)
        addresses = self._allowed(await self._addresses(host, port, until))
        failpoints.reach("http.dialling")
        for position, address in enumerate(addresses, start=1):
            last = position == len(addresses)
            share = max(0.0, until - time.monotonic()) / (1 if last else 2)
            try:
                stream = await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last:
                    raise
            else:
                failpoints.reach("http.connected")
                return _TimedStream(stream)
        raise httpcore.ConnectError("the host has no address")

    async def sleep(self, seconds: float) -> None:
        """Wait, for httpcore."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int, until: float) -> Sequence[str]:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout("nobody resolved the host in time") from None
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError("the host cannot be resolved") from fault
        return _alternating(found)

    def _allowed(self, addresses: Sequence[str]) -> list[str]:
        refusals = {address: self._policy.refusal(address) for address in addresses}
        allowed = [address for address, refusal in refusals.items() if refusal is None]
        if not allowed:
            raise AddressRefusedError(next((why for why in refusals.values() if why), "the host has no address"))
        return allowed


class _TimedStream(httpcore.AsyncNetworkStream):
    """A connection on which nothing lasts longer than the deadline of the request that uses it.

    httpcore writes head and body by themselves. They leave together, when the answer is asked for: one packet and one
    turn of the loop instead of two.
    """

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._held: list[bytes] = []
        self._write_timeout: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        if self._held:
            whole, self._held = b"".join(self._held), []
            with suppress(httpcore.WriteError):  # as httpcore does: the server may have answered before it hung up
                await self._inner.write(whole, _left(self._write_timeout))
            failpoints.reach("http.written")
        return await self._inner.read(max_bytes, _left(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        if buffer:
            self._held.append(buffer)
            self._write_timeout = timeout

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        return _TimedStream(await self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float:
    """Seconds that a step may take: its own bound, or what is left of the request."""
    left = max(0.0, deadline.get() - time.monotonic())
    return left if timeout is None else min(timeout, left)


def _alternating(addresses: Sequence[str]) -> list[str]:
    """The addresses in their order, but with the families by turns: one that leads nowhere does not use up the time."""
    sixes = [address for address in addresses if ":" in address]
    fours = [address for address in addresses if ":" not in address]
    first, second = (sixes, fours) if addresses and ":" in addresses[0] else (fours, sixes)
    return [address for pair in zip_longest(first, second) for address in pair if address is not None]
