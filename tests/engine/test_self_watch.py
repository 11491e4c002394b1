"""The service watches itself: each check in turn is broken, found, told of, holds back the call outside, and mended."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.outcome import Fault, Rejected, Retry
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.rules import Rules
from alertsvc.core.self_alerts import AT_MOST_EVERY, FAILED_FOR, NAMES, SOURCE
from alertsvc.engine.audit import CHECKS, TIMELY, Auditor, Subject
from alertsvc.engine.deadman import Proof, reasons_against
from alertsvc.engine.submissions import Refused
from alertsvc.store import replicas
from alertsvc.store.database import Database
from alertsvc.store.housekeeping import Retention
from alertsvc.store.lateness import LATE
from alertsvc.store.replicas import FRESH, KEPT, Itself
from alertsvc.store.tables import digest, event, notification, outbox, quarantine, replica
from tests.world import START, World, destination, present, rules
from tests.world import event as alert

CRITICAL, ERROR, WARNING = Severity.CRITICAL, Severity.ERROR, Severity.WARNING
MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
PASSED: dict[str, int] = {}


@pytest.fixture
def world(database: Database) -> World:
    """A world whose books are spoilt on purpose: at its end they do not balance."""
    return World(database, rules())


@dataclass
class Watch:
    """One replica's auditor in a world; what it says comes in like anything else."""

    world: World
    name: str = "here"
    busy: Collection[str] = ()
    troubles: Collection[str] = ()
    file_trouble: str | None = None
    raises_alerts: bool = True
    configuration: str = "abc"
    configured_at: datetime = START - HOUR
    offset: float = 0.0
    role: str = "all"
    holds_back: bool = False
    said: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auditor = Auditor(
            self.world.database,
            lambda: self.world.now,
            self._subject,
            lambda _found, _at: None,
            say=self._say,
            offset=lambda _conn, _clock: self.offset,
        )

    def _subject(self) -> Subject:
        itself = Itself(
            self.name,
            "1",
            START,
            self.configuration,
            self.configured_at,
            sorted(self.busy),
            sorted(self.troubles),
            self.file_trouble,
            self.role,
        )
        return Subject(self.world.rules, Retention(), itself, self.raises_alerts)

    async def _say(self, events: Collection[Event], _now: datetime) -> None:
        self.said += events
        if events and not self.holds_back:
            await self.world.post(*events)

    async def say_now(self) -> None:
        """What was held back comes in."""
        self.holds_back = False
        await self.world.post(*self.said)

    async def look(self) -> dict[str, int]:
        """How much each check finds, of those that find anything."""
        await self.auditor.audit()
        assert self.auditor.last is not None
        return dict(self.auditor.last.failing)

    @property
    def withheld(self) -> list[str]:
        """Why the dead-man's switch would not be pressed now."""
        return reasons_against(Proof(self.auditor.last, ()), self.world.now, 2 * MINUTE)

    def words(self) -> list[tuple[str, str]]:
        """What was said: the check (or the alert's name), and whether it began or ended."""
        return [(each.labels.get("check", each.labels["alertname"]), str(each.state)) for each in self.said]


async def run(world: World, statement: Any) -> None:
    """Change what is stored, past everything that keeps it right."""
    done = await world.database.transaction(lambda conn: conn.execute(statement).rowcount)
    assert done > 0, "nothing was changed"


async def kept(world: World, table: Any) -> Any:
    """The statement that puts back all the rows of a table."""
    rows = await world.database.snapshot(lambda conn: [dict(each) for each in conn.execute(select(table)).mappings()])
    return insert(table).values(rows)


# ------------------------------------------------------------------------------------- how each check is broken

Mend = Callable[[], Awaitable[None]]


def statement(world: World, made: Any) -> Mend:
    async def mend() -> None:
        await run(world, made)

    return mend


async def an_event_is_gone(world: World) -> Mend:
    await world.post(alert())
    await world.deliver()
    back = await kept(world, event)
    await run(world, delete(event))
    return statement(world, back)


