"""What the API says of itself, and how it says what is wrong."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alertsvc.web.tools import REPORTS
from tests.web.conftest import Client


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: what stands before it does not know which it is."""
    return sqlite_url


async def described(client: Client) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/schema/openapi.json")).json()
    return document


async def operations(client: Client) -> list[tuple[str, dict[str, Any]]]:
    document = await described(client)
    return [(path, operation) for path, item in document["paths"].items() for operation in item.values()]


async def test_every_operation_says_what_it_does_and_what_its_parameters_mean(client: Client) -> None:
    listed = await operations(client)
    assert len({operation["operationId"] for _, operation in listed}) == len(listed) > 25
    for path, operation in listed:
        assert operation["description"], path
        assert all(parameter["description"] for parameter in operation.get("parameters", ())), path


async def test_every_refusal_is_declared_as_a_problem_document(client: Client) -> None:
    for path, operation in await operations(client):
        refusals = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
        assert ("503" in refusals) is bool(operation["security"]), path
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals.values()), path


async def test_what_was_accepted_is_said_to_be_durable(client: Client) -> None:
    document = (await client.get("/schema/openapi.json")).json()
    for path in ("/api/v1/hooks/alertmanager", "/api/v1/events"):
        said = document["paths"][path]["post"]["responses"]["202"]["description"]
        assert said == "On durable storage; delivery follows"
    page = (await client.get("/schema", headers={"accept": "text/html"})).text
    assert "<code>dry_run=true</code>" in page
    assert "`" not in page


async def test_the_scope_that_a_token_needs_is_declared_and_open_pages_need_none(client: Client) -> None:
    document = await described(client)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "basic"}
    paths = document["paths"].items()
    found = {(path, method): each["security"] for path, item in paths for method, each in item.items()}
    assert found["/api/v1/events", "post"] == [{"bearer": ["ingest"]}, {"basic": ["ingest"]}]
    assert found["/api/v1/incidents/{reference}/resolve", "post"] == [{"bearer": ["act"]}, {"basic": ["act"]}]
    assert found["/-/reload", "post"] == [{"bearer": ["admin"]}, {"basic": ["admin"]}]
    opened = {path for (path, _), needed in found.items() if not needed}
    assert {"/-/healthy", "/-/ready", "/health", "/metrics"} <= opened
    assert not any(path.startswith("/api/") for path in opened)


async def test_doors_that_wait_for_their_body_say_that_they_do_not_wait_for_ever(client: Client) -> None:
    slow = {path for path, operation in await operations(client) if "408" in operation["responses"]}
    hooks = ("alertmanager", "grafana", "mlflow", *REPORTS)
    assert slow == {"/api/v1/events", *(f"/api/v1/hooks/{name}" for name in hooks)}


def inner_schemas(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        if "schema" in node and "content" not in node:
            yield node["schema"]
        for each in node.values():
            yield from inner_schemas(each)
    elif isinstance(node, list):
        for each in node:
            yield from inner_schemas(each)


async def test_the_description_holds_together(client: Client) -> None:
    document = await described(client)
    schemas = [*document["components"]["schemas"].values(), *inner_schemas(document["paths"])]
    assert len(schemas) > 100
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])


