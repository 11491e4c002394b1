"""Silences as they are stored: what people muted, and what that hid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, text, update

from alertsvc.core.model import IncidentStatus
from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.tables import incident, notification, notification_mute, silence

MatcherText = tuple[str, str, str]
"""Name, operator, value."""


@dataclass(frozen=True, slots=True)
class SilenceRecord:
    """One silence. `schedule`, `timezone` and `duration_seconds` are set together, for one that comes again."""

    id: UUID
    matchers: tuple[MatcherText, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    created_at: datetime
    updated_at: datetime
    schedule: str | None = None
    timezone: str = "UTC"
    duration_seconds: float | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    spread_for: datetime | None = None
    reported_for: datetime | None = None
    report: Mapping[str, Any] | None = field(default=None, compare=False)


def save(conn: Connection, record: SilenceRecord) -> None:
    """Write a silence that is not there yet."""
    conn.execute(insert(silence), [_row(record)])
    _have_changed(conn)


def change(conn: Connection, record: SilenceRecord) -> None:
    """Write a silence that this transaction holds."""
    conn.execute(update(silence).where(silence.c.id == record.id).values(**_row(record)))
    _have_changed(conn)


REVISION = "silences"
"""The number that moves with each change of a silence, by its name: whoever remembers silences asks for it."""
_HAVE_CHANGED = text(
    "INSERT INTO number_series (name, value) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET value = number_series.value + 1"
)


def _have_changed(conn: Connection) -> None:
    """Last in a transaction that writes one silence: others that change one wait for its end from here on."""
    conn.execute(_HAVE_CHANGED, {"name": REVISION})


def _row(record: SilenceRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "matchers": [{"name": name, "op": op, "value": value} for name, op, value in record.matchers],
        "starts_at": record.starts_at,
        "ends_at": record.ends_at,
        "schedule": record.schedule,
        "timezone": record.timezone,
        "duration_seconds": record.duration_seconds,
        "created_by": record.created_by,
        "comment": record.comment,
        "annotations": dict(record.annotations),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "spread_for": record.spread_for,
        "reported_for": record.reported_for,
        "report": None if record.report is None else dict(record.report),
    }


def _record(row: AnyRow) -> SilenceRecord:
    return SilenceRecord(
        id=row.id,
        matchers=tuple((each["name"], each["op"], each["value"]) for each in row.matchers),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        created_by=row.created_by,
        comment=row.comment,
        created_at=row.created_at,
        updated_at=row.updated_at,
        schedule=row.schedule,
        timezone=row.timezone,
        duration_seconds=row.duration_seconds,
        annotations=tuple(sorted(row.annotations.items())),
        spread_for=row.spread_for,
        reported_for=row.reported_for,
        report=row.report,
    )


_BEGUN = (
    select(silence)
    .where(silence.c.ends_at > bindparam("now"), silence.c.starts_at <= bindparam("latest"))
    .order_by(silence.c.id)
)


def begun(conn: Connection, now: datetime, latest: datetime) -> list[SilenceRecord]:
    """Those that begin at `latest` or before and end after `now`: the ones that may mute something now."""
    return [_record(row) for row in conn.execute(_BEGUN, {"now": now, "latest": latest})]


def unended(conn: Connection, now: datetime) -> list[SilenceRecord]:
    """Those that end after `now`, whenever they begin."""
    rows = conn.execute(select(silence).where(silence.c.ends_at > now).order_by(silence.c.id))
    return [_record(row) for row in rows]


def by_ids(conn: Connection, ids: Iterable[UUID]) -> list[SilenceRecord]:
    """Those with these ids, ended ones too."""
    rows = conn.execute(select(silence).where(among(conn, silence.c.id, list(ids))).order_by(silence.c.id))
    return [_record(row) for row in rows]


def held(conn: Connection, silence_id: UUID) -> SilenceRecord | None:
    """One silence, held until the transaction ends; None when there is none."""
    row = conn.execute(select(silence).where(silence.c.id == silence_id).with_for_update()).one_or_none()
    return None if row is None else _record(row)


def unfinished(conn: Connection, now: datetime) -> list[SilenceRecord]:
    """Those that may still begin or end: the end is to come, or has not been noticed."""
    s = silence.c
    unnoticed = and_(s.spread_for.is_not(None), or_(s.reported_for.is_(None), s.reported_for != s.spread_for))
    chosen = select(silence).where(or_(and_(s.ends_at > now, s.starts_at <= now), unnoticed)).order_by(s.id)
    return [_record(row) for row in conn.execute(chosen)]


def by_id(conn: Connection, silence_id: UUID) -> SilenceRecord | None:
    """One silence, or None."""
    found = by_ids(conn, [silence_id])
    return found[0] if found else None


def page(conn: Connection, after: UUID | None, limit: int, ended_before: datetime | None = None) -> list[SilenceRecord]:
    """At most `limit` silences older than `after`, the newest first; without those that ended before an instant."""
    chosen = select(silence).order_by(silence.c.id.desc()).limit(limit)
    if after is not None:
        chosen = chosen.where(silence.c.id < after)
    if ended_before is not None:
        chosen = chosen.where(silence.c.ends_at > ended_before)
    return [_record(row) for row in conn.execute(chosen)]


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a mute, alone or with others, kept back since an instant: notifications, and the incidents of them.

    `open_count` of the incidents are open. The counts are of all; listed are the gravest, `open_ids` those still open.
    """

    notification_count: int
    incident_count: int
    open_count: int
    incident_ids: tuple[UUID, ...]
    open_ids: tuple[UUID, ...]


_HIDDEN = (notification_mute.c.ref == bindparam("ref"), notification_mute.c.muted_at >= bindparam("since"))
_IS_OPEN = incident.c.status != IncidentStatus.RESOLVED
_COUNTS = (
    select(
        func.count(),
        func.count(notification.c.incident_id.distinct()),
        func.count(notification.c.incident_id.distinct()).filter(_IS_OPEN),
    )
    .select_from(notification_mute)
    .join(notification, notification.c.id == notification_mute.c.notification_id)
    .join(incident, incident.c.id == notification.c.incident_id)
    .where(*_HIDDEN)
)
_ABOUT = (
    select(notification.c.incident_id)
    .select_from(notification_mute)
    .join(notification, notification.c.id == notification_mute.c.notification_id)
    .where(*_HIDDEN)
)
_GRAVEST = (
    select(incident.c.id)
    .where(incident.c.id.in_(_ABOUT))
    .order_by(incident.c.severity.desc(), incident.c.number)
    .limit(bindparam("most"))
)


def hidden_by(conn: Connection, ref: str, since: datetime, limit: int = 100) -> Hidden:
    """What the mute `ref` kept back since an instant; at most `limit` incidents are listed of each kind."""
    given = {"ref": ref, "since": since}
    notification_count, incident_count, open_count = conn.execute(_COUNTS, given).one()
    listed = tuple(conn.execute(_GRAVEST, {**given, "most": limit}).scalars())
    still_open = tuple(conn.execute(_GRAVEST.where(_IS_OPEN), {**given, "most": limit}).scalars())
    return Hidden(int(notification_count), int(incident_count), int(open_count), listed, still_open)
