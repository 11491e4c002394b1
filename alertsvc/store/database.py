"""The database: where a transaction begins, commits and rolls back, and nowhere else.

Work is a plain function over one connection. On PostgreSQL it runs in a greenlet over asyncpg; on SQLite writes run on
one thread with one connection (so that writers queue instead of colliding) and reads on a few others.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from alertsvc.store import tally
from alertsvc.store.direct import driver_of
from alertsvc.store.dsn import DatabaseUrlError, Dsn, parse_dsn
from alertsvc.store.listening import CONFLICT, POSTGRES_RETRY_CODES, Access, Listener, Watched
from alertsvc.store.tally import Tally

T = TypeVar("T")
Work = Callable[[Connection], T]

RETRIES = 6
READ_SECONDS = 5.0
QUEUE_SECONDS = 3.0
"""So long work waits for the threads of SQLite. Once begun it waits 5 s for a lock: together that is in time to answer.
"""
UNAVAILABLE_CODES = ("08", "53", "57", "58", "25006", "28", "3D", "55000")
"""Classes and codes of PostgreSQL: it is down or full or only read, or lets us in no longer."""


class StoreUnavailableError(Exception):
    """The database cannot be used now, or a commit's outcome is unknown. Repeating the request later is safe."""


class ConflictError(Exception):
    """Somebody else changed what this transaction decided on. Raised by work to have it run again."""


class PresumedWronglyError(ConflictError):
    """What a transaction did not read is not as it presumed. It is run again at once: now it reads that."""


class Database(Protocol):
    """One database. `dialect` is `sqlite` or `postgresql`; `listener` hears of its transactions.

    `in_progress` is how many of them run, or wait for a connection.
    """

    dialect: str
    listener: Listener
    in_progress: dict[Access, int]

    async def transaction(self, work: Work[T]) -> T:
        """Run `work` in one transaction and commit it; run it again on a conflict.

        Raises:
            StoreUnavailableError: No connection, a lock that did not come free, or a commit without an answer.
        """
        ...

    async def snapshot(self, work: Work[T]) -> T:
        """Run `work`, which only reads, on one consistent view.

        Raises:
            StoreUnavailableError: As for `transaction`.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


async def in_time(reading: Coroutine[Any, Any, T]) -> T:
    """What `reading` comes to. A server that is there and says nothing would hold it up for longer than anybody waits.

    Raises:
        StoreUnavailableError: It takes too long. It is cancelled then, and cleans up by itself.
    """
    task = asyncio.create_task(reading)
    try:
        await asyncio.wait({task}, timeout=READ_SECONDS)
        if task.done():
            return task.result()
    finally:
        task.cancel()
        task.add_done_callback(_forgotten)
    raise StoreUnavailableError(f"no answer within {READ_SECONDS:.0f} s")


def _forgotten(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # whoever wanted to know has gone


def _tallied(work: Work[T], conn: Connection) -> tuple[T, Tally]:
    """What `work` comes to, and what it counted."""
    tally.begin(conn)
    result = work(conn)
    return result, tally.taken(conn)


def retry_cause(fault: DBAPIError) -> str | None:
    """Why the same transaction may pass when it is run again: a deadlock, a serialization failure, a lock."""
    return POSTGRES_RETRY_CODES.get(str(getattr(fault.orig, "sqlstate", "")))


def is_unavailable(fault: SQLAlchemyError) -> bool:
    """Whether the fault is the database's state (down, locked, full, read-only) and not the statement."""
    if isinstance(fault, (OperationalError, InterfaceError, PoolTimeoutError)):
        return True
    if not isinstance(fault, DBAPIError):
        return False
    code = str(getattr(fault.orig, "sqlstate", None) or "")
    return fault.connection_invalidated or code.startswith(UNAVAILABLE_CODES)


async def pause_before_retry(turn: int) -> None:
    """Wait a little, longer each turn and never in step with others."""
    await asyncio.sleep(random.uniform(0.001, 0.01 * (turn + 1)))  # noqa: S311  # jitter, not a secret


