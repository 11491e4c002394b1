"""New rows of several tables, written together: on PostgreSQL as one statement, in one round trip instead of ten."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection, Table, TextClause, text
from sqlalchemy.exc import DBAPIError

from alertsvc.store.bulk import Row, encoded, given_rows, insert_rows
from alertsvc.store.database import ConflictError, PresumedWronglyError
from alertsvc.store.direct import fetched, fetched_and_committed, has_begun

DIVISION_BY_ZERO = "22012"
_AS_PRESUMED = """
    COALESCE((SELECT value FROM number_series WHERE name = :presumed_series), 0) = :presumed_value
    AND NOT EXISTS (
        SELECT 1 FROM incident
        WHERE correlation_key = ANY(ARRAY(SELECT unnest(CAST(:presumed_keys AS text[]))))
        AND (status <> 'resolved' OR resolved_at > (SELECT CAST(:presumed_resolved_since AS timestamptz)))
    )"""
"""The values are hidden from the planner: one that sees them plans the whole statement anew each time, for 2 ms."""


@dataclass(frozen=True, slots=True)
class Presumption:
    """What was decided on without a read: a number series still has a value (0: it has none yet), and no incident of
    `keys` is open or was resolved since an instant.
    """

    series: str
    value: int
    keys: Collection[str]
    resolved_since: datetime

    @property
    def given(self) -> dict[str, object]:
        """It as the parameters of the statement."""
        return {
            "presumed_series": self.series,
            "presumed_value": self.value,
            "presumed_keys": list(self.keys),
            "presumed_resolved_since": self.resolved_since,
        }


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

    `numbers` are those that the rows of it with a number got, by their `id`: on PostgreSQL once they are written.
    """

    def __init__(self) -> None:
        self._waiting: list[_Insertion] = []
        self._presumption: Presumption | None = None
        self.numbers: dict[UUID, int] = {}

    def presume(self, presumption: Presumption) -> None:
        """Have everything taken back if `presumption` is wrong. That PostgreSQL can say only."""
        self._presumption = presumption

    def add(
        self,
        table: Table,
        rows: Sequence[Row],
        *,
        on_conflict: str = "",
        conflict: str = "",
        numbered: tuple[str, str] | None = None,
        is_first: bool = False,
    ) -> None:
        """Have `rows`, which all have the same keys, inserted.

        Args:
            table: Where to.
            rows: Column name to value.
            on_conflict: As for `insert_rows`.
            conflict: What it means when not all of them go in; empty where that may be.
            numbered: A column that is not among their keys, and PostgreSQL's sequence that fills it in their order. The
                rows have an `id`.
            is_first: Before everything that was added until now.
        """
        if rows:
            form = _Form(table, tuple(rows[0]), numbered, on_conflict, bool(conflict))
            self._waiting.insert(0 if is_first else len(self._waiting), _Insertion(form, rows, conflict))

    def write(self, conn: Connection, *, is_all: bool = False) -> None:
        """Insert everything that was added.

        Args:
            conn: Inside a transaction.
            is_all: Nothing is written after it in this transaction. Where nothing was before it either, PostgreSQL
                commits it with the statement itself, and refuses what comes then.

        Raises:
            ConflictError: Not all the rows of an insertion went in that must; the rest of them did not either.
            PresumedWronglyError: Or what was presumed is not so.
        """
        waiting, self._waiting = self._waiting, []
        if conn.dialect.name == "postgresql":
            if waiting:
                is_alone = is_all and not has_begun(conn)
                presumption, self._presumption = self._presumption, None
                if is_alone or presumption is not None:
                    self.numbers |= _write_or_fail(conn, waiting, presumption, commits=is_alone)
                else:
                    self.numbers |= _write_at_once(conn, waiting)
            return
        for each in waiting:
            form = each.form
            count = insert_rows(conn, form.table, each.rows, on_conflict=form.on_conflict)
            if each.conflict and count != len(each.rows):
                raise ConflictError(each.conflict)


def _write_at_once(conn: Connection, waiting: Sequence[_Insertion]) -> dict[UUID, int]:
    """Write it, and say which numbers were given, by id."""
    row = fetched(conn, _at_once(_forms(waiting)), _given(waiting))[0]
    checked = [each for each in waiting if each.conflict]
    for each, count in zip(checked, row[1:], strict=True):
        if count != len(each.rows):
            raise ConflictError(each.conflict)
    return _numbers(row[0])


def _write_or_fail(
    conn: Connection, waiting: Sequence[_Insertion], presumption: Presumption | None, *, commits: bool
) -> dict[UUID, int]:
    """The same, and maybe commit it. The server must see by itself that rows are missing, and take the rest back."""
    statement = _at_once(_forms(waiting), fails=True, presumes=presumption is not None)
    given = _given(waiting) | (presumption.given if presumption else {})
    try:
        row = (fetched_and_committed if commits else fetched)(conn, statement, given)[0]
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", None) != DIVISION_BY_ZERO:
            raise
        conflicts = " or ".join(each.conflict for each in waiting if each.conflict)
        raise (ConflictError if presumption is None else PresumedWronglyError)(conflicts) from None
    return _numbers(row[0])


def _forms(waiting: Sequence[_Insertion]) -> tuple[_Form, ...]:
    return tuple(each.form for each in waiting)


def _given(waiting: Sequence[_Insertion]) -> dict[str, object]:
    given: dict[str, object] = {}
    for place, each in enumerate(waiting):
        given[f"rows_{place}"] = encoded(each.form.names, each.rows)
        if each.conflict:
            given[f"count_{place}"] = len(each.rows)
    return given


def _numbers(found: Mapping[str, int] | None) -> dict[UUID, int]:
    return {UUID(key): number for key, number in (found or {}).items()}


@lru_cache(maxsize=256)
def _at_once(forms: tuple[_Form, ...], *, fails: bool = False, presumes: bool = False) -> TextClause:
    """One statement for all. References are checked at its end, so their order in it is free.

    Once a checked insertion misses rows, those after it insert nothing: else references to the missing rows would fail
    it before anybody could see why. A statement that `fails` then divides by zero, which takes everything back.
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
    told = [numbers, *counts]
    needed = [*complete, _AS_PRESUMED] if presumes else complete
    if fails and needed:
        told.append(f"1 / (CASE WHEN {' AND '.join(needed)} THEN 1 ELSE 0 END)")
    return text(f"WITH {', '.join(parts)} SELECT {', '.join(told)}")  # our names
