"""Incidents and who believes what about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, or_, select, text

from alertsvc.core.effects import HistoryEntry, Timer
from alertsvc.core.incidents import Believer, Incident, LiveDelivery, PendingNotification, Situation
from alertsvc.core.model import Deliver, IncidentStatus, Reason, Severity
from alertsvc.store.bulk import Among, AnyRow, Columns, among, insert_rows, update_rows
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import believer, history, incident, notification, outbox, timer

_BELIEVER_FIELDS: Columns = (
    believer.c.incident_id,
    believer.c.destination,
    believer.c.receiver,
    believer.c.route,
    believer.c.state,
    believer.c.deliver,
    believer.c.digest,
    believer.c.severity,
    believer.c.group_interval_seconds,
    believer.c.repeat_interval_seconds,
    believer.c.sequence,
    believer.c.told_at,
    believer.c.last_told_at,
    believer.c.ended_at,
    believer.c.held,
)
_RECENT = or_(incident.c.status != IncidentStatus.RESOLVED, incident.c.resolved_at > bindparam("resolved_since"))
OF_KEYS = and_(Among(incident.c.correlation_key, "keys"), _RECENT)
"""With one of the `keys`, and open or resolved not long ago (`resolved_since`)."""
_ANY = select(incident).order_by(incident.c.id)
_HELD = _ANY.with_for_update(key_share=True)
_OF_IDS_OR_KEYS = or_(Among(incident.c.id, "ids"), OF_KEYS)
_CHOSEN = {False: _HELD.where(OF_KEYS), True: _HELD.where(_OF_IDS_OR_KEYS)}
"""Whether it is known which incidents some of the alerts stand in: new alerts stand in none."""
_SEEN = _ANY.where(_OF_IDS_OR_KEYS)
_SEEN_LANES = (
    select(*_BELIEVER_FIELDS)
    .where(Among(believer.c.incident_id, "ids"))
    .order_by(believer.c.incident_id, believer.c.destination)
)
_LANES = _SEEN_LANES.with_for_update(key_share=True)
_LIVE = (
    select(
        outbox.c.incident_id,
        outbox.c.id,
        outbox.c.destination,
        outbox.c.reason,
        outbox.c.severity,
        outbox.c.state,
        outbox.c.maybe_left,
        outbox.c.due_at,
    )
    .where(Among(outbox.c.incident_id, "ids"))
    .order_by(outbox.c.lane, outbox.c.sequence)
)
_PENDING = (
    select(
        notification.c.incident_id,
        notification.c.id,
        notification.c.destination,
        notification.c.reason,
        notification.c.delivery_id,
        notification.c.digest_id,
    )
    .where(Among(notification.c.incident_id, "ids"), notification.c.state == "pending")
    .order_by(notification.c.id)
)


def situations(
    conn: Connection, ids: Collection[UUID], keys: Collection[str], resolved_since: datetime
) -> list[Situation]:
    """The incidents `ids`, and those with a correlation key of `keys` that are open or were resolved since then.

    All of them, and then their lanes, are held until the transaction ends; both in a fixed order.
    """
    given = {"ids": ids, "keys": keys, "resolved_since": resolved_since}
    rows = conn.execute(_CHOSEN[bool(ids)], given).all()
    return _with_surroundings(conn, [incident_from(row) for row in rows])


def seen(conn: Connection, ids: Collection[UUID], keys: Collection[str], resolved_since: datetime) -> list[Situation]:
    """As `situations`, holding nothing: good for telling what would be, not for changing."""
    rows = conn.execute(_SEEN, {"ids": ids, "keys": keys, "resolved_since": resolved_since}).all()
    return _with_surroundings(conn, [incident_from(row) for row in rows], _SEEN_LANES)


def situation(conn: Connection, incident_id: UUID) -> Situation | None:
    """One incident, held with its lanes until the transaction ends; None when there is none."""
    rows = conn.execute(select(incident).where(incident.c.id == incident_id).with_for_update(key_share=True))
    found = _with_surroundings(conn, [incident_from(row) for row in rows])
    return found[0] if found else None


def open_number(conn: Connection, correlation_key: str) -> int | None:
    """The number of the open incident with this correlation key, or None."""
    chosen = select(incident.c.number).where(
        incident.c.correlation_key == correlation_key, incident.c.status != IncidentStatus.RESOLVED
    )
    return conn.execute(chosen).scalar_one_or_none()


def id_of_number(conn: Connection, number: int) -> UUID | None:
    """The identity of the incident people know as `number`, or None."""
    return conn.execute(select(incident.c.id).where(incident.c.number == number)).scalar_one_or_none()


def open_of_model(conn: Connection, model: str, environment: str | None) -> list[UUID]:
    """The open incidents of a model: those of an environment, and those that name none."""
    i = incident.c
    chosen = select(i.id).where(i.model == model, text("incident.status <> 'resolved'"))
    if environment is not None:
        chosen = chosen.where(or_(i.environment == environment, i.environment.is_(None)))
    return list(conn.execute(chosen.order_by(i.id)).scalars())


def numbers_of(conn: Connection, ids: Iterable[UUID]) -> dict[UUID, int]:
    """The numbers of the incidents `ids`, by id."""
    chosen = select(incident.c.id, incident.c.number).where(among(conn, incident.c.id, ids))
    return {row.id: row.number for row in conn.execute(chosen)}


def incident_from(row: AnyRow) -> Incident:
    """The decision's view of a whole row of the table."""
    return Incident(
        id=row.id,
        number=row.number,
        correlation_key=row.correlation_key,
        labels=row.labels,
        title=row.title,
        summary=row.summary,
        status=IncidentStatus(row.status),
        severity=Severity(row.severity),
        peak_severity=Severity(row.peak_severity),
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        resolved_by=row.resolved_by,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        firing=(row.firing_info, row.firing_warning, row.firing_error, row.firing_critical),
        alert_count=row.alert_count,
        version=row.version,
    )


