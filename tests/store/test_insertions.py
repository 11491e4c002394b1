"""Rows of several tables that are written together, on both databases."""

from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import Connection, func, select

from alertsvc.clock import new_id
from alertsvc.store.database import ConflictError, Database, StoreUnavailableError
from alertsvc.store.insertions import Insertions
from alertsvc.store.rehearsal import rehearse
from alertsvc.store.tables import idempotency, metadata, number_series

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)

ONLY_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""SQLite commits with a statement of its own, in the same process."""


def key(name: str) -> dict[str, object]:
    return {"key": name, "body_hash": "h", "created_at": NOW}


def measured(value: float) -> dict[str, object]:
    about = {"fingerprint": "f", "model": "churn", "metric": "psi", "feature": None, "environment": None}
    return {"id": new_id(), **about, "value": value, "threshold": None, "observed_at": NOW, "received_at": NOW}


def count(conn: Connection, table: str) -> int:
    return int(conn.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one())


def insertions(*keys: str, conflict: str = "") -> Insertions:
    new = Insertions()
    new.add(idempotency, [key(name) for name in keys], on_conflict="ON CONFLICT (key) DO NOTHING", conflict=conflict)
    new.add(metadata.tables["measurement"], [measured(0.1), measured(0.2)])
    return new


async def test_everything_goes_in_once(database: Database) -> None:
    def work(conn: Connection) -> tuple[int, int]:
        new = insertions("a", "b", conflict="taken")
        new.write(conn)
        new.write(conn)
        return count(conn, "idempotency"), count(conn, "measurement")

    assert await database.transaction(work) == (2, 2)


async def test_rows_that_must_go_in_and_do_not_are_a_conflict_and_stop_those_after_them(database: Database) -> None:
    def work(conn: Connection) -> int:
        with pytest.raises(ConflictError, match="taken"):
            insertions("a", "b", conflict="taken").write(conn)
        return count(conn, "measurement")

    await database.transaction(insertions("b").write)
    assert await database.transaction(work) == 2


async def test_rows_that_may_be_there_already_stop_nothing(database: Database) -> None:
    await database.transaction(insertions("b").write)
    await database.transaction(insertions("a", "b").write)
    assert await database.snapshot(lambda conn: (count(conn, "idempotency"), count(conn, "measurement"))) == (2, 4)


async def test_what_is_all_of_a_transaction_goes_in_once(database: Database) -> None:
    await database.transaction(partial(insertions("a", "b", conflict="taken").write, is_all=True))
    assert await database.snapshot(lambda conn: (count(conn, "idempotency"), count(conn, "measurement"))) == (2, 2)


@ONLY_POSTGRES
async def test_what_is_all_of_a_transaction_is_taken_back_whole_by_a_conflict(database: Database) -> None:
    """Also the rows that were written before those that did not go in."""
    new = Insertions()
    new.add(metadata.tables["measurement"], [measured(0.1)])
    new.add(idempotency, [key("a"), key("b")], on_conflict="ON CONFLICT (key) DO NOTHING", conflict="taken")

    def work(conn: Connection) -> None:
        with pytest.raises(ConflictError, match="taken"):
            new.write(conn, is_all=True)

    await database.transaction(insertions("b").write)
    await database.transaction(work)
    assert await database.snapshot(lambda conn: (count(conn, "idempotency"), count(conn, "measurement"))) == (1, 2)


@ONLY_POSTGRES
async def test_after_all_of_a_transaction_nothing_can_be_written_in_it(database: Database) -> None:
    def work(conn: Connection) -> None:
        insertions("a").write(conn, is_all=True)
        insertions("b").write(conn)

    with pytest.raises(StoreUnavailableError, match="read-only"):
        await database.transaction(work)
    await database.transaction(insertions("c").write)  # the next transaction of the connection, or of another
    found = await database.snapshot(lambda conn: set(conn.execute(select(idempotency.c.key)).scalars()))
    assert found == {"a", "c"}


async def test_after_a_lock_it_is_not_all_of_a_transaction(database: Database) -> None:
    """What was locked or read in it before belongs to it: it commits with the rest or not at all."""

    def work(conn: Connection) -> None:
        count(conn, "idempotency")
        insertions("a").write(conn, is_all=True)
        raise ValueError("given up")

    with pytest.raises(ValueError, match="given up"):
        await database.transaction(work)
    assert await database.snapshot(lambda conn: count(conn, "idempotency")) == 0


async def test_a_rehearsal_leaves_nothing_behind(database: Database) -> None:
    await database.transaction(lambda conn: rehearse(conn, NOW))
    names = [name for name in metadata.tables if name != number_series.name]
    assert await database.snapshot(lambda conn: {count(conn, name) for name in names}) == {0}
