"""Opens a database from its URL, with the settings that the promises rest on."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool, StaticPool

from alertsvc.store.database import Database, PostgresDatabase, SqliteDatabase, on_connect, parse_url
from alertsvc.store.dsn import DatabaseUrlError, Dsn
from alertsvc.store.reach import Reach

OLDEST_SQLITE = (3, 35)
BUSY_TIMEOUT_MS = 5000
WRITER_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "cache_size = -32768",
    "journal_size_limit = 67108864",
)
READER_PRAGMAS = ("query_only = ON", f"busy_timeout = {BUSY_TIMEOUT_MS}", "cache_size = -8192")
POSTGRES_SESSION = {
    "timezone": "UTC",
    "statement_timeout": "10s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "jit": "off",
    "enable_seqscan": "off",
}
"""Each statement of ours has its index. Of young tables the planner knows nothing and would read them whole: a plan
that it then keeps while they grow."""


COMMAND_SECONDS = 15
READ_ONLY = "25006"
"""What a server says to a write that has become a standby, or was told to take none."""


class DatabaseInUseError(Exception):
    """Another process has the SQLite file open for writing."""


def open_database(url_text: str, *, pool_size: int = 8, application: str = "alertsvc") -> Database:
    """Open the database at `url_text`. Nothing is read or written yet on PostgreSQL, where `application` is shown.

    Raises:
        ValueError: The URL names neither SQLite nor PostgreSQL.
        DatabaseInUseError: The SQLite file belongs to another running process.
    """
    url = parse_url(url_text)
    return _open_postgres(url, pool_size, application) if isinstance(url, Dsn) else _open_sqlite(url)


def _open_postgres(dsn: Dsn, pool_size: int, application: str) -> Database:
    engine = postgres_engine(
        dsn,
        Reach(dsn, {"application_name": application, **POSTGRES_SESSION}, COMMAND_SECONDS),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=3,
        pool_pre_ping=False,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "handle_error", _of_no_use)
    return PostgresDatabase(engine)


def postgres_engine(dsn: Dsn, reach: Reach, **options: Any) -> AsyncEngine:
    """An engine of what `reach` connects to."""
    ways: dict[str, Any] = {"async_creator_fn": reach}
    cached = dsn.caches.get("prepared_statement_cache_size")
    if cached is not None:
        ways["prepared_statement_cache_size"] = cached
    return create_async_engine("postgresql+asyncpg://", connect_args=ways, **options)


def _of_no_use(context: ExceptionContext) -> None:
    """A connection is given up, and with it those that were opened before, when its server went silent or takes writes
    no more: another does, or it will do so again.

    asyncpg says with a bare TimeoutError that a server is silent: it is the database's fault as any other, and a
    rollback would wait as long again.
    """
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
    if isinstance(context.original_exception, OSError):
        context.is_disconnect = True
        raise OperationalError(None, None, context.original_exception)


def _open_sqlite(url: URL) -> Database:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ValueError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    path = sqlite_path(url)
    lock = take_file_lock(path)
    writer = sqlite_engine(url, StaticPool, WRITER_PRAGMAS, "BEGIN IMMEDIATE")
    writer.connect().close()  # creates the file and switches it to WAL before a reader comes
    reader = sqlite_engine(url, QueuePool, READER_PRAGMAS, "BEGIN")
    return LockedSqliteDatabase(writer, reader, lock)


def sqlite_path(url: URL) -> Path:
    """The file a SQLite URL names.

    Raises:
        DatabaseUrlError: The URL names no file: what is kept in memory would not survive.
    """
    if not url.database or url.database == ":memory:":
        raise DatabaseUrlError("database url: SQLite needs a file, such as sqlite:///alertsvc.db")
    return Path(url.database)


def sqlite_engine(url: URL, pool: type[StaticPool] | type[QueuePool], pragmas: tuple[str, ...], begin: str) -> Engine:
    """An engine whose connections may cross threads and begin transactions with `begin`."""
    engine = create_engine(
        url, poolclass=pool, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": 5}
    )
    on_connect(engine, pragmas, begin)
    return engine


def take_file_lock(path: Path) -> IO[str]:
    """Hold the lock file beside the database for as long as the returned file is open.

    Raises:
        DatabaseInUseError: Another process holds it.
    """
    lock = path.with_name(path.name + ".lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise DatabaseInUseError(
            f"{path} is in use by process {holder}; one process at a time may write a SQLite file"
            " (PostgreSQL takes any number)"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


class LockedSqliteDatabase(SqliteDatabase):
    """A SQLite database that holds its lock file until it is closed."""

    def __init__(self, writer: Engine, reader: Engine, lock: IO[str]) -> None:
        super().__init__(writer, reader)
        self._lock = lock

    async def close(self) -> None:
        """See `Database`."""
        await super().close()
        self._lock.close()
