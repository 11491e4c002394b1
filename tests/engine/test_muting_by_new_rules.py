"""Rules that change while they keep news back: whoever is muted no more is told, whatever the new rules look like."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import AlertState, Severity
from alertsvc.core.rules import Rules
from alertsvc.engine import commands
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database
from tests.engine.test_muting import silence
from tests.world import World, destination, event, rules

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LUNCH = Interval("lunch", (IntervalEntry(times=(TimeRange(9 * 60, 10 * 60),)),))
DOWN_HIDES_DRIFT = InhibitRule(
    "down", parse_matchers('alertname="ModelDown"'), parse_matchers('alertname="Drift"'), ("model",)
)


def two_receivers(**of_root: object) -> Rules:
    """The receiver `team`, and `night`, to which a route below the root leads."""
    made = rules(destination("chat"))
    below = replace(made.root, path="root/night", receiver="night", matchers=parse_matchers('model="churn"'))
    receivers = {**made.receivers, "night": (destination("pager", receiver="night"),)}
    root = replace(made.root, routes=(replace(below, mute_intervals=("lunch",)),), **of_root)  # type: ignore[arg-type]
    return replace(made, receivers=receivers, root=root, intervals={"lunch": LUNCH})


def at_lunch() -> Rules:
    made = rules()
    return replace(made, intervals={"lunch": LUNCH}, root=replace(made.root, mute_intervals=("lunch",)))


def without_lunch(before: Rules) -> Rules:
    return replace(before, intervals={}, root=replace(before.root, mute_intervals=(), routes=()))


def inhibiting() -> Rules:
    apart = replace(rules().root, group_by=("alertname",))
    return rules(root=apart, correlate=(), inhibit=(DOWN_HIDES_DRIFT,))


def to_the_receiver_of_the_night(before: Rules) -> Rules:
    """The muted route is gone, and the root leads to where it led."""
    return without_lunch(replace(before, root=replace(before.root, receiver="night")))


Change = Callable[[Rules], Rules]


@pytest.mark.parametrize(
    ("before", "change", "hearer"),
    [
        pytest.param(at_lunch(), without_lunch, "team/chat", id="the-interval-is-taken-from-the-route"),
        pytest.param(inhibiting(), lambda old: replace(old, inhibit=()), "team/chat", id="the-inhibition-is-gone"),
        pytest.param(
            inhibiting(),
            lambda old: replace(old, inhibit=(replace(DOWN_HIDES_DRIFT, equal=("model", "host")),)),
            "team/chat",
            id="the-inhibition-wants-more-to-agree",
        ),
        pytest.param(two_receivers(), to_the_receiver_of_the_night, "night/pager", id="the-muted-route-is-gone"),
        pytest.param(two_receivers(), without_lunch, "team/chat", id="it-is-routed-to-somebody-else-now"),
    ],
)
async def test_what_new_rules_mute_no_more_is_told(
    database: Database, before: Rules, change: Change, hearer: str
) -> None:
    world = World(database, before)
    await world.post(event(alertname="ModelDown", host="a") if before.inhibit else event(alertname="Other", model="x"))
    await world.post(event(host="b"))
    await world.pass_time(MINUTE, 10 * SECOND)
    world.rules = change(before)
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.pass_time(10 * SECOND, SECOND)
    told = [each for each in world.channel(hearer).sent if isinstance(each, IncidentMessage)]
    (news,) = [each for each in told if each.labels.get("host") == "b"]
    assert (news.reason, news.severity) == ("opened" if hearer == "team/chat" and before.root.routes else "unmuted", 4)
    assert await world.rows("mute") == []
    await world.balance()


async def test_what_was_told_before_it_was_muted_is_told_that_it_is_worse(database: Database) -> None:
    world = World(database, at_lunch())
    world.now -= 30 * MINUTE
    await world.post(event(Severity.ERROR))
    await world.deliver()
    await world.pass_time(30 * MINUTE, MINUTE)
    await world.post(event(Severity.CRITICAL))
    await world.pass_time(MINUTE, 10 * SECOND)
    before = world.channel().reasons
    world.rules = without_lunch(world.rules)
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel().reasons == [*before, "raised"]
    await world.balance()


async def test_what_still_mutes_by_new_rules_goes_on(database: Database) -> None:
    world = World(database, at_lunch())
    await world.post(event())
    await world.pass_time(MINUTE, 10 * SECOND)
    world.rules = replace(world.rules, fingerprint="another")
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel().reasons == []
    await world.pass_time(HOUR, MINUTE)
    assert world.channel().reasons == ["unmuted"]


async def test_a_destination_that_a_reload_adds_hears_of_what_fires(database: Database) -> None:
    both = rules(destination("chat"), destination("pager"))
    world = World(database, both)
    world.rules = rules(destination("chat"))
    await world.post(event(), event(Severity.INFO, model="calm"))
    taken = (await world.post(event(model="taken"))).incident_ids[0]
    await world.act(taken, commands.acknowledge)
    await world.post(event(model="over"))
    await world.deliver()
    await world.post(event(state=AlertState.RESOLVED, model="over"))
    await world.pass_time(MINUTE, 10 * SECOND)
    before = world.channel().reasons
    world.rules = both
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel("team/pager").reasons == ["opened"]
    assert world.channel().reasons == before
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    assert world.channel("team/pager").reasons == ["opened", "resolved"]
    await world.balance()


async def test_a_destination_that_a_reload_adds_hears_of_what_is_muted_when_that_ends(database: Database) -> None:
    both = rules(destination("chat"), destination("pager"))
    world = World(database, both)
    world.rules = rules(destination("chat"))
    await world.post(event())
    await world.deliver()
    await silence(world)
    world.rules = both
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel("team/pager").reasons == []
    await world.pass_time(HOUR, MINUTE)
    assert world.channel("team/pager").reasons == ["unmuted"]
    await world.balance()
