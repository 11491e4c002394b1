"""Statements of the busiest path, run on PostgreSQL past SQLAlchemy's execution, which costs as much as they do.

SQLAlchemy still spells the statement (once), begins the transaction and judges what goes wrong.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

DirectRow = Sequence[Any]
"""The values of a row as the driver gives them."""


class _ServerConnection(Protocol):
    """What is used of a connection of asyncpg."""

    def is_in_transaction(self) -> bool: ...


class DriverConnection(Protocol):
    """What is used of a DBAPI connection. It begins a transaction with its first statement, unless it has `autocommit`;
    one that can only read if it is `readonly`.
    """

    autocommit: bool
    readonly: bool
    driver_connection: _ServerConnection


class _Cursor(Protocol):
    """What is used of a DBAPI cursor."""

    def execute(self, sql: str, values: Sequence[object], /) -> object: ...
    def fetchall(self) -> Sequence[DirectRow]: ...
    def close(self) -> None: ...


def fetched(conn: Connection, statement: ClauseElement, given: Mapping[str, object]) -> Sequence[DirectRow]:
    """The rows of a statement that returns some, on PostgreSQL.

    Args:
        conn: Inside a transaction.
        statement: One that lives long: what is remembered of it is found again by its identity.
        given: Values in the types that the driver takes, by the names of the statement's parameters.

    Raises:
        DBAPIError: As when SQLAlchemy runs the statement.
    """
    sql, names, constants = _spelled(statement, conn.dialect)
    values = [given[name] if name in given else constants[name] for name in names]
    cursor = cast(_Cursor, conn.connection.cursor())
    try:
        cursor.execute(sql, values)
        return cursor.fetchall()
    except Exception as fault:  # noqa: BLE001  # all go the way of SQLAlchemy
        # Its own way from a fault of the driver to one of ours: a connection that broke leaves the pool with it.
        conn._handle_dbapi_exception(fault, sql, None, None, None)  # pyright: ignore[reportPrivateUsage]
    finally:
        cursor.close()


def fetched_first(conn: Connection, statement: ClauseElement, given: Mapping[str, object]) -> Sequence[DirectRow]:
    """As `fetched`, for the statement that a transaction reads first and takes no locks with.

    It runs before the transaction begins on the server, which saves nothing but a round trip: at READ COMMITTED each
    statement sees what was committed when it began, wherever the transaction did.
    """
    driver = driver_of(conn)
    driver.autocommit = True
    try:
        return fetched(conn, statement, given)
    finally:
        driver.autocommit = False


def has_begun(conn: Connection) -> bool:
    """Whether the server is in a transaction: something ran that may have taken locks."""
    return driver_of(conn).driver_connection.is_in_transaction()


def fetched_and_committed(
    conn: Connection, statement: ClauseElement, given: Mapping[str, object]
) -> Sequence[DirectRow]:
    """As `fetched`, for a statement that is all that a transaction writes, where none `has_begun`: it is one by itself.

    That saves two round trips. Nothing can be written on `conn` afterwards: the server refuses it while its
    driver's side is `readonly`.
    """
    driver = driver_of(conn)
    driver.autocommit = True
    try:
        return fetched(conn, statement, given)
    finally:
        driver.autocommit = False
        driver.readonly = True


def driver_of(conn: Connection) -> DriverConnection:
    """The driver's side of a connection."""
    return cast(DriverConnection, conn.connection.dbapi_connection)


@lru_cache(maxsize=512)
def _spelled(statement: ClauseElement, dialect: Dialect) -> tuple[str, Sequence[str], Mapping[str, object]]:
    """The driver's text of a statement, the names of its parameters in the order of their places, and its constants."""
    compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
    constants = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
    return str(compiled), compiled.positiontup or (), constants
