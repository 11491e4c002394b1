"""Brings a database to the schema this code needs."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool, StaticPool

from alertsvc import failpoints
from alertsvc.resources import data_dir
from alertsvc.store.connect import postgres_engine, sqlite_engine, sqlite_path, take_file_lock
from alertsvc.store.database import parse_url
from alertsvc.store.dsn import Dsn
from alertsvc.store.reach import Reach

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The revision a database has (None: empty) and the one this code needs."""

    current: str | None
    head: str

    @property
    def fits(self) -> bool:
        """Whether the code can work with the database."""
        return self.current == self.head


def script_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, made here: there is no ini file to find or to lose."""
    config = Config()
    config.set_main_option("script_location", str(data_dir("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@cache
def head_revision() -> str:
    """The revision this code needs. It is read from files, once: readiness asks every few seconds."""
    return ScriptDirectory.from_config(script_config()).get_current_head() or ""


def state_of(connection: Connection) -> SchemaState:
    """What `connection`'s database has, beside what this code needs."""
    return SchemaState(MigrationContext.configure(connection).get_current_revision(), head_revision())


def upgrade(database_url: str, revision: str = "head") -> SchemaState:
    """Bring the database to `revision`. One process at a time does it; others wait.

    Raises:
        alertsvc.store.connect.DatabaseInUseError: A running service holds the SQLite file.
    """

    def work(connection: Connection) -> SchemaState:
        command.upgrade(script_config(connection), revision)
        failpoints.reach("migrate.written")
        return state_of(connection)

    state = on_connection(database_url, work)
    failpoints.reach("migrate.committed")
    return state


def downgrade(database_url: str, revision: str) -> SchemaState:
    """Take the database back to `revision` (`base`: to nothing)."""

    def work(connection: Connection) -> SchemaState:
        command.downgrade(script_config(connection), revision)
        return state_of(connection)

    return on_connection(database_url, work)


def current(database_url: str) -> SchemaState:
    """What the database has, without changing it."""
    return on_connection(database_url, state_of, exclusive=False)


def on_connection(database_url: str, work: Callable[[Connection], T], *, exclusive: bool = True) -> T:
    """Run `work` in one transaction on a connection of its own.

    `exclusive` is for changing tables: no service may have the SQLite file open, foreign keys are off while tables are
    rebuilt (they would cascade), and references are checked before the commit.

    Raises:
        alertsvc.store.dsn.DatabaseUrlError: The URL names no database, or a SQLite that is no file.
    """
    url = parse_url(database_url)
    if isinstance(url, Dsn):
        return asyncio.run(_on_postgres(url, work))
    path = sqlite_path(url)
    lock = take_file_lock(path) if exclusive else None
    foreign_keys = f"foreign_keys = {'OFF' if exclusive else 'ON'}"
    engine = sqlite_engine(url, StaticPool, (foreign_keys, "journal_mode = WAL"), "BEGIN IMMEDIATE")
    try:
        with engine.begin() as connection:
            found = work(connection)
            if exclusive and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise RuntimeError(f"the migration broke references: {broken[:3]}")
            return found
    finally:
        engine.dispose()
        if lock is not None:
            lock.close()


async def _on_postgres(dsn: Dsn, work: Callable[[Connection], T]) -> T:
    engine = postgres_engine(dsn, Reach(dsn, {"application_name": "alertsvc"}), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()
