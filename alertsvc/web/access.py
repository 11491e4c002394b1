"""Who may come in: bearer tokens with scopes, basic auth for Alertmanager, and loopback while there are no tokens."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope
from sqlalchemy import Connection

from alertsvc.clock import Clock
from alertsvc.store import tokens
from alertsvc.store.database import Database
from alertsvc.store.tokens import Token
from alertsvc.web.bodies import check_command, media_type_of
from alertsvc.web.problems import Problem

REMEMBERED_SECONDS = 5.0
"""How long a verified credential is believed without looking again: the bound on a revocation."""
MOST_REMEMBERED = 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SENT_BY_ANY_PAGE = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""What a browser sends to strangers without asking them first."""
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `token` is None while the service has no tokens and listens on loopback only."""

    name: str
    token: Token | None

    def holds(self, scope: str) -> bool:
        """Whether the caller may do what `scope` stands for."""
        return self.token is None or self.token.holds(scope)


class Gate:
    """Verifies credentials, and remembers the answer for a few seconds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        tokens_required: Callable[[], bool] = lambda: False,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens_required = tokens_required
        self._ticks = ticks
        self._verified: dict[str, tuple[float, Token | None]] = {}
        self._open: tuple[float, bool] = (0.0, False)

    async def caller(self, authorization: str | None, host: str) -> Caller | None:
        """Who presents `authorization`, or None when it is missing or worth nothing.

        While there is not a single token everybody on this machine may come in; `host` is the name they asked for,
        so that a foreign web page cannot reach in through a person's browser.
        """
        if authorization is not None:
            token = await self._token(authorization)
            if token is not None:
                return Caller(token.name, token)
        if self._tokens_required():
            return None
        if await self._has_no_tokens() and host.rsplit(":", 1)[0].lower() in LOCAL_HOSTS:
            return Caller("local", None)
        return None

    async def _token(self, authorization: str) -> Token | None:
        now = self._ticks()
        known = self._verified.get(authorization)
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        presented = secret_in(authorization)
        found = await self._database.snapshot(partial(self._verify, presented)) if presented else None
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified[authorization] = (now, found)
        return found

    def _verify(self, presented: str, conn: Connection) -> Token | None:
        return tokens.verify(conn, presented, self._clock())

    async def _has_no_tokens(self) -> bool:
        now = self._ticks()
        if now - self._open[0] >= REMEMBERED_SECONDS or self._open[0] == 0.0:
            self._open = (now, await self._database.snapshot(tokens.count) == 0)
        return self._open[1]

    def forget(self) -> None:
        """Look everything up again: tokens changed in this process."""
        self._verified.clear()
        self._open = (0.0, False)


def secret_in(authorization: str) -> str | None:
    """The token text in an Authorization header: `Bearer T`, or Basic with T as the password."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[2] or None


AnyConnection = ASGIConnection[Any, Any, Any, Any]


def _refuse_foreign_pages(connection: "AnyConnection") -> None:
    """Without tokens a person's browser is trusted, but not the pages of others in it.

    Raises:
        Problem: The request was sent by a page of another site, or looks as one that any page may send.
    """
    headers = connection.headers
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} or (
        origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    ):
        connection.app.state.metrics.auth_failures.labels("forbidden").inc()
        raise Problem(403, "forbidden", "a page of another site may not act here; with a token any client may")
    kind = media_type_of(headers)
    if kind in SENT_BY_ANY_PAGE:
        raise Problem(415, "unsupported-media-type", f"send application/json, not {kind}")


def needs(scope: str) -> Callable[[AnyConnection, BaseRouteHandler], Any]:
    """A guard that lets in callers who hold `scope`. It runs before the body is read.

    What asks for anything but events has to be JSON; the doors of ingest look at their bodies by themselves.
    """

    async def guard(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
        is_safe = cast(HTTPScope, connection.scope)["method"] in SAFE_METHODS
        gate: Gate = connection.app.state.gate
        caller = await gate.caller(connection.headers.get("authorization"), connection.headers.get("host", ""))
        if caller is None:
            connection.app.state.metrics.auth_failures.labels("unauthenticated").inc()
            raise Problem(
                401,
                "unauthenticated",
                "a bearer token is needed (Authorization: Bearer als_…); make one with: alertsvc token create",
                headers={"WWW-Authenticate": 'Bearer realm="alertsvc", Basic realm="alertsvc"'},
            )
        if caller.token is None and not is_safe:
            _refuse_foreign_pages(connection)
        if not caller.holds(scope):
            connection.app.state.metrics.auth_failures.labels("forbidden").inc()
            raise Problem(403, "forbidden", f"the token {caller.name!r} lacks the scope {scope!r}")
        if not is_safe and scope != "ingest":
            check_command(connection.headers)
        connection.scope["user"] = caller

    guard.scope = scope  # type: ignore[attr-defined]  # read by the test that every route has a scope
    return guard
