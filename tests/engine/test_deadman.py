"""A running service calls an address outside while it is well, and not while anything of it is not."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select

from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.outcome import Fault, Rejected
from alertsvc.clock import new_id, utc_now
from alertsvc.core.rules import Rules
from alertsvc.engine.deadman import Switch
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.submissions import Submission
from alertsvc.engine.tuning import Tuning
from alertsvc.observe.metrics import Metrics
from alertsvc.secret import Secret
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database
from alertsvc.store.tables import replica
from alertsvc.web import health
from tests.channels.loopback import Behaviour, Loopback, answer, loopback, reset
from tests.engine.test_self_watch import rules_with_watchers
from tests.programs import eventually
from tests.world import Recorder, event, rules

SECRET_PATH = "/ping/5f0c2d7e-CANARY-4a51"
ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Ticks:
    """A clock that nobody sets, and that a test lets run ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@dataclass
class Watched:
    """A service that runs, the server outside, and the service's own sense of how time passes."""

    service: Service
    outside: Loopback
    ticks: Ticks

    @property
    def calls(self) -> int:
        """How often it was called outside."""
        return len(self.outside.requests)

    async def tick(self) -> list[str]:
        """Time for a call: why none was made."""
        before = self.calls
        await self.service.deadman.tick()
        withheld = list(self.service.deadman.withheld)
        assert (self.calls > before) == (not withheld), withheld
        return withheld


@asynccontextmanager
async def running(database: Database, chosen: Rules, **parts: object) -> AsyncIterator[Service]:
    """A service with a channel that remembers for every destination."""
    ids = [each.id for listed in chosen.receivers.values() for each in listed]
    outlets = Outlets(chosen, {name: Outlet(name, "chat", Recorder()) for name in ids})
    service = Service(replace(Parts(database, outlets, Metrics("test")), **parts))  # type: ignore[arg-type]
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@asynccontextmanager
async def watched(database: Database, behave: Behaviour, url: Secret | None = None) -> AsyncIterator[Watched]:
    async with loopback(behave) as outside:
        ticks = Ticks()
        address = url or Secret("deadman.url", SecretStr(outside.url + SECRET_PATH))
        tuning = Tuning(deadman=Switch(address, timedelta(0)))
        async with running(database, rules(), tuning=tuning, ticks=ticks) as service:
            yield Watched(service, outside, ticks)


@pytest.fixture
async def well(database_url: str) -> AsyncIterator[Watched]:
    """It is well, and has been heard of outside."""
    async with watched(open_database(database_url), answer(200)) as made:
        await made.service.auditor.audit()
        assert await made.tick() == []
        yield made


async def test_it_is_called_by_itself_once_the_books_were_looked_at(database_url: str) -> None:
    async with watched(open_database(database_url), answer(204)) as made:
        await asyncio.sleep(1.5)
        assert made.calls == 0
        assert (await health.health.fn(made.service, None))["deadman"]["last_success"] is None
        await made.service.auditor.audit()
        await eventually(lambda: made.calls)
        assert made.outside.requests[0].path == SECRET_PATH
        await eventually(lambda: made.service.deadman.last_success)
        told = (await health.health.fn(made.service, None))["deadman"]
        assert (told["withheld"], told["last_success"] is not None) == ([], True)
        made.service.metrics.show(await made.service.gauging.read())
        value = made.service.metrics.registry.get_sample_value("alertsvc_deadman_last_success_timestamp_seconds")
        assert value is not None
        assert abs(value - time.time()) < 60


async def test_who_does_not_want_it_has_neither_metric_nor_cause(database_url: str) -> None:
    async with running(open_database(database_url), rules()) as service:
        await service.auditor.audit()
        await service.deadman.tick()
        assert (await health.health.fn(service, None))["deadman"] is None
        assert "deadman_last_success_timestamp_seconds" not in await service.gauging.read()


@ONLY_SQLITE
@pytest.mark.parametrize("loop", ["committer", "sender"])
async def test_no_call_while_a_loop_has_ended(well: Watched, loop: str) -> None:
    (task,) = [each for each in asyncio.all_tasks() if each.get_name() == loop]
    task.cancel()
    await asyncio.wait({task})
    assert await well.tick() == [f"the {loop} has ended"]
    await well.service.auditor.audit()
    assert await well.tick() == [f"the {loop} has ended", "the check replicas finds 1"], "the others know it too"


@ONLY_SQLITE
async def test_no_call_while_a_job_does_not_come_round(well: Watched) -> None:
    await renamed(well, "timer", "gone")
    well.ticks.ahead += 40
    assert "the job sweep does not come round" in await well.tick()
    await renamed(well, "gone", "timer")

    async def is_called() -> bool:
        return await well.tick() == []

    await eventually(is_called)


@ONLY_SQLITE
async def test_no_call_while_nobody_mends_or_looks(well: Watched) -> None:
    await renamed(well, "outbox", "gone")
    well.ticks.ahead += 250
    said = await well.tick()
    assert {f"the job {name} does not come round" for name in ("sweep", "mend", "audit")} <= set(said)
    await renamed(well, "gone", "outbox")


async def renamed(well: Watched, old: str, new: str) -> None:
    await well.service.database.transaction(lambda conn: conn.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}"))


