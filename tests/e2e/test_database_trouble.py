"""The database is stopped, silent, locked, full, read-only or forgetful: what was promised is there, the rest is
refused in a way that makes its sender come again, and the service never needs a restart."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import migrate
from alertsvc.store.tables import alert, incident, notification
from tests import ledger
from tests.e2e.pipe import Lost, Pipe, State
from tests.e2e.wire import Reply, exchanged, request, webhook
from tests.e2e.wire import alert as alert_of
from tests.fakes.provider import Answer, Asked, Provider
from tests.postgres import Server
from tests.programs import ROOT, Program, alertsvc, asked, eventually, free_port

LONGEST_ANSWER_SECONDS = 7.0
"""Alertmanager gives up after ten."""

CONFIGURATION = """
server: {{max_body_bytes: 104857600}}
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname, n]}}]
route: {{receiver: all}}
receivers: [{{name: all, webhook_configs: [{{url: "{url}/hook", timeout: 2s}}]}}]
"""


class Ear(Provider):
    """A webhook that remembers every message it got."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        self.messages.append(asked.headers["webhook-id"])
        return Answer(200)


@dataclass
class Client:
    """Posts one new critical alert after the other, each again and again until it is acknowledged."""

    url: str
    name: int
    acknowledged: list[str] = field(default_factory=list)
    refusals: list[tuple[Reply | None, float]] = field(default_factory=list)

    async def run(self) -> None:
        """Until cancelled."""
        number = 0
        while True:
            number += 1
            await self.post_until_taken({"alertname": "Trouble", "severity": "critical", "n": f"{self.name}-{number}"})
            await asyncio.sleep(0.05)

    async def post_until_taken(self, labels: dict[str, str]) -> None:
        """As Alertmanager does."""
        body = webhook(alert_of("Trouble", labels=labels))
        while True:
            reply, took = await exchanged(self.url, request(body), seconds=20)
            if reply is not None and reply.status == 202:
                self.acknowledged.append(fingerprint(labels))
                return
            self.refusals.append((reply, took))
            await asyncio.sleep(0.2)


@dataclass
class Stage:
    """A service under the eyes of some clients, and the webhook behind it."""

    service: Program
    ear: Ear
    clients: list[Client]
    posting: list[asyncio.Task[None]]

    @property
    def acknowledged(self) -> set[str]:
        return {each for client in self.clients for each in client.acknowledged}

    @property
    def refusals(self) -> list[tuple[Reply | None, float]]:
        return [each for client in self.clients for each in client.refusals]

    async def each(self, count: Callable[[Client], int], more: int = 1) -> None:
        """Wait until for each client there is so much more of something."""
        wanted = [count(client) + more for client in self.clients]
        await eventually(
            lambda: all(count(each) >= goal for each, goal in zip(self.clients, wanted, strict=True)), seconds=40
        )

    async def status(self, path: str) -> int:
        """What a page answers, in good time."""
        reply, took = await exchanged(self.service.url, request(method="GET", path=path))
        assert reply is not None
        assert took < LONGEST_ANSWER_SECONDS, path
        return reply.status

    async def causes(self) -> list[str]:
        """Why it is not ready."""
        return [each["code"] for each in (await asked("GET", f"{self.service.url}/-/ready")).json()["causes"]]

    def says(self, cause: str) -> Callable[[], Awaitable[bool]]:
        """A check that it is not ready for this cause."""

        async def check() -> bool:
            return cause in await self.causes()

        return check

    async def is_ready(self) -> bool:
        return await self.causes() == []

    async def stop(self) -> None:
        for task in self.posting:
            task.cancel()
        await asyncio.gather(*self.posting, return_exceptions=True)


