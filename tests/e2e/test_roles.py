"""Processes that do a part of the work each: one takes requests, another sends, and they wake each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from alertsvc.store import migrate
from tests import ledger
from tests.e2e.test_database_trouble import Ear
from tests.e2e.wire import alert as alert_of
from tests.e2e.wire import exchanged, request, webhook
from tests.fork_server import fork_server
from tests.postgres import Server
from tests.programs import Program, alertsvc, asked, eventually

LONG_POLL_SECONDS, POLL_SECONDS = 60, 4
"""How often a worker looks by itself: so seldom that only who is woken is in time, or as often as must be enough."""
AT_ONCE_SECONDS = 2.0
"""A machine that is busy has some of it."""

CONFIGURATION = """
storm: {{messages: 0, pages: 0}}
delivery: {{poll_every: {poll}s}}
correlate: [{{name: each, by: [alertname]}}]
route: {{receiver: all}}
receivers: [{{name: all, webhook_configs: [{{url: "{url}/hook"}}]}}]
"""
RING_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE query LIKE 'LISTEN%' AND application_name = 'alertsvc worker'"
)
LISTENERS = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND application_name = 'alertsvc worker'"


@dataclass
class Group:
    """A process that takes requests, one that sends, and the webhook behind."""

    api: Program
    worker: Program
    ear: Ear

    async def told_after(self, name: str) -> float:
        """For how many seconds an alert is on its way to the webhook."""
        before = len(self.ear.messages)
        clock = asyncio.get_running_loop().time
        since = clock()
        labels = {"alertname": name, "severity": "critical"}
        reply, _ = await exchanged(self.api.url, request(webhook(alert_of(name, labels=labels))))
        assert reply is not None
        assert reply.status == 202
        while len(self.ear.messages) == before:
            assert clock() - since < 20
            await asyncio.sleep(0.01)
        return clock() - since


@pytest.fixture
def server_url(postgres: Server, migrated_name: str) -> str:
    """A PostgreSQL database with the tables in it."""
    return postgres.new_database(migrated_name)


@asynccontextmanager
async def group(folder: Path, database: str, poll: int = LONG_POLL_SECONDS) -> AsyncIterator[Group]:
    """Both processes, ready. Their logs have no mistakes of their own, and the books balance."""
    async with AsyncExitStack() as stack:
        ear = Ear()
        await stack.enter_async_context(ear)
        forks = await stack.enter_async_context(fork_server())
        programs: list[Program] = []
        for role in ("worker", "api"):
            config = folder / f"{role}.yaml"
            config.write_text(CONFIGURATION.format(url=ear.url, poll=poll) + f"server: {{role: {role}}}\n")
            programs.append(await stack.enter_async_context(alertsvc(config, database=database, forks=forks)))
        worker, api = programs
        await asyncio.sleep(1.5)  # the worker has looked once at everything, as it does when it starts
        yield Group(api, worker, ear)
    for program in programs:
        assert "Traceback" not in program.output
    assert len(ear.messages) == len(set(ear.messages))
    await asyncio.to_thread(migrate.on_connection, database, ledger.check, exclusive=False)


async def test_one_process_takes_another_sends_and_is_woken_at_once(tmp_path: Path, server_url: str) -> None:
    async with group(tmp_path, server_url) as both:
        took = [await both.told_after(f"Alert{number}") for number in range(3)]
        assert max(took) < AT_ONCE_SECONDS
        for program, role in ((both.api, "api"), (both.worker, "worker")):
            health = (await asked("GET", f"{program.url}/health")).json()
            assert (health["status"], health["role"]) == ("ok", role)
            assert f"role {role}" in program.output
        assert (await asked("POST", f"{both.api.url}/api/v1/incidents/1/acknowledge", {"by": "ann"})).status == 200
        await eventually(lambda: len(both.ear.messages) > 3, seconds=AT_ONCE_SECONDS)


async def test_a_worker_takes_no_requests_and_says_who_does(tmp_path: Path, server_url: str) -> None:
    async with group(tmp_path, server_url) as both:
        url = both.worker.url
        for page in ("/", "/-/healthy", "/-/ready", "/health", "/metrics"):
            assert (await asked("GET", url + page)).status == 200, page
        assert (await asked("POST", f"{url}/-/reload")).status == 200
        for method, path in (("POST", "/api/v1/hooks/alertmanager"), ("GET", "/api/v1/incidents"), ("GET", "/nowhere")):
            refused = await asked(method, url + path, {} if method == "POST" else None)
            assert refused.status == 503
            assert refused.json()["type"] == "urn:alertsvc:problem:wrong-role"
            assert "role is api or all" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) >= 1


async def test_a_worker_that_cannot_be_woken_looks_by_itself_and_listens_again(
    tmp_path: Path, server_url: str, postgres: Server
) -> None:
    async with group(tmp_path, server_url, POLL_SECONDS) as both:
        before = await asyncio.to_thread(postgres.rows, LISTENERS, server_url)
        assert len(before) == 1
        cutting = asyncio.create_task(_cut_again_and_again(postgres))
        try:
            took = await both.told_after("Cut")
        finally:
            cutting.cancel()
        assert took < POLL_SECONDS + AT_ONCE_SECONDS

        async def listens_again() -> bool:
            found = await asyncio.to_thread(postgres.rows, LISTENERS, server_url)
            return len(found) == 1 and found != before

        await eventually(listens_again, seconds=15)
        assert await both.told_after("Whole") < AT_ONCE_SECONDS


async def _cut_again_and_again(postgres: Server) -> None:
    while True:
        await asyncio.to_thread(postgres.run, RING_OFF)
        await asyncio.sleep(0.05)
