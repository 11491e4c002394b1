"""The way out over HTTP: the only module of the server that imports httpx.

One client per destination: httpx slows down badly above eight connections, and one provider's trouble stays its own.
A request that has begun is not cancelled before its client is closed, because that leaks its place in the pool for
ever; time limits inside end it. Nothing that is said of a failure holds a URL or a header: they are secrets.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, lru_cache
from typing import Protocol, cast

import httpcore
import httpx

from alertsvc import __version__, failpoints
from alertsvc.channels.addresses import AddressPolicy
from alertsvc.channels.dial import Dialler, deadline
from alertsvc.channels.http_trouble import TROUBLE, UNUSABLE, trouble
from alertsvc.channels.outcome import Fault, Retry, Unknown
from alertsvc.channels.resolving import Resolve, system_resolve

MAX_CONNECTIONS = 8
MAX_REPLY_BYTES = 64 * 1024
CLOSE_SECONDS = 1.0
CUT_OFF = Unknown("the connections were closed before an answer came", Fault.OTHER)
KEEPALIVE_SECONDS = 4.0
"""Shorter than the five seconds after which many servers hang up: a request into a connection that the server is just
closing ends in not knowing whether it arrived."""
BASE_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"alertsvc/{__version__}"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered: header names in lower case, at most 64 KiB of the body, decoded leniently."""

    status_code: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step may take, in seconds. `whole` bounds a request with everything in it."""

    connect: float = 5.0
    read: float = 10.0
    write: float = 10.0
    pool: float = 5.0
    whole: float = 20.0

    @property
    def steps(self) -> Mapping[str, float]:
        """The steps as httpcore knows them."""
        return {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}

    @classmethod
    def within(cls, whole: timedelta | None) -> "Patience":
        """The usual patience, or one that ends after `whole` and uses all of it to wait for the answer."""
        if whole is None:
            return cls()
        seconds = whole.total_seconds()
        return cls(connect=min(cls().connect, seconds), read=seconds, whole=seconds)


class HttpClient(Protocol):
    """Posts to one destination. Never raises for what the network does: it gives the outcome instead."""

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply | Retry | Unknown:
        """Post once. `Retry` when the request surely did not arrive, `Unknown` when it may have."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class HttpFactory(Protocol):
    """Opens a client for one destination."""

    def __call__(self, *, concurrency: int, patience: Patience | None = None) -> HttpClient:
        """A client with at most `concurrency` connections."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """The world a client connects to: which addresses it may, how names are resolved, whose certificates count."""

    policy: AddressPolicy = field(default_factory=AddressPolicy)
    resolve: Resolve = system_resolve
    tls: ssl.SSLContext | None = None


def open_http(*, concurrency: int, patience: Patience | None = None, network: Network | None = None) -> "Http":
    """A client for one destination. Nothing is connected yet."""
    for name in ("httpx", "httpcore"):  # below a warning they write whole URLs and headers
        logging.getLogger(name).setLevel(logging.WARNING)
    network = network or Network()
    dialler = Dialler(network.policy, network.resolve)
    size = min(concurrency, MAX_CONNECTIONS)

    def transport() -> httpx.AsyncBaseTransport:
        return PoolTransport(network.tls or shared_tls(), size, dialler)

    return Http(transport, size, patience or Patience())


@cache
def shared_tls() -> ssl.SSLContext:
    """What certificates are verified with, made once (20 ms): the bundle that travels with httpx, and the system's."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class Http:
    """Posts to one destination through at most `size` connections."""

    def __init__(self, transport: Callable[[], httpx.AsyncBaseTransport], size: int, patience: Patience) -> None:
        self._transport = transport
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._line = _Line(transport())
        self._requests: set[asyncio.Task[Reply | Retry | Unknown]] = set()
        self._is_closing = False

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply | Retry | Unknown:
        """See `HttpClient`. A caller who is cancelled does not end a request that has begun, only his wait for it."""
        until = time.monotonic() + self._patience.whole
        try:
            async with asyncio.timeout(self._patience.whole):
                await self._free.acquire()
        except TimeoutError:
            return Retry(Fault.TIMEOUT, "other requests kept the connections for the whole time of this one")
        request = asyncio.create_task(self._post(url, content, headers, until))
        self._requests.add(request)
        request.add_done_callback(self._has_ended)
        return await asyncio.shield(request)

    async def close(self) -> None:
        """Close the connections, after a moment for what is under way: whoever waits for that longer has no answer."""
        self._is_closing = True
        if self._requests:
            _, late = await asyncio.wait(self._requests, timeout=CLOSE_SECONDS)
            for request in late:
                request.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._line.transport.aclose()

    def _has_ended(self, request: asyncio.Task[Reply | Retry | Unknown]) -> None:
        self._requests.discard(request)
        self._free.release()

    async def _post(
        self, url: str, content: bytes, headers: Mapping[str, str], until: float
    ) -> Reply | Retry | Unknown:
        deadline.set(until)
        line = self._line
        try:
            request = _request(url, content, {**BASE_HEADERS, **headers}, self._patience.steps)
        except (httpx.InvalidURL, ValueError):
            return UNUSABLE
        line.users += 1
        try:
            return await _ask(line.transport, request)
        except TROUBLE as fault:
            if isinstance(fault, httpcore.PoolTimeout) and self._line is line:
                self._line = _Line(self._transport())  # the places are ours to give: one that is taken has leaked
            return trouble(fault)
        except asyncio.CancelledError:
            if not self._is_closing:
                raise
            return CUT_OFF
        finally:
            line.users -= 1
            if self._line is not line and line.users == 0:
                await line.transport.aclose()


