"""Every path as it is written and with a slash behind it: no door sends its visitor elsewhere."""

import asyncio

import pytest
from sqlalchemy import Connection, func, select

from alertsvc.store import migrate, tables
from tests.web.conftest import Client
from tests.web.test_doors import HOOK, OBSERVATION

SENT_ELSEWHERE = range(300, 400)
SOME_ID = "00000000-0000-0000-0000-000000000000"


def paths(client: Client) -> list[str]:
    """The path of every door, its variables filled in."""
    listed = [route.path for route in client.app.routes]
    assert HOOK in listed
    return sorted({"/".join(SOME_ID if "{" in part else part for part in path.split("/")) for path in listed})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_no_path_redirects(client: Client, method: str) -> None:
    for path in paths(client):
        for asked in (path, path.rstrip("/") + "/"):
            reply = await client.request(method, asked, follow_redirects=False)
            assert reply.status_code not in SENT_ELSEWHERE, f"{method} {asked}"
            assert "location" not in reply.headers, f"{method} {asked}"


@pytest.mark.parametrize("path", [HOOK, "/api/v1/events"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_door_for_posts_refuses_all_else(client: Client, path: str, method: str) -> None:
    for asked in (path, path + "/"):
        reply = await client.request(method, asked, follow_redirects=False)
        assert reply.status_code == 405, asked
        assert reply.headers["content-type"] == "application/problem+json"


async def test_a_slash_behind_a_path_makes_no_difference(client: Client) -> None:
    for path in ("/api/v1/incidents", "/health", "/-/ready", "/metrics"):
        assert (await client.get(path + "/", follow_redirects=False)).status_code == 200, path
    taken = await client.post("/api/v1/events/", json=OBSERVATION, follow_redirects=False)
    assert taken.status_code == 202


async def test_what_is_nowhere_is_a_problem_document(client: Client) -> None:
    reply = await client.get("/api/v1/nothing")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "request_id"} <= set(reply.json())


def count_rows(conn: Connection) -> int:
    counts = [
        conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables.metadata.sorted_tables
    ]
    return sum(counts)


async def test_a_dry_run_writes_no_row_at_all(client: Client, database_url: str) -> None:
    async def rows() -> int:
        return await asyncio.to_thread(migrate.on_connection, database_url, count_rows, exclusive=False)

    before = await rows()
    events = [{**OBSERVATION, "event_id": "run-1"}, {**OBSERVATION, "treshold": 1}]
    reply = await client.post("/api/v1/events?dry_run=true", json=events, headers={"Idempotency-Key": "k"})
    assert [item["state"] for item in reply.json()["items"]] == ["firing", "rejected"]
    assert await rows() == before
    taken = await client.post("/api/v1/events", json=events, headers={"Idempotency-Key": "k"})
    assert (taken.status_code, taken.json()["new"]) == (202, 1), "neither the key nor the id was used up"
    assert await rows() > before