async def a_digest_is_gone(world: World) -> Mend:
    await world.post(alert(WARNING))
    back = await kept(world, digest)
    await run(world, delete(digest))
    return statement(world, back)


async def a_critical_was_told_to_nobody(world: World) -> Mend:
    await world.post(alert())
    await world.deliver()
    back = await kept(world, notification)
    await run(world, delete(notification))
    return statement(world, back)


async def a_lane_has_no_head(world: World) -> Mend:
    await world.post(alert())
    await run(world, update(outbox).values(state="waiting"))
    return statement(world, update(outbox).values(state="pending"))


async def nobody_tries_what_is_due(world: World) -> Mend:
    await world.post(alert())
    world.now += LATE
    return world.deliver


async def nobody_frees_what_a_dead_worker_held(world: World) -> Mend:
    await world.post(alert())
    await world.claim(lease=SECOND)
    world.now += LATE + 2 * SECOND

    async def mend() -> None:
        await world.ticker.sweep()
        await world.deliver()

    return mend


async def a_digest_is_due_and_not_sent(world: World) -> Mend:
    await world.post(alert(WARNING))
    world.now = START + HOUR + LATE

    async def mend() -> None:
        await world.ticker.sweep()
        await world.deliver()

    return mend


async def the_quarantine_grows(world: World) -> Mend:
    for _ in range(2):
        await world.post(refused=[Refused(0, "no labels", b"{}")])
        world.now += 4 * MINUTE
    world.now -= MINUTE
    return statement(world, update(quarantine).values(state="dropped", closed_at=START))


async def another_replica_says_that_it_is_ill(world: World) -> Mend:
    other = Watch(world, "other", troubles=["the sender has ended"], raises_alerts=False)
    await other.look()
    return statement(world, delete(replica).where(replica.c.name == "other"))


async def another_replica_has_another_file(world: World) -> Mend:
    other = Watch(world, "other", configuration="def", raises_alerts=False)
    await other.look()
    return statement(world, update(replica).where(replica.c.name == "other").values(configuration="abc"))


async def another_replica_lives_in_another_time(world: World) -> Mend:
    other = Watch(world, "other", offset=-2.5, raises_alerts=False)
    await other.look()
    return statement(world, update(replica).where(replica.c.name == "other").values(clock_offset_seconds=0.5))


BREAKS: dict[str, Callable[[World], Awaitable[Mend]]] = {
    "arrivals": an_event_is_gone,
    "notifications": a_digest_is_gone,
    "criticals": a_critical_was_told_to_nobody,
    "lanes": a_lane_has_no_head,
    "due": nobody_tries_what_is_due,
    "leases": nobody_frees_what_a_dead_worker_held,
    "digests": a_digest_is_due_and_not_sent,
    "quarantine": the_quarantine_grows,
    "replicas": another_replica_says_that_it_is_ill,
    "configurations": another_replica_has_another_file,
    "clocks": another_replica_lives_in_another_time,
}


def test_each_check_is_broken_here() -> None:
    assert set(BREAKS) == {*CHECKS, *TIMELY}


@pytest.mark.parametrize("check", BREAKS)
async def test_what_is_broken_is_found_told_and_holds_back_the_call_until_it_is_mended(
    world: World, check: str
) -> None:
    watch = Watch(world)
    assert (await watch.look(), watch.withheld, watch.said) == (PASSED, [], [])
    mend = await BREAKS[check](world)
    assert await watch.look() == {check: 1}
    assert watch.withheld == [f"the check {check} finds 1"]
    assert watch.words() == [(check, "firing")]
    await mend()
    await world.deliver()
    assert (await watch.look(), watch.withheld) == (PASSED, [])
    assert watch.words() == [(check, "firing"), (check, "resolved")]
    (stored,) = [row for row in await world.rows("alert") if row.source == SOURCE]
    assert (stored.labels["alertname"], stored.labels["check"], stored.state) == (NAMES[0], check, "resolved")


