"""The claim that rides in the transaction of ingest, and the sending that follows it, on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from alertsvc.channels.outcome import Fault, Retry, Unknown
from alertsvc.clock import new_id
from alertsvc.core.model import AlertState
from alertsvc.engine.admit import admit
from alertsvc.engine.deliver import Sender
from alertsvc.engine.outlets import Outlets
from alertsvc.engine.ride import FEW
from alertsvc.engine.submissions import Submission
from alertsvc.store.database import Database, StoreUnavailableError, Work
from tests.world import World, event

T = TypeVar("T")


class WithoutSnapshots:
    """A database on which whoever needs a snapshot fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect

    async def transaction(self, work: Work[T]) -> T:
        return await self._database.transaction(work)

    async def snapshot(self, work: Work[T]) -> T:
        raise StoreUnavailableError("no snapshot can be had")

    async def close(self) -> None:
        """The fixture closes it."""


def sender_of(world: World, outlets: Outlets) -> Sender:
    return Sender(WithoutSnapshots(world.database), lambda: outlets, lambda: world.now, new_id, worker="w")


async def receive(world: World, sender: Sender, *events: Any) -> None:
    """Take events in and send what they make due, as the service does: taken along by the transaction of ingest."""
    submission = Submission(new_id(), "alertmanager", world.now, list(events), b"{}")
    with sender.ride() as claim:
        await world.database.transaction(partial(claim.claim, world.now))
        claim.start()
    with sender.ride() as ride:

        def work(conn: Connection) -> None:
            ride.begin()
            admit(conn, [submission], world.moment(), boarding=ride)
            ride.compose(world.now, conn)

        await world.database.transaction(work)
        ride.start()
    while sender.in_flight_count:
        await asyncio.sleep(0.01)


def opening(number: int) -> Any:
    return event(model=f"m{number}")


@pytest.mark.parametrize("count", [1, FEW])
async def test_a_few_messages_are_made_where_they_are_claimed(world: World, count: int) -> None:
    await receive(world, sender_of(world, world.outlets), *(opening(number) for number in range(count)))
    assert world.channel().reasons == ["opened"] * count


async def test_more_messages_are_made_one_by_one_and_hold_up_nobody(world: World) -> None:
    await receive(world, sender_of(world, world.outlets), *(opening(number) for number in range(FEW + 1)))
    assert world.channel().reasons == []
    assert len(await world.rows("incident")) == FEW + 1


async def test_a_message_that_cannot_be_made_does_not_fail_what_arrived(world: World) -> None:
    broken: Any = None
    outlets = replace(world.outlets, rules=replace(world.rules, models=broken))
    await receive(world, sender_of(world, outlets), opening(1))
    assert world.channel().reasons == []
    assert [row.state for row in await world.rows("outbox")] == ["sending"]
    assert len(await world.rows("incident")) == 1


async def test_an_end_that_is_tried_again_is_told_though_it_fired_and_ended_again_meanwhile(world: World) -> None:
    reopening = replace(world.rules.correlate[0], reopen_within=timedelta(hours=1))
    world.rules = replace(world.rules, correlate=(reopening,))
    channel = world.channel()
    await world.post(event())
    await world.deliver()
    channel.answers = [Unknown("no answer"), Retry(Fault.NETWORK, "connection refused")]
    await world.post(event(state=AlertState.RESOLVED))
    await world.deliver()
    world.now += timedelta(milliseconds=100)
    await world.post(event(start=world.now))
    await world.post(event(start=world.now, state=AlertState.RESOLVED))
    await world.pass_time(timedelta(minutes=10), timedelta(seconds=10))
    assert channel.answers == []
    assert channel.reasons == ["opened", "resolved"]
    assert ("resolved", "delivered") in await world.notifications()
