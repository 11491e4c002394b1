"""The end of the service: an answer that comes in time counts, what takes too long is given up and recorded as such."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Interrupted, Outcome, Unknown
from alertsvc.clock import new_id, utc_now
from alertsvc.engine.ending import Ending
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.submissions import Submission
from alertsvc.observe.metrics import Metrics
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database
from tests.programs import eventually
from tests.world import Recorder, World, event, rules

HOURS = 3600.0
SOON = Ending(sends=0.5, records=5.0, closing=1.0)


class Silent:
    """A database that does not answer any more once it is `silent`, and cannot be closed then either."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.listener = database.listener
        self.in_progress = database.in_progress
        self.silent = False

    async def transaction(self, work: Any) -> Any:
        await self._hang()
        return await self._database.transaction(work)

    async def snapshot(self, work: Any) -> Any:
        return await self._database.snapshot(work)

    async def close(self) -> None:
        await self._hang()
        await self._database.close()

    async def _hang(self) -> None:
        if self.silent:
            await asyncio.sleep(HOURS)


class Clinging(Recorder):
    """A channel that does not close by itself."""

    async def close(self) -> None:
        await asyncio.sleep(HOURS)


class Leisurely(Recorder):
    """A channel that takes its time to close."""

    closed = False

    async def close(self) -> None:
        await asyncio.sleep(0.5)
        self.closed = True


class Forthcoming(Recorder):
    """A channel that says what it knows when it is cancelled."""

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        try:
            return await super().send(message, envelope)
        except asyncio.CancelledError:
            raise Interrupted(Unknown("some have it", progress={"ana": "yes"})) from None


@asynccontextmanager
async def started(database: Any, world: World, ending: Ending) -> AsyncIterator[Service]:
    service = Service(Parts(database, world.outlets, Metrics("test"), ending=ending))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def take_in(service: Service) -> None:
    await service.committer.submit(Submission(new_id(), "alertmanager", utc_now(), [event()], b"{}"))


async def seconds_of(work: Awaitable[None]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A world whose database is opened anew after the service has closed it, to see what it left."""
    made = World(open_database(database_url), rules(), now=utc_now())
    yield made
    await made.database.close()


async def look_again(world: World, database_url: str) -> None:
    world.database = open_database(database_url)
    world.now = utc_now()
    await world.balance()


async def test_a_send_that_hangs_is_recorded_as_unknown_and_leaves_no_lease(world: World, database_url: str) -> None:
    world.channel().delay = HOURS
    async with started(world.database, world, SOON) as service:
        await take_in(service)
        await eventually(lambda: service.sender.in_flight_count)
        assert await seconds_of(service.stop()) < 5
    await look_again(world, database_url)
    (row,) = await world.rows("outbox")
    assert (row.state, row.lease_until, row.worker) == ("pending", None, None)
    assert (row.maybe_left, row.unknown_count, row.attempt_count) == (True, 1, 1)
    (attempt,) = await world.rows("attempt")
    assert (attempt.outcome, attempt.detail) == ("unknown", "the service ended before an answer came")


async def test_an_answer_that_comes_while_the_service_ends_counts(world: World, database_url: str) -> None:
    world.channel().delay = 0.7
    async with started(world.database, world, Ending()) as service:
        await take_in(service)
        await eventually(lambda: service.sender.in_flight_count)
        assert await seconds_of(service.stop()) < 10
    await look_again(world, database_url)
    assert world.channel().reasons == ["opened"]
    assert await world.rows("outbox") == []
    assert await world.notifications() == [("opened", "delivered")]


async def test_nothing_is_claimed_any_more_once_it_drains(world: World, database_url: str) -> None:
    async with started(world.database, world, SOON) as service:
        service.drain()
        await take_in(service)
        await asyncio.sleep(0.7)
    await look_again(world, database_url)
    assert world.channel().sent == []
    assert [(row.state, row.attempt_count) for row in await world.rows("outbox")] == [("pending", 0)]


async def test_the_time_that_sends_have_counts_from_the_signal(world: World, database_url: str) -> None:
    world.channel().delay = HOURS
    async with started(world.database, world, Ending(sends=2.0, records=5.0)) as service:
        await take_in(service)
        await eventually(lambda: service.sender.in_flight_count)
        service.drain()
        await asyncio.sleep(1.5)
        assert await seconds_of(service.stop()) < 1.8
    await look_again(world, database_url)
    assert [row.state for row in await world.rows("outbox")] == ["pending"]


async def test_a_database_that_says_nothing_does_not_hold_up_the_end(database: Database) -> None:
    world = World(database, rules(), now=utc_now())
    world.channel().delay = HOURS
    silent = Silent(database)
    async with started(silent, world, Ending(sends=0.3, records=0.3, closing=0.3)) as service:
        await take_in(service)
        await eventually(lambda: service.sender.in_flight_count)
        silent.silent = True
        unanswered = asyncio.create_task(take_in(service))
        assert await seconds_of(service.stop()) < 4
        unanswered.cancel()
        await asyncio.gather(unanswered, return_exceptions=True)
    assert [row.state for row in await world.rows("outbox")] == ["sending"], "its lease says that nobody knows"


async def test_channels_that_do_not_close_are_left_after_a_moment(world: World, database_url: str) -> None:
    clinging = {name: Outlet(name, "chat", Clinging()) for name in ("team/chat", "team/mail", "team/page")}
    world.outlets = replace(world.outlets, by_destination=clinging)
    async with started(world.database, world, Ending(sends=0.3, records=0.3, closing=0.3)) as service:
        assert await seconds_of(service.stop()) < 2
    await look_again(world, database_url)


async def test_channels_close_at_the_same_time() -> None:
    channels = {name: Leisurely() for name in ("team/chat", "team/mail", "team/page")}
    outlets = Outlets(rules(), {name: Outlet(name, "chat", channel) for name, channel in channels.items()})
    assert 0.5 <= await seconds_of(outlets.close()) < 1.0
    assert all(channel.closed for channel in channels.values())


async def test_what_a_channel_knows_when_it_is_cut_short_is_kept(world: World, database_url: str) -> None:
    forthcoming = {"team/chat": Outlet("team/chat", "chat", Forthcoming(delay=HOURS))}
    world.outlets = replace(world.outlets, by_destination=forthcoming)
    async with started(world.database, world, SOON) as service:
        await take_in(service)
        await eventually(lambda: service.sender.in_flight_count)
    await look_again(world, database_url)
    assert [(row.progress, row.maybe_left) for row in await world.rows("outbox")] == [({"ana": "yes"}, True)]
