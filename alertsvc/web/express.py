"""A shorter way to the webhook: what Alertmanager sends all day need not be routed and guarded by a framework.

Only requests of the usual form take it. All others go the long way and are answered there, so that each rule about bad
ones stands in one place; both ways meet in `alertsvc.web.hooks`.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from litestar import Litestar, Request
from litestar.types import HTTPReceiveMessage, HTTPScope, Message, Receive, Scope, Send

from alertsvc import failpoints
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.receive import OverloadedError
from alertsvc.engine.service import Service
from alertsvc.web.access import Gate
from alertsvc.web.bodies import seconds_to_send, too_slow
from alertsvc.web.headers import completed, identity_of
from alertsvc.web.hooks import PATH, SOURCE, shed, take_webhook
from alertsvc.web.ingest_views import summary
from alertsvc.web.problems import answer_to

USUAL = frozenset({b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"content-length"})
"""Headers that change nothing about a request, and its length. Beside them only these are looked at."""
LOOKED_AT = frozenset({b"content-type", b"authorization", b"x-request-id"})
JSON_TYPES = frozenset({b"application/json", b"application/json; charset=utf-8"})

Headers = Mapping[bytes, bytes]


class ClientGoneError(Exception):
    """The client hung up before its request was whole."""


class Express:
    """An application before the application."""

    def __init__(self, app: Litestar, service: Service) -> None:
        self._app = app
        self._service = service
        self._gate: Gate = app.state.gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a webhook of the usual form; pass on everything else."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        try:
            receipt = await self._receipt(scope, receive)
        except ClientGoneError:
            return
        except Exception as fault:  # noqa: BLE001  # each has its answer, those of our own mistakes too
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            response: Any = answer_to(request, fault)
            await response.to_asgi_response(None, request)(scope, receive, send)
            return
        if receipt is None:
            await self._app(scope, receive, send)
            return
        content = msgspec.json.encode(summary(receipt))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        start = {"type": "http.response.start", "status": 202, "headers": completed(headers, identity_of(scope))}
        await send(cast(Message, start))
        failpoints.reach("express.answer_started")
        await send({"type": "http.response.body", "body": content, "more_body": False})
        failpoints.reach("express.answer_ended")

    async def _receipt(self, scope: HTTPScope, receive: Receive) -> Receipt | None:
        """What became of a request; None when nothing was done about it, as it is for the long way.

        Raises:
            Exception: One that has an answer.
        """
        if not await self._may_pass(scope):
            return None
        return await take_webhook(self._service, await self._body(scope, receive))

    async def _may_pass(self, scope: HTTPScope) -> bool:
        """Whether a request has the usual form, may come in, and finds room."""
        headers = _headers_of_usual(scope)
        if headers is None or int(headers[b"content-length"]) > self._service.tuning.max_body_bytes:
            return False
        if self._service.committer.is_full or self._service.is_draining:
            return False
        authorization = headers.get(b"authorization")
        caller = await self._gate.caller(
            None if authorization is None else authorization.decode("latin-1"),
            headers.get(b"host", b"").decode("latin-1"),
        )
        return caller is not None and caller.holds("ingest")

    async def _body(self, scope: HTTPScope, receive: Receive) -> bytes:
        """The whole body, which is as long as its request said: the server sees to that.

        Raises:
            Problem: 408, it took too long.
            OverloadedError: Too much came at the same time.
            ClientGoneError: There is nobody left to be answered.
        """
        seconds = seconds_to_send(int(dict(scope["headers"])[b"content-length"]))
        try:
            with self._service.committer.reading() as count:
                async with asyncio.timeout(seconds):
                    return await _collected(receive, count)
        except OverloadedError:
            raise shed(self._service, SOURCE) from None
        except TimeoutError:
            self._service.metrics.ingest_requests.labels(SOURCE, "408").inc()
            raise too_slow(seconds) from None


async def _collected(receive: Receive, count: Callable[[int], None]) -> bytes:
    parts: list[bytes] = []
    while True:
        message = cast(HTTPReceiveMessage, await receive())
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        count(len(message["body"]))
        parts.append(message["body"])
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _headers_of_usual(scope: HTTPScope) -> Headers | None:
    """The headers of a request of the usual form, which is a POST of JSON of known length; None when it has another."""
    if scope["method"] != "POST" or scope["query_string"]:
        return None
    given = list(scope["headers"])
    headers = dict(given)
    if len(headers) != len(given) or not headers.keys() - USUAL <= LOOKED_AT:
        return None
    is_json = headers.get(b"content-type", b"").lower() in JSON_TYPES
    return headers if is_json and headers.get(b"content-length", b"").isdigit() else None
