"""Silences where several replicas share a PostgreSQL: what is asked of one holds for all, at once.

SQLite has no replicas: a second process on the same file is refused.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from alertsvc.clock import utc_now
from alertsvc.core.correlate import CorrelateRule
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.store.connect import open_database
from tests.postgres import Server
from tests.programs import eventually
from tests.web.applications import application_of
from tests.world import Recorder, rules

SECOND = timedelta(seconds=1)
RULES = replace(rules(), correlate=(CorrelateRule("each", ("alertname",)),))


@dataclass
class Replica:
    """A service that runs, asked over HTTP; all of them send through the same channel."""

    service: Service
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self.client.request(method, f"/api/v1{path}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json()

    async def silence(self, *matchers: str) -> str:
        made = await self.ask("POST", "/silences", {"matchers": matchers, "duration": "1h", "comment": "we know"})
        return str(made["id"])

    async def fire(self, name: str) -> None:
        labels = {"alertname": name, "severity": "critical"}
        reply = await self.client.post("/api/v2/alerts", json=[{"labels": labels}])
        assert reply.status_code == 200, reply.text


@dataclass
class Replicas:
    """Two of them. The clock of `there` is behind that of `here`, or ahead, or the same."""

    here: Replica
    there: Replica
    channel: Recorder

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(message.title, str(message.reason)) for message in self.channel.sent]

    async def suppressed(self) -> list[tuple[str, str]]:
        listed = (await self.here.ask("GET", "/incidents"))["items"]
        notes = [
            (each["title"], note)
            for each in listed
            for told in (await self.here.ask("GET", f"/incidents/{each['number']}/explain"))["destinations"]
            for note in told["notifications"]
        ]
        return [(title, note["reason"]) for title, note in notes if note["state"] == "suppressed"]


@pytest.fixture(params=[0, -5, 5], ids=["same-clock", "there-is-behind", "there-is-ahead"])
async def replicas(postgres: Server, migrated_name: str, request: pytest.FixtureRequest) -> AsyncIterator[Replicas]:
    url, channel = postgres.new_database(migrated_name), Recorder()

    async with AsyncExitStack() as stack:

        async def replica(clock: Callable[[], Any]) -> Replica:
            outlets = Outlets(RULES, {"team/chat": Outlet("team/chat", "chat", channel)})
            service = Service(Parts(open_database(url), outlets, Metrics("test"), clock=clock))
            await service.start()
            stack.push_async_callback(service.stop)
            transport = httpx.ASGITransport(stack.enter_context(application_of(service)))  # type: ignore[arg-type]
            client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
            return Replica(service, await stack.enter_async_context(client))

        there = await replica(lambda: utc_now() + request.param * SECOND)
        yield Replicas(await replica(utc_now), there, channel)


async def test_one_made_here_mutes_what_arrives_there_right_after(replicas: Replicas) -> None:
    await replicas.here.silence('alertname="Drift"')
    await replicas.there.fire("Drift")
    await replicas.there.fire("Other")
    await eventually(lambda: replicas.told)
    assert replicas.told == [("Other", "opened")]
    assert await replicas.suppressed() == [("Drift", "opened")]


async def test_one_ended_there_mutes_nothing_here_any_more_and_what_still_fires_is_told(replicas: Replicas) -> None:
    silence = await replicas.here.silence('alertname=~"Drift|Other"')
    await replicas.there.fire("Drift")
    await replicas.there.ask("POST", f"/silences/{silence}/expire", {})
    await replicas.here.fire("Other")
    await eventually(lambda: len(replicas.told) == 2, seconds=20)
    assert sorted(replicas.told) == [("Drift", "unmuted"), ("Other", "opened")]


async def test_one_changed_there_mutes_what_it_fits_now(replicas: Replicas) -> None:
    silence = await replicas.here.silence('alertname="Drift"')
    await replicas.here.fire("Drift")
    changed = {"matchers": ['alertname="Other"'], "duration": "1h", "comment": "the other one"}
    await replicas.there.ask("PUT", f"/silences/{silence}", changed)
    await replicas.here.fire("Other")
    await eventually(lambda: replicas.told, seconds=20)
    assert replicas.told == [("Drift", "unmuted")]
    assert sorted(await replicas.suppressed()) == [("Drift", "opened"), ("Other", "opened")]