class SqliteDatabase(Watched):
    """A SQLite file. One writer thread holds the only connection that writes."""

    dialect = "sqlite"

    def __init__(self, writer: Engine, reader: Engine, readers: int = 4) -> None:
        super().__init__()
        self._writer = writer
        self._reader = reader
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._read_threads = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-reader")

    async def transaction(self, work: Work[T]) -> T:
        """See `Database`."""
        with self.watched("write"):
            result, counted = await self._until_it_passes(partial(_tallied, work))
        if counted:
            self.listener.counted(counted)
        return result

    async def _until_it_passes(self, work: Work[T]) -> T:
        for turn in range(RETRIES):
            try:
                return await self._run(self._write_thread, self._writer.begin, work)
            except ConflictError:
                self.listener.retried(CONFLICT)
                await pause_before_retry(turn)
        raise StoreUnavailableError("the same conflict came back too often")

    async def snapshot(self, work: Work[T]) -> T:
        """See `Database`."""
        with self.watched("read"):
            return await self._run(self._read_threads, self._reader.begin, work)

    async def close(self) -> None:
        """See `Database`."""
        for threads in (self._write_thread, self._read_threads):
            await asyncio.to_thread(threads.shutdown)  # one may wait for a lock: only whoever closes waits for that
        self._writer.dispose()
        self._reader.dispose()

    async def _run(
        self, threads: ThreadPoolExecutor, begin: Callable[[], AbstractContextManager[Connection]], work: Work[T]
    ) -> T:
        turn = threading.Lock()  # of whoever takes it first: the thread that begins, or we who wait no longer

        def run() -> T:
            if not turn.acquire(blocking=False):
                raise asyncio.CancelledError
            with begin() as conn:
                return work(conn)

        outcome = asyncio.get_running_loop().run_in_executor(threads, run)
        try:
            await asyncio.wait({outcome}, timeout=QUEUE_SECONDS)
            if turn.acquire(blocking=False):
                outcome.cancel()
                raise StoreUnavailableError(f"others were busy with the database for {QUEUE_SECONDS:.0f} s")
            return await outcome
        except asyncio.CancelledError:
            turn.acquire(blocking=False)
            outcome.cancel()
            raise
        except SQLAlchemyError as fault:
            if is_unavailable(fault):
                raise StoreUnavailableError(describe(fault)) from fault
            raise


class PostgresDatabase(Watched):
    """A PostgreSQL server, over asyncpg."""

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__()
        self._engine = engine

    async def transaction(self, work: Work[T]) -> T:
        """See `Database`."""
        with self.watched("write"):
            result, counted = await self._until_it_passes(partial(_tallied, work))
        if counted:
            self.listener.counted(counted)
        return result

    async def _until_it_passes(self, work: Work[T]) -> T:
        try:
            return await self._tried_again(work)
        except PresumedWronglyError:
            return await self._tried_again(work)

    async def _tried_again(self, work: Work[T]) -> T:
        for turn in range(RETRIES):
            try:
                return await greenlet_spawn(lambda: self._written(work))
            except PresumedWronglyError:
                raise
            except ConflictError:
                cause = CONFLICT
            except DBAPIError as fault:
                if (retryable := retry_cause(fault)) is None:
                    raise _translated(fault) from fault
                cause = retryable
            except (OSError, TimeoutError, SQLAlchemyError) as fault:
                raise _translated(fault) from fault
            self.listener.retried(cause)
            await pause_before_retry(turn)
        raise StoreUnavailableError("the same conflict came back too often")

    async def snapshot(self, work: Work[T]) -> T:
        """See `Database`."""
        with self.watched("read"):
            return await in_time(self._read(work))

    async def _read(self, work: Work[T]) -> T:
        try:
            return await greenlet_spawn(lambda: self._read_in_view(work))
        except (OSError, TimeoutError, SQLAlchemyError) as fault:
            raise _translated(fault) from fault

    def _written(self, work: Work[T]) -> T:
        """In one greenlet from begin to commit: entering one for each step costs more than some of the steps."""
        with self._engine.sync_engine.begin() as conn:
            driver = driver_of(conn)
            try:
                return work(conn)
            finally:
                driver.readonly = False

    def _read_in_view(self, work: Work[T]) -> T:
        with self._engine.sync_engine.connect() as conn:
            conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with conn.begin():
                return work(conn)

    async def close(self) -> None:
        """See `Database`."""
        await self._engine.dispose()


def describe(fault: Exception) -> str:
    """One line without SQL, parameters or credentials."""
    cause = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    lines = str(cause).splitlines()
    return f"{type(cause).__name__}: {lines[0] if lines else 'no answer in time'}"[:300]


def _translated(fault: Exception) -> Exception:
    """What callers should see: `StoreUnavailableError` for the database's state, else the fault itself."""
    if isinstance(fault, SQLAlchemyError) and not is_unavailable(fault):
        return fault
    return StoreUnavailableError(describe(fault))


def parse_url(text: str) -> URL | Dsn:
    """What a database's URL says: a `Dsn` of PostgreSQL, or the URL of a SQLite file.

    Raises:
        DatabaseUrlError: Neither SQLite nor PostgreSQL.
    """
    text = text.strip()
    if text.startswith(("postgresql:", "postgresql+", "postgres:")):
        return parse_dsn(text)
    try:
        url = make_url(text)
    except (ValueError, ArgumentError):  # their texts may repeat the password
        raise DatabaseUrlError("database url: it cannot be read; write postgresql://user:password@host/name") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.set(drivername="sqlite")
    raise DatabaseUrlError(
        f"database url: {kind!r} is not supported; use sqlite:///file.db or postgresql://user@host/name"
    )


def on_connect(engine: Engine, pragmas: tuple[str, ...], begin: str) -> None:
    """Prepare each new SQLite connection, and begin its transactions with `begin` instead of the driver's habit."""

    def connected(connection: "SqliteConnection", _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


class SqliteConnection(Protocol):
    """What is used of the driver's connection."""

    isolation_level: str | None

    def cursor(self) -> "SqliteCursor": ...


class SqliteCursor(Protocol):
    """What is used of the driver's cursor."""

    def execute(self, sql: str, /) -> object: ...
    def close(self) -> None: ...