def _with_surroundings(
    conn: Connection, found: Sequence[Incident], lanes: Select[*tuple[Any, ...]] = _LANES
) -> list[Situation]:
    if not found:
        return []
    ids = [each.id for each in found]
    believers: dict[UUID, dict[str, Believer]] = {}
    for row in conn.execute(lanes, {"ids": ids}):
        believers.setdefault(row.incident_id, {})[row.destination] = _believer(row)
    live = _live(conn, ids)
    pending = _pending(conn, ids)
    return [
        Situation(each, believers.get(each.id, {}), tuple(live.get(each.id, ())), tuple(pending.get(each.id, ())))
        for each in found
    ]


def _believer(row: AnyRow) -> Believer:
    return Believer(
        destination=row.destination,
        receiver=row.receiver,
        route=row.route,
        state=row.state,
        deliver=Deliver(row.deliver),
        digest=row.digest,
        severity=Severity(row.severity),
        group_interval_seconds=row.group_interval_seconds,
        repeat_interval_seconds=row.repeat_interval_seconds,
        sequence=row.sequence,
        told_at=row.told_at,
        last_told_at=row.last_told_at,
        ended_at=row.ended_at,
        held=row.held,
    )


def _live(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, list[LiveDelivery]]:
    found: dict[UUID, list[LiveDelivery]] = {}
    for row in conn.execute(_LIVE, {"ids": ids}):
        delivery = LiveDelivery(
            row.id, row.destination, Reason(row.reason), Severity(row.severity), row.state, row.maybe_left, row.due_at
        )
        found.setdefault(row.incident_id, []).append(delivery)
    return found


def _pending(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, list[PendingNotification]]:
    found: dict[UUID, list[PendingNotification]] = {}
    for row in conn.execute(_PENDING, {"ids": ids}):
        entry = PendingNotification(row.id, row.destination, Reason(row.reason), row.delivery_id, row.digest_id)
        found.setdefault(row.incident_id, []).append(entry)
    return found


