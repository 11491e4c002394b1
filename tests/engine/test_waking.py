"""Processes wake each other: seldom enough for the database, and only when there is something to do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import pytest

from alertsvc.clock import new_id
from alertsvc.core.model import Severity
from alertsvc.engine.deliver import Sender, SendingPace
from alertsvc.engine.lookout import MISSED_AFTER_SECONDS, Lookout
from alertsvc.engine.receive import Board, Committer
from alertsvc.engine.submissions import Submission
from alertsvc.engine.waking import Bell, Bystander, Ear
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.doorbell import Doorbell, open_doorbell
from alertsvc.store.presence import session_name
from tests.engine.test_receiving import running
from tests.engine.test_sending import receive
from tests.postgres import Server
from tests.programs import eventually
from tests.world import World, event

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


class Button:
    """A doorbell that counts, and fails when it is told to."""

    def __init__(self) -> None:
        self.rung_at: list[float] = []
        self.is_broken = False

    async def ring(self) -> None:
        self.rung_at.append(asyncio.get_running_loop().time())
        if self.is_broken:
            raise StoreUnavailableError("broken")

    def close(self) -> None:
        pass


@asynccontextmanager
async def going(task: "asyncio.Task[None]") -> AsyncIterator[None]:
    yield
    assert not task.done(), "it ended by itself"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_however_often_it_is_to_ring_it_rings_ten_times_a_second_at_most() -> None:
    button = Button()
    bell = Bell(button)  # type: ignore[arg-type]
    async with going(asyncio.create_task(bell.run())):
        for _ in range(50):
            bell.ring()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.25)
        count = len(button.rung_at)
        await asyncio.sleep(0.3)
        assert len(button.rung_at) == count, "it rings when there is nothing"
    assert count >= 2
    gaps = [after - before for before, after in zip(button.rung_at, button.rung_at[1:], strict=False)]
    assert min(gaps) >= 0.099


async def test_a_ring_that_fails_is_no_end() -> None:
    button = Button()
    button.is_broken = True
    bell = Bell(button)  # type: ignore[arg-type]
    async with going(asyncio.create_task(bell.run())):
        bell.ring()
        await eventually(lambda: button.rung_at)
        button.is_broken = False
        bell.ring()
        await eventually(lambda: len(button.rung_at) == 2)


@ON_POSTGRES
async def test_who_listens_hears_a_ring_and_one_that_was_cut_off_listens_again(
    database_url: str, postgres: Server
) -> None:
    here, there = (open_doorbell(database_url, name) for name in ("ringing", "listening"))
    heard: list[int] = []
    async with going(asyncio.create_task(Ear(there, lambda: heard.append(1)).run())):
        await eventually(lambda: len(heard) == 1)  # it looks once when it begins to listen
        await here.ring()
        await eventually(lambda: len(heard) == 2)
        for name in ("listening", "ringing"):
            cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
            await asyncio.to_thread(postgres.run, cut)
        await eventually(lambda: len(heard) == 3)
        with contextlib.suppress(StoreUnavailableError):
            await here.ring()
        await here.ring()
        await eventually(lambda: len(heard) >= 4)
    here.close()


@ON_POSTGRES
async def test_a_listener_leaves_a_server_that_takes_no_writes(database_url: str) -> None:
    bell: Doorbell = open_doorbell(database_url + "&options=-c%20default_transaction_read_only%3Don", "x")
    bell._look_seconds = 0.1
    with pytest.raises(StoreUnavailableError, match="takes no writes"):
        await bell.listen(lambda: None)


async def test_a_process_that_sends_nothing_rings_for_what_is_due_and_for_nothing_else(world: World) -> None:
    rung: list[int] = []
    board: Board = lambda: nullcontext(Bystander(lambda: rung.append(1)))  # noqa: E731
    taker = Committer(world.database, lambda: world.rules, lambda: world.now, new_id, passenger=board)
    news = (event(model="churn"), event(model="churn"), event(Severity.WARNING, model="fraud"), event(model="fraud"))
    counts: list[int] = []
    async with running(taker):
        for each in news:
            await taker.submit(Submission(new_id(), "alertmanager", world.now, [each], b"{}"))
            counts.append(len(rung))
    assert counts == [1, 1, 1, 2], "a new page, a duplicate, something for a digest, and that it pages after all"
    assert [each.reasons for each in world.channels.values()] == [[]]


@pytest.mark.parametrize(("room", "rings"), [(32, 0), (1, 1)], ids=["room-for-all", "room-for-one"])
async def test_a_process_that_sends_rings_only_when_it_has_no_room(world: World, room: int, rings: int) -> None:
    rung: list[int] = []
    pace = SendingPace(concurrency=room)
    sender = Sender(
        world.database,
        lambda: world.outlets,
        lambda: world.now,
        new_id,
        worker="w",
        pace=pace,
        call_others=lambda: rung.append(1),
    )
    await receive(world, sender, event(model="churn"), event(model="fraud"))
    assert world.channel().reasons == ["opened"] * min(room, 2)
    assert len(rung) == rings


class Seen:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0


@ON_POSTGRES
async def test_that_nobody_sends_is_noticed_and_that_somebody_does_again(database_url: str, database: Database) -> None:
    seen = Seen()
    lookout = Lookout(database, lambda: seen.now)
    await lookout.look()
    assert lookout.missed_seconds is None, "somebody may be on the way"
    seen.now = MISSED_AFTER_SECONDS + 1
    await lookout.look()
    assert lookout.missed_seconds == MISSED_AFTER_SECONDS + 1
    for role, missed in (("api", True), ("worker", False), ("all", False)):
        other = open_database(database_url, application=session_name(role))
        await other.snapshot(lambda conn: None)
        await lookout.look()
        assert (lookout.missed_seconds is not None) is missed, role
        await other.close()
