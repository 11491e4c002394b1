"""Group commit: many requests, one transaction, each with its own fate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest

from alertsvc.clock import new_id, utc_now
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.route import Matcher, Op
from alertsvc.core.rules import Rules
from alertsvc.engine.admit import admit_one_by_one
from alertsvc.engine.receive import Bounds, Committer, OverloadedError
from alertsvc.engine.submissions import Refused, Submission
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database, StoreUnavailableError
from tests import ledger
from tests.store.test_plans import Statements, listening
from tests.world import World, event, rules


@asynccontextmanager
async def running(committer: Committer) -> AsyncIterator[None]:
    task = asyncio.create_task(committer.run())
    try:
        yield
    finally:
        committer.close()
        await task


def submission(*labels: str, body: bytes = b"{}", **about: Any) -> Submission:
    events = [event(model=label) for label in labels]
    return Submission(new_id(), "alertmanager", utc_now(), events, body, **about)


def committer(database: Any, chosen: Rules | None = None, bounds: Bounds | None = None) -> Committer:
    return Committer(database, lambda: chosen or rules(), utc_now, new_id, bounds=bounds or Bounds(writers=2))


async def test_64_first_arrivals_at_once_make_one_incident(database: Database) -> None:
    taker = committer(database)
    async with running(taker):
        receipts = await asyncio.gather(*(taker.submit(submission("churn")) for _ in range(64)))
    assert sum(receipt.counts.new for receipt in receipts) == 1
    assert len({receipt.incident_ids[0] for receipt in receipts}) == 1
    await database.snapshot(ledger.check)


async def test_concurrent_requests_over_the_same_alerts_do_not_deadlock(database: Database) -> None:
    taker = committer(database, bounds=Bounds(writers=4, events_per_commit=20))
    names = [f"m{number}" for number in range(20)]
    async with running(taker):
        for _ in range(3):
            orders = [names[turn:] + names[:turn] for turn in range(20)]
            receipts = await asyncio.gather(*(taker.submit(submission(*order)) for order in orders))
            assert all(receipt.counts.total == 20 for receipt in receipts)
    await database.snapshot(ledger.check)


def poisonous() -> Rules:
    """Rules that break on one value, as no rule should."""

    def test(value: str) -> bool:
        if value == "poison":
            raise ArithmeticError("a bug")
        return True

    return rules(correlate=(CorrelateRule("all", ("model",), (Matcher("model", Op.MATCHES, ".*", test),)),))


async def test_a_poisonous_event_goes_to_the_quarantine_and_its_neighbours_live(database: Database) -> None:
    taker = committer(database, poisonous())
    async with running(taker):
        good, mixed = await asyncio.gather(taker.submit(submission("a")), taker.submit(submission("b", "poison", "c")))
    assert good.counts.new == 1
    assert (mixed.counts.new, mixed.counts.quarantined) == (2, 1)
    assert [item.failure is None for item in mixed.items] == [True, False, True]
    world = World(database, rules())
    (row,) = await world.rows("quarantine")
    assert row.form == "event"
    assert b"poison" in row.raw
    await world.balance()


async def test_what_is_kept_of_a_request_says_where_it_stood(database: Database) -> None:
    taker = committer(database, poisonous())
    async with running(taker):
        await taker.submit(submission("a", "poison", "b", refused=[Refused(1, "labels: not text", b"{}")]))
    rows = await World(database, rules()).rows("quarantine")
    assert sorted((row.position, row.form) for row in rows) == [(1, "item"), (2, "event")]


async def test_a_key_covers_a_request_that_is_taken_apart_as_a_whole(database: Database) -> None:
    taker = committer(database, poisonous())
    async with running(taker):
        first = await taker.submit(submission("a", "poison", "b", body=b"1", idempotency_key="k"))
        again = await taker.submit(submission("a", "poison", "b", body=b"1", idempotency_key="k"))
        other = await taker.submit(submission("poison", "c", body=b"2", idempotency_key="k"))
    assert (first.counts.new, first.counts.duplicate, first.counts.quarantined) == (2, 0, 1)
    assert (again.counts.new, again.counts.duplicate, again.counts.quarantined) == (0, 3, 0)
    assert other.key_was_used
    world = World(database, rules())
    assert len(await world.rows("incident")) == 2
    await world.balance()


async def test_a_request_that_nothing_can_store_fails_alone(database: Database) -> None:
    taker = committer(database)
    bad = Refused(0, "not text: \ud800", b"{}")
    async with running(taker):
        answers = await asyncio.gather(
            taker.submit(submission("a", refused=[bad])), taker.submit(submission("b")), return_exceptions=True
        )
    assert isinstance(answers[0], StoreUnavailableError)
    assert not isinstance(answers[1], BaseException)
    assert answers[1].counts.new == 1


async def test_items_that_could_not_be_read_are_kept_with_the_reason(world: World) -> None:
    receipt = await world.post(event(), refused=[Refused(1, "labels: not text", b'{"labels":1}')])
    assert (receipt.counts.new, receipt.counts.quarantined, receipt.counts.total) == (1, 1, 2)
    (row,) = await world.rows("quarantine")
    assert (row.position, row.reason, bytes(row.raw)) == (1, "labels: not text", b'{"labels":1}')


async def test_a_request_with_the_same_key_is_taken_once(database: Database) -> None:
    taker = committer(database)
    async with running(taker):
        first = await taker.submit(submission("a", body=b"1", idempotency_key="k"))
        again = await taker.submit(submission("a", body=b"1", idempotency_key="k"))
        other = await taker.submit(submission("b", body=b"2", idempotency_key="k"))
    assert (first.counts.new, again.counts.duplicate) == (1, 1)
    assert other.key_was_used
    assert other.counts.total == 0
    await database.snapshot(ledger.check)


async def test_two_requests_with_the_same_key_at_once_are_taken_once(database: Database) -> None:
    taker = committer(database)
    async with running(taker):
        receipts = await asyncio.gather(
            *(taker.submit(submission("a", body=b"1", idempotency_key="k")) for _ in range(8))
        )
    assert sorted(receipt.counts.new for receipt in receipts) == [0] * 7 + [1]


class Moody:
    """A database that does what it is told instead of working."""

    dialect = "sqlite"

    def __init__(self, behave: Callable[[], Any]) -> None:
        self._behave = behave

    async def transaction(self, _work: Any) -> Any:
        return await self._behave()


async def test_without_a_database_senders_are_told_at_once() -> None:
    async def fail() -> None:
        raise StoreUnavailableError("down")

    taker = committer(Moody(fail))
    async with running(taker):
        with pytest.raises(StoreUnavailableError):
            await taker.submit(submission("a"))


async def test_what_is_too_much_is_refused_and_the_rest_is_kept() -> None:
    stuck = asyncio.Event()
    taker = committer(Moody(stuck.wait), bounds=Bounds(waiting_requests=3, writers=1))
    task = asyncio.create_task(taker.run())
    waiting = [asyncio.create_task(taker.submit(submission("a"))) for _ in range(4)]
    await asyncio.sleep(0.05)
    waiting += [asyncio.create_task(taker.submit(submission("a"))) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert taker.is_full
    with pytest.raises(OverloadedError):
        await taker.submit(submission("a"))
    for each in (*waiting, task):
        each.cancel()
        with suppress(asyncio.CancelledError, OverloadedError):
            await each


async def test_bodies_that_are_still_read_take_room_until_they_are(database: Database) -> None:
    taker = committer(database, bounds=Bounds(waiting_bytes=100))
    with taker.reading() as first, taker.reading() as second:
        first(60)
        second(30)
        with pytest.raises(OverloadedError):
            second(20)
        first(10)
        assert taker.is_full
        with pytest.raises(OverloadedError):
            await taker.submit(submission("a"))
    assert not taker.is_full


async def test_a_body_larger_than_all_room_is_taken_when_it_is_alone(database: Database) -> None:
    taker = committer(database, bounds=Bounds(waiting_bytes=100))
    with taker.reading() as huge:
        for _ in range(3):
            huge(60)
        with taker.reading() as another, pytest.raises(OverloadedError):
            another(1)


async def test_closing_refuses_what_comes_and_finishes_what_waits(database: Database) -> None:
    taker = committer(database)
    task = asyncio.create_task(taker.run())
    waiting = asyncio.create_task(taker.submit(submission("a")))
    await asyncio.sleep(0)
    taker.close()
    assert (await waiting).counts.new == 1
    with pytest.raises(OverloadedError):
        await taker.submit(submission("b"))
    await task


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_64_first_arrivals_at_four_replicas_make_one_incident(database_url: str) -> None:
    replicas = [open_database(database_url) for _ in range(4)]
    takers = [committer(each) for each in replicas]
    async with AsyncExitStack() as stack:
        for taker in takers:
            await stack.enter_async_context(running(taker))
        asked = (takers[number % 4].submit(submission("churn")) for number in range(64))
        receipts = await asyncio.gather(*asked)
    assert sum(receipt.counts.new for receipt in receipts) == 1
    assert {receipt.counts.total for receipt in receipts} == {1}
    assert len({receipt.incident_ids[0] for receipt in receipts}) == 1
    await replicas[0].snapshot(ledger.check)
    for each in replicas:
        await each.close()


async def test_an_incident_is_named_by_its_number_whoever_opened_it(database: Database) -> None:
    first = committer(database)
    async with running(first):
        new = await first.submit(submission("a", "b"))
        joined = await first.submit(submission("b", "c"))
        asked: Statements = {}
        with listening(asked):
            again = await first.submit(submission("a", "b", "c"))
    other = committer(database)  # a replica, which has read nothing yet
    async with running(other):
        elsewhere = await other.submit(submission("c", "a"))
    by_model = dict(new.incidents) | dict(joined.incidents)
    assert sorted(by_model.values()) == [1, 2, 3]
    assert again.incidents == [*new.incidents, joined.incidents[1]]
    assert elsewhere.incidents == [joined.incidents[1], new.incidents[0]]
    assert not any("incident.number" in statement for statement in asked), "what is remembered is not asked for"
    stored = {row.id: row.number for row in await World(database, rules()).rows("incident")}
    assert by_model == stored


async def test_events_that_are_tried_one_by_one_name_their_incidents_too(database: Database) -> None:
    moment = World(database, rules()).moment()
    alone = await database.transaction(lambda conn: admit_one_by_one(conn, submission("a", "b", "a"), moment))
    assert sorted(number for _, number in alone.incidents) == [1, 2]