def destinations_of(conn: Connection, ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """The destinations that are to hear of incidents and how they end, by incident. Nothing is held."""
    found: dict[UUID, set[str]] = {}
    chosen = select(believer.c.incident_id, believer.c.destination).where(
        among(conn, believer.c.incident_id, ids), believer.c.state != "ended"
    )
    for row in conn.execute(chosen):
        found.setdefault(row.incident_id, set()).add(row.destination)
    return found


def open_lanes(conn: Connection, wanted: Mapping[UUID, Iterable[str]]) -> list[tuple[UUID, str]]:
    """Of lanes (incident and destinations), those that have been told or are to be; held until the transaction ends."""
    lanes = select(believer.c.incident_id, believer.c.destination).where(
        among(conn, believer.c.incident_id, wanted), believer.c.state != "ended"
    )
    lanes = lanes.order_by(believer.c.incident_id, believer.c.destination).with_for_update(key_share=True)
    return [(row.incident_id, row.destination) for row in conn.execute(lanes) if row.destination in wanted[row[0]]]


def add_opened(conn: Connection, new: Insertions, opened: Sequence[Incident]) -> None:
    """Have new incidents written, with their numbers. Sorted by correlation key: so no two writers wait crosswise.

    It is a conflict when another transaction opened an incident for one of the keys first.
    """
    ordered = sorted(opened, key=lambda each: each.correlation_key)
    rows = [_row(each) | {"correlation_key": each.correlation_key} for each in ordered]
    once = "ON CONFLICT (correlation_key) WHERE status <> 'resolved' DO NOTHING"
    conflict = "an incident was opened meanwhile"
    if conn.dialect.name == "postgresql":
        new.add(incident, rows, on_conflict=once, conflict=conflict, numbered=("number", "incident_number_seq"))
        return
    numbers = _numbers(conn, len(rows)) if rows else ()
    numbered = [row | {"number": number} for row, number in zip(rows, numbers, strict=True)]
    new.add(incident, numbered, on_conflict=once, conflict=conflict)
    new.numbers |= {each.id: number for each, number in zip(ordered, numbers, strict=True)}


_ADVANCE = text(
    "INSERT INTO number_series (name, value) VALUES ('incident', :count)"
    " ON CONFLICT (name) DO UPDATE SET value = value + :count RETURNING value"
)


def _numbers(conn: Connection, count: int) -> Sequence[int]:
    """The next numbers of the series that stands in for a sequence on SQLite."""
    last = int(conn.execute(_ADVANCE, {"count": count}).scalar_one())
    return range(last - count + 1, last + 1)


def save_changed(conn: Connection, changed: Sequence[Incident]) -> None:
    """Write incidents that are held by this transaction."""
    update_rows(conn, incident, ["id"], [_row(each) for each in changed])


def _row(each: Incident) -> dict[str, object]:
    info, warning, error, critical = each.firing
    return {
        "id": each.id,
        "labels": each.labels,
        "title": each.title,
        "summary": each.summary,
        "model": each.labels.get("model"),
        "environment": each.labels.get("environment"),
        "status": each.status,
        "severity": int(each.severity),
        "peak_severity": int(each.peak_severity),
        "opened_at": each.opened_at,
        "updated_at": each.updated_at,
        "resolved_at": each.resolved_at,
        "resolved_by": each.resolved_by,
        "acknowledged_at": each.acknowledged_at,
        "acknowledged_by": each.acknowledged_by,
        "firing_info": info,
        "firing_warning": warning,
        "firing_error": error,
        "firing_critical": critical,
        "alert_count": each.alert_count,
        "version": each.version,
    }


def add_believers(new: Insertions, believers: Sequence[tuple[UUID, Believer]]) -> None:
    """Have it written what destinations believe that believed nothing before."""
    rows = [_believer_row(key, each) for key, each in believers]
    rows.sort(key=lambda row: (str(row["incident_id"]), str(row["destination"])))
    new.add(believer, rows)


def save_believers(conn: Connection, changed: Sequence[tuple[UUID, Believer]]) -> None:
    """Write what destinations believe now. What the sender of deliveries writes (`told_at`, ...) is left alone."""
    update_rows(conn, believer, ["incident_id", "destination"], [_believer_row(key, each) for key, each in changed])


def _believer_row(incident_id: UUID, each: Believer) -> dict[str, object]:
    return {
        "incident_id": incident_id,
        "destination": each.destination,
        "receiver": each.receiver,
        "route": each.route,
        "state": each.state,
        "deliver": each.deliver,
        "digest": each.digest,
        "severity": int(each.severity),
        "group_interval_seconds": each.group_interval_seconds,
        "repeat_interval_seconds": each.repeat_interval_seconds,
        "sequence": each.sequence,
        "told_at": each.told_at,
        "last_told_at": each.last_told_at,
        "ended_at": each.ended_at,
        "held": each.held,
    }


def add_history(new: Insertions, entries: Sequence[HistoryEntry], new_ids: Iterable[UUID]) -> None:
    """Have lines appended to timelines."""
    rows = [
        {
            "id": new_id,
            "incident_id": each.incident_id,
            "at": each.at,
            "kind": each.kind,
            "actor": each.actor,
            "channel": each.channel,
            "detail": each.detail,
            "facts": each.facts,
        }
        for each, new_id in zip(entries, new_ids, strict=False)
    ]
    new.add(history, rows)


def set_timers(conn: Connection, timers: Sequence[Timer]) -> None:
    """Set timers; one that is set again moves."""
    rows = {
        (each.incident_id, each.destination, each.kind): {
            "incident_id": each.incident_id,
            "destination": each.destination,
            "kind": each.kind,
            "due_at": each.due_at,
        }
        for each in timers
    }
    moved = "ON CONFLICT (incident_id, destination, kind) DO UPDATE SET due_at = excluded.due_at"
    insert_rows(conn, timer, list(rows.values()), on_conflict=moved)


def call_off_timers(conn: Connection, incident_ids: Sequence[UUID]) -> None:
    """No timer of these incidents will go off."""
    if incident_ids:
        conn.execute(timer.delete().where(among(conn, timer.c.incident_id, incident_ids)))