@dataclass(slots=True)
class _Line:
    """A transport and how many requests use it: one that is replaced is closed by its last user.

    There is no httpx client around it: of what that adds (cookies, redirects, proxies, credentials of a netrc) nothing
    is wanted here.
    """

    transport: httpx.AsyncBaseTransport
    users: int = 0


class PoolTransport(httpx.AsyncBaseTransport):
    """Connects through a dialler. Faults stay httpcore's own, so that nothing of a request gets into them.

    Where an answer redirects to is left out: nobody goes there, but httpx would read it and raise on some.
    """

    def __init__(self, tls: ssl.SSLContext, size: int, dialler: Dialler) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=size,
            max_keepalive_connections=size,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=dialler,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` over one of the connections."""
        url = request.url
        reply = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        headers = [(name, value) for name, value in reply.headers if name.lower() != b"location"]
        return httpx.Response(reply.status, headers=headers, stream=_Stream(reply))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of a reply as it arrives."""

    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._reply.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._reply.aclose()


def _request(url: str, content: bytes, headers: Mapping[str, str], steps: Mapping[str, float]) -> httpx.Request:
    """The request, with the time that each of its steps may take.

    Raises:
        httpx.InvalidURL, ValueError: The URL or a header cannot be used.
    """
    address = _address(url)
    given = {"host": address.netloc.decode("ascii"), **headers, "content-length": str(len(content))}
    body = httpx.ByteStream(content)  # given as it is: what httpx would find out about it takes as long as the rest
    return httpx.Request("POST", address, stream=body, headers=given, extensions={"timeout": steps})


@lru_cache(maxsize=256)
def _address(url: str) -> httpx.URL:
    """The URL, taken apart. Each destination has one: httpx takes longer for that than for sending."""
    address = httpx.URL(url)
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError("no web address")
    return address


async def _ask(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Reply:
    """The answer as far as it came in time: once its status is there, a body that breaks off does not unsay it."""
    reply = await transport.handle_async_request(request)
    failpoints.reach("http.answer_head")
    try:
        body = await _first_bytes(cast("AsyncGenerator[bytes]", reply.aiter_raw()))
    finally:
        await reply.aclose()
    failpoints.reach("http.answer_body")
    return Reply(reply.status_code, _plain(reply.headers.multi_items()), body.decode("utf-8", "replace"))


async def _first_bytes(parts: AsyncGenerator[bytes]) -> bytes:
    found = bytearray()
    with suppress(*TROUBLE):
        async with aclosing(parts) as open_parts:
            async for part in open_parts:
                found += part
                if len(found) >= MAX_REPLY_BYTES:
                    break
    return bytes(found[:MAX_REPLY_BYTES])


def _plain(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
