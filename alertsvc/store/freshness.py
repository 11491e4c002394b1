"""Series of which something is to be told that is not, or is told that is over; models and alerts nobody hears of."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text, union_all

from alertsvc.core.alerts import RESOLVE_HOLD
from alertsvc.core.freshness import CHANGED, GRACE, Watched
from alertsvc.core.model import AlertState, Labels
from alertsvc.core.observation import Trouble
from alertsvc.core.silent_models import Heard
from alertsvc.core.watchdogs import Seen
from alertsvc.store.bulk import AnyRow, among, update_rows
from alertsvc.store.database import ConflictError
from alertsvc.store.tables import alert, incident, series

_s = series.c
_COLUMNS = (
    _s.fingerprint,
    _s.labels,
    _s.last_observed_at,
    _s.last_received_at,
    _s.last_state,
    _s.expected_within_seconds,
    _s.expected_at,
    _s.trouble,
)
_IS_OPEN = text("incident.status <> 'resolved'")
_TOLD_OF_VALUES = (Trouble.NO_VALUE, Trouble.NO_ROWS)
_MISSING_TOO = tuple(f"{Trouble.MISSING} {each}" for each in _TOLD_OF_VALUES)


def to_look_at(conn: Connection, now: datetime, hears_since: datetime, limit: int) -> list[str]:
    """The fingerprints of at most `limit` series that are marked otherwise than they are, and as many that are over.

    Of those that are late only such as could have been heard since `hears_since`.
    """
    begins = select(_s.fingerprint).where(_begins(now, hears_since)).order_by(_s.expected_at).limit(limit)
    ends = select(_s.fingerprint).where(_ends(now)).limit(limit)
    return sorted({*conn.execute(begins).scalars(), *conn.execute(ends).scalars()})


def _begins(now: datetime, hears_since: datetime) -> ColumnElement[bool]:
    heard = now - hears_since
    late = [_s.expected_at <= now, or_(_s.trouble.is_(None), _s.trouble.in_(_TOLD_OF_VALUES))]
    if heard < GRACE:
        late.append(_s.expected_within_seconds <= heard.total_seconds())
    return and_(*late)


def _ends(now: datetime) -> ColumnElement[bool]:
    awaited = or_(_s.expected_at.is_(None), _s.expected_at > now)
    over = [
        and_(_s.trouble.in_((each, f"{Trouble.MISSING} {each}")), _s.last_state != each) for each in _TOLD_OF_VALUES
    ]
    came = and_(_s.trouble.in_((Trouble.MISSING, *_MISSING_TOO)), awaited)
    return and_(_s.trouble.is_not(None), or_(_s.trouble == CHANGED, came, *over))


def watched(conn: Connection, fingerprints: Sequence[str]) -> list[Watched]:
    """Those of the series that are there, in the order of fingerprints."""
    chosen = select(*_COLUMNS).where(among(conn, _s.fingerprint, fingerprints)).order_by(_s.fingerprint)
    return [_watched(row) for row in conn.execute(chosen)]


def _watched(row: AnyRow) -> Watched:
    within = row.expected_within_seconds
    return Watched(
        fingerprint=row.fingerprint,
        labels=row.labels,
        last_observed_at=row.last_observed_at,
        last_received_at=row.last_received_at,
        last_state=row.last_state,
        within=None if within is None else timedelta(seconds=within),
        expected_at=row.expected_at,
        trouble=row.trouble,
    )


def mark(conn: Connection, marked: Sequence[tuple[Watched, str | None]]) -> None:
    """Write what is told of series.

    Raises:
        ConflictError: Something came of one of them since it was read.
    """
    rows = [
        {"trouble": trouble, "fingerprint": each.fingerprint, "last_received_at": each.last_received_at}
        for each, trouble in marked
    ]
    if update_rows(conn, series, ["fingerprint", "last_received_at"], rows) != len(rows):
        raise ConflictError("an observation came meanwhile")


def heard(conn: Connection, models: Collection[str]) -> list[Heard]:
    """When something of each of `models` came last, in each environment that it was ever observed in."""
    last = func.max(_s.last_received_at)
    chosen = select(_s.model, _s.environment, last.label("last")).where(among(conn, _s.model, models))
    rows = conn.execute(chosen.group_by(_s.model, _s.environment).order_by(_s.model, _s.environment))
    return [Heard(row.model, row.environment, row.last) for row in rows]


def told_by(conn: Connection, source: str) -> dict[str, Labels]:
    """The labels of the alerts of one of our own sources that fire, by fingerprint."""
    a, opened = alert.c, select(incident.c.id).where(_IS_OPEN)
    chosen = select(a.fingerprint, a.labels).where(
        a.incident_id.in_(opened), a.state == AlertState.FIRING, a.source == source
    )
    return {row.fingerprint: row.labels for row in conn.execute(chosen)}


def watchdogs(conn: Connection, names: Collection[str], since: datetime) -> list[Seen]:
    """The alerts of these names that are seen again and again, or may have been seen since `since`.

    Looked for where they can be, and not among all that there ever was: in open incidents, and in those that ended so
    lately that a person's word may still stand against an alert that is repeated.
    """
    a, i = alert.c, incident.c
    lately = select(i.id).where(i.resolved_at >= since - RESOLVE_HOLD)
    near = union_all(select(i.id).where(_IS_OPEN), lately)  # not `or`: each half has an index of its own
    chosen = select(a.labels, a.last_seen_at).where(
        a.incident_id.in_(near), a.labels["alertname"].as_string().in_(sorted(names))
    )
    return [Seen(row.labels, row.last_seen_at) for row in conn.execute(chosen)]
