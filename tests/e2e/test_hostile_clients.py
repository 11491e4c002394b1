"""Clients that are slow, broken or hostile: each gets its answer, nobody else notices, nothing is ever our fault."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.wire import HOOK, JSON, Line, alert, chunk, connected, request, webhook
from tests.programs import Program, alertsvc, ask, asked, eventually

MOST_BODY_BYTES = 64 * 1024
CONFIGURATION = f"""
server: {{max_body_bytes: {MOST_BODY_BYTES}}}
route: {{receiver: here, group_interval: 1s}}
receivers: [{{name: here, console_configs: [{{name: here}}]}}]
"""
GOOD = webhook(alert("Good"))
BODY_SECONDS = 10
PATIENCE = 5


@pytest.fixture
async def service(tmp_path: Path, database_url: str) -> AsyncIterator[Program]:
    """The service. Whatever a test did to it, it is well afterwards, and found no mistake of its own."""
    config = tmp_path / "hostile.yaml"
    config.write_text(CONFIGURATION)
    async with alertsvc(config, database=database_url) as running:
        yield running
        assert (await asked("GET", f"{running.url}/-/healthy")).status == 200
        assert (await asked("POST", running.url + HOOK, webhook(alert("After all")))).json()["new"] == 1
    assert "Traceback" not in running.output
    assert '"level": "error"' not in running.output


def on_sqlite_only() -> Any:
    """For what has nothing to do with the database."""
    return pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


# ---------------------------------------------------------------------------------------------------- slow clients


async def drips(line: Line, head: bytes, drops: list[bytes]) -> None:
    """Send a head at once, and then a drop a second for as long as somebody listens."""
    await line.send(head)
    for drop in drops:
        if not await line.send(drop):
            return
        await asyncio.sleep(1)


async def ending(url: str, head: bytes, drops: list[bytes]) -> tuple[int | None, float]:
    """The status that a slow client gets, if it gets one, and after how many seconds its connection ends."""
    began = time.monotonic()
    async with connected(url) as line:
        dripping = asyncio.create_task(drips(line, head, drops))
        reply = await line.reply(BODY_SECONDS + 4 * PATIENCE)
        assert await line.is_closed_within(BODY_SECONDS + PATIENCE)
        took = time.monotonic() - began
        await dripping
        return reply and reply.status, took


@on_sqlite_only()
async def test_slow_clients_are_sent_away_and_nobody_waits_for_them(service: Program) -> None:
    bytewise = [GOOD[at : at + 1] for at in range(60)]
    half = request(GOOD[:50], size=len(GOOD))
    command = request(b'{"by"', path="/api/v1/incidents/1/acknowledge", size=20)
    slow = {
        "one byte a second": (request(size=len(GOOD)), bytewise),
        "a chunk a second": (request(b"", "Transfer-Encoding: chunked"), [chunk(each) for each in bytewise]),
        "stops half way": (half, []),
        "stops half way in a command": (command, []),
        "stops in the head": (request(GOOD)[:60], []),
        "a head, one byte a second": (b"", [request(GOOD)[at : at + 1] for at in range(60)]),
        "says nothing": (b"", []),
        "stops in its second request": (request(GOOD) + half[:-60], []),
    }
    waited: list[float] = []

    async def neighbour() -> None:
        while True:
            began = time.monotonic()
            assert (await asked("POST", service.url + HOOK, GOOD)).status == 202
            waited.append(time.monotonic() - began)
            await asyncio.sleep(0.1)

    beside = asyncio.create_task(neighbour())
    crowd = [ending(service.url, b"", []) for _ in range(200)]
    endings = await asyncio.gather(*(ending(service.url, *each) for each in slow.values()), *crowd)
    beside.cancel()
    assert {name: status for name, (status, _) in zip(slow, endings, strict=False)} == {
        "one byte a second": 408,
        "a chunk a second": 408,
        "stops half way": 408,
        "stops half way in a command": None,
        "stops in the head": None,
        "a head, one byte a second": None,
        "says nothing": None,
        "stops in its second request": 202,
    }
    assert {status for status, _ in endings[len(slow) :]} == {None}
    assert max(took for _, took in endings) < BODY_SECONDS + 2 * PATIENCE
    assert len(waited) > 50
    assert max(waited) < 2


# ---------------------------------------------------------------------------------------------------- large bodies


@on_sqlite_only()
async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(service: Program) -> None:
    async with connected(service.url) as line:
        await line.send(request(size=2**40) + b" " * 1000)
        reply = await line.reply()
        assert reply is not None
        assert (reply.status, reply.json()["type"]) == (413, "urn:alertsvc:problem:too-large")
        assert await line.is_closed_within(PATIENCE)


@on_sqlite_only()
async def test_a_body_that_grows_too_large_is_refused_while_it_grows(service: Program) -> None:
    sent = 0

    async def grow(line: Line) -> None:
        nonlocal sent
        while await line.send(chunk(b" " * 65_536)):
            sent += 65_536
            await asyncio.sleep(0)  # sending alone never waits while there is room: the answer would go unseen

    async with connected(service.url) as line:
        await line.send(request(b"", "Transfer-Encoding: chunked"))
        growing = asyncio.create_task(grow(line))
        reply = await line.reply()
        sent_before_the_answer = sent
        assert reply is not None
        assert reply.status == 413
        assert await line.is_closed_within(PATIENCE)
        await growing
    assert sent_before_the_answer < 200 * MOST_BODY_BYTES


@on_sqlite_only()
async def test_who_sends_all_of_it_before_reading_still_learns_why_it_was_refused(service: Program) -> None:
    async with connected(service.url) as line:
        for body in (b" " * 5_000_000, GOOD):
            assert await line.send(request(body))
            reply = await line.reply()
            assert reply is not None
            assert reply.status == (413 if len(body) > MOST_BODY_BYTES else 202)


@on_sqlite_only()
async def test_a_head_without_end_is_refused(service: Program) -> None:
    async with connected(service.url) as line:
        await line.send(b"GET /health HTTP/1.1\r\nX-Long: ")
        sent = 0
        while sent < 100 and await line.send(b"a" * 65_536):
            sent += 1
            await asyncio.sleep(0.01)
        assert sent < 50


# ------------------------------------------------------------------------------------------------------- any bytes

DEEP = 100_000
HALF = GOOD[:-20]

ODD: dict[str, tuple[bytes, list[int | None]]] = {
    # what stands in the body
    "empty": (request(b"", JSON), [400]),
    "not-json": (request(b"{"), [400]),
    "nan": (request(b'{"alerts":[{"status":"firing","labels":{"a":"b"},"values":{"A":NaN}}]}'), [400]),
    "infinity": (request(b'{"alerts":[],"truncatedAlerts":-Infinity}'), [400]),
    "more-after-the-end": (request(GOOD + b"{}"), [400]),
    "not-utf-8": (request(b"\xff\xfe"), [400]),
    "utf-16": (request(GOOD.decode().encode("utf-16")), [400]),
    "byte-order-mark": (request(b"\xef\xbb\xbf" + GOOD), [202]),
    "100k-lists-deep": (request(b"[" * 60_000), [400]),
    "100k-objects-deep-in-an-alert": (request(b'{"alerts":[{"x":' + b'{"x":' * 10_000), [400]),
    "a-list": (request(b"[]"), [400]),
    "a-text": (request(b'"alerts"'), [400]),
    "a-number": (request(b"1" * 5000), [400]),
    "null": (request(b"null"), [400]),
    "alerts-of-a-wrong-type": (request(b'{"alerts":{"0":{}}}'), [400]),
    "group-of-wrong-types": (request(b'{"alerts":[],"groupKey":7,"receiver":{},"truncatedAlerts":"x"}'), [202]),
    # what it says it is
    "no-type": (request(GOOD).replace(JSON.encode() + b"\r\n", b""), [202]),
    "with-charset": (request(GOOD, "Content-Type: application/json; charset=utf-8"), [202]),
    "text": (request(GOOD, "Content-Type: text/plain"), [415]),
    "form": (request(GOOD, "Content-Type: application/x-www-form-urlencoded"), [415]),
    "type-of-odd-bytes": (request(GOOD, "Content-Type: \xff\xfe\x80"), [415]),
    "gzip": (request(gzip.compress(GOOD), "Content-Encoding: gzip", JSON), [415]),
    "gzip-in-secret": (request(gzip.compress(GOOD)), [400]),
    "gzip-that-is-none": (request(GOOD, "Content-Encoding: gzip", JSON), [415]),
    "identity": (request(GOOD, "Content-Encoding: identity", JSON), [202]),
    # how it is framed
    "chunked": (request(b"", "Transfer-Encoding: chunked", JSON) + chunk(GOOD) + b"0\r\n\r\n", [202]),
    "bad-chunk": (request(b"", "Transfer-Encoding: chunked", JSON) + b"zz\r\n" + GOOD, [400]),
    "negative-chunk": (request(b"", "Transfer-Encoding: chunked", JSON) + b"-5\r\n" + GOOD, [400]),
    "length-too-short": (request(GOOD, size=len(GOOD) - 20), [400]),
    "two-lengths": (request(GOOD, f"Content-Length: {len(GOOD)}", "Content-Length: 5", JSON), [400]),
    "length-and-chunked": (request(GOOD, f"Content-Length: {len(GOOD)}", "Transfer-Encoding: chunked", JSON), [400]),
    "negative-length": (request(GOOD, "Content-Length: -5", JSON), [400]),
    "length-beyond-numbers": (request(GOOD, "Content-Length: " + "9" * 30, JSON), [400]),
    "length-of-words": (request(GOOD, "Content-Length: all", JSON), [400]),
    "pipelined": (request(GOOD) * 8, [202] * 8),
    "pipelined-bad-between-good": (request(GOOD) + request(b"{") + request(GOOD), [202, 400, 202]),
    "http-1.0": (request(GOOD, version="1.0"), [202, None]),
    "http-1.0-without-a-host": (request(GOOD, version="1.0").replace(b"Host: localhost\r\n", b""), [401, None]),
    "http-3.7": (request(GOOD, version="3.7"), [400]),
    "asks-to-continue": (request(GOOD, "Expect: 100-continue", JSON), [100, 202]),
    "wants-another-protocol": (request(b"", "Connection: Upgrade", "Upgrade: websocket", method="GET"), [405]),
    "another-host": (request(GOOD).replace(b"localhost", b"evil.example"), [401]),
    # what is asked for
    "get": (request(method="GET"), [405]),
    "get-with-slash": (request(method="GET", path=HOOK + "/"), [405]),
    "put": (request(GOOD, method="PUT"), [405]),
    "trace": (request(method="TRACE"), [405]),
    "post-with-slash": (request(GOOD, path=HOOK + "/"), [202]),
    "post-with-two-slashes": (request(GOOD, path="/" + HOOK), [202]),
    "lower-case-method": (request(GOOD, method="post"), [400]),
    "unknown-method": (request(GOOD, method="ALERT"), [400]),
    "connect": (request(method="CONNECT", path="localhost:80"), [400]),
    "nul-in-the-path": (request(method="GET", path="/api/v1/incidents/%00"), [400]),
    "half-a-character-in-the-path": (request(method="GET", path="/api/v1/incidents/%ed%a0%80"), [404]),
    "raw-bytes-in-the-path": (request(method="GET", path="/api/v1/incidents/\xff"), [400]),
    "long-path": (request(method="GET", path="/" + "a" * 100_000), [400]),
    "no-path": (request(method="GET", path=""), [400]),
    "a-header-of-odd-bytes": (request(GOOD, JSON, "Authorization: Bearer \xff\xfe\x80", "X-Request-Id: \xff"), [202]),
    "a-header-over-two-lines": (request(GOOD, JSON, "X-A: b\r\n c"), [400]),
    "a-header-with-a-nul": (request(GOOD, JSON, "X-A: b\0c"), [400]),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, [400]),
    "http-2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "noise": (bytes(range(256)) * 4, [400]),
}


async def answers(url: str, sent: bytes, count: int) -> list[int | None]:
    """The statuses that come back for some bytes; each error is a document, and none sends us elsewhere."""
    async with connected(url) as line:
        await line.send(sent)
        found = [await line.reply() for _ in range(count)]
    for each in filter(None, found):
        assert "location" not in each.headers
        assert each.status < 400 or each.headers["content-type"].startswith(("application/problem+json", "text/plain"))
    return [each and each.status for each in found]


async def test_whatever_the_bytes_are_the_answer_is_for_the_sender(service: Program) -> None:
    found = {name: await answers(service.url, sent, len(expected)) for name, (sent, expected) in ODD.items()}
    assert found == {name: expected for name, (_, expected) in ODD.items()}


async def test_a_body_that_ends_before_its_length_is_not_taken(service: Program) -> None:
    async with connected(service.url) as line:
        await line.send(request(webhook(alert("Half")), size=1000))
        line.end_sending()
        assert await line.reply() is None
    incidents = (await asked("GET", f"{service.url}/api/v1/incidents")).json()["items"]
    assert [each["title"] for each in incidents] == []


# --------------------------------------------------------------------------------------------------- good neighbours

LONG = "x" * 5000
TAKEN, SET_ASIDE = 0, 1

NEIGHBOURS: dict[str, tuple[bytes | dict[str, Any] | Any, int]] = {
    "nul-in-a-value": (alert("A", labels={"alertname": "nul \0 nul"}), TAKEN),
    "nul-in-an-annotation": (alert("A", annotations={"summary": "a\0b", "c\0d": "e"}), TAKEN),
    "nul-in-a-name": (alert("A", labels={"a\0b": "c"}), SET_ASIDE),
    "half-a-character": (b'{"status":"firing","labels":{"alertname":"half \\ud800"}}', TAKEN),
    "half-a-character-in-a-name": (b'{"status":"firing","labels":{"\\udfff":"a"}}', TAKEN),
    "not-utf-8": (b'{"status":"firing","labels":{"alertname":"\xff\xfe"}}', SET_ASIDE),
    "escapes-to-the-terminal": (alert("A", labels={"alertname": "\x1b[2J\x1b]0;x\x07\r\n"}), TAKEN),
    "null": (None, SET_ASIDE),
    "a-text": ("alert", SET_ASIDE),
    "a-number": (7, SET_ASIDE),
    "a-list": ([[]], SET_ASIDE),
    "empty": ({}, SET_ASIDE),
    "no-labels": ({"status": "firing"}, SET_ASIDE),
    "empty-labels": (alert("A", labels={}), SET_ASIDE),
    "labels-null": (alert("A", labels=None), SET_ASIDE),
    "label-of-a-number": (alert("A", labels={"alertname": 7}), SET_ASIDE),
    "label-of-a-list": (alert("A", labels={"alertname": ["a"]}), SET_ASIDE),
    "label-without-a-name": (alert("A", labels={"": "a"}), SET_ASIDE),
    "65-labels": (alert("A", labels={f"l{n}": "a" for n in range(65)}), SET_ASIDE),
    "a-long-name": (alert("A", labels={"n" * 300: "a"}), SET_ASIDE),
    "a-long-value": (alert("A", labels={"alertname": LONG}), TAKEN),
    "64-long-values": (alert("A", labels={f"l{n}": "é" * 400 for n in range(64)}), TAKEN),
    "long-annotations": (alert("A", annotations={f"a{n}": "ü" * 300 for n in range(90)}), TAKEN),
    "unknown-state": (alert("A", status="maybe"), SET_ASIDE),
    "state-of-a-number": (alert("A", status=1), SET_ASIDE),
    "time-of-words": (alert("A", startsAt="yesterday"), SET_ASIDE),
    "time-of-a-list": (alert("A", startsAt=[]), SET_ASIDE),
    "year-9999": (alert("Year 9999", startsAt="9999-12-31T23:59:59.999-12:00"), TAKEN),
    "year-1": (alert("Year 1", startsAt="0001-01-01T00:00:00+14:00"), TAKEN),
    "ends-before-it-starts": (alert("Ends", status="resolved", endsAt="1999-01-01T00:00:00Z"), TAKEN),
    "a-link-that-runs": (alert("Link", generatorURL="javascript:alert(1)"), TAKEN),
    "a-link-of-a-number": (alert("Link", generatorURL=7), SET_ASIDE),
    "a-name-for-a-fingerprint": (alert("Name", fingerprint="' OR 1=1 --"), TAKEN),
    "a-number-beyond-numbers": (b'{"status":"firing","labels":{"alertname":"Big"},"values":{"A":1e400}}', SET_ASIDE),
    "a-number-of-5000-digits": (
        b'{"status":"firing","labels":{"alertname":"Digits"},"values":{"A":' + b"9" * 5000 + b"}}",
        SET_ASIDE,
    ),
    "the-same-key-twice": (b'{"status":"firing","status":"resolved","labels":{"alertname":"Twice"}}', TAKEN),
    "template-text": (alert("{{7*7}} {% for %} ${7*7} %s {0.__class__}"), TAKEN),
    "markup": (alert("<!channel> <script>alert(1)</script> *_~`> [a](javascript:b)"), TAKEN),
    "a-severity-of-noise": (alert("Noise", labels={"alertname": "Noise", "severity": "\0\x1b" * 50}), TAKEN),
}


async def test_a_good_alert_is_kept_beside_any_bad_one(service: Program) -> None:
    became: dict[str, tuple[int, int]] = {}
    for name, (item, _) in NEIGHBOURS.items():
        good = alert(f"Beside {name}", labels={"alertname": f"Beside {name}", "severity": "critical"})
        raw = item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode()
        body = b'{"version":"4","alerts":[' + json.dumps(good).encode() + b"," + raw + b"]}"
        reply = await asked("POST", service.url + HOOK, body)
        said = reply.json()
        became[name] = reply.status, said.get("quarantined")
        assert said.get("accepted") == 2, (name, said)
    assert became == {name: (202, aside) for name, (_, aside) in NEIGHBOURS.items()}
    kept = await every(service, "incidents", "")
    assert {f"Beside {name}" for name in NEIGHBOURS} <= {each["title"] for each in kept}
    aside = await every(service, "quarantine", "")
    assert len(aside) == sum(aside for _, aside in NEIGHBOURS.values())

    async def all_told() -> bool:
        return (await asked("GET", f"{service.url}/health")).json()["messages_pending"] == 0

    await eventually(all_told)
    assert await every(service, "deliveries", "&state=failed") == []


async def test_a_good_event_is_kept_beside_any_bad_one(service: Program) -> None:
    good = {"model": "churn", "metric": "psi", "value": 0.5, "threshold": 0.2, "severity": "critical"}
    bad: dict[str, Any] = {
        "nul": {**good, "model": "a\0b"},
        "null": None,
        "a-list": [],
        "unknown-field": {**good, "treshold": 1},
        "text-for-a-number": {**good, "value": "high"},
        "deep-details": {**good, "details": nested(400)},
        "time-in-the-past": {**good, "observed_at": "0001-01-01T00:00:00Z"},
        "half-a-character": b'{"model": "\\ud800", "metric": "psi", "value": 1}',
        "nan": b'{"model": "nan", "metric": "psi", "value": NaN, "threshold": 0.2}',
    }
    for name, item in bad.items():
        raw = item if isinstance(item, bytes) else json.dumps(item).encode()
        beside = json.dumps({**good, "feature": name}).encode()
        reply = await asked("POST", f"{service.url}/api/v1/events", b"[" + beside + b"," + raw + b"]")
        assert (reply.status, reply.json()["items"][0]["state"]) == (202, "firing"), name
    incidents = await every(service, "incidents", "&model=churn")
    alerts = [one for each in incidents for one in await every(service, f"incidents/{each['number']}/alerts", "")]
    assert set(bad) <= {each["labels"].get("feature") for each in alerts}


def nested(depth: int) -> Any:
    """Lists in lists."""
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


async def every(service: Program, what: str, query: str) -> list[Any]:
    """All items of a list of the API."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await asked("GET", f"{service.url}/api/v1/{what}?limit=100{query}{cursor}")).json()
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


