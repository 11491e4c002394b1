"""What the API says of itself, and how it says what is wrong."""

from typing import Any

import pytest

from tests.web.conftest import Client


async def operations(client: Client) -> list[tuple[str, dict[str, Any]]]:
    document = (await client.get("/schema/openapi.json")).json()
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
        assert "503" in refusals, path
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in refusals.values()), path


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


async def test_a_wrong_method_names_the_right_one(client: Client) -> None:
    reply = await client.delete("/api/v1/receivers")
    assert (reply.status_code, "GET" in reply.headers["allow"]) == (405, True)
    assert reply.json()["detail"] == "DELETE is not possible here; GET is"