# ----------------------------------------------------------------------------------------------- what is no fault


async def test_where_no_destination_wants_to_be_told_none_is_missed(database: Database) -> None:
    nobody = rules()
    world = World(database, replace(nobody, receivers={"team": ()}))
    await world.post(alert())
    assert await world.notifications() == []
    assert await Watch(world).look() == PASSED
    world.rules = nobody
    assert await Watch(world).look() == {"criticals": 1}, "now somebody does, and nobody has seen to it"


async def test_rules_that_are_new_have_a_minute_to_be_followed(database: Database) -> None:
    world = World(database, replace(rules(), receivers={"team": ()}))
    await world.post(alert())
    world.rules = rules()
    watch = Watch(world, configured_at=START)
    assert await watch.look() == PASSED
    world.now += LATE
    assert await watch.look() == {"criticals": 1}


async def test_what_was_silenced_was_seen_to(world: World) -> None:
    await world.post(alert(), alert(feature="f"))
    await run(world, update(notification).values(state="suppressed", ended_at=START))
    await world.deliver()
    assert await Watch(world).look() == PASSED


async def test_a_second_before_it_is_late_nothing_is(world: World) -> None:
    await world.post(alert(), alert(WARNING, model="other"))
    world.now += LATE - SECOND
    assert await Watch(world).look() == PASSED


async def test_what_was_tried_is_not_due_again_yet(world: World) -> None:
    world.channel().answers.append(Retry(Fault.NETWORK, "down", after=HOUR))
    await world.post(alert())
    await world.deliver()
    world.now += 10 * MINUTE
    assert await Watch(world).look() == PASSED


async def test_what_waits_for_a_destination_that_some_replica_serves_or_may_not_is_not_forgotten(world: World) -> None:
    await world.post(alert())
    world.now += LATE
    other = Watch(world, "other", busy=["team/chat"], raises_alerts=False)
    await other.look()
    watch = Watch(world)
    assert await watch.look() == PASSED
    world.now += FRESH + SECOND
    assert await watch.look() == {"due": 1, "replicas": 1}, "what a silent one said holds no longer"


async def test_what_is_for_a_destination_that_has_gone_waits_for_its_horizon(database: Database) -> None:
    world = World(database, rules(destination("chat"), destination("mail")))
    await world.post(alert())
    world.rules = rules(destination("mail"))
    world.now += LATE
    assert await Watch(world).look() == {"due": 1}, "and the other is late"


async def test_one_bad_batch_is_no_growth(world: World) -> None:
    await world.post(refused=[Refused(number, "no labels", b"{}") for number in range(50)])
    assert await Watch(world).look() == PASSED


async def test_a_lane_in_which_one_waits_behind_a_later_one_is_found(world: World) -> None:
    await world.post(alert())
    await world.claim()
    await world.post(alert(feature="f"))
    rows = {row.state: row for row in await world.rows("outbox")}
    assert set(rows) == {"sending", "waiting"}
    assert await Watch(world).look() == PASSED
    await run(world, update(outbox).where(outbox.c.id == rows["waiting"].id).values(sequence=-1))
    assert await Watch(world).look() == {"lanes": 1}


async def test_a_replica_that_falls_silent_is_missed_for_a_while_and_then_gone(world: World) -> None:
    await Watch(world, "other").look()
    watch = Watch(world)
    world.now += FRESH
    assert await watch.look() == PASSED
    world.now += SECOND
    assert await watch.look() == {"replicas": 1}
    await world.deliver()
    world.now = START + KEPT + SECOND
    assert await watch.look() == PASSED
    assert [row.name for row in await world.rows("replica")] == ["here"]


async def test_a_replica_that_ended_as_it_should_is_not_missed(world: World) -> None:
    await Watch(world, "other").look()
    await world.database.transaction(lambda conn: replicas.leave(conn, "other"))
    world.now += FRESH + SECOND
    assert await Watch(world).look() == PASSED