@asynccontextmanager
async def stage(folder: Path, database: str, clients: int = 4) -> AsyncIterator[Stage]:
    """Clients that post. In the end the service stops in good order, and its log has no mistakes of its own."""
    async with AsyncExitStack() as stack:
        ear = Ear()
        await stack.enter_async_context(ear)
        config = folder / "trouble.yaml"
        config.write_text(CONFIGURATION.format(url=ear.url))
        service = await stack.enter_async_context(alertsvc(config, database=database))
        names = [Client(service.url, number) for number in range(clients)]
        made = Stage(service, ear, names, [asyncio.create_task(each.run()) for each in names])
        try:
            yield made
        finally:
            await made.stop()
    before, found, after = made.service.output.partition("Traceback")
    assert not found, before[-300:] + found + after[:6000]


def check_refusals(stage: Stage) -> None:
    """Each refusal was one that Alertmanager answers with another try, and came in time."""
    assert stage.refusals
    for reply, took in stage.refusals:
        assert reply is not None
        assert reply.status == 503
        assert int(reply.headers["retry-after"]) >= 1
        assert took < LONGEST_ANSWER_SECONDS


async def check_books(url: str, stage: Stage) -> None:
    """Whatever was acknowledged is there, once, and each message left at most once."""

    def read(conn: Connection) -> tuple[set[str], list[str], set[str]]:
        ledger.check(conn)
        stored = {row.fingerprint for row in conn.execute(select(alert.c.fingerprint))}
        keys = [row.correlation_key for row in conn.execute(select(incident.c.correlation_key))]
        states = {row.state for row in conn.execute(select(notification.c.state))}
        return stored, keys, states

    stored, keys, states = await asyncio.to_thread(migrate.on_connection, url, read, exclusive=False)
    assert stage.acknowledged <= stored
    assert len(keys) == len(set(keys))
    assert states <= {"delivered", "pending"}
    assert stage.ear.messages
    assert len(stage.ear.messages) == len(set(stage.ear.messages))


# ---------------------------------------------------------------------------------------------- PostgreSQL goes away


@pytest.fixture
def server_url(postgres: Server, migrated_name: str) -> str:
    """A PostgreSQL database with the tables in it, as it is reached without the pipe."""
    return postgres.new_database(migrated_name)


@pytest.mark.parametrize("trouble", [State.CLOSED, State.SILENT], ids=["stopped", "silent"])
async def test_what_postgresql_cannot_take_is_refused_and_taken_later(
    tmp_path: Path, server_url: str, trouble: State
) -> None:
    async with Pipe(server_url) as pipe, stage(tmp_path, pipe.url) as play:
        await play.each(lambda client: len(client.acknowledged))
        assert await play.is_ready()
        await pipe.become(trouble)
        await play.each(lambda client: len(client.refusals))
        expected = {
            "/-/healthy": 200,
            "/health": 200,
            "/metrics": 200,
            "/": 200,
            "/-/ready": 503,
            "/api/v1/incidents": 503,
        }
        found = await asyncio.gather(*(play.status(page) for page in expected))
        assert dict(zip(expected, found, strict=True)) == expected
        assert "database_unavailable" in await play.causes()
        assert b"alertsvc_database_up 0.0" in (await asked("GET", f"{play.service.url}/metrics")).body
        await pipe.become(State.OPEN)
        await play.each(lambda client: len(client.acknowledged), 2)
        await eventually(play.is_ready)
        told = len(play.ear.messages)
        await eventually(lambda: len(play.ear.messages) > told)
    check_refusals(play)
    await check_books(server_url, play)


@pytest.mark.parametrize(("lost", "again_is"), [(Lost.ANSWER, "duplicate"), (Lost.COMMIT, "new")], ids=[*Lost][::-1])
async def test_a_commit_of_which_nobody_knows_is_refused_and_counts_once_when_it_comes_again(
    tmp_path: Path, server_url: str, lost: Lost, again_is: str
) -> None:
    async with Pipe(server_url) as pipe, stage(tmp_path, pipe.url, clients=0) as play:
        body = request(webhook(alert_of("Once", labels={"alertname": "Once", "severity": "critical"})))
        assert (await exchanged(play.service.url, request(webhook(alert_of("Before")))))[0].status == 202
        pipe.loses_next_ingest = lost
        unknown, _ = await exchanged(play.service.url, body)
        again, _ = await exchanged(play.service.url, body)
        assert unknown is not None
        assert again is not None
        assert (unknown.status, again.status) == (503, 202)
        assert int(unknown.headers["retry-after"]) >= 1
        assert {kind: again.json()[kind] for kind in ("new", "duplicate")} == {
            "new": int(again_is == "new"),
            "duplicate": int(again_is == "duplicate"),
        }
        incidents = (await asked("GET", f"{play.service.url}/api/v1/incidents")).json()["items"]
        assert [each["title"] for each in incidents].count("Once") == 1
        await eventually(lambda: play.ear.messages, seconds=8)  # its lease would have lasted for much longer
    assert len(play.ear.messages) == 1
    await asyncio.to_thread(migrate.on_connection, server_url, ledger.check, exclusive=False)


