"""What both clients do: they send, they repeat, they report, and they never end the program that calls them."""

import asyncio
import gc
import json
import logging
import math
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alertsvc.client import (
    AlertClient,
    AlertsvcError,
    ApiError,
    AsyncAlertClient,
    BadValueError,
    ConfigurationError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    TransportError,
    UnavailableError,
)
from tests.client.callers import Caller
from tests.client.servers import HANG, serving
from tests.programs import free_port


@pytest.fixture(params=["sync", "async"])
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


class Scripted:
    """A service that answers as it is told, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(each.content) for each in self.requests]


def taken(request: httpx.Request) -> httpx.Response:
    """As the service takes everything."""
    sent = json.loads(request.content)
    items = [
        {"index": index, "state": "firing", "event_id": each["event_id"], "incident": {"id": "x", "number": 12}}
        for index, each in enumerate(sent)
    ]
    return httpx.Response(202, json={"accepted": len(items), "items": items, "news": "unknown to this client"})


def problem(status: int, kind: str = "it", **more: Any) -> httpx.Response:
    document = {"type": f"urn:alertsvc:problem:{kind}", "detail": f"{kind} it is", "request_id": "r1", **more}
    return httpx.Response(status, json=document)


NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001  # what people send by mistake
AWARE = datetime(2026, 3, 2, 9, tzinfo=UTC)
BUSY = httpx.Response(503, headers={"Retry-After": "0"})


async def test_a_metric_is_one_event(caller: Caller) -> None:
    service = Scripted(taken)
    client = caller.new(service, model="fallback", labels={"team": "growth"})
    result = await caller(client.metric, "churn", "psi", 0.41, feature="age", threshold=0.2)
    assert (result.ok, bool(result), result.attempts, result.error) == (True, True, 1, None)
    assert (result.item.state, result.item.incident) == ("firing", 12)
    ((sent,),) = service.bodies
    assert sent.pop("event_id")
    assert sent == {
        "model": "churn",
        "metric": "psi",
        "value": 0.41,
        "feature": "age",
        "threshold": 0.2,
        "labels": {"team": "growth"},
    }


async def test_an_alert_fires_and_its_resolve_names_the_same(caller: Caller) -> None:
    service = Scripted(taken)
    client = caller.new(service, model="churn")
    await caller(client.alert, None, "schema_changed", feature="age", severity="critical")
    await caller(client.resolve, None, "schema_changed", feature="age")
    (fired,), (ended,) = service.bodies
    assert (fired["model"], fired["status"], fired["severity"]) == ("churn", "firing", "critical")
    assert (ended["model"], ended["status"], ended["feature"]) == ("churn", "resolved", "age")


async def test_what_is_sent_twice_has_one_name(caller: Caller) -> None:
    service = Scripted(BUSY, httpx.ReadTimeout("timed out"), taken)
    result = await caller(caller.new(service).metric, "churn", "psi", 0.41)
    assert (result.ok, result.attempts) == (True, 3)
    assert len({json.dumps(each) for each in service.bodies}) == 1


async def test_a_batch_goes_in_as_few_requests_as_the_service_takes(caller: Caller) -> None:
    service = Scripted(taken)
    result = await caller(caller.new(service).events, [{"metric": "psi", "value": each} for each in range(2500)])
    assert [len(each) for each in service.bodies] == [1000, 1000, 500]
    assert [item.index for item in result.items] == list(range(2500))


async def test_the_time_begins_when_the_events_are_there(caller: Caller) -> None:
    def slowly() -> Iterator[dict[str, Any]]:
        for value in (1, 2):
            time.sleep(0.6)
            yield {"metric": "psi", "value": value}

    assert (await caller(caller.new(Scripted(taken), timeout=1.0).events, slowly())).ok


async def test_one_bad_event_keeps_none_of_the_others_back(caller: Caller) -> None:
    service = Scripted(taken)
    events: list[Any] = [{"metric": "a"}, {"metric": "b", "observed_at": NAIVE}, 7, {"metric": "c"}]
    result = await caller(caller.new(service).events, events)
    assert [each["metric"] for each in service.bodies[0]] == ["a", "c"]
    assert [(item.index, item.state) for item in result.items] == [
        (0, "firing"),
        (1, "rejected"),
        (2, "rejected"),
        (3, "firing"),
    ]
    assert isinstance(result.error, RefusedError)
    assert "observed_at: has no time zone" in str(result.error)
    assert result.items[1].pointer == "/1/observed_at"


async def test_what_the_service_refuses_is_told_by_item(caller: Caller) -> None:
    errors = [{"pointer": "/0/treshold", "message": "treshold: unknown field; did you mean 'threshold'?"}]
    service = Scripted(problem(422, "invalid-event", errors=errors))
    result = await caller(caller.new(service).event, metric="psi", treshold=0.2)
    assert (result.ok, result.item.state, result.item.error) == (False, "rejected", errors[0]["message"])
    assert (type(result.error), result.error.kind, result.error.request_id) == (RefusedError, "invalid-event", "r1")


async def test_of_many_that_are_refused_each_has_its_item(caller: Caller) -> None:
    errors = [{"pointer": f"/{place}/metric", "message": "metric: missing"} for place in range(100)]
    service = Scripted(problem(422, "invalid-event", errors=errors))
    result = await caller(caller.new(service).events, [{"model": "churn"}] * 150)
    assert [(item.index, item.state) for item in result.items] == [(place, "rejected") for place in range(150)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(problem(401), NotAllowedError, id="401"),
        pytest.param(problem(403), NotAllowedError, id="403"),
        pytest.param(problem(404), NotFoundError, id="404"),
        pytest.param(problem(413), RefusedError, id="413"),
        pytest.param(problem(500), UnavailableError, id="500"),
        pytest.param(BUSY, UnavailableError, id="503"),
        pytest.param(httpx.Response(302, headers={"Location": "https://login.example"}), ApiError, id="a-redirect"),
        pytest.param(httpx.Response(200, html="<p>hello"), ApiError, id="a-stranger"),
        pytest.param(httpx.Response(202, json=[1]), ApiError, id="another-shape"),
        pytest.param(httpx.Response(202, content=b"[" * 100_000), ApiError, id="nested-without-end"),
        pytest.param(httpx.Response(200, json={"status": "ok"}), ApiError, id="another-service"),
        pytest.param(httpx.Response(202, json={"items": []}), ApiError, id="who-names-no-event"),
        pytest.param(httpx.ConnectError("refused"), TransportError, id="nobody-there"),
        pytest.param(httpx.RemoteProtocolError("hung up"), TransportError, id="hung-up"),
        pytest.param(RuntimeError("a fault of the client"), AlertsvcError, id="a-fault-of-our-own"),
    ],
)
async def test_nothing_is_raised_unless_it_is_asked_for(caller: Caller, answer: Any, kind: type[Exception]) -> None:
    result = await caller(caller.new(Scripted(answer), retries=1).metric, "churn", "psi", 0.4)
    assert (result.ok, bool(result), type(result.error)) == (False, False, kind)
    with pytest.raises(kind):
        await caller(caller.new(Scripted(answer), retries=1, raise_errors=True).metric, "churn", "psi", 0.4)


@pytest.mark.parametrize("call", [("report", "evidently", "{}"), ("deployment", "churn", 7)], ids=lambda each: each[0])
async def test_a_yes_of_another_service_is_none(caller: Caller, call: tuple[Any, ...]) -> None:
    name, *args = call
    client = caller.new(Scripted(httpx.Response(200, json={"status": "ok"})))
    result = await caller(getattr(client, name), *args)
    assert not result.ok
    assert "is the address right?" in str(result.error)


class DeviceLost:
    """A number on a device that is gone."""

    shape = ()

    def item(self) -> float:
        raise RuntimeError("CUDA error: device-side assert triggered")


@pytest.mark.parametrize("lost", [DeviceLost(), type("Odd", (), {"tolist": lambda _: 1 / 0, "shape": ()})()])
async def test_a_number_that_cannot_be_read_keeps_no_other_event_back(caller: Caller, lost: object) -> None:
    service = Scripted(taken)
    result = await caller(caller.new(service).events, [{"metric": "a"}, {"metric": "b", "value": lost}])
    assert [each["metric"] for each in service.bodies[0]] == ["a"]
    assert [(item.index, item.state) for item in result.items] == [(0, "firing"), (1, "rejected")]
    assert not result.ok


async def test_what_came_before_its_maker_failed_is_sent(caller: Caller) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"metric": "a"}
        raise KeyError("b")

    service = Scripted(taken)
    result = await caller(caller.new(service).events, failing())
    assert [each["metric"] for each in service.bodies[0]] == ["a"]
    assert not result.ok
    assert "KeyError" in str(result.error)


@pytest.mark.parametrize("name", ["value", "score"])
async def test_no_value_is_sent_as_no_value_whatever_it_is_called(caller: Caller, name: str) -> None:
    service = Scripted(taken)
    await caller(caller.new(service).events, [{"model": "churn", "metric": "psi", name: None, "test": None}])
    ((sent,),) = service.bodies
    assert (sent[name], "test" in sent) == (None, False)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda client: (client.metric, "churn", "psi", object()), id="a-value-that-is-none"),
        pytest.param(lambda client: (client.metric, b"churn", "psi", 0.4), id="a-model-that-is-none"),
        pytest.param(lambda client: (client.events, 7), id="no-list"),
        pytest.param(lambda client: (client.events, {"metric": "psi"}), id="a-mapping-for-a-list"),
        pytest.param(lambda client: (client.events, (1 / each for each in [0])), id="a-generator-that-fails"),
        pytest.param(lambda client: (client.report, "evidently", object()), id="a-report-that-is-none"),
        pytest.param(lambda client: (client.deployment, "churn", None), id="a-version-that-is-none"),
    ],
)
async def test_mistakes_of_the_caller_are_reported_as_all_else(caller: Caller, call: Any) -> None:
    client = caller.new(Scripted(taken))
    function, *args = call(client)
    result = await caller(function, *args)
    assert not result.ok
    assert isinstance(result.error, AlertsvcError)


@pytest.mark.parametrize(
    "options", [{"url": "nowhere"}, {"url": 7}, {"timeout": "soon"}, {"token_file": "/nowhere"}, {"token": "ä"}]
)
async def test_a_client_that_cannot_be_used_says_so_when_it_is(caller: Caller, options: dict[str, Any]) -> None:
    options = {**options}
    url = options.pop("url", "http://alertsvc.test")
    result = await caller(caller.new(Scripted(taken), url, **options).metric, "churn", "psi", 0.4)
    assert type(result.error) is ConfigurationError
    with pytest.raises(ConfigurationError):
        caller.new(Scripted(taken), url, raise_errors=True, **options)


async def test_a_closed_client_says_so(caller: Caller) -> None:
    client = caller.new(Scripted(taken))
    await caller(client.metric, "churn", "psi", 0.4)
    await caller(client.close)
    result = await caller(client.metric, "churn", "psi", 0.4)
    assert "closed" in str(result.error)


async def test_trouble_is_logged_once_for_each_kind(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    client = caller.new(Scripted(httpx.ConnectError("refused")), retries=0)
    with caplog.at_level(logging.DEBUG, "alertsvc.client"):
        for _ in range(5):
            await caller(client.metric, "churn", "psi", 0.4)
        for _ in range(2):
            await caller(client.event, observed_at=NAIVE)
    assert [each.levelname for each in caplog.records if each.name == "alertsvc.client"] == ["WARNING"] * 2


async def test_the_token_is_shown_nowhere(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    secret = "als_0123_hunter2"
    client = caller.new(Scripted(RuntimeError(f"Illegal header {secret}")), token=secret)
    with caplog.at_level(logging.DEBUG):
        result = await caller(client.metric, "churn", "psi", 0.4)
    assert "token=<secret>" in repr(client)
    assert secret not in repr(client) + repr(result) + str(result.error) + caplog.text + repr(client._settings)


@pytest.mark.parametrize("url", ["https://ann:hunter2@alerts.example", "https://alerts.example?token=hunter2"])
async def test_a_password_in_the_address_is_shown_nowhere(caller: Caller, url: str) -> None:
    client = caller.new(Scripted(taken), url)
    result = await caller(client.metric, "churn", "psi", 0.4)
    assert not result.ok
    assert "hunter2" not in repr(client) + repr(result) + str(result.error) + repr(client._settings)


async def test_the_environment_says_where_and_who(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service = Scripted(taken)
    monkeypatch.setenv("ALERTSVC_URL", "http://alerts.example:8080/base/")
    monkeypatch.setenv("ALERTSVC_TOKEN", "als_env")
    await caller(caller.new(service, None).metric, "churn", "psi", 0.4)
    (tmp_path / "token").write_text("als_file\n")
    monkeypatch.setenv("ALERTSVC_TOKEN_FILE", str(tmp_path / "token"))
    await caller(caller.new(service, None).metric, "churn", "psi", 0.4)
    await caller(caller.new(service, "http://other.example", token="als_own").metric, "churn", "psi", 0.4)
    assert [(str(each.url), each.headers["authorization"]) for each in service.requests] == [
        ("http://alerts.example:8080/base/api/v1/events", "Bearer als_env"),
        ("http://alerts.example:8080/base/api/v1/events", "Bearer als_file"),
        ("http://other.example/api/v1/events", "Bearer als_own"),
    ]


async def test_reports_go_as_they_are_with_what_they_lack(caller: Caller) -> None:
    service = Scripted(httpx.Response(202, json={"accepted": 1, "items": [{"index": 0, "state": "firing"}]}))
    client = caller.new(service, model="churn")
    text = '{"metrics": [NaN]}'
    soon = timedelta(hours=26)
    result = await caller(client.report, "evidently", text, dataset="daily", expect_next_within=soon)
    await caller(client.report, "great-expectations", {"success": False, "score": math.nan}, model="other")
    assert (result.ok, result.item.state) == (True, "firing")
    assert [each.url.path for each in service.requests] == [
        "/api/v1/hooks/evidently",
        "/api/v1/hooks/great-expectations",
    ]
    assert service.requests[0].content.decode() == text
    assert dict(service.requests[0].url.params) == {
        "model": "churn",
        "dataset": "daily",
        "expect_next_within": "93600s",
    }
    assert service.requests[1].content == b'{"success":false,"score":NaN}', "that it was lost is not lost"
    assert service.requests[1].url.params["model"] == "other"


async def test_a_deployment_that_is_sent_twice_is_the_same(caller: Caller) -> None:
    service = Scripted(BUSY, httpx.Response(201, json={"id": "0190"}))
    client = caller.new(service, environment="prod")
    result = await caller(client.deployment, "churn", 7, alias="champion", details={"build": 12}, happened_at=AWARE)
    assert (result.ok, result.attempts) == (True, 2)
    first, second = service.bodies
    assert first == second
    assert first == {
        "model": "churn",
        "model_version": "7",
        "environment": "prod",
        "alias": "champion",
        "details": {"build": "12"},
        "happened_at": "2026-03-02T09:00:00+00:00",
    }
    assert service.requests[0].headers["idempotency-key"] == service.requests[1].headers["idempotency-key"]


INCIDENT = {
    "id": "0190",
    "number": 12,
    "title": "churn: psi",
    "summary": "",
    "status": "firing",
    "severity": "critical",
    "labels": {"model": "churn"},
    "firing_count": 1,
    "alert_count": 1,
    "opened_at": "2026-03-02T09:00:00Z",
    "updated_at": "2026-03-02T09:00:00Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "resolved_by": None,
    "version": 1,
}


def pages(request: httpx.Request) -> httpx.Response:
    """Numbers from 0 without end, as many a page as are asked for."""
    start, count = int(request.url.params.get("cursor", 0)), int(request.url.params["limit"])
    items = [{**INCIDENT, "number": start + each} for each in range(count)]
    return httpx.Response(200, json={"items": items, "next_cursor": str(start + count)})


async def test_incidents_are_listed_over_pages_within_a_bound(caller: Caller) -> None:
    service = Scripted(pages)
    client = caller.new(service)
    found = await caller.all(client.incidents.list(status=["open"], filter='team="growth"', limit=3, most=7))
    assert [each.number for each in found] == list(range(7))
    assert [each.url.params["limit"] for each in service.requests] == ["3", "3", "1"]
    assert {(each.url.params["status"], each.url.params["filter"]) for each in service.requests} == {
        ("open", 'team="growth"')
    }


async def test_acts_name_the_incident_and_the_person(caller: Caller) -> None:
    service = Scripted(httpx.Response(200, json=INCIDENT))
    client = caller.new(service)
    verbs = client.incidents
    for act in (verbs.ack, verbs.unack, verbs.resolve, verbs.reopen):
        assert (await caller(act, "INC-12", by="ann", comment="on it")).number == 12
    await caller(verbs.comment, 12, "a line", by="ann")
    assert (await caller(verbs.get, 12)).opened_at.tzinfo is not None
    assert [each.url.path.removeprefix("/api/v1/incidents/") for each in service.requests] == [
        "12/acknowledge",
        "12/unacknowledge",
        "12/resolve",
        "12/reopen",
        "12/comments",
        "12",
    ]
    assert json.loads(service.requests[0].content) == {"by": "ann", "comment": "on it"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(problem(409, "not-possible"), ConflictError, id="409"),
        pytest.param(problem(404), NotFoundError, id="404"),
        pytest.param(httpx.Response(200, json={"number": 12}), ApiError, id="no-incident"),
        pytest.param(httpx.ConnectError("refused"), TransportError, id="nobody-there"),
    ],
)
async def test_incidents_raise_what_goes_wrong(caller: Caller, answer: Any, kind: type[Exception]) -> None:
    client = caller.new(Scripted(answer), retries=0)
    with pytest.raises(kind):
        await caller(client.incidents.ack, 12)
    with pytest.raises(BadValueError):
        await caller(client.incidents.get, " ")


async def test_a_comment_is_not_written_twice(caller: Caller) -> None:
    service = Scripted(httpx.ReadTimeout("timed out"), httpx.Response(201, json=INCIDENT))
    with pytest.raises(TransportError) as lost:
        await caller(caller.new(service).incidents.comment, 12, "a line")
    assert (lost.value.was_sent, len(service.requests)) == (True, 1)


SLOW = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 10_000


@pytest.mark.parametrize(
    ("answer", "drip"),
    [
        pytest.param(HANG, None, id="it-never-answers"),
        pytest.param(SLOW, 0.05, id="its-header-drips"),
        pytest.param(SLOW, 0.001, id="its-body-drips"),
    ],
)
async def test_a_call_ends_within_its_time(caller: Caller, answer: bytes, drip: float | None) -> None:
    with serving(answer, drip=drip) as url:
        client = caller.new(url=url, timeout=0.6)
        began = time.monotonic()
        result = await caller(client.metric, "churn", "psi", 0.4)
        took = time.monotonic() - began
        await caller(client.close)
    assert isinstance(result.error, TransportError)
    assert result.error.was_sent
    assert 0.4 < took < 3.0


async def test_where_nobody_listens_it_is_tried_until_the_tries_end(caller: Caller) -> None:
    client = caller.new(url=f"http://127.0.0.1:{free_port()}", retries=2)
    result = await caller(client.metric, "churn", "psi", 0.4)
    assert (type(result.error), result.attempts, result.error.was_sent) == (TransportError, 3, False)


async def test_an_answer_without_end_is_not_read_to_it(caller: Caller) -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000
    with serving(body) as url:
        client = caller.new(url=url)
        result = await caller(client.metric, "churn", "psi", 0.4)
        await caller(client.close)
    assert "16777216 bytes" in str(result.error)


def test_calls_that_hang_are_left_behind_only_so_often() -> None:
    with serving(HANG) as url:
        client = AlertClient(url, timeout=0.02, retries=0)
        results = [client.metric("churn", "psi", 0.4) for _ in range(40)]
        client.close()
    assert {type(each.error) for each in results} == {TransportError}


GOOD = b'HTTP/1.1 202 Accepted\r\nContent-Length: 39\r\n\r\n{"items":[{"index":0,"state":"firing"}]}'
GOOD = GOOD.replace(b"39", str(len(GOOD.partition(b"\r\n\r\n")[2])).encode())


def test_the_children_of_a_fork_have_connections_of_their_own() -> None:
    with serving(GOOD) as url:
        client = AlertClient(url)
        assert client.metric("churn", "psi", 0.4).ok
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the server of this test has threads
            child = os.fork()
        if child == 0:
            os._exit(0 if client.metric("churn", "psi", 0.4).ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.metric("churn", "psi", 0.4).ok
        client.close()


def test_threads_share_a_client() -> None:
    with serving(GOOD) as url:
        client = AlertClient(url)

        async def many() -> Sequence[Any]:
            return await asyncio.gather(*(asyncio.to_thread(client.metric, "m", "psi", each) for each in range(50)))

        assert all(asyncio.run(many()))
        client.close()


def test_an_async_client_outlives_its_event_loop() -> None:
    with serving(GOOD) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # what belonged to a loop that is gone cannot be closed
        client = AsyncAlertClient(url)
        assert asyncio.run(client.metric("churn", "psi", 0.4)).ok
        assert asyncio.run(client.metric("churn", "psi", 0.4)).ok
        del client
        gc.collect()


async def test_a_task_that_is_cancelled_is_cancelled() -> None:
    with serving(HANG) as url:
        async with AsyncAlertClient(url) as client:
            task = asyncio.create_task(client.metric("churn", "psi", 0.4))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_calls_that_time_out_take_no_connection_for_ever() -> None:
    """The pool has room for 100. What is cancelled while it waits for its place in it would hold that for ever."""
    with serving(HANG) as url:
        client = AsyncAlertClient(url, timeout=0.1, retries=0)
        for _ in range(2):
            await asyncio.gather(*(client.metric("churn", "psi", 0.4) for _ in range(120)))
        cancelled = [asyncio.create_task(client.metric("churn", "psi", 0.4)) for _ in range(20)]
        await asyncio.sleep(0)
        for each in cancelled:
            each.cancel()
        await asyncio.wait(cancelled)
        left = list(client._left)
        assert left
        await asyncio.wait(left)
        assert client._left == set()
        if client._https is not None:  # else who comes now gets other connections
            pool: Any = client._https[2]._transport
            assert pool._pool.connections == []
        await client.close()


async def test_where_a_request_had_to_be_cancelled_others_get_other_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alertsvc.client.asynchronous.LEFT_SECONDS", 0.0)
    with serving(HANG) as url:
        client = AsyncAlertClient(url, timeout=0.1, retries=0)
        await client.metric("churn", "psi", 0.4)
        assert client._https is not None
        first = client._https[2]
        await asyncio.wait(list(client._left))
        await client.metric("churn", "psi", 0.4)
        assert client._https is not None
        assert client._https[2] is not first
        async with asyncio.timeout(10):
            while not first.is_closed:
                await asyncio.sleep(0.01)
        await client.close()
        assert (client._replaced, client._https) == ([], None)
