"""A person has a delivery tried again: what waits at once, what failed anew, and nothing else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry
from alertsvc.clock import new_id
from alertsvc.core.acts import NotPossibleError
from alertsvc.core.model import AlertState, Severity
from alertsvc.engine import commands
from alertsvc.engine.commands import Actor, UnknownThingError
from tests.world import World, event

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DOWN = Retry(Fault.SERVER_ERROR, "500")
GONE = Rejected(Fault.CLIENT_ERROR, "no such channel", 404)


async def retry(world: World, delivery_id: UUID) -> UUID:
    return await commands.retry_delivery(world.database, delivery_id, Actor("ann", "api"), world.moment())


async def only(world: World, table: str) -> Any:
    (row,) = await world.rows(table)
    return row


async def test_what_waits_for_its_next_try_is_tried_now(world: World) -> None:
    world.channel().answers = [DOWN]
    await world.post(event())
    await world.deliver()
    waiting = await only(world, "outbox")
    assert waiting.due_at > world.now
    assert await retry(world, waiting.id) == waiting.id
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    assert (await only(world, "delivery")).attempt_count == 2


async def test_what_is_being_sent_is_left_alone(world: World) -> None:
    await world.post(event())
    claimed = await world.claim()
    with pytest.raises(NotPossibleError, match="being sent right now"):
        await retry(world, claimed[0].id)
    await world.settle(await world.send(claimed))
    assert world.channel().reasons == ["opened"]


async def test_what_was_accepted_is_not_sent_again(world: World) -> None:
    await world.post(event())
    await world.deliver()
    with pytest.raises(NotPossibleError, match="only a delivery that waits or has failed"):
        await retry(world, (await only(world, "delivery")).id)
    assert await world.rows("outbox") == []


async def test_what_was_taken_back_is_not_sent_again(world: World) -> None:
    await world.post(event())
    await world.post(event(state=AlertState.RESOLVED))
    taken_back = await only(world, "delivery")
    assert taken_back.outcome == "superseded"
    with pytest.raises(NotPossibleError, match="only a delivery that waits or has failed"):
        await retry(world, taken_back.id)
    assert await world.rows("outbox") == []


async def test_what_is_not_there_is_said(world: World) -> None:
    with pytest.raises(UnknownThingError):
        await retry(world, new_id())


async def test_what_failed_is_sent_anew_with_time_of_its_own_and_says_who_wanted_it(world: World) -> None:
    world.channel().answers = [GONE]
    await world.post(event())
    await world.deliver()
    world.now += 100 * HOUR
    fresh = await retry(world, (await only(world, "delivery")).id)
    queued = await only(world, "outbox")
    assert (queued.id, queued.attempt_count, queued.expires_at) == (fresh, 0, world.now + 72 * HOUR)
    copy = next(row for row in await world.rows("notification") if row.state == "pending")
    assert (copy.delivery_id, copy.why) == (fresh, "retried by ann")
    world.channel().answers = [DOWN]
    await world.deliver()
    await world.pass_time(MINUTE)
    assert world.channel().reasons == ["opened"]
    assert await world.notifications() == [("opened", "failed"), ("opened", "delivered")]


async def test_that_it_fires_is_not_told_any_more_once_it_is_over(world: World) -> None:
    world.channel().answers = [GONE]
    await world.post(event())
    await world.deliver()
    failed = await only(world, "delivery")
    await world.post(event(state=AlertState.RESOLVED))
    with pytest.raises(NotPossibleError, match="the incident is over"):
        await retry(world, failed.id)
    await world.deliver()
    assert await world.rows("outbox") == []
    assert world.channel().reasons == []


async def test_an_end_that_failed_can_be_told_after_all(world: World) -> None:
    world.channel().answers = [Accepted(), GONE]
    await world.post(event())
    await world.deliver()
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    (failed,) = [row for row in await world.rows("delivery") if row.outcome == "failed"]
    await retry(world, failed.id)
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]


async def test_what_failed_may_be_retried_twice_in_a_row_if_it_fails_again(world: World) -> None:
    world.channel().answers = [GONE, GONE]
    await world.post(event())
    await world.deliver()
    first = await only(world, "delivery")
    again = await retry(world, first.id)
    await world.deliver()
    third = await retry(world, again)
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    assert len({first.id, again, third}) == 3


async def test_it_goes_behind_what_waits_in_its_lane(world: World) -> None:
    world.channel().answers = [GONE, DOWN]
    receipt = await world.post(event())
    await world.deliver()
    failed = await only(world, "delivery")
    await world.post(event(Severity.CRITICAL, feature="age"))
    await world.deliver()
    waiting = await only(world, "outbox")
    fresh = await retry(world, failed.id)
    rows = {row.id: row for row in await world.rows("outbox")}
    assert (rows[waiting.id].state, rows[fresh].state) == ("pending", "waiting")
    assert rows[fresh].sequence > rows[waiting.id].sequence
    await world.pass_time(MINUTE, step=MINUTE / 10)
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.deliver()
    assert world.channel().reasons == ["opened", "opened", "acknowledged"]


async def test_a_digest_that_failed_is_sent_anew_as_things_are_now(world: World) -> None:
    world.channel().answers = [GONE]
    await world.post(event(Severity.WARNING))
    await world.pass_time(HOUR + MINUTE)
    failed = await only(world, "delivery")
    assert (failed.outcome, failed.incident_id) == ("failed", None)
    fresh = await retry(world, failed.id)
    await world.deliver()
    (digest,) = world.channel().digests
    assert [(item.title, item.status) for item in digest.items] == [("churn: Drift", "firing")]
    assert fresh != failed.id
    assert await world.notifications() == [("opened", "failed"), ("opened", "delivered")]
