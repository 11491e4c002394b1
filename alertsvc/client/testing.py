"""A service for the tests of your own code: no network, no process, and the answers of the real one.

    from alertsvc.client.testing import fake_client

    def test_my_training_reports_its_drift() -> None:
        with fake_client(model="churn") as (client, fake):
            train(client)
        assert fake.events[0]["metric"] == "psi"
        assert [each.status for each in fake.open_incidents()] == ["firing"]

It has the alerts and the incidents that the service would have without any configuration of them: no thresholds but
those of the events, no silences, no messages. Unlike the client itself it needs everything that the service needs.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Unpack, cast
from uuid import uuid4

import httpx

from alertsvc.client.asynchronous import AsyncAlertClient
from alertsvc.client.common import Options
from alertsvc.client.fake_service import VERBS, FakeService, shown
from alertsvc.client.incidents import Incident, incident_of
from alertsvc.client.sync import AlertClient
from alertsvc.core.acts import Actor, NotPossibleError
from alertsvc.ingest.parsed import BadItem, BadPayloadError
from alertsvc.ingest.tools.context import BadContextError, UnknownShapeError

URL = "http://alertsvc.test"
FILTERS = ("status", "severity", "model", "environment")


class FakeAlertsvc:
    """What a client of it sent, and what became of it.

    `events` and `reports` (tool, context, report) are those that were taken, as they were sent. `deployments` are only
    kept. `token`, when it is set, has to be presented.
    """

    def __init__(self, token: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.reports: list[tuple[str, dict[str, str], Any]] = []
        self.deployments: list[dict[str, Any]] = []
        self.token = token
        self.requests: list[httpx.Request] = []
        self._service = FakeService()
        self._failures: list[int] = []

    def client(self, **options: Unpack[Options]) -> AlertClient:
        """A client of this service."""
        return AlertClient(URL, self.token, transport=httpx.MockTransport(self.answer), **options)

    def async_client(self, **options: Unpack[Options]) -> AsyncAlertClient:
        """A client of this service, for asyncio."""
        return AsyncAlertClient(URL, self.token, transport=httpx.MockTransport(self.answer), **options)

    def fail(self, *statuses: int) -> None:
        """Answer the next requests so, one each: 503 as an overloaded service, 0 as one that is not there."""
        self._failures += statuses

    def incidents(self) -> list[Incident]:
        """All incidents, the newest first."""
        listed = sorted(self._service.incidents.values(), key=lambda each: -each.number)
        return [incident_of(shown(each)) for each in listed]

    def open_incidents(self) -> list[Incident]:
        """Those that are not resolved."""
        return [each for each in self.incidents() if each.is_open]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the service would answer."""
        self.requests.append(request)
        if self._failures:
            status = self._failures.pop(0)
            if status == 0:
                raise httpx.ConnectError("the fake was told not to answer", request=request)
            return _problem(status, "failed", "the fake was told to answer so")
        if self.token is not None and request.headers.get("authorization") != f"Bearer {self.token}":
            return _problem(401, "unauthenticated", "a bearer token is needed (Authorization: Bearer als_…)")
        return self._answered(request)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        match (request.method, *request.url.path.removeprefix("/api/v1/").split("/")):
            case ("POST", "events"):
                reply = self._take_events(request)
            case ("POST", "hooks", tool):
                reply = self._take_report(tool, request)
            case ("POST", "deployments"):
                self.deployments.append(json.loads(request.content))
                reply = httpx.Response(201, json={"id": str(uuid4()), **self.deployments[-1]})
            case ("GET", "incidents"):
                reply = self._list(request)
            case ("GET", "incidents", reference):
                reply = self._show(reference)
            case ("POST", "incidents", reference, verb) if verb in VERBS:
                reply = self._act(reference, verb, request)
            case _:
                reply = _nothing_there(request)
        return reply

    def _take_events(self, request: httpx.Request) -> httpx.Response:
        try:
            items, refused = self._service.take(request.content)
        except BadPayloadError as fault:
            return _problem(400, "bad-payload", str(fault))
        if refused and len(refused) == len(items):
            return _all_refused(refused)
        bad = {each.index for each in refused}
        self.events += [each for index, each in enumerate(_sent(request.content)) if index not in bad]
        return httpx.Response(202, json={"accepted": len(items), "rejected": len(bad), "items": items})

    def _take_report(self, tool: str, request: httpx.Request) -> httpx.Response:
        said = dict(request.url.params)
        try:
            items, refused = self._service.take_report(tool, request.content, said)
        except LookupError:
            return _nothing_there(request)
        except UnknownShapeError as fault:
            return _problem(422, "unknown-report", f"{fault}. It is kept in the quarantine")
        except BadContextError as fault:
            errors = [{"pointer": fault.field, "message": str(fault)}]
            return _problem(422, "bad-context", str(fault), errors)
        except BadPayloadError as fault:
            return _problem(400, "bad-payload", str(fault))
        if refused and len(refused) == len(items):
            return _all_refused(refused)
        self.reports.append((tool, said, json.loads(request.content)))
        return httpx.Response(202, json={"accepted": len(items) - len(refused), "items": items})

    def _list(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        unknown = sorted(set(asked) - {*FILTERS, "limit", "cursor"})
        if unknown:
            return _problem(400, "bad-parameter", f"{unknown[0]}: the fake lists by {', '.join(FILTERS)} only")
        found = [each for each in self.incidents() if _fits(each, asked)]
        start, limit = int(asked.get("cursor", 0)), int(asked.get("limit", 50))
        following = str(start + limit) if len(found) > start + limit else None
        page = [dict(each.raw) for each in found[start : start + limit]]
        return httpx.Response(200, json={"items": page, "next_cursor": following})

    def _show(self, reference: str) -> httpx.Response:
        found = self._service.find(reference)
        if found is None:
            return _problem(404, "not-found", f"there is no incident {reference!r}")
        return httpx.Response(200, json=shown(found))

    def _act(self, reference: str, verb: str, request: httpx.Request) -> httpx.Response:
        found = self._service.find(reference)
        if found is None:
            return _problem(404, "not-found", f"there is no incident {reference!r}")
        asked = cast(dict[str, str], json.loads(request.content or b"{}"))
        if verb == "comments" and not asked.get("comment"):
            return _problem(
                422, "invalid", "comment: missing", [{"pointer": "/comment", "message": "comment: missing"}]
            )
        actor = Actor(asked.get("by", "local"), "api", asked.get("comment", ""))
        try:
            done = self._service.act(found, verb, actor)
        except NotPossibleError as fault:
            return _problem(409, "not-possible", str(fault))
        return httpx.Response(201 if verb == "comments" else 200, json=shown(done))


def _nothing_there(request: httpx.Request) -> httpx.Response:
    detail = f"there is no {request.url.path}; /schema/openapi.json lists what there is"
    return _problem(404, "not-found", detail)


def _all_refused(refused: Sequence[BadItem]) -> httpx.Response:
    errors = [{"pointer": each.pointer, "message": each.reason} for each in refused]
    return _problem(422, "invalid-event", refused[0].reason, errors)


def _sent(body: bytes) -> list[dict[str, Any]]:
    found = json.loads(body)
    if isinstance(found, dict):
        given = cast(dict[str, Any], found)
        return cast(list[dict[str, Any]], given["events"]) if "events" in given else [given]
    return cast(list[dict[str, Any]], found)


def _fits(incident: Incident, asked: httpx.QueryParams) -> bool:
    wanted: set[str] = set()
    for word in asked.get_list("status"):
        wanted |= {"firing", "acknowledged"} if word == "open" else {word}
    labels = {name: asked[name] for name in ("model", "environment") if name in asked}
    severities = asked.get_list("severity")
    return (
        (not wanted or incident.status in wanted)
        and (not severities or incident.severity in severities)
        and all(incident.labels.get(name) == value for name, value in labels.items())
    )


def _problem(status: int, kind: str, detail: str, errors: list[dict[str, str]] | None = None) -> httpx.Response:
    document: dict[str, Any] = {"type": f"urn:alertsvc:problem:{kind}", "status": status, "detail": detail}
    if errors:
        document["errors"] = errors
    return httpx.Response(status, json=document, headers={"content-type": "application/problem+json"})


@contextmanager
def fake_client(**options: Unpack[Options]) -> Generator[tuple[AlertClient, FakeAlertsvc]]:
    """A client, and the fake service that it talks to."""
    fake = FakeAlertsvc()
    with fake.client(**options) as client:
        yield client, fake
