"""How the sender ends: what is on its way is recorded, whichever comes last, and nothing waits for ever."""

import asyncio
from functools import partial
from typing import Any

import pytest

from alertsvc.clock import new_id
from alertsvc.engine.deliver import Sender
from alertsvc.engine.ride import FEW
from alertsvc.store.database import Database
from tests.programs import eventually
from tests.world import World, destination, event, rules


class WithoutViews:
    """A database on which whoever wants to read waits for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect

    async def transaction(self, work: Any) -> Any:
        return await self._database.transaction(work)

    async def snapshot(self, work: Any) -> Any:
        await asyncio.sleep(3600)


class Unhurried:
    """A database that takes its time over each transaction."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self.dialect = database.dialect

    async def transaction(self, work: Any) -> Any:
        done = await self._database.transaction(work)
        await asyncio.sleep(self._seconds)
        return done

    async def snapshot(self, work: Any) -> Any:
        return await self._database.snapshot(work)


def sender_of(world: World, database: Any) -> Sender:
    return Sender(database, lambda: world.outlets, lambda: world.now, new_id, worker="w")


@pytest.mark.parametrize(
    ("settling", "sending"),
    [
        pytest.param(0.4, 0.2, id="the-last-try-ends-while-another-is-recorded"),
        pytest.param(0.1, 0.4, id="the-last-try-ends-alone"),
        pytest.param(0.0, 0.0, id="all-at-once"),
    ],
)
async def test_a_sender_that_is_closed_ends_once_all_that_was_on_its_way_is_recorded(
    database: Database, settling: float, sending: float
) -> None:
    world = World(database, rules(destination("chat"), destination("mail")))
    world.channel("team/mail").delay = sending
    sender = sender_of(world, Unhurried(database, settling))
    await world.post(event())
    running = asyncio.create_task(sender.run())
    await eventually(lambda: world.channel("team/chat").sent)
    sender.close()
    async with asyncio.timeout(5):
        await running
    assert [world.channel(name).reasons for name in world.channels] == [["opened"], ["opened"]]
    assert await world.rows("outbox") == []
    await world.balance()


async def test_what_is_claimed_while_the_sender_is_closed_is_sent_and_recorded(world: World) -> None:
    sender = sender_of(world, Unhurried(world.database, 0.3))
    await world.post(event())
    running = asyncio.create_task(sender.run())

    async def is_claimed() -> bool:
        return [row.state for row in await world.rows("outbox")] == ["sending"]

    await eventually(is_claimed)
    sender.close()
    async with asyncio.timeout(5):
        await running
    assert world.channel().reasons == ["opened"]
    assert await world.rows("outbox") == []


async def test_a_closed_sender_claims_nothing_more(world: World) -> None:
    sender = sender_of(world, world.database)
    running = asyncio.create_task(sender.run())
    sender.close()
    async with asyncio.timeout(5):
        await running
    await world.post(event())
    with sender.ride() as ride:
        assert ride.wanted == {}
    assert [row.state for row in await world.rows("outbox")] == ["pending"]


async def gives_up(sender: Sender, running: asyncio.Task[None]) -> None:
    await sender.give_up()
    async with asyncio.timeout(5):
        await running


async def endings(world: World) -> set[tuple[str, str]]:
    return {(row.outcome, row.detail) for row in await world.rows("attempt")}


NOT_SENT = {("retry", "the service ended before it was sent")}


async def test_what_is_given_up_before_it_is_composed_was_surely_not_sent(world: World) -> None:
    sender = sender_of(world, WithoutViews(world.database))
    await world.post(*(event(model=f"m{number}") for number in range(FEW + 1)))
    running = asyncio.create_task(sender.run())
    await eventually(lambda: sender.in_flight_count == FEW + 1)
    await gives_up(sender, running)
    assert await endings(world) == NOT_SENT
    assert {(row.state, row.lease_until, row.maybe_left) for row in await world.rows("outbox")} == {
        ("pending", None, False)
    }


async def test_what_is_claimed_after_giving_up_was_surely_not_sent(world: World) -> None:
    sender = sender_of(world, Unhurried(world.database, 0.5))
    await world.post(event())
    running = asyncio.create_task(sender.run())

    async def is_claimed() -> bool:
        return [row.state for row in await world.rows("outbox")] == ["sending"]

    await eventually(is_claimed)
    assert sender.in_flight_count == 0
    await gives_up(sender, running)
    assert world.channel().sent == []
    assert await endings(world) == NOT_SENT


async def test_a_sender_waits_for_a_transaction_of_another_that_has_claimed_something(world: World) -> None:
    sender = sender_of(world, world.database)
    running = asyncio.create_task(sender.run())
    await asyncio.sleep(0.1)  # it has looked, and found nothing
    await world.post(event())
    with sender.ride() as ride:
        sender.close()
        await asyncio.sleep(0.2)
        assert not running.done()
        await world.database.transaction(partial(ride.claim, world.now))
        ride.start()
    async with asyncio.timeout(5):
        await running
    assert world.channel().reasons == ["opened"]
    assert await world.rows("outbox") == []
