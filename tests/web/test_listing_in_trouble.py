"""What a client sees of a long list when the database fails while it is sent: never a list that only looks whole."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from alertsvc.app import create_app
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.web.alertmanager_api.reading import PAGE
from alertsvc.web.connections import BoundedProtocol
from tests.programs import eventually, free_port
from tests.world import Recorder, World, event, rules

LAST_CHUNK = b"0\r\n\r\n"
READS_OF_ACCESS = 1
"""Whoever asks is looked at first."""


class FailsLater:
    """A database that answers so many reads, and then is away. Writing goes on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.listener, self.in_progress = database.listener, database.in_progress
        self.transaction, self.close = database.transaction, database.close
        self.reads_left: int | None = None

    async def snapshot(self, work: Any) -> Any:
        if self.reads_left is not None:
            if not self.reads_left:
                raise StoreUnavailableError("away")
            self.reads_left -= 1
        return await self._database.snapshot(work)


@asynccontextmanager
async def served(database: FailsLater) -> AsyncIterator[int]:
    """The port of a real server, with the protocol that the service has."""
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", Recorder())})
    port = free_port()
    app = create_app(Service(Parts(database, outlets, Metrics("test"))))
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, http=BoundedProtocol, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield port
    finally:
        server.should_exit = True
        await task


async def answer(port: int) -> tuple[int, bytes, bytes]:
    """The status, the head and everything else that came, until the server ended the connection or was done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    received = await asyncio.wait_for(reader.read(-1), 20)
    writer.close()
    head, _, rest = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), rest


def content_of(chunks: bytes) -> bytes:
    """What the chunks say that came whole."""
    found = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size or b"0", 16)
        found, chunks = found + rest[:length], rest[length + 2 :]
    return found


@pytest.mark.parametrize(
    ("page_count", "is_whole"),
    [
        pytest.param(1, False, id="after-the-first-page"),
        pytest.param(2, False, id="before-the-last-page"),
        pytest.param(3, True, id="not-at-all"),
    ],
)
async def test_a_list_that_breaks_off_does_not_look_whole(database_url: str, page_count: int, is_whole: bool) -> None:
    database = FailsLater(open_database(database_url))
    await World(database, rules()).post(*(event(feature=f"f{number}") for number in range(2 * PAGE + 1)))
    async with served(database) as port:
        database.reads_left = READS_OF_ACCESS + page_count
        status, head, rest = await answer(port)
    await database.close()
    assert (status, b"transfer-encoding: chunked" in head, b"content-length" in head) == (200, True, False)
    assert rest.endswith(LAST_CHUNK) is is_whole, "without the last chunk a client knows that more was to come"
    if is_whole:
        assert len(json.loads(content_of(rest))) == 2 * PAGE + 1
    else:
        assert content_of(rest).count(b'"fingerprint"') == page_count * PAGE
        with pytest.raises(json.JSONDecodeError):
            json.loads(content_of(rest))


async def test_a_database_that_is_away_from_the_start_is_a_503(database_url: str) -> None:
    database = FailsLater(open_database(database_url))
    async with served(database) as port:
        database.reads_left = READS_OF_ACCESS
        status, head, rest = await answer(port)
    await database.close()
    assert (status, b"transfer-encoding" in head) == (503, False)
    assert isinstance(json.loads(rest), str)
