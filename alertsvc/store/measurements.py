"""What was observed, mostly numbers: kept, and read again where earlier ones have a say in what a new one comes to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Integer, Select, Text, TextClause, bindparam, func, select, text, update

from alertsvc.core.model import Event
from alertsvc.core.thresholds.points import History, Point
from alertsvc.store.bulk import Among, AnyRow, among, insert_rows
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import measurement, series


@dataclass(frozen=True, slots=True)
class Kept:
    """A number to keep, or a verdict without one. For `is_bad` and `is_baseline` see the table."""

    id: UUID
    event: Event
    received_at: datetime
    is_bad: bool | None
    is_baseline: bool


def add(new: Insertions, observed: Sequence[Kept]) -> None:
    """Have what was observed kept."""
    new.add(measurement, [_row(each) for each in observed])


def _row(each: Kept) -> dict[str, object]:
    event = each.event
    return {
        "id": each.id,
        "fingerprint": event.fingerprint,
        "model": event.labels.get("model", ""),
        "metric": event.labels.get("alertname", ""),
        "feature": event.labels.get("feature"),
        "environment": event.labels.get("environment"),
        "value": event.value,
        "threshold": event.threshold,
        "observed_at": event.observed_at or each.received_at,
        "received_at": each.received_at,
        "model_version": event.observation.model_version if event.observation else None,
        "is_bad": each.is_bad,
        "is_baseline": each.is_baseline,
    }


_OF_SERIES = Among(series.c.fingerprint, "fingerprints")
_KNOWN = select(series.c.fingerprint, series.c.baseline_from).where(_OF_SERIES).order_by(series.c.fingerprint)
_LOCKED = _KNOWN.with_for_update()


def locked(conn: Connection, observed: Mapping[str, tuple[Event, datetime]]) -> dict[str, datetime | None]:
    """Hold series until the transaction ends, in the order of their fingerprints, so that nobody judges the next value
    of one before this one is there. Those that are not known yet are made of the events, with when they came.

    Returns from when on the values of each count.
    """
    found = _baselines(conn, _LOCKED, observed)
    missing = sorted(observed.keys() - found.keys())
    if missing:
        rows = [_series_row(*observed[name]) for name in missing]
        insert_rows(conn, series, rows, on_conflict="ON CONFLICT (fingerprint) DO NOTHING")
        found |= _baselines(conn, _LOCKED, missing)
    return found


def baselines(conn: Connection, fingerprints: Collection[str]) -> dict[str, datetime | None]:
    """The same without holding or making any: a series that is not known is missing."""
    return _baselines(conn, _KNOWN, fingerprints)


def _baselines(conn: Connection, statement: Select[str, datetime], names: Iterable[str]) -> dict[str, datetime | None]:
    return {row[0]: row[1] for row in conn.execute(statement, {"fingerprints": list(names)})}


def _series_row(event: Event, received_at: datetime) -> dict[str, object]:
    observed_at = event.observed_at or received_at
    return {
        "fingerprint": event.fingerprint,
        "model": event.labels.get("model", ""),
        "metric": event.labels.get("alertname", ""),
        "kind": event.labels.get("kind", ""),
        "environment": event.labels.get("environment", ""),
        "feature": event.labels.get("feature"),
        "dataset": event.labels.get("dataset"),
        "test": event.labels.get("test"),
        "labels": event.labels,
        "first_observed_at": observed_at,
        "last_observed_at": observed_at,
        "last_received_at": received_at,
        "last_value": event.value,
        "last_threshold": event.threshold,
        "last_state": "recorded",
        "last_decided_by": event.decided_by,
        "model_version": event.observation.model_version if event.observation else None,
    }


_POINT = (
    measurement.c.fingerprint,
    measurement.c.observed_at,
    measurement.c.value,
    measurement.c.is_bad,
    measurement.c.is_baseline,
    measurement.c.model_version,
)
_NEWEST_FIRST = (measurement.c.observed_at.desc(), measurement.c.id.desc())
_MOST = bindparam("most", type_=Integer())
_LATEST = select(*_POINT).where(measurement.c.fingerprint == bindparam("name")).order_by(*_NEWEST_FIRST).limit(_MOST)
_LATEST_USUAL = _LATEST.where(measurement.c.is_baseline)


def _of_each(condition: str = "") -> TextClause:
    """The latest points of each of many series, for PostgreSQL: in one round trip."""
    names = ", ".join(column.name for column in _POINT)
    latest = f"SELECT * FROM measurement AS m WHERE m.fingerprint = n.name {condition}"  # noqa: S608  # our names
    latest += " ORDER BY m.observed_at DESC, m.id DESC LIMIT :most"
    chosen = text(
        f"SELECT {names} FROM unnest(CAST(:names AS text[])) AS n(name) CROSS JOIN LATERAL ({latest}) AS latest"  # noqa: S608
        " ORDER BY fingerprint, observed_at DESC, id DESC"
    )
    return chosen.bindparams(bindparam("names", type_=ARRAY(Text())), bindparam("most", type_=Integer()))


_OF_EACH = _of_each()
_USUAL_OF_EACH = _of_each("AND m.is_baseline")


def histories(
    conn: Connection,
    known: Mapping[str, datetime | None],
    recent_count: int,
    usual_of: Collection[str],
    usual_count: int,
) -> dict[str, History]:
    """The latest points of series, each with from when on its values count.

    Of those of `usual_of` also the latest that count as usual: at most `usual_count`.
    """
    recent = _points(conn, known, recent_count, usual=False)
    usual = _points(conn, usual_of, usual_count, usual=True) if usual_of else {}
    return {name: History(recent.get(name, ()), usual.get(name, ()), since) for name, since in known.items()}


def _points(conn: Connection, names: Iterable[str], most: int, *, usual: bool) -> dict[str, list[Point]]:
    """Points by fingerprint, the newest first."""
    found: dict[str, list[Point]] = {}
    if conn.dialect.name == "postgresql":
        statement = _USUAL_OF_EACH if usual else _OF_EACH
        rows: Iterable[AnyRow] = conn.execute(statement, {"names": list(names), "most": most})
    else:
        each_of = _LATEST_USUAL if usual else _LATEST
        rows = (row for name in names for row in conn.execute(each_of, {"name": name, "most": most}))
    for row in rows:
        found.setdefault(row[0], []).append(Point(*row[1:]))
    return found


def last_observed(conn: Connection, fingerprints: Iterable[str]) -> dict[str, datetime]:
    """When something of series was observed last, by what is kept of that, whether or not they are series still."""
    m = measurement.c
    last = select(m.fingerprint, func.max(m.observed_at)).where(among(conn, m.fingerprint, fingerprints))
    return {row[0]: row[1] for row in conn.execute(last.group_by(m.fingerprint))}


def accept(conn: Connection, fingerprint: str, now: datetime) -> bool:
    """What a series is from now on is its new normal. False: there is no such series."""
    known = update(series).where(series.c.fingerprint == fingerprint)
    return conn.execute(known.values(baseline_from=now)).rowcount > 0


def name_of(conn: Connection, fingerprint: str) -> str:
    """What a series is called: its metric, and of which feature."""
    row = conn.execute(select(series.c.metric, series.c.feature).where(series.c.fingerprint == fingerprint)).one()
    return f"{row.metric} of {row.feature}" if row.feature else row.metric