async def test_no_call_while_a_check_finds_something_and_one_again_when_it_is_mended(
    well: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    await an_ill_replica(well.service)
    with caplog.at_level(logging.WARNING):
        await well.service.auditor.audit()
        assert await well.tick() == ["the check replicas finds 1"]
        assert await well.tick() == ["the check replicas finds 1"]
        await well.service.database.transaction(
            lambda conn: conn.execute(replica.delete().where(replica.c.name == "ill"))
        )
        await well.service.auditor.audit()
        assert await well.tick() == []
    assert [each.getMessage() for each in caplog.records if each.name == "alertsvc.engine.deadman"] == [
        "dead-man's switch: not pressed: the check replicas finds 1",
        "dead-man's switch: pressed again",
    ]


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        pytest.param(answer(404, "no such check: 5f0c2d7e-CANARY-4a51"), "the call was answered with 404", id="404"),
        pytest.param(answer(302, location="http://127.0.0.1:1/"), "the call was answered with 302", id="redirect"),
        pytest.param(reset, "the call did not arrive: ", id="reset"),
    ],
)
@ONLY_SQLITE
async def test_a_call_that_does_not_arrive_is_none_and_its_address_stays_secret(
    database_url: str, behave: Behaviour, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with watched(open_database(database_url), behave) as made:
            await made.service.auditor.audit()
            await made.service.deadman.tick()
            (why,) = made.service.deadman.withheld
            assert why.startswith(expected)
            assert made.service.deadman.last_success is None
            assert "CANARY" not in f"{caplog.text} {await health.health.fn(made.service, None)} {made.service.tuning}"


@ONLY_SQLITE
async def test_an_address_in_a_file_that_is_gone_is_said_and_read_again(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    async with watched(open_database(database_url), answer(200), Secret("deadman.url", file=file)) as made:
        await made.service.auditor.audit()
        (why,) = await made.tick()
        assert why.startswith("deadman.url_file: cannot read")
        file.write_text(made.outside.url + SECRET_PATH)
        assert await made.tick() == []


# ------------------------------------------------------------------------------------------- of the whole service


async def an_ill_replica(service: Service) -> None:
    """Another process says that it is ill."""
    now = utc_now()
    columns = {"name": "ill", "version": "1", "started_at": now, "seen_at": now, "configured_at": now}
    more = {"configuration": "", "busy": [], "troubles": ["the sender has ended"], "clock_offset_seconds": 0.0}
    await service.database.transaction(lambda conn: conn.execute(insert(replica).values({**columns, **more})))


def told(*services: Service) -> list[str]:
    """The names of the alerts that these services sent something about."""
    sent = [
        message
        for service in services
        for outlet in service.outlets.by_destination.values()
        if isinstance(outlet.channel, Recorder)
        for message in outlet.channel.sent
    ]
    return [each.labels.get("alertname", "") for each in sent if isinstance(each, IncidentMessage)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_replicas_that_run_send_one_message_about_one_fault(database_url: str) -> None:
    first, second = open_database(database_url), open_database(database_url)
    async with running(first, rules()) as here, running(second, rules()) as there:
        await asyncio.gather(here.auditor.audit(), there.auditor.audit())
        assert told(here, there) == []
        await an_ill_replica(here)
        await asyncio.gather(here.auditor.audit(), there.auditor.audit())
        await eventually(lambda: told(here, there))
        await asyncio.gather(here.auditor.audit(), there.auditor.audit())
        await asyncio.sleep(1)
        assert told(here, there) == ["AlertsvcAuditMismatch"]
        names = await first.snapshot(lambda conn: set(conn.execute(select(replica.c.name)).scalars()))
        assert len(names) == 3


async def test_that_a_critical_message_failed_is_told_at_once(database_url: str) -> None:
    async with running(open_database(database_url), rules_with_watchers()) as service:
        chat = service.outlets.by_destination["team/chat"].channel
        assert isinstance(chat, Recorder)
        chat.otherwise = Rejected(Fault.CLIENT_ERROR, "no such room")
        await service.committer.submit(Submission(new_id(), "alertmanager", utc_now(), [event()], b"{}"))
        await eventually(lambda: told(service), seconds=15)
        assert told(service) == ["AlertsvcCriticalFailed"]


async def test_a_replica_that_ends_is_not_missed(database_url: str) -> None:
    async with running(open_database(database_url), rules()) as service:
        await service.auditor.audit()
    left = open_database(database_url)
    assert await left.snapshot(lambda conn: conn.execute(select(replica)).all()) == []
    await left.close()


@ONLY_SQLITE
async def test_a_process_that_was_killed_is_not_missed_by_the_one_in_its_place(database_url: str) -> None:
    async with running(open_database(database_url), rules()) as service:
        await an_ill_replica(service)
    async with running(open_database(database_url), rules()) as service:
        await service.auditor.audit()
        assert service.auditor.last is not None
        assert service.auditor.last.failing == {}


async def test_a_fault_in_the_books_is_shown_and_keeps_nobody_from_being_ready(database_url: str) -> None:
    async with running(open_database(database_url), rules()) as service:
        await service.auditor.audit()
        ready = await health.ready.fn(service)
        assert (ready.status_code, ready.content) == (200, {"ready": True, "causes": [], "notes": []})
        await an_ill_replica(service)
        await service.auditor.audit()
        ready = await health.ready.fn(service)
        note = {"code": "audit_mismatch", "detail": "the check replicas finds 1; the log says what (audit)"}
        assert (ready.status_code, ready.content) == (200, {"ready": True, "causes": [], "notes": [note]})
        told = await health.health.fn(service, None)
        assert (told["status"], told["causes"]) == ("degraded", [note])
        assert told["audited_at"] is not None