SILENCE = {"matchers": ['model="churn"'], "duration": "2h", "comment": "retraining"}
EVENT = {"model": "churn", "metric": "psi", "feature": "age", "value": 0.41, "threshold": 0.2, "severity": "critical"}
WEBHOOK = {
    "version": "4",
    "groupKey": "{}:{}",
    "status": "firing",
    "alerts": [{"status": "firing", "labels": {"alertname": "Drift"}, "startsAt": "2026-11-24T09:00:00Z", "new": 1}],
}
REGISTERED = {"entity": "registered_model", "action": "created", "data": {"name": "churn"}}
SENT: list[Any] = [
    pytest.param("/api/v1/events", EVENT, 202, id="one-event"),
    pytest.param("/api/v1/events", [EVENT, {**EVENT, "value": "high"}], 202, id="one-of-two"),
    pytest.param("/api/v1/events", {"events": [EVENT, {"model": "m", "metric": "n", "value": 1}]}, 202, id="wrapped"),
    pytest.param("/api/v1/events?dry_run=true", [EVENT, {**EVENT, "value": "high"}], 200, id="dry-run"),
    pytest.param("/api/v1/events", {**EVENT, "treshold": 1}, 422, id="refused-event"),
    pytest.param("/api/v1/hooks/alertmanager", WEBHOOK, 202, id="webhook"),
    pytest.param("/api/v1/hooks/alertmanager", {"message": "x"}, 400, id="refused-webhook"),
    pytest.param("/api/v1/hooks/grafana", WEBHOOK, 202, id="webhook-of-grafana"),
    pytest.param("/api/v1/hooks/whylogs?model=m", [{"name": "n", "passed": 0, "failed": 1}], 202, id="report"),
    pytest.param("/api/v1/hooks/whylogs?model=m&dry_run=true", [{"name": "n", "failed": 1}], 200, id="dry-report"),
    pytest.param("/api/v1/hooks/mlflow", REGISTERED, 202, id="webhook-of-mlflow"),
    pytest.param("/api/v1/silences", SILENCE, 201, id="silence"),
    pytest.param("/api/v1/silences?dry_run=true", SILENCE, 200, id="dry-silence"),
]


@pytest.mark.parametrize(("path", "body", "status"), SENT)
async def test_what_is_sent_and_answered_fits_the_description(
    client: Client, path: str, body: Any, status: int
) -> None:
    document = await described(client)
    operation = document["paths"][path.partition("?")[0]]["post"]

    def check(described: dict[str, Any]) -> Draft202012Validator:
        (content,) = described["content"].values()
        return Draft202012Validator({**content["schema"], "components": document["components"]})

    is_right = '"high"' not in json.dumps(body) and status < 400
    assert check(operation["requestBody"]).is_valid(body) is is_right
    reply = await client.post(path, json=body)
    assert reply.status_code == status, reply.text
    answer = operation["responses"][str(status)]
    assert reply.headers["content-type"].partition(";")[0] in answer["content"]
    check(answer).validate(reply.json())
    assert not check(answer).is_valid({})


@pytest.mark.parametrize("path", ["/schema/swagger", "/schema/redoc", "/schema/x", "/schema/openapi.json/x"])
async def test_there_is_no_page_of_anybody_else(client: Client, path: str) -> None:
    reply = await client.get(path, headers={"accept": "text/html"})
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
    assert reply.json()["detail"] == f"there is no {path}; /schema/openapi.json lists what there is"


