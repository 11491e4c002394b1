"""A server with as many clients as it takes tells the next one when to come again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn

from alertsvc.web.connections import BoundedProtocol
from tests.programs import eventually, free_port

MOST = 3


async def quiet(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a server with the protocol that the service has, which takes few."""
    found = free_port()
    config = uvicorn.Config(
        quiet, port=found, log_config=None, http=BoundedProtocol, lifespan="off", limit_concurrency=MOST
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield found
    server.should_exit = True
    await task


async def test_one_too_many_is_told_when_to_come_again(port: int) -> None:
    address = f"http://127.0.0.1:{port}/"
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST - 1)]
    async with httpx.AsyncClient() as client:
        refused = await client.post(address, json={}, headers={"x-request-id": "mine.1"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.headers["content-type"].startswith("application/problem+json")
    problem = refused.json()
    assert (problem["type"], problem["request_id"]) == ("urn:alertsvc:problem:overloaded", "mine.1")
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()

    async def is_taken() -> bool:
        async with httpx.AsyncClient() as client:
            return (await client.post(address, json={})).status_code == 204

    assert await eventually(is_taken)
