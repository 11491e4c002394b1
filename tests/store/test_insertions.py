"""Rows of several tables that are written together, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, func, select

from alertsvc.clock import new_id
from alertsvc.store.database import ConflictError, Database
from alertsvc.store.insertions import Insertions
from alertsvc.store.rehearsal import rehearse
from alertsvc.store.tables import idempotency, metadata, number_series

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)


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


async def test_a_rehearsal_leaves_nothing_behind(database: Database) -> None:
    await database.transaction(lambda conn: rehearse(conn, NOW))
    names = [name for name in metadata.tables if name != number_series.name]
    assert await database.snapshot(lambda conn: {count(conn, name) for name in names}) == {0}
