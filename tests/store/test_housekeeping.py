"""What is mended, given up and forgotten as time passes, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert, update

from alertsvc.channels.outcome import Fault, Retry
from alertsvc.core.deployments import Deployment
from alertsvc.core.model import AlertState, Severity
from alertsvc.engine import commands
from alertsvc.engine.forgetting import fitting
from alertsvc.engine.submissions import Refused
from alertsvc.store import deployments, forgetting, housekeeping, silences
from alertsvc.store.database import Database
from alertsvc.store.deployments import DeploymentRecord
from alertsvc.store.housekeeping import STEP, Retention
from alertsvc.store.silences import SilenceRecord
from alertsvc.store.tables import idempotency, outbox, quarantine
from tests.world import START, World, destination, event, rules

RESOLVED = AlertState.RESOLVED
WARNING = Severity.WARNING
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = START + 2000 * DAY
"""When everything has been kept long enough."""


@pytest.fixture
def world(database: Database) -> World:
    """The usual world. Once something is forgotten, its books need not balance."""
    return World(database, rules())


async def forget_all(world: World, now: datetime, keep: Retention | None = None) -> list[int]:
    """Forget step by step; how much each step deleted, the last one nothing."""
    steps: list[int] = []
    while not steps or steps[-1]:
        work = partial(_forget, keep or Retention(), now)
        steps.append(await world.database.transaction(work))
    return steps


def _forget(keep: Retention, now: datetime, conn: Connection) -> int:
    return sum(forgetting.forget_some(conn, part, keep, now, STEP) for part in forgetting.PARTS)


async def counts(world: World) -> dict[str, int]:
    """How many rows there are, by table."""
    names = ("arrival", "event", "alert", "incident", "episode", "believer", "history", "notification", "outbox")
    names += ("delivery", "attempt", "digest", "timer", "measurement", "quarantine", "idempotency")
    return {name: len(await world.rows(name)) for name in names}


async def a_whole_life(world: World, **labels: str) -> None:
    """An incident that was told, taken and ended, a warning in a digest beside it."""
    receipt = await world.post(event(**labels), about_key(labels))
    await world.deliver()
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.deliver()
    await world.pass_time(HOUR + HOUR / 60)
    await world.post(event(state=RESOLVED, **labels), replace(about_key(labels), state=RESOLVED, event_id="end"))
    await world.pass_time(2 * HOUR, step=HOUR)


def about_key(labels: dict[str, str]) -> Any:
    """A warning about another model, measured, with an id of its own."""
    found = event(WARNING, **{**labels, "model": f"warned-{labels['model']}"})
    return replace(found, value=0.4, observed_at=START, event_id=labels["model"])


async def test_what_is_over_is_forgotten_whole_when_its_time_has_come(world: World) -> None:
    await a_whole_life(world, model="old")
    before = await counts(world)
    assert all(before[name] for name in before if name not in {"outbox", "timer", "quarantine"}), before
    assert await forget_all(world, world.now + 6 * DAY) == [0], "it is kept as long as it is to be"
    await forget_all(world, LATER)
    assert sum((await counts(world)).values()) == 0


async def test_what_muted_it_is_forgotten_with_it(world: World) -> None:
    record = SilenceRecord(uuid4(), (("model", "=", "old"),), START, LATER, "ann", "", START, START)
    await world.database.transaction(partial(_save, record))
    await world.post(event(model="old"))
    assert [row.ref for row in await world.rows("notification_mute")] == [f"silence:{record.id}"]
    await world.post(event(state=RESOLVED, model="old"))
    await forget_all(world, LATER)
    assert await world.rows("notification_mute") == []


async def test_what_is_still_open_and_all_it_needs_is_never_deleted(world: World) -> None:
    receipt = await world.post(event(model="new"), event(WARNING, model="waits"))
    await world.deliver()
    world.channel().otherwise = Retry(Fault.NETWORK, "down")
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.deliver()
    before = await counts(world)
    assert before["outbox"] == 1
    await forget_all(world, LATER)
    after = await counts(world)
    ended = {"attempt", "idempotency", "measurement"}
    assert {name: after[name] for name in after if name not in ended} == {
        name: before[name] for name in before if name not in ended
    }
    assert len(await world.rows("timer")) == before["timer"]


async def test_what_is_over_goes_and_what_is_open_beside_it_stays(world: World) -> None:
    await a_whole_life(world, model="old")
    start = world.now
    receipt = await world.post(event(model="new", start=start))
    await world.deliver()
    await forget_all(world, LATER)
    (incident,) = await world.rows("incident")
    assert incident.id == receipt.incident_ids[0]
    assert [row.incident_id for row in await world.rows("alert")] == [incident.id]
    assert {row.incident_id for row in await world.rows("history")} == {incident.id}
    assert [row.state for row in await world.rows("notification")] == ["delivered"]
    assert [row.destination for row in await world.rows("believer")] == ["team/chat"]
    world.now = LATER
    await world.post(event(model="new", start=start, state=RESOLVED))
    await world.deliver()
    assert world.channel().reasons[-1] == "resolved", "who was told is told of the end, however late"


async def test_an_open_item_of_the_quarantine_keeps_its_request(world: World) -> None:
    await world.post(refused=[Refused(0, "labels: not text", b"{}"), Refused(1, "labels: not text", b"{}")])
    first, second = await world.rows("quarantine")
    long = Retention(incidents=3000 * DAY)
    await forget_all(world, LATER, long)
    assert len(await world.rows("arrival")) == 1
    close = update(quarantine).values(state="dropped", closed_at=START)
    await world.database.transaction(lambda conn: conn.execute(close.where(quarantine.c.id == first.id)))
    await forget_all(world, LATER, long)
    assert len(await world.rows("quarantine")) == 2
    await world.database.transaction(lambda conn: conn.execute(close.where(quarantine.c.id == second.id)))
    await forget_all(world, LATER, long)
    assert (await world.rows("quarantine"), await world.rows("arrival")) == ([], [])


async def test_what_nobody_looks_at_in_the_quarantine_is_kept_as_long_as_incidents_are(world: World) -> None:
    await world.post(refused=[Refused(0, "labels: not text", b"{}")])
    await forget_all(world, world.now + Retention().incidents)
    assert len(await world.rows("quarantine")) == 1
    await forget_all(world, world.now + Retention().incidents + DAY)
    assert (await world.rows("quarantine"), await world.rows("arrival")) == ([], [])


async def test_a_silence_that_ended_is_kept_as_long_as_incidents_are(world: World) -> None:
    ended, lasting = uuid4(), uuid4()
    common = {"created_by": "ann", "comment": "", "created_at": START, "updated_at": START, "starts_at": START}
    for each, until in ((ended, START + HOUR), (lasting, LATER + DAY)):
        record = SilenceRecord(id=each, matchers=(("team", "=", "a"),), ends_at=until, **common)
        await world.database.transaction(partial(_save, record))
    await forget_all(world, START + Retention().incidents)
    assert len(await world.rows("silence")) == 2
    await forget_all(world, LATER)
    assert [row.id for row in await world.rows("silence")] == [lasting]


def _save(record: SilenceRecord, conn: Connection) -> None:
    silences.save(conn, record)


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        pytest.param(Retention(incidents=HOUR), {"incident", "history", "believer"}, id="incidents"),
        pytest.param(Retention(measurements=HOUR), {"measurement"}, id="measurements"),
        pytest.param(Retention(deliveries=HOUR), {"attempt", "digest"}, id="deliveries"),
        pytest.param(Retention(idempotency_keys=HOUR), {"idempotency"}, id="idempotency-keys"),
    ],
)
async def test_each_span_is_about_its_own_rows(world: World, keep: Retention, gone: set[str]) -> None:
    await a_whole_life(world, model="old")
    await forget_all(world, world.now + DAY, keep)
    after = await counts(world)
    each_span = {"incident", "history", "believer", "measurement", "attempt", "digest", "idempotency"}
    assert {name for name in each_span if not after[name]} == gone


async def test_deployments_are_kept_as_long_as_incidents_are(world: World) -> None:
    made = Deployment("churn", "deployed", START, "ci", "7")
    record = DeploymentRecord(uuid4(), made, START)
    await world.database.transaction(lambda conn: deployments.add(conn, [record]))
    await forget_all(world, START + Retention().incidents)
    assert len(await world.rows("deployment")) == 1
    await forget_all(world, START + Retention().incidents + DAY)
    assert await world.rows("deployment") == []


async def test_a_duplicate_request_is_forgotten_although_its_incident_is_open(world: World) -> None:
    await world.post(event())
    await world.post(event())
    await forget_all(world, LATER)
    (kept,) = await world.rows("arrival")
    assert kept.new_count == 1


async def test_forgetting_goes_in_small_steps(world: World) -> None:
    total = 2 * STEP + 7
    keys = [{"key": f"k{number}", "body_hash": "x", "created_at": START} for number in range(total)]
    await world.database.transaction(lambda conn: conn.execute(insert(idempotency), keys))
    assert await forget_all(world, LATER) == [STEP, STEP, 7, 0]


async def test_the_job_forgets_until_nothing_is_left(world: World) -> None:
    keys = [{"key": f"k{number}", "body_hash": "x", "created_at": START} for number in range(STEP + 1)]
    await world.database.transaction(lambda conn: conn.execute(insert(idempotency), keys))
    world.now = LATER
    await world.ticker.forget(Retention())
    assert await world.rows("idempotency") == []


async def test_a_lane_that_lost_its_head_is_mended_and_leaves_in_order(world: World) -> None:
    receipt = await world.post(event())
    claimed = await world.claim()
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    beheaded = update(outbox).values(state="waiting", lease_until=None, worker=None)
    await world.database.transaction(lambda conn: conn.execute(beheaded))
    assert await world.claim() == [], "nothing of such a lane leaves by itself"
    assert await world.database.transaction(housekeeping.mend_lanes) == 1
    assert await world.database.transaction(housekeeping.mend_lanes) == 0
    await world.deliver()
    assert world.channel().reasons == ["opened", "acknowledged"]
    assert (await world.settle(await world.send(claimed)))[0].state == "fenced"
    await world.balance()


async def test_the_job_mends_lanes(world: World) -> None:
    await world.post(event())
    await world.database.transaction(lambda conn: conn.execute(update(outbox).values(state="waiting")))
    await world.ticker.mend()
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    await world.balance()


async def test_what_nobody_can_deliver_any_more_fails_visibly_after_its_horizon(database: Database) -> None:
    world = World(database, rules(destination("chat"), destination("mail")))
    await world.post(event())
    world.rules = rules(destination("mail"))
    await world.ticker.mend()
    assert len(await world.rows("outbox")) == 2, "it may be configured again"
    world.now += 73 * HOUR
    await world.ticker.mend()
    (left,) = await world.rows("outbox")
    assert left.destination == "team/mail", "who is configured is left to the sender"
    (ended,) = await world.rows("delivery")
    assert (ended.destination, ended.outcome) == ("team/chat", "failed")
    assert ended.detail == "the destination is not configured any more"
    failed = [row for row in await world.rows("notification") if row.state == "failed"]
    assert [(row.destination, row.ended_why, row.ended_at) for row in failed] == [
        ("team/chat", "the destination is not configured any more", world.now)
    ]
    (line,) = [row for row in await world.rows("history") if row.kind == "delivery_failed"]
    assert (line.actor, line.detail) == ("team/chat", "opened: the destination is not configured any more")
    assert line.facts == {"delivery_id": str(ended.id), "attempt": 0}
    await world.balance()


async def test_the_next_of_a_lane_follows_when_its_head_was_given_up(database: Database) -> None:
    world = World(database, rules(destination("chat"), destination("mail")))
    receipt = await world.post(event())
    world.now += 73 * HOUR
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    world.rules = rules(destination("mail"))
    await world.ticker.mend()
    chat = [row for row in await world.rows("outbox") if row.destination == "team/chat"]
    assert [(row.reason, row.state) for row in chat] == [("acknowledged", "pending")]
    await world.balance()


@pytest.mark.parametrize(
    ("size", "took", "expected"),
    [
        pytest.param(10, 0.02, 10, id="as-long-as-it-should"),
        pytest.param(10, 0.001, 20, id="not-more-than-twice-as-many"),
        pytest.param(10, 0.0, 20, id="in-no-time"),
        pytest.param(10, 0.2, 1, id="ten-times-too-long"),
        pytest.param(1, 5.0, 1, id="never-none"),
        pytest.param(400, 0.001, STEP, id="never-more-than-a-step"),
    ],
)
def test_the_next_step_is_as_large_as_fits(size: int, took: float, expected: int) -> None:
    assert fitting(size, took) == expected


async def test_what_changed_nothing_is_forgotten_before_what_did(world: World) -> None:
    await world.post(event())
    await world.post(event())
    await world.post(event(state=RESOLVED))
    await forget_all(world, START + 31 * DAY)
    assert [(row.new_count, row.updated_count) for row in await world.rows("arrival")] == [(1, 0), (0, 1)]
    await forget_all(world, START + 401 * DAY)
    assert await world.rows("arrival") == []
