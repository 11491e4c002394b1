"""What the auditor of a running service finds in books that do not balance, on both databases."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Update, delete, select, update

from alertsvc.core.model import Severity
from alertsvc.engine.audit import CHECKS, WINDOW, Auditor, Subject
from alertsvc.engine.counting import Counting
from alertsvc.engine.submissions import Refused
from alertsvc.observe.metrics import Metrics
from alertsvc.store.database import Database
from alertsvc.store.housekeeping import Retention
from alertsvc.store.replicas import Itself
from alertsvc.store.tables import digest, event, notification, outbox, quarantine
from tests.world import World, rules
from tests.world import event as alert

WARNING = Severity.WARNING
HOUR = timedelta(hours=1)
KEPT = Retention()


@pytest.fixture
def world(database: Database) -> World:
    """A world whose books are spoilt on purpose: at its end they do not balance."""
    return World(database, rules())


class Audited:
    """An auditor of a world, and what Prometheus sees of it."""

    def __init__(self, world: World, retention: Retention = KEPT) -> None:
        self.metrics = Metrics("test")
        counting = Counting(self.metrics)
        itself = Itself("here", "1", world.now, "abc", world.now - HOUR)
        subject = Subject(world.rules, retention, itself)
        self.auditor = Auditor(
            world.database, lambda: world.now, lambda: subject, counting.audited, offset=lambda _conn, _clock: 0.0
        )

    async def mismatches(self) -> dict[str, float]:
        """By check, after another look."""
        await self.auditor.audit()
        found = {check: self.metrics.registry.get_sample_value(*_sample(check)) for check in CHECKS}
        return {check: value for check, value in found.items() if value}

    @property
    def looked_at(self) -> float | None:
        """When it looked last, in seconds since 1970."""
        return self.metrics.registry.get_sample_value("alertsvc_auditor_last_success_timestamp_seconds")


def _sample(check: str) -> tuple[str, dict[str, str]]:
    return "alertsvc_ledger_mismatch", {"check": check}


async def spoil(world: World, statement: Any) -> None:
    """Change what is stored, past everything that keeps it right."""
    done = await world.database.transaction(lambda conn: conn.execute(statement).rowcount)
    assert done > 0, "nothing was spoilt"


async def a_day(world: World) -> None:
    """One incident waits for its message, another for a digest, an item for somebody to look at it."""
    await world.post(alert(model="a"), refused=[Refused(1, "no labels", b"{}")])
    await world.post(alert(WARNING, model="b"))


async def test_books_that_balance_are_found_to(world: World) -> None:
    await a_day(world)
    audited = Audited(world)
    assert (await audited.mismatches(), audited.looked_at) == ({}, world.now.timestamp())


async def test_an_event_that_is_not_stored_is_missed_at_its_arrival(world: World) -> None:
    await a_day(world)
    audited = Audited(world)
    await spoil(world, delete(event).where(event.c.change == "opened"))
    assert await audited.mismatches() == {"arrivals": 2}


async def test_a_bad_item_that_is_not_stored_is_missed_at_its_arrival(world: World) -> None:
    await a_day(world)
    audited = Audited(world)
    await spoil(world, delete(quarantine))
    assert await audited.mismatches() == {"arrivals": 1}


def _without_delivery() -> Update:
    return update(notification).where(notification.c.delivery_id.is_not(None)).values(delivery_id=None)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(delete(outbox), id="its-delivery-has-gone"),
        pytest.param(_without_delivery(), id="no-delivery-was-made"),
        pytest.param(delete(digest), id="its-digest-has-gone"),
        pytest.param(update(digest).values(state="sent"), id="its-digest-was-sent-without-it"),
    ],
)
async def test_a_notification_that_nothing_will_end_is_found(world: World, statement: Any) -> None:
    await a_day(world)
    audited = Audited(world)
    assert await audited.mismatches() == {}
    await spoil(world, statement)
    assert await audited.mismatches() == {"notifications": 1}


async def test_a_mismatch_that_was_mended_is_none_any_more(world: World) -> None:
    await a_day(world)
    audited = Audited(world)
    await spoil(world, update(digest).values(state="sent"))
    assert await audited.mismatches()
    await spoil(world, update(digest).values(state="open"))
    assert await audited.mismatches() == {}


async def test_what_does_not_balance_is_in_the_log_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await a_day(world)
    audited = Audited(world)
    await spoil(world, delete(outbox))
    chosen = select(notification.c.id).where(notification.c.delivery_id.is_not(None))
    lost = await world.database.snapshot(lambda conn: conn.execute(chosen).scalar_one())
    with caplog.at_level(logging.ERROR):
        await audited.mismatches()
        await audited.mismatches()
    (record,) = caplog.records
    assert record.message == f"audit: the check notifications finds 1, such as {lost}"


@pytest.mark.parametrize(
    ("retention", "later"),
    [
        pytest.param(Retention(), WINDOW + timedelta(seconds=1), id="long-ago"),
        pytest.param(Retention(incidents=timedelta(minutes=2)), timedelta(seconds=61), id="soon-forgotten"),
    ],
)
async def test_what_may_have_been_forgotten_is_not_missed(world: World, retention: Retention, later: timedelta) -> None:
    await a_day(world)
    audited = Audited(world, retention)
    await spoil(world, delete(event))
    assert await audited.mismatches() == {"arrivals": 2}
    world.now += later
    assert await audited.mismatches() == {}


async def test_whoever_cannot_read_the_books_does_not_say_that_they_balance(world: World) -> None:
    audited = Audited(world)
    looked_at: datetime = world.now
    await audited.mismatches()
    world.now += timedelta(minutes=1)
    await spoil_the_view(world)
    with pytest.raises(Exception, match="outbox"):
        await audited.auditor.audit()
    assert audited.looked_at == looked_at.timestamp()


async def spoil_the_view(world: World) -> None:
    """The outbox is not there: a statement of the auditor fails."""
    await world.database.transaction(lambda conn: conn.exec_driver_sql("ALTER TABLE outbox RENAME TO gone"))
