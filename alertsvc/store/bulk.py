"""Many rows at once, on both databases. Columns keep the types of the tables.

On PostgreSQL the rows travel as one JSON parameter and are taken apart by the server: one round trip and one statement
whatever their number. SQLite has no round trips: there the driver runs one statement for each row, which is faster.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, cast
from uuid import UUID

import msgspec
import sqlalchemy
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Float,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

Row = Mapping[str, object]
AnyRow = sqlalchemy.Row[*tuple[Any, ...]]
"""A row of a result whose columns are not spelled out."""
Columns = tuple[ColumnElement[Any], ...]


def insert_rows(conn: Connection, table: Table, rows: Sequence[Row], *, on_conflict: str = "") -> int:
    """Insert `rows`, which all have the same keys. Returns how many went in.

    Args:
        conn: Inside a transaction.
        table: Where to.
        rows: Column name to value.
        on_conflict: The clause after the values, such as `ON CONFLICT (key) DO NOTHING`; it may name `excluded`.
    """
    if not rows:
        return 0
    names = tuple(rows[0])
    if conn.dialect.name == "sqlite":
        return _run_many(conn, _insert_one(table, names, on_conflict), spelled(table, names, rows))
    return conn.execute(_insert(table, names, on_conflict), {"rows": encoded(names, rows)}).rowcount


def _run_many(conn: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
    """Run a statement of SQLite once for each row, past SQLAlchemy, which would cost more than a few rows do."""
    cursor = conn.connection.cursor()
    try:
        cursor.executemany(statement, rows)
    except sqlite3.Error as fault:
        raise DBAPIError.instance(statement, None, fault, sqlite3.Error, True, dialect=conn.dialect) from fault
    else:
        return cursor.rowcount
    finally:
        cursor.close()


def insert_new(conn: Connection, table: Table, key: str, rows: Sequence[Row]) -> set[str]:
    """Insert those of `rows` whose text `key` is not there yet; returns the keys that went in."""
    if not rows:
        return set()
    names = tuple(rows[0])
    unless_there = f"ON CONFLICT ({key}) DO NOTHING"
    if conn.dialect.name == "sqlite":
        statement = _insert_one(table, names, unless_there)
        given = zip(rows, spelled(table, names, rows), strict=True)
        return {str(row[key]) for row, values in given if conn.exec_driver_sql(statement, values).rowcount}
    statement = _insert(table, names, f"{unless_there} RETURNING {key}")
    return set(conn.execute(statement, {"rows": encoded(names, rows)}).scalars())


def update_rows(conn: Connection, table: Table, key: Sequence[str], rows: Sequence[Row], *, where: str = "") -> int:
    """Set the other columns of `rows` where the columns of `key` agree. Returns how many rows changed.

    Args:
        conn: Inside a transaction.
        table: Which.
        key: The columns that find a row.
        rows: Column name to value, `key` among them.
        where: A further condition on the stored row, which has the table's name.
    """
    if not rows:
        return 0
    names = tuple(rows[0])
    if conn.dialect.name == "sqlite":
        ordered = (*(name for name in names if name not in key), *key)
        statement = _update_one(table, ordered, len(key), where)
        return _run_many(conn, statement, spelled(table, ordered, rows))
    return conn.execute(_update(table, names, tuple(key), where), {"rows": encoded(names, rows)}).rowcount


def delete_rows(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Delete the rows of `table` that agree with one of `rows`, which all have the same keys, in every column of it."""
    if not rows:
        return
    names = tuple(rows[0])
    if conn.dialect.name == "sqlite":
        _run_many(conn, _delete_one(table, names), spelled(table, names, rows))
    else:
        conn.execute(_delete(table, names), {"rows": encoded(names, rows)})