async def test_a_browser_is_shown_the_same_as_a_page_that_needs_nothing_from_elsewhere(client: Client) -> None:
    reply = await client.get("/schema", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert reply.headers["content-type"].startswith("text/html")
    assert all(f"<code>{each}</code>" in reply.text for each in ("POST /api/v1/events", "GET /health"))
    assert not re.search(r"<script|<link|https?://[^ <]*\.(js|css)|src=", reply.text)
    style = re.search(r"<style>(.*?)</style>", reply.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.headers["content-security-policy"]
    plain = await client.get("/schema", headers={"accept": "application/json"})
    assert plain.json() == await described(client)


ASKED = [
    pytest.param("GET", "/api/v1/incidents", id="answer"),
    pytest.param("GET", "/api/v1/incidents/77", id="unknown-thing"),
    pytest.param("GET", "/api/v1/incidents?x=1", id="guard"),
    pytest.param("GET", "/api/v2/silence/x", id="as-alertmanager-says-it"),
    pytest.param("POST", "/api/v1/events", id="ingest"),
    pytest.param("GET", "/nowhere", id="no-door"),
    pytest.param("DELETE", "/api/v1/incidents", id="wrong-method"),
    pytest.param("GET", "/api/v1/incidents?q=%00", id="nul"),
    pytest.param("GET", "/schema", id="description"),
    pytest.param("GET", "/-/healthy", id="text"),
]


@pytest.mark.parametrize(("method", "path"), ASKED)
async def test_no_header_is_answered_twice_and_none_that_is_due_is_missing(
    client: Client, method: str, path: str
) -> None:
    replies = [await client.request(method, path, headers=each) for each in ({"x-request-id": "mine.1"}, {}, {})]
    for reply in replies:
        names = [name.lower() for name, _ in reply.headers.multi_items()]
        assert sorted(names) == sorted(set(names))
        assert {"x-request-id", "content-security-policy", "x-content-type-options", "cache-control"} <= set(names)
    ids = [reply.headers["x-request-id"] for reply in replies]
    assert ids[0] == "mine.1"
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        pytest.param("/api/v1/incidents?stats=open", "'stats': unknown parameter; did you mean 'status'?", id="list"),
        pytest.param("/api/v1/receivers?x=1", "'x': unknown parameter; there are: none", id="without-parameters"),
        pytest.param("/api/v1/nope", "there is no /api/v1/nope; /schema/openapi.json lists what there is", id="path"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_in_words(client: Client, path: str, detail: str) -> None:
    reply = await client.get(path)
    assert reply.status_code in {400, 404}
    assert reply.json()["detail"] == detail


async def test_the_address_of_a_webhook_may_carry_anything(client: Client) -> None:
    empty = {"version": "4", "alerts": []}
    assert (await client.post("/api/v1/hooks/alertmanager?cluster=a", json=empty)).status_code == 202


async def test_a_slip_in_a_dry_run_stores_nothing(client: Client) -> None:
    event = {"model": "m", "metric": "psi", "value": 0.3, "threshold": 0.2}
    reply = await client.post("/api/v1/events?dryrun=true", json=event)
    assert reply.json()["detail"] == "'dryrun': unknown parameter; did you mean 'dry_run'?"
    assert (await client.get("/api/v1/incidents")).json()["items"] == []


async def test_wrong_fields_are_named_with_the_fix(client: Client) -> None:
    reply = await client.post("/api/v1/incidents/1/comments", json={"by": "ann", "coment": "hi"})
    assert reply.status_code == 422
    assert reply.json()["errors"] == [
        {"pointer": "/comment", "message": "comment: missing"},
        {"pointer": "/coment", "message": "coment: unknown field; did you mean 'comment'?"},
    ]


NO_OBJECTS = [
    pytest.param(b"", 422, "a JSON object is needed, with: comment, by", id="nothing"),
    pytest.param(b"[]", 422, "a JSON object is needed, with: comment, by", id="a-list"),
    pytest.param(b'"x"', 422, "a JSON object is needed, with: comment, by", id="a-text"),
    pytest.param(b"{", 400, "not JSON: input data was truncated", id="broken-off"),
]


@pytest.mark.parametrize(("content", "status", "detail"), NO_OBJECTS)
async def test_a_body_that_is_none_is_said_to_be_none(client: Client, content: bytes, status: int, detail: str) -> None:
    json_type = {"content-type": "application/json"}
    reply = await client.post("/api/v1/incidents/1/comments", content=content, headers=json_type)
    assert (reply.status_code, reply.json()["detail"]) == (status, detail)
    assert [each["pointer"] for each in reply.json().get("errors", [])] == ([""] if status == 422 else [])


async def test_a_wrong_value_is_said_to_be_wrong_in_plain_words(client: Client) -> None:
    asked = {"matchers": ['a="b"'], "duration": "soon", "comment": "x"}
    reply = await client.post("/api/v1/silences", json=asked)
    assert reply.json()["detail"].startswith("duration: a duration such as 30s")


async def test_a_wrong_method_names_the_right_one(client: Client) -> None:
    reply = await client.delete("/api/v1/receivers")
    assert (reply.status_code, "GET" in reply.headers["allow"]) == (405, True)
    assert reply.json()["detail"] == "DELETE is not possible here; GET is"
