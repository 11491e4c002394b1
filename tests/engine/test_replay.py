"""Items of the quarantine: taken in as if they arrived now, or dropped for good, on both databases."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alertsvc.clock import new_id
from alertsvc.core.acts import NotPossibleError
from alertsvc.core.rules import Rules
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
    item = await quarantined(world, GOOD, source="events")
    with pytest.raises(NotPossibleError, match="there is no reader for items of events"):
        await replay(service, item.id)
    assert await state_of(world, item) == "open"


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