async def test_no_lost_connection_loses_an_alert(tmp_path: Path, server_url: str, postgres: Server) -> None:
    name = make_url(server_url).database
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    async with stage(tmp_path, server_url) as play:
        await play.each(lambda client: len(client.acknowledged))
        for _ in range(30):
            await asyncio.to_thread(postgres.run, kill)
            await asyncio.sleep(0.1)
        await play.each(lambda client: len(client.acknowledged), 3)
    check_refusals(play)
    await check_books(server_url, play)


SHUT = {
    "read-only": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "ALTER DATABASE {name} RESET default_transaction_read_only",
        "database_not_writable",
    ),
    "no-longer-let-in": (
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {name} ALLOW_CONNECTIONS true",
        "database_unavailable",
    ),
}


@pytest.mark.parametrize("case", SHUT)
async def test_a_database_that_takes_nothing_is_waited_for(
    tmp_path: Path, server_url: str, postgres: Server, case: str
) -> None:
    shut, reopen, cause = SHUT[case]
    name = f'"{make_url(server_url).database}"'
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name[1:-1]}'"

    async def run(sql: str) -> None:
        await asyncio.to_thread(postgres.run, sql.format(name=name))
        await asyncio.to_thread(postgres.run, kill)

    async with stage(tmp_path, server_url) as play:
        await play.each(lambda client: len(client.acknowledged))
        await run(shut)
        await play.each(lambda client: len(client.refusals), 2)
        await eventually(play.says(cause))
        assert await play.status("/-/healthy") == 200
        await run(reopen)
        await play.each(lambda client: len(client.acknowledged), 2)
        await eventually(play.is_ready)
    check_refusals(play)
    await check_books(server_url, play)


# ------------------------------------------------------------------------------------------------------------ SQLite


