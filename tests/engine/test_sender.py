"""The loop that sends: what one bad ending, a trouble of the database or the end of the service do to it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected
from alertsvc.clock import new_id, utc_now
from alertsvc.engine.deliver import Sender
from alertsvc.store.database import Database, StoreUnavailableError
from tests.world import World, destination, event, rules

SLOW = "team/slow"
QUICK = "team/quick"


class Flaky:
    """A database that is asked first whether it is there."""

    def __init__(self, database: Database, before: Callable[[Any], Any]) -> None:
        self.dialect = database.dialect
        self._database = database
        self._before = before

    async def transaction(self, work: Any) -> Any:
        await self._before(work)
        return await self._database.transaction(work)

    async def snapshot(self, work: Any) -> Any:
        return await self._database.snapshot(work)


def is_settling(work: Any) -> bool:
    return getattr(work, "func", work).__name__ == "_settle_in"


def sender(database: Any, world: World) -> Sender:
    return Sender(database, lambda: world.outlets, utc_now, new_id, worker="w")


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)


def two_channels(database: Database) -> World:
    return World(database, rules(destination("slow"), destination("quick")), now=utc_now())


async def test_it_ends_at_once_although_an_ending_came_while_another_was_recorded(database: Database) -> None:
    world = two_channels(database)
    world.channel(SLOW).delay = 0.2
    recording = asyncio.Event()

    async def slowly(work: Any) -> None:
        if is_settling(work):
            recording.set()
            await asyncio.sleep(0.5)

    sending = sender(Flaky(database, slowly), world)
    await world.post(event())
    running = asyncio.create_task(sending.run())
    await recording.wait()
    sending.close()
    async with asyncio.timeout(5):
        await running
    assert {row.state for row in await world.rows("notification")} == {"delivered"}


async def test_it_ends_at_once_although_an_ending_had_to_wait_for_the_database(database: Database) -> None:
    world = World(database, rules(), now=utc_now())
    refused = asyncio.Event()

    async def once_not(work: Any) -> None:
        if is_settling(work) and not refused.is_set():
            refused.set()
            raise StoreUnavailableError("down")

    sending = sender(Flaky(database, once_not), world)
    await world.post(event())
    running = asyncio.create_task(sending.run())
    await refused.wait()
    await asyncio.sleep(0.05)
    sending.close()
    async with asyncio.timeout(5):
        await running
    assert {row.state for row in await world.rows("notification")} == {"delivered"}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param(Rejected(Fault.CLIENT_ERROR, "no: \ud800"), "failed", id="rejected"),
        pytest.param(Accepted("yes: \ud800"), "delivered", id="accepted"),
        pytest.param(Accepted("yes", anchor={"ts": "\ud800"}), "delivered", id="accepted-with-anchor"),
    ],
)
async def test_an_answer_that_cannot_be_stored_holds_up_no_other_and_is_not_asked_for_again(
    database: Database, answer: Outcome, state: str
) -> None:
    world = two_channels(database)
    world.channel(SLOW).otherwise = answer
    sending = sender(database, world)
    await world.post(event())
    running = asyncio.create_task(sending.run())
    await until(lambda: bool(world.channel(QUICK).sent))
    await asyncio.sleep(0.3)
    sending.close()
    async with asyncio.timeout(5):
        await running
    states = {row.destination: row.state for row in await world.rows("notification")}
    assert states == {QUICK: "delivered", SLOW: state}
    await world.balance()
