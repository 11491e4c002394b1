"""Stands between the service and its PostgreSQL, and is whatever networks and servers are on a bad day."""

import asyncio
import re
from enum import StrEnum

from sqlalchemy.engine import make_url


class State(StrEnum):
    """What it does with connections: `closed` refuses new ones, `silent` takes everything and passes nothing on."""

    OPEN = "open"
    CLOSED = "closed"
    SILENT = "silent"


class Lost(StrEnum):
    """What is lost with the connection when a transaction commits: the COMMIT itself, or the server's answer to it."""

    COMMIT = "commit"
    ANSWER = "answer"


class Pipe:
    """A TCP server on loopback that passes everything on to the PostgreSQL of a URL while it is open."""

    def __init__(self, database_url: str) -> None:
        self._target = make_url(database_url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self.loses_next_ingest: Lost | None = None
        """What is lost with the connection when the next transaction commits that stores what arrived."""

    @property
    def url(self) -> str:
        """The URL that leads through it."""
        plain = self._target.set(host="127.0.0.1", port=self._port, query={})
        return plain.render_as_string(hide_password=False)

    async def __aenter__(self) -> "Pipe":
        await self.become(State.OPEN)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.become(State.CLOSED)

    async def become(self, state: State) -> None:
        """Change for every connection, those that exist and those that come."""
        if state is State.CLOSED:
            if self._server is not None:
                self._server.close()
                self._server = None
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            return
        if state is State.OPEN:
            self._flowing.set()
        else:
            self._flowing.clear()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder = self._target.query.get("host")
        if isinstance(folder, str) and folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{self._target.port or 5432}")
        return await asyncio.open_connection(self._target.host or "127.0.0.1", self._target.port or 5432)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._flowing.wait()
            far_reader, far_writer = await self._connect()
            try:
                asked = Statements()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._ask(reader, far_writer, asked))
                    both.create_task(self._answer(far_reader, writer, asked))
            finally:
                far_writer.transport.abort()
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _ask(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, asked: "Statements") -> None:
        while data := await client.read(65536):
            await self._flowing.wait()
            lost = self.loses_next_ingest if asked.commit_an_arrival(data) else None
            if lost is not None:
                self.loses_next_ingest = None
            if lost is Lost.COMMIT:
                raise ConnectionResetError("the server never hears of it")
            asked.answer_is_lost = lost is Lost.ANSWER
            server.write(data)
            await server.drain()
            if asked.answer_is_lost:
                await asyncio.sleep(0.2)  # the server has done it by then
                raise ConnectionResetError("the answer is lost")
        raise ConnectionResetError("the client has hung up")

    async def _answer(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, asked: "Statements") -> None:
        while data := await server.read(65536):
            await self._flowing.wait()
            if not asked.answer_is_lost:
                client.write(data)
                await client.drain()
        raise ConnectionResetError("the server has hung up")


class Statements:
    """What one client has prepared, and whether its transaction has used it."""

    answer_is_lost = False

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        self._has_begun = False
        self._is_in_it = False

    def commit_an_arrival(self, data: bytes) -> bool:
        """Whether `data` commits a transaction that has stored an arrival. A statement outside of one is its own."""
        prepares = b"INSERT INTO arrival" in data
        if prepares:
            self._names |= set(re.findall(rb"(__asyncpg_stmt_\w+__)\0[^\0]*INSERT INTO arrival\b", data))
        stores = not prepares and any(name in data for name in self._names)
        if b"BEGIN;" in data:
            self._has_begun = True
        elif stores and not self._has_begun:
            return True
        self._is_in_it |= stores
        if b"COMMIT;" not in data and b"ROLLBACK;" not in data:
            return False
        was_in_it, self._is_in_it, self._has_begun = self._is_in_it, False, False
        return was_in_it and b"COMMIT;" in data