class Among(FunctionElement[bool]):
    """The condition that `column` is one of the values of the parameter `name`, as one parameter however many they are.

    A statement with it is made once and serves any list: making one costs SQLAlchemy more than running it.
    """

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        super().__init__(column, bindparam(name, type_=_Listed(column.type)))

    def self_group(self, against: OperatorType | None = None) -> "Among":  # noqa: ARG002  # pyright: ignore[reportIncompatibleMethodOverride]
        """It needs no parentheses, and above all no `= 1`, which SQLite would get: that answers by no index."""
        return self


class _Listed(TypeDecorator[Collection[Any]]):
    """Many values as one parameter: an array, or on SQLite their JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, item_type: TypeEngine[Any]) -> None:
        super().__init__()
        self.item_type = item_type

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item_type) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        listed = list(value or ())
        if dialect.name == "postgresql":
            return listed
        return msgspec.json.encode([each.hex if isinstance(each, UUID) else each for each in listed]).decode()


class AmongMany(Among):
    """As `Among`, for lists of thousands. PostgreSQL compares a long array value by value once it plans for any array;
    so it is told to join it.
    """

    inherit_cache = True


@compiles(AmongMany, "postgresql")
def _among_many_postgres(element: AmongMany, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} IN (SELECT unnest({compiler.process(values, **kw)}))"


@compiles(Among, "postgresql")
def _among_postgres(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} = ANY({compiler.process(values, **kw)})"


@compiles(AmongMany, "sqlite")
@compiles(Among, "sqlite")
def _among_sqlite(element: Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({compiler.process(values, **kw)}))"  # noqa: S608


def among(conn: Connection, column: ColumnElement[Any], values: Iterable[str] | Iterable[UUID]) -> TextClause:
    """As `Among`, for a statement that is made for these values and run once.

    A column can be asked about once in a statement (give the table another name for a second time).
    """
    return _membership(conn, column, values, outside=False)


def not_among(conn: Connection, column: ColumnElement[Any], values: Iterable[str] | Iterable[UUID]) -> TextClause:
    """The condition that `column`, which is never NULL, is none of `values`; otherwise as `among`."""
    return _membership(conn, column, values, outside=True)


def _membership(
    conn: Connection, column: ColumnElement[Any], values: Iterable[str] | Iterable[UUID], *, outside: bool
) -> TextClause:
    listed = list(cast(Iterable[object], values))
    statement, name = _membership_text(conn.dialect.name, str(column), outside=outside)
    if conn.dialect.name == "postgresql":
        return statement.bindparams(bindparam(name, listed, type_=ARRAY(column.type)))
    plain = [value.hex if isinstance(value, UUID) else value for value in listed]
    return statement.bindparams(**{name: msgspec.json.encode(plain).decode()})


@lru_cache(maxsize=256)
def _membership_text(dialect: str, column: str, *, outside: bool) -> tuple[TextClause, str]:
    name = "among_" + column.replace(".", "_")
    inside = f"{column} = ANY(:{name})"
    if dialect == "sqlite":
        inside = f"{column} IN (SELECT value FROM json_each(:{name}))"  # noqa: S608  # names, no values
    return text(f"NOT ({inside})" if outside else inside), name


def encoded(names: Sequence[str], rows: Sequence[Row]) -> str:
    """`rows` as a JSON array of arrays, for PostgreSQL to take apart."""
    return msgspec.json.encode([tuple(map(row.__getitem__, names)) for row in rows]).decode()


def spelled(table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> list[tuple[object, ...]]:
    """The values of `rows` in the form SQLite keeps them in. Column by column: that leaves the loops to C."""
    columns = [list(map(itemgetter(name), rows)) for name in names]
    for position, spell in _spelling(table, names):
        columns[position] = [None if value is None else spell(value) for value in columns[position]]
    return list(zip(*columns, strict=True))


@lru_cache(maxsize=256)
def _spelling(table: Table, names: tuple[str, ...]) -> list[tuple[int, Callable[[Any], object]]]:
    """Which values are spelled differently, by position, and how."""
    found = [(position, _SPELLING.get(kind_of(table.c[name].type))) for position, name in enumerate(names)]
    return [(position, spell) for position, spell in found if spell is not None]


def kind_of(column_type: TypeEngine[Any]) -> str:
    """Which of the few kinds of value a column holds."""
    inner = column_type.impl_instance if isinstance(column_type, TypeDecorator) else column_type
    for base, kind in _KINDS:
        if isinstance(inner, base):
            return kind
    return "text"


_KINDS: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (DateTime, "instant"),
    (Uuid, "uuid"),
    (JSON, "json"),
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "float"),
)


@lru_cache(maxsize=1024)
def _instant(moment: datetime) -> str:
    """Remembered: the rows of a transaction share a few instants, and spelling one costs ten times as much."""
    if moment.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_SPELLING: Mapping[str, Callable[[Any], object]] = {"instant": _instant, "uuid": attrgetter("hex"), "json": _json}
_POSTGRES_CAST = {
    "instant": "timestamptz",
    "uuid": "uuid",
    "boolean": "boolean",
    "integer": "bigint",
    "float": "double precision",
    "text": "text",
}


@lru_cache(maxsize=256)
def _insert_one(table: Table, names: tuple[str, ...], on_conflict: str) -> str:
    places = ", ".join("?" for _ in names)
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places}) {on_conflict}"  # noqa: S608  # our names


@lru_cache(maxsize=256)
def _update_one(table: Table, names: tuple[str, ...], key_count: int, where: str) -> str:
    """The last `key_count` of `names` find the row."""
    sets = ", ".join(f"{name} = ?" for name in names[:-key_count])
    found = " AND ".join(f"{name} = ?" for name in names[-key_count:])
    extra = f" AND {where}" if where else ""
    return f"UPDATE {table.name} SET {sets} WHERE {found}{extra}"  # noqa: S608  # our names


@lru_cache(maxsize=256)
def _delete_one(table: Table, names: tuple[str, ...]) -> str:
    return f"DELETE FROM {table.name} WHERE {' AND '.join(f'{name} = ?' for name in names)}"  # noqa: S608  # our names


@lru_cache(maxsize=256)
def _delete(table: Table, names: tuple[str, ...]) -> TextClause:
    found = " AND ".join(f"{table.name}.{name} = r.{name}" for name in names)
    return text(f"DELETE FROM {table.name} USING ({given_rows(table, names)}) AS r WHERE {found}")  # noqa: S608


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...], on_conflict: str) -> TextClause:
    given = given_rows(table, names)
    return text(f"INSERT INTO {table.name} ({', '.join(names)}) {given} {on_conflict}")


@lru_cache(maxsize=256)
def _update(table: Table, names: tuple[str, ...], key: tuple[str, ...], where: str) -> TextClause:
    sets = ", ".join(f"{name} = r.{name}" for name in names if name not in key)
    found = " AND ".join(f"{table.name}.{name} = r.{name}" for name in key)
    extra = f" AND {where}" if where else ""
    return text(f"UPDATE {table.name} SET {sets} FROM ({given_rows(table, names)}) AS r WHERE {found}{extra}")  # noqa: S608


def given_rows(table: Table, names: Sequence[str], parameter: str = "rows", extra: str = "") -> str:
    """The SELECT, for PostgreSQL, that turns what `encoded` made back into rows, with the columns' names."""
    parts = ", ".join(_part(table.c[name], position) for position, name in enumerate(names))
    return f"SELECT {parts}{extra} FROM jsonb_array_elements(CAST(CAST(:{parameter} AS text) AS jsonb)) AS e"  # noqa: S608


def _part(column: Column[Any], position: int) -> str:
    kind = kind_of(column.type)
    if kind == "json":
        return f"NULLIF(e.value -> {position}, 'null') AS {column.name}"
    return f"CAST(e.value ->> {position} AS {_POSTGRES_CAST[kind]}) AS {column.name}"
