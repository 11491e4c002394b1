"""Alerts that nobody repeats any more: they end by themselves, once, and never because of us."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.core.route import Route
from alertsvc.engine import commands
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database
from tests.world import DELIVER, START, TIMING, World, event, rules

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
VALID = 4 * MINUTE


def firing(world: World, **labels: str) -> Any:
    """As Prometheus posts it each minute."""
    return replace(event(**labels), expires_at=world.now + VALID)


async def listen(world: World) -> None:
    """Be there for long enough."""
    await world.pass_time(6 * MINUTE, MINUTE)


async def test_what_is_repeated_fires_on_and_what_is_not_ends_within_its_validity(world: World) -> None:
    await listen(world)
    for _ in range(10):
        await world.post(firing(world), firing(world, feature="age"))
        await world.pass_time(MINUTE, SECOND * 10)
    await world.pass_time(2 * MINUTE, SECOND * 10)
    assert world.channel().reasons == ["opened"]
    await world.post(firing(world, feature="age"))
    await world.pass_time(MINUTE + SECOND, SECOND)
    states = {row.labels.get("feature"): row.state for row in await world.rows("alert")}
    assert states == {None: "resolved", "age": "firing"}
    await world.pass_time(5 * MINUTE, MINUTE)
    assert world.channel().reasons[0] == "opened"
    assert world.channel().reasons[-1] == "resolved"
    assert world.channel().reasons.count("resolved") == 1


async def test_it_says_that_its_end_was_inferred(world: World) -> None:
    await listen(world)
    await world.post(firing(world))
    await world.pass_time(5 * MINUTE, MINUTE)
    (alert,) = await world.rows("alert")
    (episode,) = await world.rows("episode")
    assert (alert.closed_by, alert.decided_by, episode.ended_by) == ("expired", "expired", "expired")
    assert (alert.source, alert.labels["model"], alert.annotations) == ("alertmanager", "churn", {"summary": "s"})
    assert (alert.expires_at, alert.due_at) == (None, None)
    lines = [(row.kind, row.detail) for row in await world.rows("history")]
    assert ("alert_expired", f"Drift ({alert.fingerprint})") in lines
    why = "its last alert ended: its source fell silent"
    assert ("resolved", why) in lines
    assert [row.why for row in await world.rows("notification") if row.reason == "resolved"] == [why]
    assert [row.resolved_by for row in await world.rows("incident")] == ["expired"]
    message = world.channel().sent[-1]
    assert isinstance(message, IncidentMessage)
    assert (message.resolved_by, message.resolved_how) == (None, "expired")
    clock = [row for row in await world.rows("arrival") if row.source == "clock"]
    assert [(row.received_count, row.updated_count) for row in clock] == [(1, 1)]


async def test_the_same_start_after_a_silent_source_comes_back_opens_it_again(world: World) -> None:
    await listen(world)
    await world.post(firing(world))
    await world.pass_time(5 * MINUTE, MINUTE)
    receipt = await world.post(firing(world))
    assert receipt.items[0].change == "reopened"
    (alert,) = await world.rows("alert")
    assert (alert.state, alert.due_at) == ("firing", world.now + VALID)


async def test_nothing_is_inferred_for_a_source_that_gives_no_end(world: World) -> None:
    await listen(world)
    await world.post(event())
    await world.post(firing(world, feature="age"))
    await world.post(event(feature="age"))
    await world.pass_time(timedelta(days=2), timedelta(hours=4))
    assert {row.state for row in await world.rows("alert")} == {"firing"}


async def test_after_a_start_the_senders_get_time_to_come_back(world: World) -> None:
    await world.post(firing(world))
    await world.pass_time(4 * MINUTE + 30 * SECOND, 10 * SECOND)
    (alert,) = await world.rows("alert")
    assert alert.state == "firing"
    await world.post(firing(world))
    await world.pass_time(3 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened"]
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened", "resolved"]


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
async def test_a_clock_that_is_set_ends_nothing(world: World, by: timedelta) -> None:
    await listen(world)
    await world.post(firing(world))
    await world.deliver()
    world.set_clock(by)
    await world.pass_time(MINUTE, 10 * SECOND)
    await world.post(firing(world))
    await world.pass_time(3 * MINUTE, 10 * SECOND)
    assert world.channel().reasons == ["opened"]
    await world.pass_time(2 * timedelta(hours=1), MINUTE)
    assert world.channel().reasons == ["opened", "resolved"]


async def test_what_a_person_resolved_does_not_expire_and_a_retaken_resolve_fires(world: World) -> None:
    await listen(world)
    receipt = await world.post(firing(world))
    await world.act(receipt.incident_ids[0], commands.resolve)
    (alert,) = await world.rows("alert")
    assert (alert.expires_at, alert.due_at) == (None, None)
    await world.act(receipt.incident_ids[0], commands.reopen)
    await world.post(firing(world))
    await world.pass_time(5 * MINUTE, MINUTE)
    (alert,) = await world.rows("alert")
    assert (alert.state, alert.closed_by) == ("resolved", "expired")


async def test_duplicates_write_no_more_than_they_must(world: World) -> None:
    await world.post(firing(world))
    revisions = []
    for _ in range(12):
        world.now += 5 * SECOND
        await world.post(firing(world))
        revisions.append((await world.rows("alert"))[0].revision)
    assert revisions[-1] - 1 == 2
    assert (await world.rows("alert"))[0].expires_at == world.now + VALID


async def test_many_end_in_steps(world: World) -> None:
    await listen(world)
    await world.post(*(firing(world, feature=f"f{number}") for number in range(1201)))
    await world.pass_time(5 * MINUTE, 5 * MINUTE)
    assert {row.state for row in await world.rows("alert")} == {"resolved"}
    clock = [row.updated_count for row in await world.rows("arrival") if row.source == "clock"]
    assert sum(clock) == 1201


async def test_its_end_is_told_like_any_other(world: World) -> None:
    await listen(world)
    await world.post(firing(world))
    await world.deliver()
    world.now = START + timedelta(hours=1)
    await world.ticker.sweep()
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]


async def test_one_that_cannot_be_ended_keeps_no_other_from_ending(database: Database) -> None:
    known = rules()
    odd = Route("root/odd", "odd", TIMING, DELIVER, "hourly", matchers=parse_matchers('model="odd"'))
    chosen = replace(known, root=replace(known.root, routes=(odd,)))
    world = World(database, replace(chosen, receivers={**chosen.receivers, "odd": chosen.receivers["team"]}))
    await listen(world)
    await world.post(firing(world, model="odd"), event(model="odd", feature="stays"), firing(world))
    world.rules = chosen  # a mistake of ours: a route to a receiver that is not there
    await world.pass_time(6 * MINUTE, MINUTE)
    alerts = [row for row in await world.rows("alert") if "feature" not in row.labels]
    states = {row.labels["model"]: (row.state, row.due_at) for row in alerts}
    assert states == {"odd": ("firing", None), "churn": ("resolved", None)}
    (item,) = await world.rows("quarantine")
    assert (item.source, item.form, item.reason) == ("clock", "event", "could not be applied: KeyError")