class Lock:
    """Another process that writes to the SQLite file, and takes its time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._conn = sqlite3.connect(str(make_url(url).database), isolation_level=None)

    async def __aenter__(self) -> "Lock":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._conn.close()

    async def become(self, state: State) -> None:
        """Take the lock, or let go."""
        self._conn.execute("ROLLBACK" if state is State.OPEN else "BEGIN EXCLUSIVE")


class TableLock:
    """Another session of PostgreSQL that keeps what arrives from being written."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._conn = psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False))

    async def __aenter__(self) -> "TableLock":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._conn.close()

    async def become(self, state: State) -> None:
        """Take the lock, or let go."""
        self._conn.execute("ROLLBACK" if state is State.OPEN else "LOCK TABLE arrival IN EXCLUSIVE MODE")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_locked_file_is_waited_for_and_readers_do_not_notice(tmp_path: Path, database_url: str) -> None:
    async with stage(tmp_path, database_url) as play, Lock(database_url) as lock:
        await play.each(lambda client: len(client.acknowledged))
        await lock.become(State.SILENT)
        await play.each(lambda client: len(client.refusals))
        assert [await play.status(page) for page in ("/-/healthy", "/api/v1/incidents", "/metrics")] == [200] * 3
        await eventually(play.says("database_not_writable"))
        await lock.become(State.OPEN)
        await play.each(lambda client: len(client.acknowledged), 2)
        await eventually(play.is_ready)
    check_refusals(play)
    await check_books(database_url, play)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, database_url: str) -> None:
    async with stage(tmp_path, database_url) as play:
        await play.each(lambda client: len(client.acknowledged))
        pid = play.service.process.pid
        written = Path(f"{make_url(database_url).database}-wal").stat().st_size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (written + 65_536, resource.RLIM_INFINITY))
        await play.each(lambda client: len(client.refusals), 3)
        assert [await play.status(page) for page in ("/-/healthy", "/api/v1/incidents", "/metrics")] == [200] * 3
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await play.each(lambda client: len(client.acknowledged), 3)
    check_refusals(play)
    await check_books(database_url, play)
    with sqlite3.connect(str(make_url(database_url).database)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    conn.close()


# ---------------------------------------------------------------------------------------------------- both databases


async def test_a_full_backlog_is_refused_at_once_and_worked_off_later(tmp_path: Path, database_url: str) -> None:
    big = request(webhook(alert_of("Big")) + b" " * 65 * 1024 * 1024)  # by itself as much as may wait
    small = request(webhook(alert_of("Small")))
    lock = Lock if database_url.startswith("sqlite") else TableLock
    async with stage(tmp_path, database_url, clients=0) as play, lock(database_url) as stuck:
        url = play.service.url
        assert (await exchanged(url, small))[0].status == 202
        await stuck.become(State.SILENT)
        answers: list[Reply | None] = []

        async def insist() -> None:
            while True:
                answers.append((await exchanged(url, big))[0])
                await asyncio.sleep(0.1)

        senders = [asyncio.create_task(insist()) for _ in range(2)]
        await eventually(play.says("backlog_full"), seconds=30)
        for data in (small, big):

            async def is_refused_at_once(data: bytes = data) -> bool:
                await asyncio.sleep(1)  # the senders have come again since the database last gave up
                reply, took = await exchanged(url, data)
                assert reply is not None
                assert reply.status == 503
                is_overloaded = reply.json()["type"] == "urn:alertsvc:problem:overloaded"
                return is_overloaded and reply.headers["retry-after"] == "1" and took < 2  # 3 s: it waited for the rest

            await eventually(is_refused_at_once, seconds=30)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        assert {reply and reply.status for reply in answers} == {503}
        await stuck.become(State.OPEN)

        async def is_taken() -> bool:
            reply, _ = await exchanged(url, big)
            return reply is not None and reply.status == 202

        await eventually(is_taken)
        await eventually(play.is_ready)
    await asyncio.to_thread(migrate.on_connection, database_url, ledger.check, exclusive=False)


UNUSABLE = {
    "nobody-listens": ("postgresql://u:canary@127.0.0.1:1/x", 4, "Connect call failed"),
    "no-such-host": ("postgresql://u:canary@nowhere.invalid/x", 4, "the database cannot be used"),
    "a-password-where-the-port-is": ("postgresql://host:canary/x", 3, "cannot be read"),
    "another-kind": ("mysql://u:canary@127.0.0.1/x", 3, "a database is sqlite:///file.db or postgresql://"),
    "no-file": ("sqlite:///:memory:", 3, "SQLite needs a file"),
    "no-folder": ("sqlite:////nowhere/at/all.db", 4, "No such file or directory"),
    "no-database": ("sqlite:///{folder}/junk.db", 4, "file is not a database"),
}


@pytest.mark.parametrize("case", UNUSABLE)
async def test_a_database_that_cannot_be_used_ends_the_start_with_one_line(tmp_path: Path, case: str) -> None:
    url, code, words = UNUSABLE[case]
    (tmp_path / "junk.db").write_bytes(b"no database" * 1000)
    config = tmp_path / "start.yaml"
    config.write_text(CONFIGURATION.format(url="http://127.0.0.1:1"))
    command = [sys.executable, "-m", "alertsvc", "serve", "-c", str(config), "--listen", f"127.0.0.1:{free_port()}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**dict(__import__("os").environ), "ALERTSVC_DATABASE_URL": url.format(folder=tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == code
    (line,) = output.decode().splitlines()
    assert words in line
    assert "canary" not in line
