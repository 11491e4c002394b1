"""Senders that sign what they send: the signature stands for a token, which some of them cannot carry."""

import logging
from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from alertsvc.engine.service import Service
from alertsvc.ingest.signatures import CHECKS, BadSignatureError, Signing
from alertsvc.secret import SecretUnavailableError
from alertsvc.web.access import Caller, needs
from alertsvc.web.problems import Problem

log = logging.getLogger(__name__)


def signed_or(scope: str, source: str) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Any]:
    """A guard: where the requests of `source` have to be signed, theirs have a signature; else as `needs`.

    Whether it is the right one says `check_signature`, once there is a body.
    """
    unsigned = needs(scope)

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        signing: Signing | None = connection.app.state.signing_of(source)
        if signing is None:
            await unsigned(connection, handler)
            return
        if signing.header not in connection.headers:
            connection.app.state.metrics.auth_failures.labels("unauthenticated").inc()
            raise _unsigned(f"{signing.header}: the request is not signed, and has to be (sources: {source})")
        connection.scope["user"] = Caller(source, None)

    guard.scope = scope  # type: ignore[attr-defined]  # read by the test that every route has a scope
    return guard


def check_signature(request: Request[Any, Any, Any], service: Service, source: str, body: bytes) -> None:
    """Make sure that a request was signed by who knows the secret, where there is one.

    Raises:
        Problem: 401, it was not; 503, the secret cannot be read now.
    """
    signing = service.tuning.signing.get(source)
    if signing is None:
        return
    try:
        CHECKS[source](signing, request.headers, body, service.clock())
    except BadSignatureError as fault:
        service.metrics.auth_failures.labels("unauthenticated").inc()
        service.metrics.ingest_requests.labels(source, "401").inc()
        raise _unsigned(str(fault)) from None
    except SecretUnavailableError as fault:
        service.metrics.ingest_requests.labels(source, "503").inc()
        log.warning("sources.%s: %s", source, fault)
        detail = f"the secret of {source} cannot be read; the log says why"
        raise Problem(503, "secret-unavailable", detail, headers={"Retry-After": "30"}) from None


def _unsigned(detail: str) -> Problem:
    return Problem(401, "bad-signature", detail, headers={"WWW-Authenticate": 'HMAC realm="alertsvc"'})
