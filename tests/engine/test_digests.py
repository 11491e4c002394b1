"""Digests as they are made: before their time when much waits, in their time otherwise, each thing once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.model import AlertState, Deliver, Reason, Severity
from alertsvc.engine.digesting import CLOCK_TOLERANCE, send_digest
from alertsvc.store import briefs
from alertsvc.store.database import Database
from tests.world import ALL, START, World, destination, event, rules

WARNING = Severity.WARNING
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def urgent_world(database: Database, urgent_after: int | None = 3, *names: str) -> World:
    """A world whose hourly digest is sent once so many incidents wait in it."""
    hourly = DigestRule("hourly", Every(HOUR), urgent_after=urgent_after)
    listed = [destination(name) for name in names or ("chat",)]
    return World(database, rules(*listed, digests={"hourly": hourly}))


async def warn(world: World, *models: str) -> None:
    for model in models:
        await world.post(event(WARNING, model=model))


async def test_a_crowded_digest_is_sent_before_its_time(database: Database) -> None:
    world = urgent_world(database)
    await warn(world, "a", "b")
    await world.pass_time(MINUTE)
    assert world.channel().sent == []
    await warn(world, "c")
    await world.pass_time(MINUTE)
    (digest,) = world.channel().digests
    assert sorted(item.title for item in digest.items) == ["a: Drift", "b: Drift", "c: Drift"]
    await world.balance()


async def test_what_comes_after_an_urgent_digest_is_told_in_the_next_and_nothing_twice(database: Database) -> None:
    world = urgent_world(database)
    await warn(world, "a", "b", "c")
    await world.pass_time(MINUTE)
    await warn(world, "d")
    await world.pass_time(2 * HOUR, step=10 * MINUTE)
    told = [sorted(item.title for item in digest.items) for digest in world.channel().digests]
    assert told == [["a: Drift", "b: Drift", "c: Drift"], ["d: Drift"]]
    assert [row.state for row in await world.rows("digest")] == ["sent"]
    assert {state for _, state in await world.notifications()} == {"delivered"}
    await world.balance()


async def test_a_digest_may_be_urgent_again_once_as_many_more_wait(database: Database) -> None:
    world = urgent_world(database)
    await warn(world, "a", "b", "c")
    await world.ticker.sweep()
    await warn(world, "d", "e")
    await world.ticker.sweep()
    assert len(await world.rows("outbox")) == 1, "what is on its way does not count again"
    await warn(world, "f")
    await world.pass_time(MINUTE)
    assert [len(digest.items) for digest in world.channel().digests] == [3, 3]
    await world.balance()


async def test_the_end_of_what_an_urgent_digest_told_is_told_at_the_end_of_the_window(database: Database) -> None:
    world = urgent_world(database)
    await warn(world, "a", "b", "c")
    await world.pass_time(MINUTE)
    await world.post(event(WARNING, AlertState.RESOLVED, model="a"))
    await world.pass_time(HOUR)
    told = [[item.status for item in digest.items] for digest in world.channel().digests]
    assert told == [["firing"] * 3, ["resolved"]]
    await world.balance()


async def test_incidents_are_counted_and_not_alerts_or_destinations(database: Database) -> None:
    world = urgent_world(database, 3, "chat", "mail")
    for number in range(5):
        await world.post(event(WARNING, feature=f"f{number}"))
    await warn(world, "a")
    await world.pass_time(MINUTE)
    assert [world.channel(name).sent for name in world.channels] == [[], []]
    await world.balance()


async def test_what_ended_or_left_does_not_make_a_digest_urgent(database: Database) -> None:
    world = urgent_world(database)
    await warn(world, "a", "b")
    await world.post(event(Severity.CRITICAL, model="a", feature="worse"))
    await warn(world, "c")
    await world.pass_time(MINUTE)
    assert world.channel().digests == []
    assert world.channel().reasons == ["raised"]
    await world.balance()


async def test_without_a_bound_no_digest_is_urgent(database: Database) -> None:
    world = urgent_world(database, None)
    await warn(world, *(f"m{number}" for number in range(30)))
    await world.pass_time(MINUTE)
    assert world.channel().sent == []
    await world.pass_time(HOUR)
    (digest,) = world.channel().digests
    assert len(digest.items) == 30
    await world.balance()


async def test_a_window_is_closed_a_moment_after_its_end_for_clocks_that_are_behind(world: World) -> None:
    await warn(world, "a")
    world.now = START + HOUR + CLOCK_TOLERANCE - SECOND
    await world.ticker.sweep()
    assert [row.state for row in await world.rows("digest")] == ["open"]
    world.now = START + HOUR + CLOCK_TOLERANCE
    await world.ticker.sweep()
    assert [row.state for row in await world.rows("digest")] == ["sent"]


async def test_a_digest_that_was_sent_is_not_sent_again(world: World) -> None:
    await warn(world, "a")
    await world.pass_time(HOUR + MINUTE)
    (row,) = await world.rows("digest")
    moment = world.moment()
    made = await world.database.transaction(lambda conn: send_digest(row.id, moment, conn))
    await world.deliver()
    assert (made, len(world.channel().digests)) == (0, 1)


async def test_what_fires_and_ends_within_a_window_is_told_once_as_ended(world: World) -> None:
    await warn(world, "a")
    await world.post(event(WARNING, AlertState.RESOLVED, model="a"))
    await world.pass_time(3 * HOUR, step=HOUR)
    (digest,) = world.channel().digests
    assert [(item.title, item.status) for item in digest.items] == [("a: Drift", "resolved")]


async def test_a_preview_lists_the_gravest_and_counts_all(world: World) -> None:
    world.rules = rules(root=replace(world.rules.root, deliver=dict.fromkeys(Severity, Deliver.DIGEST)))
    severities = [Severity.WARNING, Severity.ERROR, Severity.INFO, Severity.WARNING]
    await world.post(*(event(severity, model=f"m{number}") for number, severity in enumerate(severities)))
    (window,) = await world.rows("digest")
    waiting = await world.database.snapshot(lambda conn: briefs.waiting_in(conn, window.id, most=2))
    assert [(name, incident.severity) for name, incident in waiting.incidents] == [
        ("team/chat", Severity.ERROR),
        ("team/chat", Severity.WARNING),
    ]
    assert waiting.incident_count == 4


@pytest.mark.parametrize(
    ("hears", "ended", "again"),
    [
        pytest.param(ALL, "superseded", "raised", id="a-channel-of-ends"),
        pytest.param(ALL - {Reason.RESOLVED}, "suppressed", "opened", id="send_resolved-false"),
    ],
)
async def test_what_waits_of_an_earlier_warning_leaves_the_digest_when_it_fires_again_and_pages(
    database: Database, hears: frozenset[Reason], ended: str, again: str
) -> None:
    known = rules(destination("chat", hears))
    world = World(database, replace(known, correlate=(replace(known.correlate[0], reopen_within=HOUR),)))
    await world.post(event(WARNING), event(WARNING, AlertState.RESOLVED))
    await world.post(event(start=START + SECOND))
    await world.deliver()
    await world.post(event(feature="age"))
    assert await world.notifications() == [
        ("opened", "superseded"),
        ("resolved", ended),
        (again, "delivered"),
        ("updated", "pending"),
    ]
    await world.pass_time(2 * HOUR, 5 * MINUTE)
    assert world.channel().reasons == [again, "updated"]
    await world.balance()


async def test_who_was_told_in_a_digest_is_told_of_the_end_though_it_paged_and_ended_before_that_left(
    world: World,
) -> None:
    reopening = replace(world.rules.correlate[0], reopen_within=HOUR)
    world.rules = replace(world.rules, correlate=(reopening,))
    await world.post(event(WARNING))
    await world.pass_time(HOUR + MINUTE, MINUTE)
    await world.post(event(WARNING, AlertState.RESOLVED))
    await world.post(event(start=world.now))
    await world.post(event(start=world.now, state=AlertState.RESOLVED))
    await world.pass_time(2 * HOUR, MINUTE)
    assert world.channel().reasons == ["digest", "resolved"]
