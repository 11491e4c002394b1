"""A destination that was away for long and is back: the gravest messages leave first, and none waits for its pause."""

import asyncio
from datetime import timedelta
from itertools import pairwise

from alertsvc.channels.message import IncidentMessage
from alertsvc.channels.outcome import Accepted, Fault, Retry
from alertsvc.clock import new_id
from alertsvc.core.model import Severity
from alertsvc.engine.deliver import Sender
from alertsvc.store.database import Database, T, Work
from tests.world import World, event, rules


async def test_after_an_outage_everything_leaves_at_once_the_gravest_first(database: Database) -> None:
    world = World(database, rules())
    provider = world.channel()
    provider.concurrency = 1
    provider.otherwise = Retry(Fault.SERVER_ERROR, "503", status_code=503)
    working = Working(database)
    sender = Sender(working, lambda: world.outlets, lambda: world.now, new_id, worker="w", ticks=lambda: seconds(world))
    for number in range(4):
        await world.post(event(model=f"grave{number}"), event(Severity.ERROR, model=f"lesser{number}"))
    running = asyncio.create_task(sender.run())
    while await _longest_pause(world) < timedelta(seconds=100):  # the gravest are tried most often, and wait longest
        await _a_while(sender, working, world, timedelta(minutes=1))
    provider.otherwise = Accepted()
    await world.post(event(Severity.ERROR, model="probe"))
    while not provider.sent:
        await _a_while(sender, working, world, timedelta(seconds=1))
    async with asyncio.timeout(30):  # the clock stands still from here on: whoever waits for a pause waits for ever
        while await world.rows("outbox"):
            await asyncio.sleep(0.05)
    sender.close()
    await running
    told = [each.severity for each in provider.sent[1:] if isinstance(each, IncidentMessage)]
    assert len(told) == 8
    overtaken = sum(earlier < later for earlier, later in pairwise(told))
    assert overtaken <= 1, "one may have left while the end of the outage was written down"
    await world.balance()


async def test_what_was_tried_all_the_while_says_how_late_it_is(world: World) -> None:
    world.channel().answers = [Retry(Fault.SERVER_ERROR, "503", status_code=503)] * 3
    began = world.now
    await world.post(event())
    await world.deliver()
    await world.pass_time(timedelta(minutes=10), timedelta(minutes=1))
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    assert message.delayed_since == began


async def test_what_was_tried_twice_within_a_minute_is_not_late(world: World) -> None:
    world.channel().answers = [Retry(Fault.SERVER_ERROR, "503", status_code=503)]
    await world.post(event())
    await world.deliver()
    await world.pass_time(timedelta(minutes=1))
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    assert message.delayed_since is None


async def _longest_pause(world: World) -> timedelta:
    return max(row.due_at - world.now for row in await world.rows("outbox") if row.severity == Severity.CRITICAL)


async def _a_while(sender: Sender, working: "Working", world: World, span: timedelta) -> None:
    """Let time go by, and the sender do all that it then can: no time goes by while it does."""
    await _rest(sender, working)  # it looks for work by itself too, and a lease must not run out at once
    world.now += span
    sender.wake()
    await _rest(sender, working)


async def _rest(sender: Sender, working: "Working") -> None:
    idle_turns = 0
    while idle_turns < 5:
        await asyncio.sleep(0.005)
        idle_turns = 0 if working.count or sender.in_flight_count else idle_turns + 1


class Working:
    """A database that knows how many transactions are under way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.count = 0

    async def transaction(self, work: Work[T]) -> T:
        self.count += 1
        try:
            return await self._database.transaction(work)
        finally:
            self.count -= 1

    async def snapshot(self, work: Work[T]) -> T:
        return await self._database.snapshot(work)

    async def close(self) -> None:
        """The fixture closes it."""


def seconds(world: World) -> float:
    """A clock that only the test moves."""
    return world.now.timestamp()
