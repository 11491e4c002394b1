"""Every replica is replaced while alerts fire and end: nobody is told twice, nothing is lost, senders see only 503."""

import asyncio
import signal
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from alertsvc.store import migrate
from alertsvc.store.tables import attempt, incident, notification, outbox
from tests import ledger
from tests.e2e.wire import alert as alert_of
from tests.e2e.wire import exchanged, request, webhook
from tests.fakes.provider import Answer, Asked, Mood, Provider
from tests.fork_server import ForkServer, fork_server
from tests.postgres import Server
from tests.programs import Program, alertsvc, eventually, free_port

REPLICAS, CLIENTS = 3, 6
BETWEEN_SECONDS = 0.3

CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname]}}]
route: {{receiver: all, group_interval: 1s}}
receivers: [{{name: all, webhook_configs: [{{url: "{url}/hook"}}]}}]
"""


class Hook(Provider):
    """A webhook that is a little slow, and remembers what it was told of each incident, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.mood, self.slowness = Mood.SLOW, 0.1
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        self.messages: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        said = asked.json()
        self.messages.append(asked.headers["webhook-id"])
        self.told[said["data"]["title"]].append(said["type"].rpartition(".")[2])
        return Answer(200)


@dataclass
class Client:
    """Has one critical alert after the other fire and end, and asks one replica after the other until one takes it."""

    name: int
    urls: list[str]
    hook: Hook
    ended: list[str] = field(default_factory=list)
    refusals: list[int | None] = field(default_factory=list)
    _turn: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop, and the last one has ended."""
        while not stop.is_set():
            name = f"Alert{self.name}x{len(self.ended)}"
            await self._post(name, "firing")
            await eventually(lambda: self.hook.told[name], seconds=20)  # noqa: B023  # it is awaited here
            await self._post(name, "resolved")
            self.ended.append(name)

    async def _post(self, name: str, status: str) -> None:
        labels = {"alertname": name, "severity": "critical"}
        body = request(webhook(alert_of(name, labels=labels, status=status, endsAt="2026-01-01T01:00:00Z")))
        while True:
            self._turn += 1
            reply, _ = await exchanged(self.urls[self._turn % len(self.urls)], body, seconds=20)
            if reply is not None and reply.status == 202:
                return
            self.refusals.append(reply and reply.status)
            await asyncio.sleep(0.05)


@pytest.fixture
def server_url(postgres: Server, migrated_name: str) -> str:
    """A PostgreSQL database with the tables in it."""
    return postgres.new_database(migrated_name)


async def test_replicas_are_replaced_one_after_the_other_and_nobody_notices(tmp_path: Path, server_url: str) -> None:
    ports = [free_port() for _ in range(REPLICAS)]
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        hook = Hook()
        await stack.enter_async_context(hook)
        forks = await stack.enter_async_context(fork_server())
        clients = [Client(number, [f"http://127.0.0.1:{port}" for port in ports], hook) for number in range(CLIENTS)]
        replicas = [await started(stack, tmp_path, server_url, hook, forks, port) for port in ports]
        posting = [asyncio.create_task(client.run(stop)) for client in clients]
        await asyncio.sleep(BETWEEN_SECONDS)
        for place, port in enumerate(ports):
            assert await replicas[place].end(signal.SIGTERM) in {0, -signal.SIGTERM}
            replicas[place] = await started(stack, tmp_path, server_url, hook, forks, port)
            await asyncio.sleep(BETWEEN_SECONDS)
        stop.set()
        await asyncio.gather(*posting)
        await eventually(lambda: asyncio.to_thread(migrate.on_connection, server_url, is_quiet, exclusive=False))
        outputs = [replica.output for replica in replicas]
    ended = [name for client in clients for name in client.ended]
    refusals = {each for client in clients for each in client.refusals}
    print(
        f"{len(ended)} alerts fired and ended; {sum(len(client.refusals) for client in clients)} refusals: {refusals}"
    )
    assert min(len(client.ended) for client in clients) >= REPLICAS
    assert refusals <= {503, None}, "None: nobody listens, or hung up"
    assert None in refusals, "no client met a replica that was being replaced"
    assert dict(hook.told) == {name: ["opened", "resolved"] for name in ended}
    assert len(hook.messages) == len(set(hook.messages))
    assert not any("Traceback" in output for output in outputs)
    await asyncio.to_thread(migrate.on_connection, server_url, check_books, exclusive=False)


async def started(
    stack: AsyncExitStack, folder: Path, database: str, hook: Hook, forks: ForkServer, port: int
) -> Program:
    config = folder / f"{port}.yaml"
    config.write_text(CONFIGURATION.format(url=hook.url))
    return await stack.enter_async_context(alertsvc(config, port=port, database=database, forks=forks))


def is_quiet(conn: Connection) -> bool:
    return not conn.execute(select(outbox.c.id)).all()


def check_books(conn: Connection) -> None:
    ledger.check(conn)
    assert {row.status for row in conn.execute(select(incident.c.status))} == {"resolved"}
    assert {row.state for row in conn.execute(select(notification.c.state))} == {"delivered"}
    assert {row.outcome for row in conn.execute(select(attempt.c.outcome))} == {"accepted"}
