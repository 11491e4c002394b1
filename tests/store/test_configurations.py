"""Configurations that were in force: one row for each content, the last of them found again."""

from datetime import timedelta

from sqlalchemy import Connection, func, select

from alertsvc.store import configurations, migrate
from alertsvc.store.configurations import MOST_KEPT, Kept
from alertsvc.store.database import Database
from alertsvc.store.tables import configuration
from tests.world import START


def kept(name: str) -> Kept:
    return Kept(name * 8, f"route: {name}", {"title.txt.j2": name}, "1.0")


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(configuration)).scalar_one()


async def test_each_content_is_kept_once_and_the_last_used_is_found(database: Database) -> None:
    def work(conn: Connection) -> None:
        assert configurations.last(conn) is None
        assert configurations.keep(conn, kept("a"), START)
        assert configurations.keep(conn, kept("b"), START + timedelta(hours=1))
        assert configurations.last(conn) == kept("b")
        assert not configurations.keep(conn, kept("a"), START + timedelta(hours=2))
        assert configurations.last(conn) == kept("a")
        assert count(conn) == 2

    await database.transaction(work)


async def test_a_replica_whose_clock_is_behind_does_not_make_it_older(database: Database) -> None:
    def work(conn: Connection) -> None:
        configurations.keep(conn, kept("a"), START + timedelta(hours=2))
        configurations.keep(conn, kept("b"), START + timedelta(hours=1))
        configurations.keep(conn, kept("a"), START)
        assert configurations.last(conn) == kept("a")

    await database.transaction(work)


async def test_the_oldest_go_when_there_are_many(database: Database) -> None:
    def work(conn: Connection) -> None:
        for number in range(MOST_KEPT + 5):
            configurations.keep(conn, kept(str(number)), START + timedelta(minutes=number))
        assert count(conn) == MOST_KEPT
        assert configurations.last(conn) == kept(str(MOST_KEPT + 4))
        assert configurations.forget(conn) == MOST_KEPT
        assert configurations.last(conn) is None

    await database.transaction(work)


def test_a_database_without_the_table_has_none(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url, "0001")
    assert migrate.on_connection(empty_database_url, configurations.last, exclusive=False) is None
