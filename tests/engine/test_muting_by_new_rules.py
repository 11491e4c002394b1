"""Rules that change while they keep news back: whoever is muted no more is told, whatever the new rules look like."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.outcome import Fault, Retry
from alertsvc.clock import new_id
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import AlertState, IncidentStatus, Reason, Severity
from alertsvc.core.rules import Rules
from alertsvc.engine import commands
from alertsvc.engine.tick import Ticker
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database, StoreUnavailableError, Work
from tests.engine.test_muting import silence
from tests.world import World, destination, event, rules

T = TypeVar("T")

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


async def test_a_destination_that_was_muted_and_taken_away_meanwhile_hears_once_a_reload_brings_it_back(
    database: Database,
) -> None:
    both = rules(destination("chat"), destination("pager"))
    world = World(database, both)
    await silence(world)
    await world.post(event())
    await world.pass_time(MINUTE, 10 * SECOND)
    world.rules = rules(destination("chat"))
    await world.pass_time(HOUR, MINUTE)
    assert (world.channel().reasons, world.channel("team/pager").reasons) == (["unmuted"], [])
    world.rules = both
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel("team/pager").reasons == ["opened"]
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    assert world.channel("team/pager").reasons == ["opened", "resolved"]
    await world.balance()


def reopening(*names: str) -> Rules:
    return rules(*map(destination, names), correlate=(CorrelateRule("model", ("model",), (), HOUR),))


async def test_a_destination_that_heard_of_the_end_hears_that_it_fires_again_once_a_reload_brings_it_back(
    database: Database,
) -> None:
    world = World(database, reopening("chat", "pager"))
    await world.post(event())
    await world.post(event(state=AlertState.RESOLVED))
    await world.post(event(model="over"))
    await world.deliver()
    await world.post(event(state=AlertState.RESOLVED, model="over"))
    await world.post(event(start=world.now + SECOND))
    await world.deliver()
    await world.post(event(state=AlertState.RESOLVED, start=world.now + SECOND))
    await world.deliver()
    told = world.channel("team/pager").reasons
    world.rules = reopening("chat")
    await world.pass_time(MINUTE, 10 * SECOND)
    await world.post(event(start=world.now))
    await world.pass_time(MINUTE, 10 * SECOND)
    assert world.channel("team/pager").reasons == told
    world.rules = reopening("chat", "pager")
    await world.pass_time(10 * SECOND, SECOND)
    assert world.channel("team/pager").reasons == [*told, "opened"]
    await world.post(event(state=AlertState.RESOLVED, start=world.now))
    await world.deliver()
    assert world.channel("team/pager").reasons == [*told, "opened", "resolved"]
    await world.balance()


async def test_the_end_is_told_as_one_although_it_fires_again_for_others_by_then(database: Database) -> None:
    world = World(database, reopening("chat", "pager"))
    await world.post(event())
    await world.deliver()
    world.channel("team/pager").answers = [Retry(Fault.SERVER_ERROR, "later")]
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    ended_at = world.now
    world.rules = reopening("chat")
    world.now += MINUTE
    receipt = await world.post(event(start=world.now))
    await world.pass_time(MINUTE)
    assert (await world.incident(receipt.incident_ids[0])).is_open
    last = world.channel("team/pager").sent[-1]
    assert isinstance(last, IncidentMessage)
    assert (last.reason, last.status, last.resolved_at) == (Reason.RESOLVED, IncidentStatus.RESOLVED, ended_at)
    again = world.channel().sent[-1]
    assert isinstance(again, IncidentMessage)
    assert (again.reason, again.status) == (Reason.OPENED, IncidentStatus.FIRING)


async def test_a_digest_tells_of_the_end_although_it_fires_again_for_others_by_then(database: Database) -> None:
    world = World(database, reopening("chat", "pager"))
    await world.post(event(Severity.WARNING))
    await world.pass_time(61 * MINUTE)
    await world.post(event(Severity.WARNING, AlertState.RESOLVED))
    ended_at = world.now
    world.rules = reopening("chat")
    await world.post(event(Severity.WARNING, start=world.now))
    await world.pass_time(61 * MINUTE, MINUTE)
    shown = {name: world.channel(name).digests[-1] for name in ("team/chat", "team/pager")}
    assert [(each.status, each.resolved_at) for each in shown["team/pager"].items] == [
        (IncidentStatus.RESOLVED, ended_at)
    ]
    assert (shown["team/pager"].ended_count, shown["team/chat"].ended_count) == (1, 0)
    assert [each.status for each in shown["team/chat"].items] == [IncidentStatus.FIRING]
    await world.balance()


class Failing:
    """A database that is gone for one transaction."""

    def __init__(self, database: Database, number: int) -> None:
        self._database = database
        self._left = number

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    async def transaction(self, work: Work[T]) -> T:
        self._left -= 1
        if self._left == 0:
            raise StoreUnavailableError("gone for a moment")
        return await self._database.transaction(work)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_database_that_is_gone_for_a_moment_keeps_nobody_from_hearing_by_new_rules(
    database: Database, number: int
) -> None:
    world = World(database, rules(destination("chat"), destination("pager")))
    world.rules = rules(destination("chat"))
    await world.post(event())
    await world.deliver()
    world.rules = rules(destination("chat"), destination("pager"))
    ticker = Ticker(Failing(database, number), lambda: world.rules, lambda: world.now, new_id)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailableError):
        await ticker.sweep()
    await ticker.sweep()
    await world.deliver()
    assert world.channel("team/pager").reasons == ["opened"]
