"""What the gauges show: of the database, and of what waits in this process."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from alertsvc.channels.outcome import Fault, Retry
from alertsvc.clock import new_id, utc_now
from alertsvc.core.model import Severity
from alertsvc.engine.deliver import Sender
from alertsvc.engine.digesting import CLOCK_TOLERANCE
from alertsvc.engine.lag import watch_lag
from alertsvc.engine.pace import FAILURES_BEFORE_PAUSE
from alertsvc.engine.readings import Gauging, Reader
from alertsvc.engine.receive import Bounds, Committer
from alertsvc.engine.submissions import Refused
from alertsvc.observe.gauges import READ, Readings
from alertsvc.observe.metrics import Metrics
from alertsvc.store.database import ConflictError, Database, StoreUnavailableError
from alertsvc.store.listening import Listener
from alertsvc.store.tables import quarantine, storm
from tests.engine.test_receiving import running, submission
from tests.programs import eventually
from tests.world import World, destination, event, rules

CHAT = "team/chat"
HOUR = timedelta(hours=1)


class Slow:
    """A database whose transactions and reads can be held up, and that counts the reads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect, self.close = database.dialect, database.close
        self.listener, self.in_progress = database.listener, database.in_progress
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.read_count = 0

    async def snapshot(self, work: Any) -> Any:
        self.read_count += 1
        await self.goes_on.wait()
        return await self._database.snapshot(work)

    async def transaction(self, work: Any) -> Any:
        await self.goes_on.wait()
        return await self._database.transaction(work)


@dataclass
class Watched:
    """A world with a sender and a committer, whose gauges are read."""

    world: World
    database: Slow
    longest_wait: float = 5.0
    destinations: list[str] = field(default_factory=lambda: [CHAT])

    def __post_init__(self) -> None:
        world = self.world
        self.sender = Sender(self.database, lambda: world.outlets, utc_now, new_id, worker="w")
        self.committer = Committer(self.database, lambda: world.rules, utc_now, new_id, bounds=Bounds(writers=1))
        reader = Reader(self.database, self.committer, self.sender, lambda: self.destinations, lambda: world.now)
        self.gauging = Gauging(reader, self.longest_wait)

    async def shown(self, name: str) -> dict[tuple[str, ...], float]:
        """A gauge, read now."""
        return dict((await self.gauging.read()).get(name, {}))


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(World(database, rules()), Slow(database))


async def test_every_gauge_is_read_with_the_labels_that_it_has(watched: Watched) -> None:
    await watched.world.post(event())
    await watched.world.settle(await later(watched))
    known = {name: labels for name, _, labels in READ}
    found = await watched.gauging.read()
    files = {"database_bytes", "disk_free_bytes"} if watched.database.dialect == "postgresql" else set()
    assert set(found) == set(known) - files - {"deadman_last_success_timestamp_seconds"}  # there is no address to call
    for name, rows in found.items():
        assert rows or name == "outbox_oldest_due_age_seconds", name
        assert all(len(values) == len(known[name]) for values in rows), name


async def later(watched: Watched) -> Any:
    """What is due is tried, and is not taken."""
    watched.world.channel().answers.append(Retry(Fault.NETWORK, "down"))
    return await watched.world.send(await watched.world.claim())


async def test_messages_are_late_since_they_were_due(watched: Watched) -> None:
    await watched.world.post(event())
    assert await watched.shown("outbox_oldest_due_age_seconds") == {(CHAT, "critical"): 0}
    watched.world.now += timedelta(seconds=90)
    assert await watched.shown("outbox_oldest_due_age_seconds") == {(CHAT, "critical"): 90}
    assert await watched.shown("outbox_oldest_retried_age_seconds") == {}


async def test_a_message_that_is_tried_again_and_again_grows_old(watched: Watched) -> None:
    await watched.world.post(event())
    for _ in range(4):
        watched.world.now += HOUR
        await watched.world.settle(await later(watched))
    assert await watched.shown("outbox_oldest_retried_age_seconds") == {(CHAT, "critical"): 4 * 3600}
    assert await watched.shown("outbox_oldest_due_age_seconds") == {}, "it is due later"


