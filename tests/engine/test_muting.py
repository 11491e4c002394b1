"""News that is kept back: by whom, until when, and that everybody hears of what still fires once it ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert

from alertsvc.channels.outcome import Unknown
from alertsvc.clock import new_id
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.route import Matcher, Op
from alertsvc.engine import commands, silencing
from alertsvc.engine.silencing import Wanted
from alertsvc.engine.tick import UNMUTE_SECONDS, Ticker
from alertsvc.engine.unmuting import ALERTS_TOGETHER, INCIDENTS_TOGETHER, together
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database
from alertsvc.store.mutes import DueIncident
from alertsvc.store.silences import SilenceRecord
from alertsvc.store.tables import mute
from tests.store.test_plans import Statements, listening
from tests.world import START, World, destination, event, rules

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RESOLVED = AlertState.RESOLVED
DOWN_HIDES_DRIFT = InhibitRule(
    "down", parse_matchers('alertname="ModelDown"'), parse_matchers('alertname!="ModelDown"'), ("model",)
)


async def silence(world: World, matchers: str = 'model="churn"', lasts: timedelta = HOUR, **changes: Any) -> UUID:
    """A person silences something from now on."""
    found = tuple((each.name, str(each.op), each.value) for each in parse_matchers(matchers))
    record = SilenceRecord(new_id(), found, world.now, world.now + lasts, "ann", "we know", world.now, world.now)
    wanted = Wanted(replace(record, **changes))
    made = await world.database.transaction(partial(silencing.make, wanted, world.moment()))
    return made.id


async def expire(world: World, silence_id: UUID) -> None:
    await world.database.transaction(partial(silencing.expire, silence_id, world.moment()))


async def suppressed(world: World) -> list[tuple[str, str]]:
    """(reason, kind of mute) of what was kept back."""
    rows = await world.rows("notification")
    return [(row.reason, str(row.muted_by).partition(":")[0]) for row in rows if row.state == "suppressed"]


async def test_what_fires_under_a_silence_is_told_when_it_ends(world: World) -> None:
    await silence(world)
    await world.post(event())
    await world.pass_time(59 * MINUTE, MINUTE)
    assert world.channel().reasons == []
    assert await suppressed(world) == [("opened", "silence")]
    await world.pass_time(MINUTE)
    assert world.channel().reasons == ["unmuted"]
    await world.pass_time(4 * HOUR, 10 * MINUTE)
    assert world.channel().reasons == ["unmuted", "repeated"]


async def test_who_was_told_before_a_silence_is_told_again_when_it_ends_and_the_end_at_any_time(world: World) -> None:
    await world.post(event())
    await world.deliver()
    await silence(world, lasts=9 * HOUR)
    await world.pass_time(9 * HOUR - MINUTE, 10 * MINUTE)
    assert world.channel().reasons == ["opened"]
    assert await suppressed(world) == [("repeated", "silence")]
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened", "unmuted"]
    await silence(world)
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["opened", "unmuted", "resolved"]


async def test_what_one_replica_remembers_of_silences_is_what_another_made_of_them(world: World) -> None:
    other = World(world.database, world.rules, world.now)
    opened: list[str] = []

    async def is_muted(name: str) -> bool:
        receipt = await world.post(event(model=name))
        (told,) = [row for row in await world.rows("notification") if row.incident_id == receipt.incident_ids[0]]
        opened.append(told.state)
        return bool(told.state == "suppressed")

    assert not await is_muted("a")
    first = await silence(other, 'model=~".+"')
    assert await is_muted("b")
    await expire(other, first)
    assert not await is_muted("c")
    await silence(other, 'model=~".+"', starts_at=other.now + MINUTE, ends_at=other.now + HOUR)
    assert not await is_muted("d")
    world.now += 2 * MINUTE
    assert await is_muted("e"), "it was known before it began"
    world.now += HOUR
    assert not await is_muted("f")
    world.set_clock(-HOUR)
    assert await is_muted("g"), "it has not ended any more"


async def test_silences_are_not_read_again_while_none_changes(world: World) -> None:
    key = await silence(world)
    await world.post(event())
    asked: Statements = {}
    with listening(asked):
        await world.post(event(model="other"))
    assert not any("FROM silence" in statement for statement in asked)
    await expire(world, key)
    with listening(asked):
        await world.post(event(model="another"))
    assert any("FROM silence" in statement for statement in asked)


async def test_what_comes_and_goes_under_a_silence_is_never_told_and_firing_later_is_new(world: World) -> None:
    await silence(world)
    await world.post(event())
    await world.pass_time(MINUTE)
    await world.post(event(state=RESOLVED))
    await world.pass_time(2 * HOUR, 10 * MINUTE)
    assert world.channel().reasons == []
    assert await world.rows("mute") == []
    await world.post(event(start=world.now))
    await world.deliver()
    assert world.channel().reasons == ["opened"]


async def test_a_silence_takes_back_what_has_not_left(world: World) -> None:
    await world.post(event())
    await silence(world)
    await world.deliver()
    assert world.channel().reasons == []
    assert [(row.outcome, row.attempt_count) for row in await world.rows("delivery")] == [("suppressed", 1)]
    assert await suppressed(world) == [("opened", "silence")]
    await world.pass_time(61 * MINUTE, MINUTE)
    assert world.channel().reasons == ["unmuted"]


async def test_who_may_have_heard_before_a_silence_took_the_rest_back_is_told_of_the_end(world: World) -> None:
    world.channel().answers = [Unknown("no answer")]
    await world.post(event())
    await world.deliver()
    await silence(world)
    await world.pass_time(MINUTE)
    assert await suppressed(world) == [("opened", "silence")]
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["resolved"]


async def test_a_silence_that_is_ended_early_mutes_no_longer(world: World) -> None:
    key = await silence(world)
    await world.post(event())
    await world.pass_time(MINUTE)
    await expire(world, key)
    await world.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert world.channel().reasons == ["unmuted"]


async def test_what_fires_after_a_silence_ended_on_a_clock_that_is_ahead_is_told_once(world: World) -> None:
    key = await silence(world)
    world.set_clock(5 * SECOND)
    await expire(world, key)
    world.set_clock(-5 * SECOND)
    await world.post(event())
    await world.pass_time(MINUTE, SECOND)
    assert world.channel().reasons == ["opened"]


async def test_a_silence_that_is_extended_goes_on(world: World) -> None:
    key = await silence(world)
    await world.post(event())
    await world.pass_time(30 * MINUTE)
    found = (("model", "=", "churn"),)
    record = SilenceRecord(new_id(), found, START, START + 3 * HOUR, "ann", "longer", world.now, world.now)
    made = await world.database.transaction(partial(silencing.make, Wanted(record, changes=key), world.moment()))
    assert made.id == key
    await world.pass_time(2 * HOUR, 10 * MINUTE)
    assert world.channel().reasons == []
    await world.pass_time(31 * MINUTE, MINUTE)
    assert world.channel().reasons == ["unmuted"]


async def test_who_hears_that_an_extended_silence_has_ended_hears_of_its_latest_end(world: World) -> None:
    key = await silence(world)
    await world.post(event())
    moment = world.moment()
    await world.database.transaction(partial(silencing.extend, key, 2 * HOUR, None, moment))
    await world.pass_time(3 * HOUR, 10 * MINUTE)
    (told,) = [row for row in await world.rows("notification") if row.reason == "unmuted"]
    assert told.why == "the mute has ended: silenced by ann until 2026-03-02 12:00 UTC: we know"


async def test_two_silences_mute_until_the_later_ends(world: World) -> None:
    await silence(world, lasts=HOUR)
    await silence(world, 'alertname="Drift"', lasts=2 * HOUR)
    await world.post(event())
    await world.pass_time(119 * MINUTE, MINUTE)
    assert world.channel().reasons == []
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["unmuted"]


async def test_a_warning_that_is_muted_when_its_digest_is_made_waits_for_a_later_one(world: World) -> None:
    await world.post(event(Severity.WARNING))
    await world.pass_time(MINUTE)
    await silence(world, lasts=90 * MINUTE)
    await world.pass_time(HOUR + MINUTE, MINUTE)
    assert world.channel().digests == []
    assert await suppressed(world) == [("opened", "silence")]
    await world.pass_time(HOUR, MINUTE)
    assert [[item.title for item in each.items] for each in world.channel().digests] == [["churn: Drift"]]


async def test_what_is_muted_does_not_mute_its_neighbours(world: World) -> None:
    await silence(world, 'feature="age"')
    await world.post(event(feature="age"), event(feature="income"))
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    assert await suppressed(world) == [("updated", "silence")]
    await world.pass_time(61 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened", "unmuted"]


async def test_worse_news_under_a_silence_is_told_as_worse_when_it_ends(world: World) -> None:
    await world.post(event(Severity.ERROR))
    await world.deliver()
    await silence(world)
    await world.post(event(Severity.CRITICAL))
    await world.pass_time(59 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened"]
    assert await suppressed(world) == [("raised", "silence")]
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["opened", "raised"]


async def test_the_end_of_a_silence_counts_what_it_hid(world: World) -> None:
    key = await silence(world)
    await world.post(event())
    await world.post(event(feature="age"))
    await world.pass_time(61 * MINUTE, MINUTE)
    (row,) = await world.rows("silence")
    assert row.id == key
    assert (row.report["suppressed_count"], len(row.report["incidents"]), len(row.report["still_open"])) == (2, 1, 1)


async def test_the_report_of_a_silence_counts_what_it_cannot_list(world: World) -> None:
    await silence(world, 'alertname="Drift"')
    await world.post(*(event(Severity.WARNING, model=f"w{number}") for number in range(100)))
    await world.post(event(), event(model="over"))
    await world.post(*(event(Severity.WARNING, RESOLVED, model=f"w{number}") for number in range(60)))
    await world.post(event(state=RESOLVED, model="over"))
    await world.pass_time(61 * MINUTE, 30 * MINUTE)
    (row,) = await world.rows("silence")
    report = row.report
    assert (report["incident_count"], len(report["incidents"])) == (102, 100)
    assert (report["still_open_count"], len(report["still_open"])) == (41, 41)
    gravest = [str(each.id) for each in await world.rows("incident") if each.severity == Severity.CRITICAL]
    assert sorted(report["incidents"][:2]) == sorted(gravest)
    assert report["still_open"][0] in gravest


async def reports(world: World) -> dict[UUID, int]:
    """How many notifications each silence that has ended says it hid."""
    return {row.id: row.report["suppressed_count"] for row in await world.rows("silence") if row.report}


async def test_each_of_two_silences_that_overlap_says_what_it_hid(world: World) -> None:
    short = await silence(world, lasts=HOUR)
    long = await silence(world, 'alertname="Drift"', lasts=2 * HOUR)
    await world.post(event())
    await world.post(event(feature="age"))
    await world.pass_time(61 * MINUTE, MINUTE)
    assert await reports(world) == {short: 2}
    await world.post(event(feature="income"))
    await world.pass_time(HOUR, MINUTE)
    assert await reports(world) == {short: 2, long: 3}


async def test_a_silence_says_what_it_hid_in_a_mute_interval(world: World) -> None:
    morning = Interval("morning", (IntervalEntry(times=(TimeRange(9 * 60, 12 * 60),)),))
    root = replace(world.rules.root, mute_intervals=("morning",))
    world.rules = replace(world.rules, root=root, intervals={"morning": morning})
    key = await silence(world)
    await world.post(event())
    await world.pass_time(61 * MINUTE, MINUTE)
    assert await reports(world) == {key: 1}
    assert await suppressed(world) == [("opened", "interval")]


async def test_each_of_two_silences_says_that_it_took_back_what_had_not_left(world: World) -> None:
    await world.post(event(), event(Severity.WARNING, model="fraud"))
    world.now += SECOND
    keys = [await silence(world, matchers, 3 * HOUR) for matchers in ('alertname="Drift"', 'alertname=~"D.*"')]
    await world.pass_time(3 * HOUR + MINUTE, MINUTE)
    assert await reports(world) == dict.fromkeys(keys, 2)


async def test_a_silence_that_comes_again_tells_after_each_time(world: World) -> None:
    await silence(
        world,
        starts_at=START,
        ends_at=START + timedelta(days=30),
        schedule="0 10 * * *",
        duration_seconds=3600.0,
    )
    await world.post(event())
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    for day in (1, 2):
        world.now = START + timedelta(days=day - 1, hours=1, minutes=5)
        await world.pass_time(50 * MINUTE, MINUTE)
        before = len(world.channel().sent)
        await world.pass_time(6 * MINUTE, MINUTE)
        assert world.channel().reasons[before:] == ["unmuted"], day


# Many at once


async def many(database: Database, *events: Event, ticks: Callable[[], float]) -> World:
    """A world with three destinations, in which so many incidents fire under a silence that ends within a second."""
    world = World(database, rules(*map(destination, ("chat", "mail", "pager"))))
    world.ticker = Ticker(database, lambda: world.rules, lambda: world.now, new_id, ticks=ticks)
    await silence(world, 'alertname="Drift"')
    for start in range(0, len(events), 100):
        await world.post(*events[start : start + 100])
    await world.ticker.sweep()
    world.now += HOUR
    return world


async def untold(world: World) -> list[int]:
    """The severities of the incidents of which something is still kept back from somebody."""
    kept = {row.incident_id for row in await world.rows("mute")}
    return sorted(row.severity for row in await world.rows("incident") if row.id in kept)


async def test_all_that_a_broad_silence_hid_is_told_in_one_sweep_if_there_is_time(database: Database) -> None:
    world = await many(database, *(event(model=f"m{number}") for number in range(300)), ticks=lambda: 0.0)
    await world.ticker.sweep()
    assert await untold(world) == []
    told = [row.reason for row in await world.rows("outbox")]
    assert told == ["unmuted"] * 900
    await world.balance()


async def test_the_gravest_that_a_silence_hid_is_told_first_and_a_sweep_ends_when_its_time_is_up(
    database: Database,
) -> None:
    warnings = [event(Severity.WARNING, model=f"w{number}") for number in range(2 * INCIDENTS_TOGETHER)]
    pages = [event(model=f"c{number}") for number in range(INCIDENTS_TOGETHER)]
    clock = count(0, step=UNMUTE_SECONDS)
    world = await many(database, *warnings, *pages, ticks=lambda: next(clock))
    left: list[list[int]] = []
    for _ in range(3):
        await world.ticker.sweep()
        left.append(await untold(world))
        world.now += SECOND
    assert left == [[Severity.WARNING] * len(warnings), [Severity.WARNING] * INCIDENTS_TOGETHER, []]
    await world.balance()


async def test_digests_do_not_wait_for_what_a_silence_hid(world: World) -> None:
    await world.post(event(Severity.WARNING, alertname="Slow", model="before"))
    await silence(world, 'alertname="Drift"')
    await world.post(event())
    world.now += HOUR + MINUTE
    await world.ticker.sweep()
    assert ["a digest" if row.digest_id else row.reason for row in await world.rows("outbox")] == [
        "a digest",
        "unmuted",
    ]


async def test_one_that_cannot_be_looked_at_when_its_mute_ends_holds_up_no_other(world: World) -> None:
    def fits(model: str) -> bool:
        if model == "bad":
            raise ArithmeticError("a bug")
        return False

    await silence(world, 'alertname="Drift"')
    await world.post(*(event(model=model) for model in ("a", "bad", "c")))
    await world.ticker.sweep()
    trap = InhibitRule("trap", parse_matchers('alertname="Down"'), (Matcher("model", Op.EQUAL, "", fits),))
    rules_before, world.rules = world.rules, replace(world.rules, inhibit=(trap,))
    await world.pass_time(HOUR)
    assert world.channel().reasons == ["unmuted"] * 2
    world.rules = rules_before
    await world.pass_time(MINUTE)
    assert world.channel().reasons == ["unmuted"] * 3


def test_incidents_with_many_alerts_are_looked_at_with_fewer_others() -> None:
    ids = [new_id() for _ in range(INCIDENTS_TOGETHER + 4)]
    counts = [1, ALERTS_TOGETHER + 1, ALERTS_TOGETHER] + [1] * (INCIDENTS_TOGETHER + 1)
    found = list(together(map(DueIncident, ids, counts)))
    assert [len(listed) for listed in found] == [1, 1, 1, INCIDENTS_TOGETHER, 1]
    assert [each for listed in found for each in listed] == ids


# Inhibition


@pytest.fixture
def inhibited(world: World) -> World:
    world.rules = rules(inhibit=(DOWN_HIDES_DRIFT,))
    world.outlets = replace(world.outlets, rules=world.rules)
    return world


def down(state: AlertState = AlertState.FIRING, **labels: str):
    return event(Severity.CRITICAL, state, alertname="ModelDown", **labels)


async def test_a_source_keeps_its_targets_back_until_it_ends(inhibited: World) -> None:
    world = inhibited
    world.rules = replace(world.rules, correlate=())
    world.rules = replace(world.rules, root=replace(world.rules.root, group_by=("alertname", "model")))
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.post(down())
    await world.deliver()
    await world.post(event())
    await world.pass_time(MINUTE)
    assert world.channel().reasons == ["opened"]
    assert await suppressed(world) == [("opened", "inhibition")]
    await world.post(event(model="fraud"))
    await world.deliver()
    assert world.channel().reasons == ["opened", "opened"]
    await world.post(down(RESOLVED))
    await world.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert sorted(world.channel().reasons[2:]) == ["resolved", "unmuted"]


async def test_a_source_that_comes_in_the_same_request_counts(inhibited: World) -> None:
    world = inhibited
    world.rules = replace(world.rules, correlate=(), root=replace(world.rules.root, group_by=("alertname",)))
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.post(event(), down())
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    assert await suppressed(world) == [("opened", "inhibition")]


async def test_any_source_that_still_fires_keeps_targets_back(inhibited: World) -> None:
    world = inhibited
    world.rules = replace(world.rules, correlate=(), root=replace(world.rules.root, group_by=("...",)))
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.post(down(replica="1"), down(replica="2"))
    await world.post(event())
    await world.post(down(RESOLVED, replica="2"))
    await world.pass_time(MINUTE, timedelta(seconds=10))
    assert "unmuted" not in world.channel().reasons
    await world.post(down(RESOLVED, replica="1"))
    await world.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert world.channel().reasons.count("unmuted") == 1


async def test_a_source_that_a_person_resolves_mutes_no_longer(inhibited: World) -> None:
    world = inhibited
    world.rules = replace(world.rules, correlate=(), root=replace(world.rules.root, group_by=("alertname",)))
    world.outlets = replace(world.outlets, rules=world.rules)
    source = (await world.post(down())).incident_ids[0]
    await world.post(event())
    await world.pass_time(MINUTE)
    await world.act(source, commands.resolve)
    await world.pass_time(timedelta(seconds=2), timedelta(seconds=1))
    assert world.channel().reasons.count("unmuted") == 1


# Time intervals


async def test_a_route_is_quiet_in_its_mute_interval_and_tells_afterwards(world: World) -> None:
    lunch = Interval("lunch", (IntervalEntry(times=(TimeRange(9 * 60, 10 * 60),)),))
    root = replace(world.rules.root, mute_intervals=("lunch",))
    world.rules = replace(world.rules, root=root, intervals={"lunch": lunch})
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.post(event())
    await world.pass_time(59 * MINUTE, MINUTE)
    assert world.channel().reasons == []
    assert await suppressed(world) == [("opened", "interval")]
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["unmuted"]


async def test_a_route_speaks_in_its_active_interval_only(world: World) -> None:
    office = Interval("office", (IntervalEntry(times=(TimeRange(12 * 60, 17 * 60),)),))
    root = replace(world.rules.root, active_intervals=("office",))
    world.rules = replace(world.rules, root=root, intervals={"office": office})
    world.outlets = replace(world.outlets, rules=world.rules)
    await world.post(event())
    await world.pass_time(3 * HOUR - MINUTE, 10 * MINUTE)
    assert world.channel().reasons == []
    await world.pass_time(2 * MINUTE, MINUTE)
    assert world.channel().reasons == ["unmuted"]
    await world.pass_time(3 * HOUR, 10 * MINUTE)
    await world.post(event(state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons == ["unmuted", "resolved"]


async def test_one_that_cannot_be_looked_at_before_a_digest_holds_up_no_other(world: World) -> None:
    def fits(model: str) -> bool:
        if model == "bad":
            raise ArithmeticError("a bug")
        return False

    await world.post(*(event(Severity.WARNING, model=model) for model in ("a", "bad", "c")))
    await silence(world, 'alertname="Drift"', 3 * HOUR)
    trap = InhibitRule("trap", parse_matchers('alertname="Down"'), (Matcher("model", Op.EQUAL, "", fits),))
    world.rules = replace(world.rules, inhibit=(trap,))
    await world.pass_time(HOUR + 2 * MINUTE)
    assert [[item.title for item in digest.items] for digest in world.channel().digests] == [["bad: Drift"]]
    assert await suppressed(world) == [("opened", "silence")] * 2


async def test_what_was_kept_back_by_a_transaction_that_ended_late_is_told_all_the_same(world: World) -> None:
    """It began while the silence was in force, and is seen only after somebody looked at what the silence hid."""
    key = await silence(world, lasts=9 * HOUR)
    await world.post(event())
    kept = [dict(row._mapping) for row in await world.rows("mute")]
    assert len(kept) == 1
    await world.database.transaction(lambda conn: conn.execute(delete(mute)))
    await expire(world, key)
    await world.pass_time(5 * SECOND, SECOND)
    assert world.channel().reasons == []
    await world.database.transaction(lambda conn: conn.execute(insert(mute), kept))
    await world.pass_time(MINUTE, SECOND)
    assert world.channel().reasons == ["unmuted"]
    assert await world.rows("ended_mute") == []
