"""Kill the service again and again while clients post: what was acknowledged is there, and everybody is told.

One command runs as many kills as wanted: ALERTSVC_KILLS=1000 python -m pytest tests/e2e/test_crash.py
"""

import asyncio
import json
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import migrate
from alertsvc.store.tables import alert, incident, notification, outbox
from tests import ledger
from tests.fakes.provider import Answer, Asked, Provider
from tests.fork_server import fork_server
from tests.programs import Program, alertsvc, eventually, free_port

KILLS = int(os.environ.get("ALERTSVC_KILLS", "50"))
CLIENTS = 8
PAUSE_SECONDS = 0.2
LONGEST_LIFE_SECONDS = 0.5
SENDERS = 16
"""How many messages one process may have under way to one destination: the bound on repeats after a kill."""

CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate:
  - {{name: each, by: [alertname, n]}}
route:
  receiver: all
  repeat_interval: 4h
receivers:
  - name: all
    webhook_configs: {hooks}
"""


class Hook(Provider):
    """A webhook that remembers which incidents it heard of, and how often each message came."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: set[str] = set()
        self.messages: list[str] = []

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        self.messages.append(asked.headers["webhook-id"])
        self.incidents.add(str(asked.json()["data"]["id"]))
        return Answer(200)


@dataclass
class Client:
    """Posts one new critical alert after the other, and remembers what was acknowledged."""

    port: int
    name: int
    acknowledged: list[str] = field(default_factory=list)
    sent: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            self.sent += 1
            labels = {"alertname": "Crash", "severity": "critical", "n": f"{self.name}-{self.sent}"}
            while not stop.is_set() and not await self._post(labels):
                await asyncio.sleep(0.02)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _post(self, labels: dict[str, str]) -> bool:
        """As Alertmanager does: the same again until it is answered with 2xx."""
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(10):
                status = await post(self.port, body_of(labels))
            if 200 <= status < 300:
                self.acknowledged.append(fingerprint(labels))
                return True
        return False


def body_of(labels: dict[str, str]) -> bytes:
    sent = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-01-01T00:00:00Z"}
    return json.dumps({"version": "4", "alerts": [sent]}).encode()


async def post(port: int, body: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = "POST /api/v1/hooks/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n")
        return int(answer.split(b" ")[1])
    finally:
        writer.close()


@pytest.mark.timeout(60 + KILLS * 8)
async def test_no_kill_loses_what_was_acknowledged(tmp_path: Path, database_url: str) -> None:
    port, stop = free_port(), asyncio.Event()
    chance = random.Random(7)
    hooks = [Hook() for _ in range(4)]
    for hook in hooks:
        await hook.__aenter__()
    config = tmp_path / "crash.yaml"
    config.write_text(CONFIGURATION.format(hooks=json.dumps([{"url": f"{hook.url}/h"} for hook in hooks])))
    clients = [Client(port, number) for number in range(CLIENTS)]
    posting = [asyncio.create_task(client.run(stop)) for client in clients]
    try:
        async with fork_server() as forks:
            for _ in range(KILLS):
                async with alertsvc(config, port=port, database=database_url, forks=forks) as service:
                    await asyncio.sleep(chance.uniform(0.0, LONGEST_LIFE_SECONDS))
                    await service.end(signal.SIGKILL)
        stop.set()
        await asyncio.gather(*posting)
        async with alertsvc(config, port=port, database=database_url) as service:
            await eventually(lambda: asyncio.to_thread(outbox_is_empty, database_url), seconds=110)
            await check_service(service)
        await asyncio.to_thread(migrate.on_connection, database_url, ledger.check, exclusive=False)
        await asyncio.to_thread(check_everybody_was_told, database_url, clients, hooks)
    finally:
        for task in posting:
            task.cancel()
        for hook in hooks:
            await hook.__aexit__()


def outbox_is_empty(url: str) -> bool:
    return migrate.on_connection(url, lambda conn: not conn.execute(select(outbox.c.id)).all(), exclusive=False)


async def check_service(service: Program) -> None:
    """It ends as it should, although its predecessors did not."""
    assert await service.end() in {0, -signal.SIGTERM}
    assert "Traceback" not in service.output.rpartition("is ready on")[2]


def check_everybody_was_told(url: str, clients: list[Client], hooks: list[Hook]) -> None:
    def read(conn: Connection) -> tuple[set[str], dict[str, str], list[Any]]:
        stored = {row.fingerprint for row in conn.execute(select(alert.c.fingerprint))}
        incidents = {str(row.id): row.status for row in conn.execute(select(incident.c.id, incident.c.status))}
        states = [row.state for row in conn.execute(select(notification.c.state))]
        return stored, incidents, states

    stored, incidents, states = migrate.on_connection(url, read, exclusive=False)
    acknowledged = {each for client in clients for each in client.acknowledged}
    assert len(acknowledged) > KILLS
    assert acknowledged <= stored
    assert set(states) == {"delivered"}
    for hook in hooks:
        assert set(incidents) == hook.incidents
        repeats = len(hook.messages) - len(set(hook.messages))
        assert repeats <= KILLS * SENDERS
    total = sum(len(hook.messages) for hook in hooks)
    print(
        f"{KILLS} kills: {len(acknowledged)} acknowledged, 0 lost; {total} messages, "
        f"{total - len(incidents) * len(hooks)} of them repeats"
    )