async def test_what_waits_is_counted_with_zeros_where_nothing_does(watched: Watched) -> None:
    await watched.world.post(event(), event(Severity.ERROR, model="b"))
    nothing = dict.fromkeys([("info",), ("warning",)], 0.0)
    assert await watched.shown("outbox_pending") == {**nothing, ("error",): 1, ("critical",): 1}
    open_ones = await watched.shown("incidents_open")
    assert (open_ones["firing", "critical"], open_ones["acknowledged", "info"], len(open_ones)) == (1, 0, 8)


async def test_a_digest_is_late_once_it_is_due_and_not_made(watched: Watched) -> None:
    await watched.world.post(event(Severity.WARNING))
    watched.world.now += HOUR - timedelta(seconds=1)
    assert await watched.shown("digest_lateness_seconds") == {(): 0}
    watched.world.now += timedelta(seconds=31)
    assert await watched.shown("digest_lateness_seconds") == {(): 30}
    watched.world.now += CLOCK_TOLERANCE
    await watched.world.ticker.sweep()
    assert await watched.shown("digest_lateness_seconds") == {(): 0}


async def test_what_is_in_quarantine_counts_while_nobody_has_looked_at_it(watched: Watched) -> None:
    await watched.world.post(refused=[Refused(0, "no labels", b"{}")])
    assert await watched.shown("quarantine_rows") == {(): 1}
    dropped = update(quarantine).values(state="dropped", closed_at=watched.world.now)
    await watched.world.database.transaction(lambda conn: conn.execute(dropped))
    assert await watched.shown("quarantine_rows") == {(): 0}


async def test_the_schema_and_the_clock_of_the_database_are_shown(watched: Watched) -> None:
    ((current, needed), fits), *_ = (await watched.shown("schema_version")).items()
    assert (current, fits) == (needed, 1)
    watched.world.now = utc_now() - timedelta(minutes=1)
    expected = 60 if watched.database.dialect == "postgresql" else 0
    assert (await watched.shown("clock_offset_seconds"))[()] == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_files_of_sqlite_are_measured(watched: Watched) -> None:
    await watched.world.post(event())
    sizes = await watched.shown("database_bytes")
    assert sizes["database",] > 0 and sizes["wal",] > 0  # noqa: PT018  # one says nothing without the other
    assert (await watched.shown("disk_free_bytes"))[()] > 0


async def test_a_storm_is_shown_of_destinations_in_force_and_of_no_other(watched: Watched) -> None:
    watched.destinations = [CHAT, "team/mail"]
    rows = [
        {"destination": name, "state": {}, "next_at": watched.world.now, "version": 1} for name in (CHAT, "team/gone")
    ]
    await watched.world.database.transaction(lambda conn: conn.execute(insert(storm), rows))
    assert await watched.shown("storm_active") == {(CHAT,): 1, ("team/mail",): 0}


async def test_a_breaker_opens_with_failures_and_closes_with_a_success(database: Database) -> None:
    now = [1000.0]
    world = World(database, rules(destination("chat"), destination("mail")))
    sender = Sender(database, lambda: world.outlets, utc_now, new_id, worker="w", ticks=lambda: now[0])
    assert sender.breakers() == {CHAT: 0, "team/mail": 0}, "before anything was sent"
    with sender.ride():
        pace = sender._paces[CHAT]
    for _ in range(FAILURES_BEFORE_PAUSE):
        pace.left()
        pace.came_back(now[0], well=False)
    assert sender.breakers() == {CHAT: 2, "team/mail": 0}
    now[0] = pace.shut_until
    assert sender.breakers()[CHAT] == 1
    pace.left()
    pace.came_back(now[0], well=True)
    assert sender.breakers()[CHAT] == 0
    pace.left()
    pace.came_back(now[0], well=False, wait=60.0)
    assert sender.breakers()[CHAT] == 2, "it asked everything to wait"
    world.outlets.by_destination.pop(CHAT)  # type: ignore[attr-defined]  # a dictionary in this world
    assert sender.breakers() == {"team/mail": 0}