async def test_that_nobody_sends_is_found_before_anything_is_to_be_sent(world: World) -> None:
    takes, sends = Watch(world, "takes", role="api"), Watch(world, "sends", role="worker")
    assert await takes.look() == PASSED, "the others may be about to start"
    world.now += FRESH + SECOND
    assert await takes.look() == {"replicas": 1}
    await sends.look()
    assert await takes.look() == PASSED


async def test_replicas_have_time_to_take_a_new_file_one_after_the_other(world: World) -> None:
    await Watch(world, "other", configuration="def", configured_at=START).look()
    watch = Watch(world)
    assert await watch.look() == PASSED
    world.now += 10 * MINUTE
    await Watch(world, "other", configuration="def", configured_at=START, raises_alerts=False).look()
    assert await watch.look() == {"configurations": 1}


async def test_a_look_that_is_old_proves_nothing(world: World) -> None:
    watch = Watch(world)
    assert watch.withheld == ["nobody has looked at the books since the start"]
    await watch.look()
    world.now += 2 * MINUTE
    assert watch.withheld == []
    world.now += SECOND
    assert watch.withheld == ["the last look at the books was too long ago"]
    world.now -= HOUR
    assert watch.withheld == ["the last look at the books was too long ago"], "nor does one of the future"


# ------------------------------------------------------------------------------------------------ what people hear


async def told(world: World) -> list[tuple[str, str]]:
    """What the channel got about the service itself: why, and the first of the words."""
    await world.deliver()
    messages = [each for each in world.channel().sent if isinstance(each, IncidentMessage)]
    return [(each.reason, each.labels["alertname"]) for each in messages if each.labels["alertname"] in NAMES]


async def a_fault(world: World) -> Mend:
    """Another replica is ill: nothing of the incidents is touched."""
    return await another_replica_says_that_it_is_ill(world)


async def test_two_replicas_that_find_the_same_at_the_same_time_make_one_alert_and_one_message(world: World) -> None:
    here, there = Watch(world, "here", holds_back=True), Watch(world, "there", holds_back=True)
    await a_fault(world)
    await here.look()
    await there.look()
    assert here.words() == there.words() == [("replicas", "firing")], "neither knew of the other"
    await here.say_now()
    await there.say_now()
    assert await told(world) == [("opened", "AlertsvcAuditMismatch")]
    assert (await here.look(), here.words()) == ({"replicas": 1}, [("replicas", "firing")]), "now both know"


async def test_a_cause_that_comes_and_goes_is_told_of_once_in_a_quarter_of_an_hour(world: World) -> None:
    watch = Watch(world)
    began: list[datetime] = []
    while world.now < START + 40 * MINUTE:
        mend = await a_fault(world)
        before = len(watch.said)
        await watch.look()
        began += [world.now for each in watch.said[before:] if each.state is AlertState.FIRING]
        await mend()
        world.now += MINUTE
        await watch.look()
    assert began == [START, START + AT_MOST_EVERY, START + 2 * AT_MOST_EVERY]


async def test_a_cause_that_lasts_is_said_once(world: World) -> None:
    watch = Watch(world, file_trouble="alertsvc.yaml:1:1: no")
    for _ in range(5):
        assert await watch.look() == PASSED, "a broken file keeps no work from being done"
        await world.deliver()
        world.now += MINUTE
    assert watch.words() == [("AlertsvcConfigurationBroken", "firing")]
    assert watch.said[0].severity is ERROR
    assert await told(world) == [("opened", "AlertsvcConfigurationBroken")]
    watch.file_trouble = None
    await watch.look()
    assert watch.words()[1:] == [("AlertsvcConfigurationBroken", "resolved")]


