"""Thousands of alerts at once: a destination gets a few messages, then summaries, and nothing is lost."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from alertsvc.channels.message import DigestMessage, IncidentMessage
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.model import AlertState, Deliver, Event, Severity
from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.core.storm import StormRule
from alertsvc.engine import commands
from alertsvc.store import gauges
from alertsvc.store.database import Database
from alertsvc.store.tables import alert, notification
from tests.world import ALL, DELIVER, QUIET, START, TIMING, Recorder, World, destination, event, present, rules

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MANY, REQUEST = int(os.environ.get("ALERTSVC_STORM", "4000")), 500
"""What is decided does not depend on how many they are; ten thousand take minutes."""
MESSAGES = StormRule(5, MINUTE)
PAGES = StormRule(50, MINUTE, ends_singly=True)
CALM = "calm/chat"


def stormy(*destinations) -> Rules:
    """One incident for each host; what the calm team owns goes to the calm team only."""
    listed = destinations or (
        replace(destination("chat"), storm=MESSAGES),
        replace(destination("mail", QUIET), storm=MESSAGES),
        replace(destination("pager"), storm=PAGES),
    )
    calm = replace(destination("chat", ALL, "calm"), storm=MESSAGES)
    below = Route("root/calm", "calm", TIMING, DELIVER, "hourly", matchers=(present("calm"),))
    root = Route("root", "team", TIMING, {**DELIVER, Severity.WARNING: Deliver.IMMEDIATE}, "hourly", routes=(below,))
    return rules(
        root=root,
        receivers={"team": listed, "calm": (calm,)},
        correlate=(CorrelateRule("host", ("host",)),),
    )


def alerts(
    numbers: range, state: AlertState = AlertState.FIRING, severity: Severity = Severity.CRITICAL, name: str = "Down"
) -> Iterator[Event]:
    for number in numbers:
        yield event(severity, state, alertname=name, host=f"{name}-{number}")


async def flood(
    world: World, span: timedelta, state: AlertState = AlertState.FIRING, numbers: range = range(MANY)
) -> None:
    """All these alerts within the span, in requests of several hundred; what is due is sent meanwhile."""
    for first in range(0, len(numbers), REQUEST):
        await world.post(*alerts(numbers[first : first + REQUEST], state))
        await world.pass_time(span * REQUEST / len(numbers))


async def turns_until_told(world: World) -> dict[str, list[int]]:
    """By destination: in which turns of claiming and sending it was told something, until nothing is due any more."""
    turns: dict[str, list[int]] = {}
    turn = 0
    while claimed := await world.claim():
        turn += 1
        for name in {each.destination for each in claimed}:
            turns.setdefault(name, []).append(turn)
        await world.settle(await world.send(claimed))
    return turns


def shape(channel: Recorder) -> list[str]:
    """What it got, in order: reasons, `storm` for a summary, `over` for the end of a storm."""
    found: list[str] = []
    for message in channel.sent:
        if isinstance(message, DigestMessage):
            assert message.storm is not None
            found.append("over" if message.storm.is_over else "storm")
        else:
            found.append(str(message.reason))
    return found


def storms(channel: Recorder) -> list[DigestMessage]:
    return [each for each in channel.sent if isinstance(each, DigestMessage)]


async def active(world: World) -> Mapping[tuple[str, ...], float]:
    return (await world.database.snapshot(lambda conn: gauges.stored(conn, lambda: world.now)))["storm_active"]


async def everything_is_told(world: World) -> None:
    """No notification is without its message, and the books balance."""
    count = select(func.count()).select_from(notification).where(notification.c.state != "delivered")
    assert await world.database.snapshot(lambda conn: conn.execute(count).scalar_one()) == 0
    await world.balance()


@pytest.mark.timeout(300)
async def test_thousands_of_alerts_in_ten_seconds_make_a_few_messages_and_their_ends_too(database: Database) -> None:
    many = MANY if database.dialect == "sqlite" else MANY // 2
    world = World(database, stormy())
    await flood(world, 5 * SECOND, numbers=range(many // 2))
    await world.post(event(calm="yes", host="calm-1"))
    await world.deliver()
    assert shape(world.channel(CALM)) == ["opened"], "told in the middle of it, when its alert came in"
    await flood(world, 5 * SECOND, numbers=range(many // 2, many))

    await world.pass_time(4 * MINUTE, step=10 * SECOND)
    for name in ("team/chat", "team/mail"):
        assert shape(world.channel(name)) == ["opened"] * 5 + ["storm", "over"]
    pager = world.channel("team/pager")
    assert shape(pager) == ["opened"] * 50 + ["storm", "over"]
    summary, end = storms(pager)
    assert summary.incident_count == many - 50
    assert len(summary.items) == 20
    assert summary.storm is not None
    assert [(each.alertname, each.incident_count) for each in summary.storm.classes] == [("Down", many - 50)]
    assert end.storm is not None
    assert (end.storm.incident_count, end.storm.open_count) == (many - 50, many - 50)
    assert end.storm.id == summary.storm.id
    assert len(await world.rows("incident")) == many + 1
    await everything_is_told(world)

    await flood(world, 10 * SECOND, AlertState.RESOLVED, range(many))
    await world.pass_time(5 * MINUTE + 40 * SECOND, step=10 * SECOND)
    assert world.now - START == 10 * MINUTE
    for name in ("team/chat", "team/mail"):
        assert shape(world.channel(name)) == ["opened"] * 5 + ["storm", "over"] + ["resolved", "storm"]
    counts = Counter(shape(pager)[52:])
    assert counts == {"resolved": 50 + 12, "storm": 1}  # what it had been told by itself, and a few before it storms
    await world.pass_time(3 * MINUTE, step=10 * SECOND)
    assert {shape(world.channel(name))[-1] for name in ("team/chat", "team/mail", "team/pager")} == {"over"}
    assert shape(world.channel(CALM)) == ["opened"]
    await everything_is_told(world)


async def test_who_has_no_storm_is_told_on_the_first_turn_however_much_waits_for_another(database: Database) -> None:
    loud = destination("program")  # is in no storm, ever: all its messages leave one by one
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES), loud))
    await world.post(*alerts(range(400)))
    await world.post(event(calm="yes", host="calm-1"), *alerts(range(400, 500)))
    turns = await turns_until_told(world)
    assert turns[CALM] == [1]
    assert turns["team/chat"] == [1]
    assert len(turns[loud.id]) >= 500 / 100
    await world.pass_time(4 * MINUTE, step=10 * SECOND)
    await everything_is_told(world)


async def test_alerts_that_begin_and_end_again_and_again_make_no_more(database: Database) -> None:
    world = World(database, stormy())
    for turn in range(20):
        state = AlertState.RESOLVED if turn % 2 else AlertState.FIRING
        events = [replace(each, starts_at=START + (turn // 2) * MINUTE) for each in alerts(range(100), state)]
        await world.post(*events)
        await world.pass_time(30 * SECOND, step=10 * SECOND)
    assert world.now - START == 10 * MINUTE
    assert len(world.channel().sent) <= 12
    assert len(world.channel("team/mail").sent) <= 12
    assert Counter(shape(world.channel("team/pager")))["opened"] <= 60
    await world.pass_time(20 * MINUTE, step=10 * SECOND)
    assert shape(world.channel())[-1] == "over"
    assert {row.state for row in await world.rows("believer")} == {"ended"}
    await everything_is_told(world)


async def test_a_new_kind_of_alert_breaks_through_and_not_without_end(database: Database) -> None:
    world = World(database, stormy())
    await world.post(*alerts(range(100)))
    await world.post(*alerts(range(1), name="Fire"))
    await world.deliver()
    assert [each.title for each in world.channel().sent if isinstance(each, IncidentMessage)][5:] == ["Fire Fire-0"]

    await world.post(*alerts(range(1, 2), name="Fire"))
    await world.post(*alerts(range(2, 3), severity=Severity.WARNING, name="Fire"))
    await world.deliver()
    assert shape(world.channel()) == ["opened"] * 7

    for number in range(30):
        await world.post(*alerts(range(1), name=f"Kind{number}"))
    await world.deliver()
    assert shape(world.channel()) == ["opened"] * 10
    for minute in range(4):
        await world.pass_time(MINUTE, step=SECOND)
        for number in range(30):
            await world.post(*alerts(range(1), name=f"Kind{minute}.{number}"))
        await world.deliver()
    assert Counter(shape(world.channel()))["opened"] == 5 + 10
    await world.pass_time(20 * MINUTE, step=10 * SECOND)
    await everything_is_told(world)


async def test_what_waits_and_ends_is_listed_as_ended(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(8)))
    await world.post(*alerts(range(6, 8), AlertState.RESOLVED))
    await world.pass_time(33 * SECOND, step=SECOND)
    (summary,) = storms(world.channel())
    assert (summary.incident_count, summary.ended_count) == (3, 2)
    assert [row.state for row in await world.rows("believer")].count("ended") == 2
    await everything_is_told(world)


async def test_an_end_that_overtakes_the_summary_is_said_again(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(8)))
    await world.deliver()
    await world.pass_time(25 * SECOND, step=SECOND)
    while not (summaries := [each for each in await world.claim() if each.digest_id is not None]):
        world.now += SECOND
        await world.ticker.sweep()
    on_its_way = await world.send(summaries)
    world.now += SECOND
    world.rules = stormy(destination("chat"))  # with no storms its end leaves by itself
    await world.post(*alerts(range(7, 8), AlertState.RESOLVED))
    await world.deliver()
    assert shape(world.channel())[-2:] == ["storm", "resolved"]
    await world.settle(on_its_way)
    await world.deliver()
    said = [each for each in world.channel().sent if isinstance(each, IncidentMessage)][-2:]
    assert [(each.title, str(each.reason)) for each in said] == [("Down Down-7", "resolved")] * 2
    await everything_is_told(world)


async def test_what_gets_worse_while_it_waits_is_told_at_once_when_that_is_new(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(8), severity=Severity.ERROR))
    await world.deliver()
    await world.post(*alerts(range(6, 8), severity=Severity.CRITICAL))
    await world.deliver()
    assert shape(world.channel()) == ["opened"] * 5 + ["raised"]
    await world.pass_time(33 * SECOND, step=SECOND)
    (summary,) = storms(world.channel())
    assert [item.severity for item in summary.items] == [Severity.CRITICAL, Severity.ERROR]
    await world.balance()


async def test_a_second_storm_much_later_begins_anew(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(20)))
    await world.pass_time(3 * MINUTE, step=SECOND)
    await world.pass_time(20 * MINUTE, step=10 * SECOND)
    await world.post(*alerts(range(100, 120)))
    assert await active(world) == {("team/chat",): 1.0}
    await world.pass_time(3 * MINUTE, step=SECOND)
    assert await active(world) == {("team/chat",): 0.0}
    assert shape(world.channel()) == (["opened"] * 5 + ["storm", "over"]) * 2
    first, _, second, _ = storms(world.channel())
    assert first.storm is not None
    assert second.storm is not None
    assert first.storm.id != second.storm.id
    await everything_is_told(world)


async def test_a_summary_comes_when_it_is_due_however_long_the_storm_lasts(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    came: list[timedelta] = []
    for turn in range(14 * 6):
        await world.post(*alerts(range(turn * 10, turn * 10 + 10)))
        for _ in range(5):
            before = len(storms(world.channel()))
            await world.pass_time(2 * SECOND)
            if len(storms(world.channel())) > before:
                came.append(world.now - START)
    assert came == [span + 2 * SECOND for span in (30 * SECOND, MINUTE, 2 * MINUTE, 7 * MINUTE, 12 * MINUTE)]
    assert len(world.channel().sent) == 10
    assert len({each.storm.id for each in storms(world.channel()) if each.storm}) == 1


async def test_a_storm_that_ends_unseen_says_nothing(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(5)))
    await world.post(*alerts(range(1), name="Fire"))
    await world.pass_time(3 * MINUTE, step=SECOND)
    assert shape(world.channel()) == ["opened"] * 6
    assert [row.next_at for row in await world.rows("storm") if row.destination == "team/chat"] == [None]


async def test_an_acknowledgement_in_a_storm_is_shown_in_its_summary(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    receipt = await world.post(*alerts(range(8)))
    await world.act(receipt.incident_ids[7], commands.acknowledge)
    await world.pass_time(33 * SECOND, step=SECOND)
    (summary,) = storms(world.channel())
    assert [item.acknowledged_by for item in summary.items].count("ann") == 1
    await world.balance()


async def test_a_reload_that_switches_it_off_ends_the_storm_and_loses_nothing(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(8)))
    world.rules = stormy(destination("chat"))
    await world.post(*alerts(range(7, 8), AlertState.RESOLVED), *alerts(range(8, 20)))
    await world.pass_time(3 * MINUTE, step=SECOND)
    counts = Counter(shape(world.channel()))
    assert counts == {"opened": 17, "storm": 1, "over": 1}, "who hears first of its end in a summary is not told alone"
    await world.pass_time(
        62 * MINUTE, step=MINUTE
    )  # the next digest says that it ended, whatever became of the summary
    await everything_is_told(world)


async def test_decisions_of_two_replicas_do_not_both_count_as_the_last_that_is_let_through(database: Database) -> None:
    world = World(database, stormy(replace(destination("chat"), storm=MESSAGES)))
    await world.post(*alerts(range(4)))
    await asyncio.gather(*(world.post(*alerts(range(first, first + 1))) for first in range(10, 16)))
    await world.deliver()
    assert shape(world.channel()) == ["opened"] * 5
    stored = select(func.count()).select_from(alert)
    assert await world.database.snapshot(lambda conn: conn.execute(stored).scalar_one()) == 10
    await world.pass_time(3 * MINUTE, step=SECOND)
    assert shape(world.channel()) == ["opened"] * 5 + ["storm", "over"]
    await everything_is_told(world)
