"""The clock on the wall is set while messages are under way, wait, or are to be forgotten: it proves nothing."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.interval import IntervalTrigger

from alertsvc.channels.outcome import Accepted, Fault, Retry
from alertsvc.core.model import AlertState, Severity
from alertsvc.engine.metronome import Metronome
from alertsvc.store.housekeeping import Retention
from tests.engine.test_metronome import Job
from tests.programs import eventually
from tests.world import World, event

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AWAY = Retry(Fault.SERVER_ERROR, "503", status_code=503)


@pytest.mark.parametrize("by", [HOUR, DAY, -HOUR], ids=["forward", "a-day", "back"])
async def test_what_is_under_way_is_not_sent_again(world: World, by: timedelta) -> None:
    await world.post(event())
    claimed = await world.claim()
    world.set_clock(by)
    await world.ticker.sweep()
    assert await world.claim() == []
    await world.settle(await world.send(claimed))
    await world.pass_time(2 * MINUTE, 10 * SECOND)
    assert world.channel().reasons == ["opened"]


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_what_a_dead_worker_had_is_sent_all_the_same(world: World, by: timedelta) -> None:
    await world.post(event())
    assert await world.claim()
    world.set_clock(by)
    await world.pass_time(2 * MINUTE, 10 * SECOND)
    assert world.channel().reasons == ["opened"]


@pytest.mark.parametrize("by", [-HOUR, -DAY], ids=["an-hour", "a-day"])
async def test_what_is_to_be_tried_again_does_not_wait_until_the_clock_has_caught_up(
    world: World, by: timedelta
) -> None:
    await world.ticker.sweep()
    world.channel().answers = [AWAY]
    await world.post(event())
    await world.deliver()
    world.set_clock(by)
    await world.pass_time(SECOND)
    assert world.channel().reasons == ["opened"]


async def test_what_was_never_tried_does_not_wait_either(world: World) -> None:
    await world.ticker.sweep()
    await world.post(event())
    world.set_clock(-DAY)
    await world.pass_time(SECOND)
    assert world.channel().reasons == ["opened"]


async def test_nothing_is_given_up_because_days_went_by_in_no_time(world: World) -> None:
    await world.ticker.sweep()
    world.channel().otherwise = AWAY
    await world.post(event(Severity.ERROR))
    await world.deliver()
    world.set_clock(5 * DAY)
    await world.pass_time(HOUR, MINUTE)
    assert await world.notifications() == [("opened", "pending")]
    world.channel().otherwise = Accepted()
    await world.pass_time(HOUR, MINUTE)
    assert await world.notifications() == [("opened", "delivered")]


async def test_nothing_is_forgotten_until_the_clock_has_been_true_for_a_day(world: World) -> None:
    await world.ticker.sweep()
    await world.post(event())
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    world.set_clock(3 * 365 * DAY)
    await world.ticker.forget(Retention())
    assert len(await world.rows("incident")) == 1
    await world.pass_time(DAY + MINUTE, HOUR)
    await world.ticker.forget(Retention())
    assert await world.rows("incident") == []


async def test_jobs_go_on_when_the_clock_is_set_back() -> None:
    """The scheduler itself cannot be given a clock: what it does when one is set back is written into it."""
    now, job = datetime.now(UTC), Job()
    metronome = Metronome(clock=lambda: now)
    metronome.every(1, "job", job)
    metronome.start()
    for each in metronome._scheduler.get_jobs():
        each.reschedule(IntervalTrigger(seconds=1, start_date=datetime.now(UTC) + HOUR))
    await asyncio.sleep(1.5)
    assert job.begun == 0
    now -= HOUR
    await eventually(lambda: job.begun)
    await metronome.stop(1.0)
