"""New rows of several tables, written together: on PostgreSQL as one statement, in one round trip instead of ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection, Table, TextClause, text

from alertsvc.store.bulk import Row, encoded, given_rows, insert_rows
from alertsvc.store.database import ConflictError
from alertsvc.store.direct import fetched


@dataclass(frozen=True, slots=True)
class _Form:
    """What of an insertion makes the text of its statement. `is_checked`: all of its rows must go in."""

    table: Table
    names: tuple[str, ...]
    numbered: tuple[str, str] | None
    on_conflict: str
    is_checked: bool


@dataclass(frozen=True, slots=True)
class _Insertion:
    form: _Form
    rows: Sequence[Row]
    conflict: str


class Insertions:
    """What is to be inserted, table after table: first what the others refer to. Nothing happens until `write`.

    `numbers` are those that the rows of it with a number got, by their `id`, once they are written; before that where
    the number was `reserved`. Those are for new incidents, by their correlation keys.
    """

    def __init__(self, reserved: Mapping[str, int] | None = None) -> None:
        self._waiting: list[_Insertion] = []
        self.reserved: Mapping[str, int] = reserved or {}
        self.numbers: dict[UUID, int] = {}

    def add(
        self,
        table: Table,
        rows: Sequence[Row],
        *,
        on_conflict: str = "",
        conflict: str = "",
        numbered: tuple[str, str] | None = None,
    ) -> None:
        """Have `rows`, which all have the same keys, inserted.

        Args:
            table: Where to.
            rows: Column name to value.
            on_conflict: As for `insert_rows`.
            conflict: What it means when not all of them go in; empty where that may be.
            numbered: A column that is not among their keys, and PostgreSQL's sequence that fills it in their order. The
                rows have an `id`.
        """
        if rows:
            form = _Form(table, tuple(rows[0]), numbered, on_conflict, bool(conflict))
            self._waiting.append(_Insertion(form, rows, conflict))

    def write(self, conn: Connection) -> None:
        """Insert everything that was added.

        Raises:
            ConflictError: Not all the rows of an insertion went in that must; the rest of them did not either.
        """
        waiting, self._waiting = self._waiting, []
        if conn.dialect.name == "postgresql":
            if waiting:
                self.numbers |= _write_at_once(conn, waiting)
            return
        for each in waiting:
            form = each.form
            count = insert_rows(conn, form.table, each.rows, on_conflict=form.on_conflict)
            if each.conflict and count != len(each.rows):
                raise ConflictError(each.conflict)


def _write_at_once(conn: Connection, waiting: Sequence[_Insertion]) -> dict[UUID, int]:
    """Write it, and say which numbers were given, by id."""
    given: dict[str, object] = {}
    for place, each in enumerate(waiting):
        given[f"rows_{place}"] = encoded(each.form.names, each.rows)
        if each.conflict:
            given[f"count_{place}"] = len(each.rows)
    row = fetched(conn, _at_once(tuple(each.form for each in waiting)), given)[0]
    numbers: dict[str, int] = row[0] or {}
    checked = [each for each in waiting if each.conflict]
    for each, count in zip(checked, row[1:], strict=True):
        if count != len(each.rows):
            raise ConflictError(each.conflict)
    return {UUID(key): number for key, number in numbers.items()}


@lru_cache(maxsize=256)
def _at_once(forms: tuple[_Form, ...]) -> TextClause:
    """One statement for all. References are checked at its end, so their order in it is free.

    Once a checked insertion misses rows, those after it insert nothing: else references to the missing rows would fail
    it before anybody could see why.
    """
    parts: list[str] = []
    complete: list[str] = []
    numbers = "NULL::jsonb"
    counts: list[str] = []
    for place, form in enumerate(forms):
        column, sequence = form.numbered or ("", "")
        names = ", ".join((*form.names, column) if column else form.names)
        source = given_rows(form.table, form.names, f"rows_{place}", extra=f", nextval('{sequence}')" if column else "")
        condition = f" WHERE {' AND '.join(complete)}" if complete else ""
        told = f"id, {column}" if column else "1"
        insertion = f"INSERT INTO {form.table.name} ({names}) {source}{condition} {form.on_conflict} RETURNING {told}"
        parts.append(f"w{place} AS ({insertion})")
        if column:
            numbers = f"(SELECT jsonb_object_agg(id, {column}) FROM w{place})"  # noqa: S608
        if form.is_checked:
            count = f"(SELECT count(*) FROM w{place})"  # noqa: S608
            counts.append(count)
            complete.append(f"{count} = :count_{place}")
    return text(f"WITH {', '.join(parts)} SELECT {', '.join([numbers, *counts])}")  # our names