async def test_requests_that_are_not_stored_are_shown_with_their_size_and_age(watched: Watched) -> None:
    watched.database.goes_on.clear()
    async with running(watched.committer):
        asked = [asyncio.create_task(watched.committer.submit(submission(name, body=b"x" * 100))) for name in "ab"]
        await eventually(lambda: watched.committer.held_bytes == 200)
        await eventually(lambda: not watched.committer.waiting_count)  # both are in the transaction that is held up
        watched.world.now = utc_now() + timedelta(seconds=30)
        own = watched.gauging._own()
        assert own["ingest_inflight_bytes"] == {(): 200}
        assert own["inbox_oldest_age_seconds"][()] == pytest.approx(30, abs=5)
        watched.database.goes_on.set()
        await asyncio.gather(*asked)
    own = watched.gauging._own()
    assert (own["ingest_inflight_bytes"], own["inbox_oldest_age_seconds"]) == ({(): 0}, {(): 0})


async def test_a_database_that_says_nothing_is_waited_for_once_and_not_for_ever(database: Database) -> None:
    watched = Watched(World(database, rules()), Slow(database), longest_wait=0.3)
    watched.database.goes_on.clear()
    began = time.monotonic()
    first = await asyncio.gather(*(watched.gauging.read() for _ in range(5)))
    assert time.monotonic() - began < 2
    assert watched.database.read_count == 1
    assert [each["database_up"] for each in first] == [{(): 0}] * 5
    assert "outbox_pending" not in first[0]
    watched.database.goes_on.set()
    await eventually(lambda: _is_up(watched))


async def _is_up(watched: Watched) -> bool:
    found: Readings = await watched.gauging.read()
    return found["database_up"] == {(): 1} and "outbox_pending" in found


async def test_what_could_not_be_read_is_absent_and_not_what_it_was(watched: Watched) -> None:
    metrics = Metrics("test")
    metrics.show(await watched.gauging.read())
    assert b"alertsvc_quarantine_rows 0.0" in metrics.text()

    async def fail(_: Any) -> Any:
        raise StoreUnavailableError("away")

    watched.database.snapshot = fail  # type: ignore[method-assign]
    metrics.show(await watched.gauging.read())
    text = metrics.text()
    assert b"alertsvc_database_up 0.0" in text
    assert b"alertsvc_messages_in_flight 0.0" in text
    assert b"\nalertsvc_quarantine_rows " not in text
    assert b"\nalertsvc_storm_active{" not in text


async def test_a_transaction_is_measured_and_its_repeats_are_counted(database: Database) -> None:
    ended: list[tuple[str, float]] = []
    causes: list[str] = []
    database.listener = Listener(ended=lambda access, seconds: ended.append((access, seconds)), retried=causes.append)
    turns = iter([True, True, False])
    running_then: list[dict[str, int]] = []

    def work(_: Any) -> None:
        running_then.append(dict(database.in_progress))
        time.sleep(0.02)
        if next(turns):
            raise ConflictError("again")

    await database.transaction(work)
    await database.snapshot(lambda _: None)
    assert [access for access, _ in ended] == ["write", "read"]
    assert ended[0][1] >= 0.06
    assert causes == ["conflict", "conflict"]
    assert running_then == [{"read": 0, "write": 1}] * 3
    assert database.in_progress == {"read": 0, "write": 0}


async def test_a_loop_that_is_held_up_is_seen_to_be_late() -> None:
    late: list[float] = []
    watching = asyncio.create_task(watch_lag(late.append, every=0.05))
    await asyncio.sleep(0.12)
    time.sleep(0.4)
    await asyncio.sleep(0.1)
    watching.cancel()
    assert max(late) > 0.25
    assert min(late) < 0.1
