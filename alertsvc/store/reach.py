"""Connects to PostgreSQL: to whichever of its servers takes writes now, over a socket that notices a dead peer."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlencode

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from alertsvc.store.dsn import Dsn, Patience, Server

_Library = cast(Any, asyncpg)
TRY_ANOTHER: tuple[type[Exception], ...] = (
    OSError,  # a refusal, or no answer in time
    _Library.CannotConnectNowError,
    _Library.TargetServerAttributeNotMatched,
)
"""After which the next server is asked. One that lets us in no more is not passed over: somebody has to know."""


DRIVER_FAULTS: tuple[type[Exception], ...] = (
    _Library.PostgresError,
    _Library.InterfaceError,
    _Library.InternalClientError,  # what it says where a connection was cut off in the middle of an answer
)


class Session(Protocol):
    """What is used of the driver's connection beside SQLAlchemy."""

    async def execute(self, query: str) -> str: ...
    async def fetchval(self, query: str) -> Any: ...
    async def add_listener(self, channel: str, callback: Callable[[object, int, str, str], object]) -> None: ...
    def add_termination_listener(self, callback: Callable[[object], object]) -> None: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...


class Reach:
    """Connects when called: to the first server that will do, beginning with the one that did last time.

    Else each connection would wait first for a dead machine that stands before the others in the URL.
    """

    def __init__(self, dsn: Dsn, settings: Mapping[str, str], command_seconds: float | None = None) -> None:
        self._dsn = dsn
        self._command_seconds = command_seconds
        self._kind = _attentive(dsn.patience)
        self._settings = {**settings, **_for_server(dsn.patience)}
        self._driver = f"postgresql:///?{urlencode(dsn.options)}" if dsn.options else None
        self._servers: list[Server | None] = list(dsn.servers) or [None]

    async def __call__(self) -> Any:
        """A connection of the driver.

        Raises:
            OSError: No server answers, or none of several takes writes. The text has no credentials.
            asyncpg.PostgresError: One lets us in no more, or has no such database.
        """
        refusals: list[str] = []
        for server in list(self._servers):
            try:
                connection = await self._to(server)
            except TRY_ANOTHER as fault:
                if len(self._servers) == 1:
                    raise
                refusals.append(f"{server[0]}:{server[1]}: {_said(fault)}" if server else _said(fault))
            else:
                self._prefer(server)
                return connection
        raise ConnectionError(f"no server can be used: {'; '.join(refusals)}")

    def _prefer(self, server: Server | None) -> None:
        if self._servers[0] != server:
            self._servers = [server, *(each for each in self._servers if each != server)]

    async def _to(self, server: Server | None) -> Any:
        host, port = server or (None, None)
        return await _Library.connect(
            self._driver,
            host=host,
            port=port,
            user=self._dsn.user,
            password=self._dsn.password,
            database=self._dsn.database,
            timeout=self._dsn.connect_seconds,
            command_timeout=self._command_seconds,
            statement_cache_size=self._dsn.caches.get("statement_cache_size", 100),
            server_settings=self._settings,
            target_session_attrs=self._dsn.attributes,
            connection_class=self._kind,
        )


def _said(fault: Exception) -> str:
    if isinstance(fault, _Library.TargetServerAttributeNotMatched):
        return "takes no writes"
    return str(fault) or "no answer in time"


def _for_server(patience: Patience) -> dict[str, str]:
    """What a server does about us when we die: it ends our transactions and lets go of their locks."""
    return {
        "tcp_keepalives_idle": str(patience.idle),
        "tcp_keepalives_interval": str(patience.interval),
        "tcp_keepalives_count": str(patience.count),
        "tcp_user_timeout": str(patience.unacknowledged_ms),
    }


def _attentive(patience: Patience) -> type[Any]:
    """The driver's connection, which sets its socket's options: the driver has none for that."""

    class Attentive(_Library.Connection):  # pyright: ignore[reportUntypedBaseClass, reportGeneralTypeIssues]
        __slots__ = ()

        def __init__(self, protocol: Any, transport: asyncio.Transport, *others: Any) -> None:
            super().__init__(protocol, transport, *others)  # pyright: ignore[reportUnknownMemberType]
            watch(transport.get_extra_info("socket"), patience)

    return Attentive


def watch(sock: socket.socket, patience: Patience) -> None:
    """Have the system ask a silent peer, and give it up. Where it cannot, there are the timeouts of commands."""
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", patience.idle),
        ("TCP_KEEPINTVL", patience.interval),
        ("TCP_KEEPCNT", patience.count),
        ("TCP_USER_TIMEOUT", patience.unacknowledged_ms),
    ):
        if hasattr(socket, name) and value:
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