async def test_causes_begin_apart_from_each_other(world: World) -> None:
    watch = Watch(world, file_trouble="alertsvc.yaml:1:1: no")
    await a_lane_has_no_head(world)
    await a_fault(world)
    assert await watch.look() == {"lanes": 1, "replicas": 1}
    assert [(each.labels.get("check"), each.severity) for each in watch.said] == [
        ("lanes", CRITICAL),
        ("replicas", ERROR),
        (None, ERROR),
    ]


async def test_who_does_not_want_them_hears_nothing_and_what_was_said_ends(world: World) -> None:
    watch = Watch(world, raises_alerts=False)
    await a_fault(world)
    assert await watch.look() == {"replicas": 1}
    assert watch.said == []
    watch.raises_alerts = True
    await watch.look()
    watch.raises_alerts = False
    await watch.look()
    assert watch.words() == [("replicas", "firing"), ("replicas", "resolved")]


async def test_a_critical_message_that_failed_for_good_is_told_of_by_another_way(database: Database) -> None:
    world = World(database, rules_with_watchers())
    watch = Watch(world)
    world.channel("team/chat").otherwise = Rejected(Fault.CLIENT_ERROR, "no such room")
    await world.post(alert())
    await world.deliver()
    assert await watch.look() == PASSED, "it ended, and everybody can see how"
    assert [(each.labels["alertname"], each.labels["destination"], each.severity) for each in watch.said] == [
        ("AlertsvcCriticalFailed", "team/chat", CRITICAL)
    ]
    await world.deliver()
    (sent,) = world.channel("watchers/mail").sent
    assert isinstance(sent, IncidentMessage)
    assert sent.labels["destination"] == "team/chat"
    world.now += FAILED_FOR + SECOND
    await watch.look()
    assert watch.words()[1:] == [("AlertsvcCriticalFailed", "resolved")]


async def test_that_no_warning_could_be_delivered_is_no_page(world: World) -> None:
    world.channel().otherwise = Rejected(Fault.CLIENT_ERROR, "no such room")
    await world.post(alert(ERROR))
    await world.deliver()
    watch = Watch(world)
    assert (await watch.look(), watch.said) == (PASSED, [])


async def test_a_self_alert_that_cannot_be_delivered_raises_none(world: World) -> None:
    watch = Watch(world)
    world.channel().otherwise = Rejected(Fault.CLIENT_ERROR, "no such room")
    await a_lane_has_no_head(world)
    await watch.look()
    await world.database.transaction(lambda conn: conn.execute(delete(outbox).where(outbox.c.state == "waiting")))
    await world.deliver()
    failed = [row for row in await world.rows("delivery") if row.outcome == "failed"]
    assert [row.severity for row in failed] == [CRITICAL]
    world.now += MINUTE
    await watch.look()
    assert "AlertsvcCriticalFailed" not in dict(watch.words())


async def test_that_it_failed_ends_by_itself_when_its_destination_is_configured_no_more(database: Database) -> None:
    world = World(database, rules_with_watchers())
    world.channel("team/chat").otherwise = Rejected(Fault.CLIENT_ERROR, "no such room")
    await world.post(alert())
    await world.deliver()
    watch = Watch(world)
    await watch.look()
    world.rules = rules(destination("mail"))
    world.now += FAILED_FOR + SECOND
    await watch.look()
    assert watch.words() == [("AlertsvcCriticalFailed", "firing")], "nobody asks about it any more"
    await world.pass_time(2 * HOUR, step=10 * MINUTE)
    (stored,) = [row for row in await world.rows("alert") if row.source == SOURCE]
    assert stored.state == "resolved"


def rules_with_watchers() -> Rules:
    """What the service says of itself goes to watchers, by mail."""
    made = rules(destination("chat"))
    mail = destination("mail", receiver="watchers")
    own = replace(made.root, path="root/own", receiver="watchers", matchers=(present("service"),))
    root = replace(made.root, routes=(own,))
    return replace(made, root=root, receivers={**made.receivers, "watchers": (mail,)})
