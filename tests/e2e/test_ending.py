"""SIGTERM while much is going on: what is under way comes to its end, nothing else begins, and nothing is lost."""

import asyncio
import signal
from pathlib import Path

from sqlalchemy import Connection, select

from alertsvc.store import migrate
from alertsvc.store.tables import alert, delivery, outbox
from tests import ledger
from tests.e2e.test_database_trouble import Client, Ear
from tests.e2e.wire import alert as alert_of
from tests.e2e.wire import connected, exchanged, request, webhook
from tests.fakes.provider import Mood
from tests.programs import alertsvc, asked, eventually

LONGEST_END_SECONDS = 25.0
CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
correlate: [{{name: each, by: [alertname, n]}}]
route: {{receiver: all}}
receivers: [{{name: all, webhook_configs: [{{url: "{url}/hook", timeout: 10s}}]}}]
"""
PATIENT = CONFIGURATION.replace("timeout: 10s", "timeout: 1m")
CRITICAL = {"alertname": "Trouble", "severity": "critical"}


def stored(url: str) -> tuple[set[str], list[tuple[str, object]], list[str]]:
    """Fingerprints of alerts, (state, lease) of what has not ended, outcomes of what has."""

    def read(conn: Connection) -> tuple[set[str], list[tuple[str, object]], list[str]]:
        names = {row.fingerprint for row in conn.execute(select(alert.c.fingerprint))}
        leases = [(row.state, row.lease_until) for row in conn.execute(select(outbox.c.state, outbox.c.lease_until))]
        return names, leases, [row.outcome for row in conn.execute(select(delivery.c.outcome))]

    return migrate.on_connection(url, read, exclusive=False)


async def test_sigterm_under_load_finishes_what_is_under_way(tmp_path: Path, database_url: str) -> None:
    config = tmp_path / "ending.yaml"
    async with Ear() as ear:
        assert isinstance(ear, Ear)
        ear.mood, ear.slowness = Mood.SLOW, 1.5
        config.write_text(CONFIGURATION.format(url=ear.url))
        async with alertsvc(config, database=database_url) as service:
            clients = [Client(service.url, number) for number in range(4)]
            posting = [asyncio.create_task(client.run()) for client in clients]
            await eventually(lambda: all(client.acknowledged for client in clients))

            async def is_sending() -> bool:
                return bool((await asked("GET", service.url + "/health")).json()["messages_in_flight"])

            await eventually(is_sending)
            slow = request(webhook(alert_of("Trouble", labels={**CRITICAL, "n": "slow"})))
            async with connected(service.url) as line:
                await line.send(slow[:-20])
                await asyncio.sleep(0.2)
                began = asyncio.get_running_loop().time()
                service.send(signal.SIGTERM)
                await asyncio.sleep(0.5)
                await line.send(slow[-20:])
                reply = await line.reply()
                assert reply is not None
                assert reply.status == 202, "a request that had begun is answered"
            assert await service.end() in {0, -signal.SIGTERM}
            assert asyncio.get_running_loop().time() - began < LONGEST_END_SECONDS
            refused, _ = await exchanged(service.url, slow)
            assert refused is None, "nothing new is taken"
            for task in posting:
                task.cancel()
            await asyncio.gather(*posting, return_exceptions=True)
        names, leases, outcomes = await asyncio.to_thread(stored, database_url)
        assert {each for client in clients for each in client.acknowledged} <= names
        assert {state for state, _ in leases} <= {"pending", "waiting"}
        assert {lease for _, lease in leases} <= {None}
        assert outcomes == ["accepted"] * len(ear.messages), "what was under way is finished and recorded"
        assert ear.messages
        assert "did not end within" not in service.output
        assert "Traceback" not in service.output
        ear.mood = Mood.NORMAL
        async with alertsvc(config, database=database_url):
            await eventually(lambda: len(set(ear.messages)) == len(names))
        assert len(ear.messages) == len(names), "nobody is told twice"
    await asyncio.to_thread(migrate.on_connection, database_url, ledger.check, exclusive=False)


async def test_neither_a_request_nor_a_destination_that_hangs_holds_up_the_end(
    tmp_path: Path, database_url: str
) -> None:
    config = tmp_path / "hanging.yaml"
    async with Ear() as ear:
        assert isinstance(ear, Ear)
        ear.mood = Mood.HANG
        config.write_text(PATIENT.format(url=ear.url))
        async with alertsvc(config, database=database_url) as service:
            arrival = request(webhook(alert_of("Trouble", labels=CRITICAL)))
            await exchanged(service.url, arrival)

            async def is_sending() -> bool:
                return bool((await asked("GET", service.url + "/health")).json()["messages_in_flight"])

            await eventually(is_sending)
            async with connected(service.url) as line:
                await line.send(arrival[:-20])
                await asyncio.sleep(0.2)
                began = asyncio.get_running_loop().time()
                assert await service.end() in {0, -signal.SIGTERM}
                assert asyncio.get_running_loop().time() - began < LONGEST_END_SECONDS
            assert "did not end within" not in service.output
        _, leases, outcomes = await asyncio.to_thread(stored, database_url)
        assert (leases, outcomes) == ([("pending", None)], [])
        ear.mood = Mood.NORMAL
        async with alertsvc(config, database=database_url):
            await eventually(lambda: ear.messages)
    await asyncio.to_thread(migrate.on_connection, database_url, ledger.check, exclusive=False)
