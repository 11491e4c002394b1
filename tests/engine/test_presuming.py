"""The first page about something new is written without a read, on PostgreSQL: what would be read is presumed.

Whatever is wrong with that, nothing is written by it, and what happens is what would have happened with the read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from alertsvc.clock import new_id
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.model import AlertState
from alertsvc.core.route import Destination
from alertsvc.core.rules import Rules
from alertsvc.core.storm import StormRule
from alertsvc.engine import silencing
from alertsvc.engine.attempt import Attempt
from alertsvc.engine.receive import Committer
from alertsvc.engine.silencing import Wanted
from alertsvc.engine.submissions import Submission
from alertsvc.store import alerts, storms
from alertsvc.store.database import Database
from alertsvc.store.recall import Learned, Recall
from alertsvc.store.silences import SilenceRecord
from tests.world import START, World, destination, event, rules

ONLY_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CHAT = replace(destination("chat"), storm=StormRule(50, MINUTE))
NEW = event(model="new")
"""What one replica never met."""
SIBLING = event(alertname="Another", model="new")
"""Another alert of the same incident."""


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Collection[str]]:
    """The fingerprints that were read before something was decided, each time."""
    read: list[Collection[str]] = []
    really = alerts.revisions

    def revisions(conn: Connection, fingerprints: Iterable[str], *others: Any) -> alerts.Revisions:
        read.append(list(fingerprints))
        return really(conn, read[-1], *others)

    monkeypatch.setattr(alerts, "revisions", revisions)
    return read


def known_to_all(chosen: Destination) -> Rules:
    """An incident opens again where there was one lately."""
    return rules(chosen, correlate=(CorrelateRule("model", ("model",), reopen_within=2 * HOUR),))


async def replica(database: Database, chosen: Destination = CHAT) -> World:
    """One that remembers what it needs to presume the rest."""
    made = World(database, known_to_all(chosen))
    await made.post(event(model="known"))
    return made


@ONLY_POSTGRES
async def test_what_is_new_is_not_read_first(database: Database, reads: list[Collection[str]]) -> None:
    world = await replica(database)
    reads.clear()
    receipts = [await world.post(event(model=name)) for name in ("a", "b", "c")]
    assert [receipt.counts.new for receipt in receipts] == [1, 1, 1]
    assert [number for receipt in receipts for _, number in receipt.incidents] == [2, 3, 4]
    assert not reads
    await world.deliver()
    assert world.channel().reasons == ["opened"] * 4
    told = await database.snapshot(partial(storms.known, destinations=[CHAT.id]))
    assert (len(told[CHAT.id].state.recent), told[CHAT.id].version) == (4, 4)
    await world.balance()


@ONLY_POSTGRES
async def test_what_it_met_before_is_read(database: Database, reads: list[Collection[str]]) -> None:
    world = await replica(database)
    await world.post(NEW)
    reads.clear()
    await world.post(NEW)
    assert reads == [[NEW.fingerprint]]
    await world.post(SIBLING)
    assert len(reads) == 2, "its incident is probably open"
    reads.clear()
    await world.post(event(model="new", state=AlertState.RESOLVED))
    await world.post(*(event(model=f"many-{number}") for number in range(10)))
    assert [len(each) for each in reads] == [1, 10]
    reads.clear()
    await world.post(replace(SIBLING, state=AlertState.RESOLVED))
    world.now += HOUR
    await world.post(event(alertname="Third", model="new"))
    assert len(reads) == 2, "it was wrong: its incident may open again"
    assert len(await world.rows("incident")) == 12
    await world.balance()


async def tells_of_it(other: World) -> None:
    await other.post(NEW)


async def opens_its_incident(other: World) -> None:
    await other.post(SIBLING)


async def closes_its_incident(other: World) -> None:
    await other.post(SIBLING)
    await other.post(replace(SIBLING, state=AlertState.RESOLVED))


async def silences_it(other: World) -> None:
    found = (("model", "=", "new"),)
    record = SilenceRecord(new_id(), found, other.now, other.now + MINUTE, "ann", "known", other.now, other.now)
    await other.database.transaction(partial(silencing.make, Wanted(record), other.moment()))


MEANWHILE = {tells_of_it: (1, 2), opens_its_incident: (0, 2), closes_its_incident: (0, 2), silences_it: (0, 2)}
"""What came before, and how many duplicates and incidents there are then."""


@ONLY_POSTGRES
@pytest.mark.parametrize("meanwhile", MEANWHILE)
async def test_what_another_replica_did_meanwhile_is_seen(
    database: Database, reads: list[Collection[str]], meanwhile: Callable[[World], Awaitable[None]]
) -> None:
    calm = destination("chat")
    world, other = await replica(database, calm), World(database, known_to_all(calm))
    await meanwhile(other)
    reads.clear()
    receipt = await world.post(NEW)
    assert reads == [[NEW.fingerprint]], "it was wrong, and read it"
    rows = await world.rows("incident")
    assert (receipt.counts.duplicate, len(rows)) == MEANWHILE[meanwhile]
    assert [row.status for row in rows] == ["firing"] * len(rows)
    await world.deliver()
    told = 1 if meanwhile is silences_it else 2
    assert world.channel().reasons.count("opened") == told
    reads.clear()
    await world.post(event(model="next"))
    assert len(reads) == 1, "for a while it does not presume"
    world.now += MINUTE
    await world.post(event(model="last"))
    assert len(reads) == 1
    await world.balance()


@ONLY_POSTGRES
async def test_what_a_destination_was_told_by_another_replica_is_counted(
    database: Database, reads: list[Collection[str]]
) -> None:
    world, other = await replica(database), World(database, known_to_all(CHAT))
    await other.post(event(model="elsewhere"))
    reads.clear()
    await world.post(NEW)
    assert reads == [[NEW.fingerprint]]
    told = await database.snapshot(partial(storms.known, destinations=[CHAT.id]))
    assert len(told[CHAT.id].state.recent) == 3
    assert len(await world.rows("incident")) == 3
    await world.balance()


ITS_OWN = {"id", "number", "correlation_key", "labels", "title", "model", "fingerprint", "lane", "detail", "facts"}


@ONLY_POSTGRES
async def test_a_right_presumption_and_a_read_come_to_the_same(
    database: Database, reads: list[Collection[str]]
) -> None:
    world, other = await replica(database), World(database, known_to_all(CHAT))
    reads.clear()
    await world.post(event(model="presumed"))
    assert not reads
    await other.post(event(model="read"))
    assert len(reads) == 1
    for table in ("incident", "alert", "episode", "event", "believer", "history", "notification", "outbox", "arrival"):
        rows = [row._asdict() for row in await world.rows(table)]
        own = ITS_OWN | {name for name in rows[0] if name.endswith("_id")}
        first, second = ({key: row[key] for key in row.keys() - own} for row in rows[-2:])
        assert first == second


@ONLY_POSTGRES
async def test_a_presumption_holds_in_a_transaction_that_has_begun(
    database: Database, reads: list[Collection[str]]
) -> None:
    """The key of its request was written before."""
    world, other = await replica(database), World(database, known_to_all(CHAT))
    await other.post(NEW)
    reads.clear()
    receipt = await world.post(NEW, idempotency_key="first")
    assert reads == [[NEW.fingerprint]]
    assert receipt.counts.duplicate == 1
    world.now += MINUTE
    await world.post(event(model="warms-up"))
    reads.clear()
    receipt = await world.post(event(model="newer"), idempotency_key="second")
    assert not reads
    assert receipt.counts.new == 1
    assert len(await world.rows("idempotency")) == 2
    await world.balance()


@ONLY_POSTGRES
async def test_what_is_presumed_may_join_the_summary_of_a_storm(
    database: Database, reads: list[Collection[str]]
) -> None:
    world = await replica(database, replace(CHAT, storm=StormRule(2, HOUR)))
    other = World(database, world.rules)
    reads.clear()
    for number in range(4):
        await world.post(event(model=f"m{number}"))
    assert not reads
    await other.post(event(model="elsewhere"))
    await world.post(event(model="last"))
    waiting = [row for row in await world.rows("notification") if row.digest_id is not None]
    assert len(waiting) == 5
    await world.balance()


@ONLY_POSTGRES
async def test_a_committer_remembers_what_it_wrote(database: Database, reads: list[Collection[str]]) -> None:
    taker = Committer(database, lambda: known_to_all(CHAT), lambda: START, new_id)
    working = asyncio.create_task(taker.run())
    for name in ("known", "a", "b", "c"):
        await taker.submit(Submission(new_id(), "alertmanager", START, [event(model=name)], b"{}"))
    taker.close()
    await working
    assert len(reads) == 1


def test_what_a_run_learned_that_was_taken_back_is_forgotten() -> None:
    recall = Recall()
    attempt = Attempt(recall)
    attempt.begins(START)
    attempt.learns(Learned([NEW.fingerprint], {"key": START}, {}))
    attempt.begins(START)  # again, and this run has nothing to say of it
    attempt.has_committed()
    assert not recall.holds(NEW.fingerprint)
    attempt.learns(Learned([NEW.fingerprint], {"key": START}, {}))
    attempt.has_committed()
    assert recall.holds(NEW.fingerprint)
