"""Windows of digests at their edges: sent early, joined late, made while another one is being recorded."""

import asyncio
from datetime import timedelta

from sqlalchemy import Connection, text

from alertsvc.channels.outcome import Accepted, Fault, Retry
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.model import Severity
from alertsvc.engine.digesting import send_digest
from alertsvc.store.database import Database
from tests.world import START, World, event, rules

WARNING = Severity.WARNING
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def crowded_after(count: int) -> dict[str, DigestRule]:
    return {"hourly": DigestRule("hourly", Every(HOUR), urgent_after=count)}


async def test_what_comes_after_a_digest_that_was_sent_early_is_sent_in_its_time(database: Database) -> None:
    world = World(database, rules(digests=crowded_after(2)))
    await world.post(event(WARNING, model="a"), event(WARNING, model="b"))
    await world.pass_time(MINUTE)
    await world.post(event(WARNING, model="c"))
    await world.pass_time(MINUTE)
    assert [len(digest.items) for digest in world.channel().digests] == [2]
    await world.pass_time(HOUR)
    assert [[item.title for item in digest.items] for digest in world.channel().digests][1:] == [["c: Drift"]]
    await world.balance()


async def test_a_crowd_that_has_left_is_not_counted_again(database: Database) -> None:
    world = World(database, rules(digests=crowded_after(2)))
    world.channel().otherwise = Retry(Fault.NETWORK, "connection refused")
    await world.post(event(WARNING, model="a"), event(WARNING, model="b"))
    await world.pass_time(timedelta(seconds=1))
    await world.post(event(WARNING, model="c"))
    await world.pass_time(MINUTE, step=timedelta(seconds=10))
    world.channel().otherwise = Accepted()
    await world.pass_time(2 * HOUR, step=MINUTE)
    assert [len(digest.items) for digest in world.channel().digests] == [2, 1]
    await world.balance()


async def test_who_is_behind_the_time_joins_a_window_that_others_have_sent(world: World) -> None:
    await world.post(event(WARNING, model="a"))
    await world.pass_time(HOUR + MINUTE)
    world.now = START + HOUR - timedelta(seconds=10)
    receipt = await world.post(event(WARNING, model="b"))
    assert receipt.counts.new == 1
    await world.pass_time(HOUR)
    assert [[item.title for item in digest.items] for digest in world.channel().digests] == [["a: Drift"], ["b: Drift"]]


async def test_a_digest_made_while_the_one_before_it_is_recorded_comes_to_the_head(world: World) -> None:
    await world.post(event(WARNING, model="a"))
    world.now += HOUR + MINUTE
    await world.ticker.sweep()
    tried = await world.send(await world.claim())
    await world.post(event(WARNING, model="b"))
    world.now += HOUR

    window = next(row for row in await world.rows("digest") if row.state == "open")

    def make_slowly(conn: Connection) -> int:
        made = send_digest(window.id, world.moment(), conn)
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_sleep(0.5)"))
        return made

    making = asyncio.create_task(world.database.transaction(make_slowly))
    await asyncio.sleep(0.2)
    await world.settle(tried)
    assert await making == 1
    assert [row.state for row in await world.rows("outbox")] == ["pending"]
