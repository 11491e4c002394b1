"""Items of the quarantine: taken in as if they arrived now, or dropped for good, on both databases."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alertsvc.clock import new_id
from alertsvc.core.acts import NotPossibleError
from alertsvc.core.model import Severity
from alertsvc.core.rules import Rules
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.replay import drop, replay
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.submissions import Refused, Submission
from alertsvc.observe.metrics import Metrics
from alertsvc.store.database import Database
from tests.engine.test_receiving import committer, poisonous, running
from tests.ingest.test_alertmanager import alert
from tests.world import Recorder, World, event, rules

GOOD = json.dumps(alert()).encode()
BAD = b'{"status": "firing", "labels": {"a": 1}}'


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Service]:
    """A running service with the usual rules."""
    opened = service_with(database, rules())
    await opened.start()
    yield opened
    await opened.stop()


def service_with(database: Database, chosen: Rules) -> Service:
    outlets = Outlets(chosen, {"team/chat": Outlet("team/chat", "chat", Recorder())})
    return Service(Parts(database, outlets, Metrics("test")))


async def quarantined(world: World, raw: bytes, source: str = "alertmanager") -> Any:
    """An item that could not be read when it came."""
    refused = [Refused(0, "labels: not text", raw)]
    await world.post_together(Submission(new_id(), source, world.now, [], b"{}", refused))
    return (await world.rows("quarantine"))[-1]


async def state_of(world: World, item: Any) -> str:
    (row,) = [row for row in await world.rows("quarantine") if row.id == item.id]
    return str(row.state)


async def test_what_can_be_read_by_now_is_taken_in_and_told(service: Service, world: World) -> None:
    item = await quarantined(world, GOOD)
    receipt = await replay(service, item.id)
    assert (receipt.counts.new, receipt.counts.total, len(receipt.incident_ids)) == (1, 1, 1)
    assert await state_of(world, item) == "replayed"
    (row,) = [row for row in await world.rows("arrival") if row.id == receipt.arrival_id]
    assert (row.source, row.sender) == ("alertmanager", "quarantine")


async def test_an_item_is_replayed_once(service: Service, world: World) -> None:
    item = await quarantined(world, GOOD)
    await replay(service, item.id)
    for act in (replay, drop):
        with pytest.raises(NotPossibleError, match="it was replayed already"):
            await act(service, item.id)
    assert len(await world.rows("incident")) == 1


async def test_what_still_cannot_be_read_stays_with_the_reason(service: Service, world: World) -> None:
    item = await quarantined(world, BAD)
    with pytest.raises(NotPossibleError, match=r"it still cannot be read: .*labels"):
        await replay(service, item.id)
    assert await state_of(world, item) == "open"
    assert len(await world.rows("arrival")) == 1


async def test_an_item_of_a_source_that_keeps_none_cannot_be_replayed(service: Service, world: World) -> None:
    item = await quarantined(world, GOOD, source="freshness")
    with pytest.raises(NotPossibleError, match="there is no reader for items of freshness"):
        await replay(service, item.id)
    assert await state_of(world, item) == "open"


ITEM = {"model": "churn", "metric": "psi", "value": 0.4, "threshold": 0.2, "severity": "sev1"}
RECORD = {"model": "churn", "metric": "evidently_report", "severity": "sev1"}
CLOUD = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
REFUSED = [
    pytest.param("events", ITEM, ("firing", 0.4), id="an-event"),
    pytest.param("events", {**CLOUD, "data": ITEM}, ("firing", 0.4), id="a-cloudevent"),
    pytest.param("evidently", {"finding": ITEM}, ("firing", 0.4), id="a-finding"),
    pytest.param("evidently", {"finding": RECORD}, None, id="one-that-says-nothing"),
]


@pytest.fixture
async def worded_service(database: Database) -> AsyncIterator[Service]:
    """A running service that knows what `sev1` is."""
    opened = service_with(database, rules(severities=SeverityRule(words={"sev1": Severity.CRITICAL})))
    await opened.start()
    yield opened
    await opened.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("source", "item", "expected"), REFUSED)
async def test_what_was_refused_among_others_is_taken_in_once_its_words_are_known(
    worded_service: Service, world: World, source: str, item: dict[str, Any], expected: tuple[str, float] | None
) -> None:
    """The operator says what `sev1` is. It was observed when it came, not when somebody found it."""
    kept = await quarantined(world, json.dumps(item).encode(), source)
    receipt = await replay(worded_service, kept.id)
    assert (receipt.counts.total, receipt.counts.quarantined, await state_of(world, kept)) == (1, 0, "replayed")
    rows = await world.rows("series")
    assert [(row.last_state, row.last_value) for row in rows] == ([] if expected is None else [expected])
    assert {row.last_observed_at for row in rows} <= {kept.received_at}
    assert {row.severity for row in await world.rows("alert")} <= {Severity.CRITICAL}


async def test_what_nobody_needs_is_dropped_once(service: Service, world: World) -> None:
    item = await quarantined(world, GOOD)
    await drop(service, item.id)
    assert await state_of(world, item) == "dropped"
    for act in (replay, drop):
        with pytest.raises(NotPossibleError, match="it was dropped already"):
            await act(service, item.id)
    assert await world.rows("incident") == []


@pytest.mark.parametrize("act", [replay, drop])
async def test_what_is_not_there_is_said(service: Service, act: Any) -> None:
    with pytest.raises(UnknownThingError, match="quarantined item"):
        await act(service, new_id())


async def poisoned(database: Database, world: World) -> Any:
    """An event that a bug kept from being applied."""
    taker = committer(database, poisonous())
    async with running(taker):
        await taker.submit(Submission(new_id(), "alertmanager", world.now, [event(model="poison")], b"{}"))
    (item,) = await world.rows("quarantine")
    assert item.form == "event"
    return item


async def test_what_a_bug_kept_out_is_taken_in_whole_once_that_is_mended(
    service: Service, world: World, database: Database
) -> None:
    item = await poisoned(database, world)
    receipt = await replay(service, item.id)
    assert receipt.counts.new == 1
    (stored,) = await world.rows("alert")
    assert stored.labels == {"alertname": "Drift", "model": "poison"}
    assert await state_of(world, item) == "replayed"


@pytest.fixture
async def broken_service(database: Database) -> AsyncIterator[Service]:
    """A running service that still has the bug."""
    opened = service_with(database, poisonous())
    await opened.start()
    yield opened
    await opened.stop()


async def test_what_the_bug_still_keeps_out_stays_one_item(
    broken_service: Service, world: World, database: Database
) -> None:
    item = await poisoned(database, world)
    for _ in range(3):
        with pytest.raises(NotPossibleError, match="it still cannot be applied"):
            await replay(broken_service, item.id)
    assert [row.id for row in await world.rows("quarantine") if row.state == "open"] == [item.id]
