"""Alerts that their source tells of no more without saying that they ended: they stay, and people are told once."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.clock import new_id
from alertsvc.core.alerts import Alert, Change
from alertsvc.core.judge import judge
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.quiet_sources import REPEAT_WHAT_FIRES, asked_again_at
from alertsvc.engine.tick import Ticker
from alertsvc.ingest import alertmanager, grafana
from alertsvc.store.database import Database
from tests.world import START, World, event, rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LIMIT = 8 * HOUR


@pytest.fixture
def told(database: Database) -> World:
    """A world in which sources must tell of what fires every eight hours, and nobody is reminded of it."""
    root = rules().root
    calm = replace(root, timing=replace(root.timing, repeat_interval=timedelta(days=30)))
    return World(database, rules(root=calm, stale_after=LIMIT))


async def only_alert(world: World) -> Any:
    (row,) = await world.rows("alert")
    return row


async def changes(world: World) -> list[str]:
    rows = sorted(await world.rows("event"), key=lambda row: row.received_at)
    return [row.change for row in rows]


async def test_people_are_told_once_that_nobody_confirms_it_and_it_goes_on_firing(told: World) -> None:
    await told.post(event())
    await told.pass_time(LIMIT - MINUTE, HOUR)
    assert told.channel().reasons == ["opened"]
    await told.pass_time(3 * LIMIT, HOUR)
    assert told.channel().reasons == ["opened", "updated"]
    message = told.channel().sent[-1]
    assert isinstance(message, IncidentMessage)
    assert message.summary == (
        "Not confirmed since 2026-03-02 09:00 UTC: its source tells of it no more. It may still fire. s"
    )
    alert = await only_alert(told)
    assert (alert.state, alert.is_silent) == ("firing", True)
    assert await changes(told) == ["opened", "fell_silent"]
    await told.balance()


async def test_what_is_repeated_in_time_is_never_silent(told: World) -> None:
    for _ in range(6):
        await told.post(event())
        await told.pass_time(4 * HOUR, HOUR)
    assert told.channel().reasons == ["opened"]
    assert await changes(told) == ["opened"]


async def test_who_is_heard_again_is_silent_no_more_and_may_fall_silent_again(told: World) -> None:
    await told.post(event())
    await told.pass_time(LIMIT + MINUTE, HOUR)
    await told.post(event())
    assert not (await only_alert(told)).is_silent
    await told.pass_time(LIMIT - MINUTE, HOUR)
    assert await changes(told) == ["opened", "fell_silent", "heard"]
    assert told.channel().reasons == ["opened", "updated"]
    await told.pass_time(HOUR, MINUTE)
    assert await changes(told) == ["opened", "fell_silent", "heard", "fell_silent"]
    assert told.channel().reasons == ["opened", "updated", "updated"]
    await told.post(event(state=AlertState.RESOLVED))
    await told.deliver()
    assert told.channel().reasons[-1] == "resolved"
    await told.balance()


async def test_a_warning_says_so_in_its_digest(told: World) -> None:
    await told.post(event(Severity.WARNING))
    await told.pass_time(LIMIT + 2 * HOUR, 10 * MINUTE)
    assert told.channel().reasons == ["digest", "digest"]


async def test_what_could_not_be_heard_is_not_counted(told: World) -> None:
    await told.post(event())
    told.now += 7 * HOUR

    def ticks() -> float:
        return told.now.timestamp()

    told.ticker = Ticker(told.database, lambda: told.rules, lambda: told.now, new_id, ticks=ticks)
    await told.pass_time(LIMIT - MINUTE, HOUR)
    assert await changes(told) == ["opened"], "it was down for seven hours"
    await told.pass_time(HOUR, MINUTE)
    assert await changes(told) == ["opened", "fell_silent"]


@pytest.mark.parametrize(
    ("sent", "stale_after"),
    [
        pytest.param(replace(event(), expires_at=START + timedelta(days=9)), LIMIT, id="one-that-promises-its-end"),
        pytest.param(replace(event(), source="events", starts_at=None, observed_at=START), LIMIT, id="an-observation"),
        pytest.param(event(), None, id="where-it-is-switched-off"),
    ],
)
async def test_of_what_nobody_repeats_it_is_never_asked(
    told: World, sent: Event, stale_after: timedelta | None
) -> None:
    told.rules = replace(told.rules, stale_after=stale_after)
    await told.post(sent)
    await told.pass_time(3 * LIMIT, HOUR)
    assert await changes(told) == ["opened"]
    assert (await only_alert(told)).silent_at is None


async def test_a_later_repetition_asks_of_one_that_was_there_before_it_was_asked_for(told: World) -> None:
    told.rules = replace(told.rules, stale_after=None)
    await told.post(event())
    told.rules = replace(told.rules, stale_after=LIMIT)
    told.now += MINUTE
    await told.post(event())
    assert (await only_alert(told)).silent_at == told.now + LIMIT


def test_alertmanager_and_grafana_repeat_what_fires_and_promise_no_end() -> None:
    assert {alertmanager.SOURCE, grafana.SOURCE} == REPEAT_WHAT_FIRES


def at(hour: float) -> datetime:
    return START + hour * HOUR


@pytest.mark.parametrize(
    ("last_seen", "hears_since", "now", "again"),
    [
        pytest.param(0, 0, 8, None, id="silent"),
        pytest.param(3, 0, 8, 11, id="told-meanwhile"),
        pytest.param(0, 5, 8, 13, id="deaf-until-then"),
        pytest.param(0, -5, 9, None, id="heard-all-the-time"),
    ],
)
def test_a_source_is_silent_when_it_could_be_heard_for_so_long(
    last_seen: float, hears_since: float, now: float, again: float | None
) -> None:
    found = asked_again_at(at(last_seen), at(hears_since), at(now), LIMIT)
    assert found == (None if again is None else at(again))


def test_what_arrived_since_it_was_found_silent_counts() -> None:
    chosen = rules(stale_after=LIMIT)
    known: Alert = judge(None, event(), START, new_id, chosen).after
    heard = replace(known, silent_at=at(10))
    asked = replace(event(), decided_by="silent")
    assert judge(heard, asked, at(9), new_id, chosen).change is Change.STALE
    assert judge(known, asked, at(9), new_id, chosen).change is Change.FELL_SILENT
