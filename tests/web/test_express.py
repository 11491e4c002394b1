"""The shorter way to the webhook answers as the longer one, and takes only what has the usual form."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from alertsvc.channels.outcome import Accepted
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.tuning import Tuning
from alertsvc.observe.metrics import Metrics
from alertsvc.store import tokens
from alertsvc.store.connect import open_database
from alertsvc.store.tokens import Token
from alertsvc.web import express
from alertsvc.web.express import Express
from tests.e2e.wire import alert, webhook
from tests.web.applications import application_of
from tests.world import Recorder, rules

HOOK = "/api/v1/hooks/alertmanager"
MOST_BYTES = 20_000
Header = tuple[bytes, bytes]
JSON: Header = (b"content-type", b"application/json")
numbers = count(1)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as a server would write it."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ways:
    """Both ways into one service. `passed_on` are the requests that the short way did not take."""

    service: Service
    short: Express
    long: Any
    passed_on: list[str]


@pytest.fixture
async def ways(database_url: str) -> AsyncIterator[Ways]:
    """A running service and both ways to it."""
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", Recorder(otherwise=Accepted("ok")))})
    service = Service(Parts(open_database(database_url), outlets, Metrics("test"), Tuning(max_body_bytes=MOST_BYTES)))
    passed_on: list[str] = []

    async def long(scope: Any, receive: Any, send: Any) -> None:
        passed_on.append(scope["path"])
        await application(scope, receive, send)

    async with AsyncExitStack() as stack:
        application = stack.enter_context(application_of(service))
        short = Express(application, service)
        short._app = long  # type: ignore[assignment]
        await service.start()
        stack.push_async_callback(service.stop)
        yield Ways(service, short, application, passed_on)


async def call(
    app: Any,
    body: bytes | Sequence[bytes],
    *headers: Header,
    method: str = "POST",
    query: bytes = b"",
    is_gone: bool = False,
) -> Answered | None:
    """What an application answers to one request, whose body comes in parts; None when it says nothing."""
    parts = [body] if isinstance(body, bytes) else list(body)
    names = {name for name, _ in headers}
    size = str(sum(map(len, parts))).encode()
    given = [(b"x-request-id", b"the-same"), *headers]
    if b"host" not in names:
        given.append((b"host", b"127.0.0.1:9080"))
    if not names & {b"content-length", b"transfer-encoding"}:
        given.append((b"content-length", size))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 9080),
        "client": ("127.0.0.1", 5000),
        "scheme": "http",
        "method": method,
        "path": HOOK,
        "raw_path": HOOK.encode(),
        "root_path": "",
        "query_string": query,
        "headers": given,
        "state": {},
    }
    left = [
        {"type": "http.request", "body": part, "more_body": place < len(parts) or is_gone}
        for place, part in enumerate(parts, start=1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if left:
            return left.pop(0)
        if is_gone:
            return {"type": "http.disconnect"}
        return await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(10):
        await app(scope, receive, send)
    if not sent:
        return None
    content = b"".join(each.get("body", b"") for each in sent[1:])
    return Answered(sent[0]["status"], dict(sent[0]["headers"]), content)


def fresh(many: int = 1) -> bytes:
    """A webhook with alerts that nobody has seen."""
    return webhook(*(alert(f"Fresh {next(numbers)}") for _ in range(many)))


async def test_the_usual_request_goes_the_short_way_and_is_stored(ways: Ways) -> None:
    body = fresh(3)
    for app in (ways.short, ways.long):
        answered = await call(app, body, JSON, (b"user-agent", b"Alertmanager/0.28.1"))
        assert answered is not None
        assert answered.status == 202
    assert ways.passed_on == []
    sample = ways.service.metrics.ingest_events.labels("alertmanager", "new")._value.get()
    assert sample == 3
    duplicates = ways.service.metrics.ingest_events.labels("alertmanager", "duplicate")._value.get()
    assert duplicates == 3


async def test_a_body_in_parts_is_put_together(ways: Ways) -> None:
    body = fresh(2)
    answered = await call(ways.short, [body[:10], body[10:11], body[11:]], JSON)
    assert answered is not None
    assert (answered.status, ways.passed_on) == (202, [])
    assert b'"new":2' in answered.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[" * 50_000,
        b'{"version": "4", "alerts": 3}',
        b'{"version": "4", "alerts": []}',
        b'{"version": "9"}',
        b'{"version": "4", "alerts": [{"labels": {}}, 7, {"labels": {"alertname": "\xff"}}]}',
        webhook(alert("Known to both")),
    ],
)
async def test_both_ways_answer_alike(ways: Ways, body: bytes) -> None:
    await call(ways.long, body, JSON)  # whatever is new about it is new no more
    short, long = await call(ways.short, body[:MOST_BYTES], JSON), await call(ways.long, body[:MOST_BYTES], JSON)
    assert short == long
    assert ways.passed_on == []


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"method": "GET"}, 405),
        ({"query": b"a=1"}, 202),
        ({"headers": [(b"content-type", b"text/plain")]}, 415),
        ({"headers": []}, 202),
        ({"headers": [JSON, (b"content-encoding", b"gzip")], "body": gzip.compress(b"{}")}, 415),
        ({"headers": [JSON, (b"origin", b"http://elsewhere")]}, 403),
        ({"headers": [JSON, (b"sec-fetch-site", b"cross-site")]}, 403),
        ({"headers": [JSON, (b"transfer-encoding", b"chunked")]}, 202),
        ({"headers": [JSON, (b"authorization", b"Bearer als_nobody"), (b"host", b"elsewhere")]}, 401),
        ({"headers": [JSON, (b"content-length", b"9" * 12)]}, 413),
        ({"headers": [JSON], "body": b" " * (MOST_BYTES + 1)}, 413),
    ],
)
async def test_whatever_is_unusual_goes_the_long_way(ways: Ways, what: dict[str, Any], status: int) -> None:
    given = {"headers": [JSON], "body": fresh(), **what}
    answered = await call(ways.short, given.pop("body"), *given.pop("headers"), **given)
    assert answered is not None
    assert (answered.status, len(ways.passed_on)) == (status, 1)


async def test_who_may_not_come_in_is_turned_away(ways: Ways) -> None:
    made = await ways.service.database.transaction(
        lambda conn: [tokens.create(conn, name, [scope], ways.service.clock()) for name, scope in TOKENS.items()]
    )
    by_name = dict(zip(TOKENS, made, strict=True))
    statuses: dict[str, int] = {}
    for name, token in by_name.items():
        answered = await call(ways.short, fresh(), JSON, (b"authorization", f"Bearer {secret_of(token)}".encode()))
        assert answered is not None
        statuses[name] = answered.status
    nobody = await call(ways.short, fresh(), JSON)
    assert nobody is not None
    assert statuses | {"nobody": nobody.status} == {"sender": 202, "reader": 403, "nobody": 401}
    assert len(ways.passed_on) == 2


TOKENS = {"sender": "ingest", "reader": "read"}


def secret_of(made: tuple[Token, str]) -> str:
    """The text of a token that was just made."""
    return made[1]


async def test_who_hangs_up_is_not_answered_and_leaves_nothing(ways: Ways) -> None:
    assert await call(ways.short, fresh()[:20], JSON, (b"content-length", b"500"), is_gone=True) is None
    assert ways.service.committer.held_bytes == 0


async def test_who_is_too_slow_hears_so(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(express, "seconds_to_send", lambda _: 0.05)
    silent = await call(ways.short, [], JSON, (b"content-length", b"500"))
    assert silent is not None
    assert (silent.status, silent.headers[b"connection"]) == (408, b"close")
    assert ways.passed_on == []


async def test_while_nothing_more_fits_it_answers_503(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ways.service.committer), "is_full", True)
    full = await call(ways.short, fresh(), JSON)
    assert full is not None
    assert (full.status, full.headers[b"retry-after"]) == (503, b"1")


async def test_an_unforeseen_fault_is_answered_with_its_request(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("unforeseen")

    monkeypatch.setattr(express, "take_webhook", broken)
    answered = await call(ways.short, fresh(), JSON)
    assert answered is not None
    assert answered.status == 500
    assert b"the-same" in answered.body
    assert "ZeroDivisionError" in caplog.text