# ------------------------------------------------------------------------------------------- every operation there is

VALUES = [
    *(
        "\0",
        "\xff",
        "a" * 5000,
        "-1",
        "0",
        "9" * 30,
        str(2**63),
        "1e999",
        "NaN",
        "'\";--",
        "\ud800",
        "..",
        "%",
        "{",
        "💩",
    ),
    *("null", "2026-13-45T99:99", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999-12:00", 'a=~"(', 'a=~"(a+)+$"'),
    *("00000000-0000-0000-0000-000000000000", "AAAA", "²"),
]
BODIES = [
    *(b"", b"{", b"[]", b"null", b"1", b'"x"', b"NaN", b"\xff\xfe", b"[" * DEEP, b'{"x":' * DEEP, b"\xef\xbb\xbf{}"),
    *(b'{"by":"\\u0000"}', b'{"by":"\\ud800"}', b'{"by":' + b"9" * 5000 + b"}", b'{"by":{}}', b'{"by":1e999}'),
    *(b'{"by":"a","comment":"\\u0000"}', b'{"comment":"' + b"x" * 500_000 + b'"}', b" " * 2_000_000),
    *(b'{"name":"\\u0000","scopes":["read"]}', b'{"name":"a","scopes":["\\u0000"]}'),
    b'{"name":"a","scopes":["read"],"expires_at":"0001-01-01T00:00:00+14:00"}',
    b'{"name":"a","scopes":["read"],"expires_at":"9999-12-31T23:59:59-14:00"}',
]
TAGS = ["*", '"', 'W/"1"', "1" * 5000, "-1", "²", "9" * 18, '"1", "2"']
ALLOWED = range(200, 500)


def hostile_requests(schema: Any) -> list[tuple[str, str, bytes | None, dict[str, str]]]:
    """Every operation with every odd value in each of its places."""
    found: list[tuple[str, str, bytes | None, dict[str, str]]] = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            in_path = [each["name"] for each in parameters if each["in"] == "path"]
            in_query = [each["name"] for each in parameters if each["in"] == "query"]
            takes_body, verb = method != "get", method.upper()
            filled = path
            for name in in_path:
                filled = filled.replace(f"{{{name}}}", "1")
            odd = [quote(each, safe="", errors="surrogatepass") for each in VALUES]
            for value in odd if in_path else []:
                odd_path = path
                for name in in_path:
                    odd_path = odd_path.replace(f"{{{name}}}", value)
                found.append((verb, odd_path, b"{}" if takes_body else None, {}))
            found += [(verb, f"{filled}?{n}={v}", b"{}" if takes_body else None, {}) for n in in_query for v in odd]
            found += [(verb, filled, body, {}) for body in BODIES] if takes_body else []
            tag = "If-Match" if takes_body else "If-None-Match"
            found += [(verb, filled, b"{}" if takes_body else None, {tag: value}) for value in TAGS]
            found += [
                (verb, filled, b"{}", {"Content-Type": kind}) for kind in ("text/plain", "a", "multipart/form-data")
            ]
    return found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the more particular one
async def test_no_operation_has_a_mistake_that_a_client_can_find(service: Program) -> None:
    await asked("POST", service.url + HOOK, GOOD)
    schema = (await asked("GET", f"{service.url}/schema/openapi.json")).json()
    requests = hostile_requests(schema)

    def go() -> list[str]:
        wrong: list[str] = []
        for method, path, body, headers in requests:
            status = ask(method, service.url + path, body, headers).status
            same = status == 304 and headers.get("If-None-Match") in {"*", 'W/"1"', '"1", "2"'}
            if status not in ALLOWED or (300 <= status < 400 and not same):
                wrong.append(f"{status} {method} {path[:100]} {(body or b'')[:40]!r} {str(headers)[:60]}")
        return wrong

    assert len(requests) > 1000
    assert await asyncio.to_thread(go) == []
