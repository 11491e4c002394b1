"""News that is kept back: which mute keeps what from whom, and which mutes have ended."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from alertsvc.core.effects import HeldBack, Released
from alertsvc.store.bulk import Among, AnyRow, among, delete_rows, insert_rows, update_rows
from alertsvc.store.tables import believer, ended_mute, incident, mute

ENDS_AT_ONCE = 100
"""How many ended mutes are looked at in one transaction."""
LONGEST_TRANSACTION = timedelta(seconds=30)
"""What holds a transaction open for longer than this is ended by the database: its statements and its idleness are
bounded."""


@dataclass(frozen=True, slots=True)
class Held:
    """News kept from a destination by the mute `ref`, as `said`; `is_due`: it may have ended."""

    destination: str
    ref: str
    said: str
    is_due: bool


def hold(conn: Connection, held: Sequence[HeldBack], now: datetime) -> None:
    """Write down what is kept back. The lanes are held by this transaction, which marks their believers itself."""
    rows = {
        (each.incident_id, each.destination, each.mute.ref): {
            "incident_id": each.incident_id,
            "destination": each.destination,
            "ref": each.mute.ref,
            "said": each.mute.said,
            "since": now,
            "check_at": each.mute.until,
        }
        for each in held
    }
    again = (
        "ON CONFLICT (incident_id, destination, ref) DO UPDATE SET check_at = excluded.check_at, said = excluded.said"
    )
    insert_rows(conn, mute, list(rows.values()), on_conflict=again)


def mark_held(conn: Connection, lanes: Iterable[tuple[UUID, str]]) -> None:
    """The believers of lanes have something kept from them."""
    for incident_id, destination in sorted(set(lanes), key=str):
        chosen = (believer.c.incident_id == incident_id, believer.c.destination == destination)
        conn.execute(update(believer).where(*chosen).values(held=True))


def forget(conn: Connection, incident_ids: Sequence[UUID]) -> None:
    """Nothing of these incidents is kept back any more."""
    if incident_ids:
        conn.execute(delete(mute).where(among(conn, mute.c.incident_id, incident_ids)))


def release(conn: Connection, released: Sequence[Released]) -> None:
    """What ended mutes kept back is kept back no more."""
    rows = [
        {"incident_id": each.incident_id, "destination": each.destination, "ref": ref}
        for each in released
        for ref in each.refs
    ]
    delete_rows(conn, mute, rows)


_OF_INCIDENTS = (
    select(mute.c.incident_id, mute.c.destination, mute.c.ref, mute.c.said, mute.c.check_at)
    .where(Among(mute.c.incident_id, "ids"))
    .order_by(mute.c.incident_id, mute.c.destination, mute.c.ref)
)


def of_incidents(conn: Connection, ids: Collection[UUID], now: datetime) -> dict[UUID, list[Held]]:
    """Everything of incidents that is kept back, by incident; one of which nothing is may be missing."""
    found: dict[UUID, list[Held]] = {}
    for row in conn.execute(_OF_INCIDENTS, {"ids": ids}):
        is_due = row.check_at is not None and row.check_at <= now
        found.setdefault(row.incident_id, []).append(Held(row.destination, row.ref, row.said, is_due))
    return found


def rows_of(conn: Connection, incident_id: UUID) -> list[AnyRow]:
    """Everything of an incident that is kept back: `destination`, `ref`, `said`, `since`, `check_at`."""
    chosen = select(mute).where(mute.c.incident_id == incident_id).order_by(mute.c.destination, mute.c.ref)
    return list(conn.execute(chosen))


def announce_end(conn: Connection, refs: Iterable[str], now: datetime) -> None:
    """Mutes have ended, or have changed: what they keep back is to be looked at soon.

    A row of its own for each, since whoever says so must not wait for the lanes they are about.
    """
    rows = [{"ref": ref, "ended_at": now} for ref in sorted(set(refs))]
    insert_rows(conn, ended_mute, rows, on_conflict="ON CONFLICT (ref, ended_at) DO NOTHING")


def any_ended(conn: Connection, now: datetime) -> bool:
    """Whether mutes have ended at which nobody has looked, or not for the second time that is due."""
    return conn.execute(select(ended_mute.c.ref).where(_is_to_be_looked_at(now)).limit(1)).first() is not None


def take_ends(conn: Connection, now: datetime) -> int:
    """Have what ended mutes keep back looked at now. Returns how many mutes that were."""
    taken = select(ended_mute).where(_is_to_be_looked_at(now)).order_by(ended_mute.c.ref).limit(ENDS_AT_ONCE)
    rows = conn.execute(taken.with_for_update(skip_locked=True)).all()
    refs = [row.ref for row in rows]
    if refs:
        later = or_(mute.c.check_at.is_(None), mute.c.check_at > now)
        conn.execute(update(mute).where(among(conn, mute.c.ref, refs), later).values(check_at=now))
        seen = [{"ref": row.ref, "ended_at": row.ended_at, "looked_at": now} for row in rows if row.looked_at is None]
        done = [{"ref": row.ref, "ended_at": row.ended_at} for row in rows if row.looked_at is not None]
        update_rows(conn, ended_mute, ["ref", "ended_at"], seen)
        delete_rows(conn, ended_mute, done)
    return len(refs)


def _is_to_be_looked_at(now: datetime) -> ColumnElement[bool]:
    return or_(ended_mute.c.looked_at.is_(None), ended_mute.c.looked_at <= now - LONGEST_TRANSACTION)


def put_off(conn: Connection, incident_id: UUID, now: datetime, until: datetime) -> None:
    """What is due of an incident is looked at later."""
    conn.execute(update(mute).where(mute.c.incident_id == incident_id, mute.c.check_at <= now).values(check_at=until))


def check_all(conn: Connection, now: datetime) -> None:
    """The rules have changed: look at everything that is kept back."""
    later = or_(mute.c.check_at.is_(None), mute.c.check_at > now)
    conn.execute(update(mute).where(later).values(check_at=now))


def any_due(conn: Connection, now: datetime) -> bool:
    """Whether anything that is kept back is to be looked at. The first is asked for, as in `overdue.is_any`."""
    chosen = select(mute.c.incident_id).where(mute.c.check_at <= now).order_by(mute.c.check_at).limit(1)
    return conn.execute(chosen).first() is not None


@dataclass(frozen=True, slots=True)
class DueIncident:
    """An incident of which something kept back is to be looked at, and how many of its alerts fire."""

    id: UUID
    firing_count: int


def incidents_due(conn: Connection, now: datetime, limit: int) -> list[DueIncident]:
    """Incidents of which something kept back is to be looked at. Nothing is held yet.

    The gravest come first, whatever kept them back: a critical one must not wait for a thousand warnings. Of the same
    severity it is the longest overdue.
    """
    overdue = select(mute.c.incident_id, func.min(mute.c.check_at).label("since")).where(mute.c.check_at <= now)
    first = overdue.group_by(mute.c.incident_id).subquery()
    i = incident.c
    firing_count = i.firing_info + i.firing_warning + i.firing_error + i.firing_critical
    chosen = select(i.id, firing_count).join(first, first.c.incident_id == i.id)
    rows = conn.execute(chosen.order_by(i.severity.desc(), first.c.since, i.id).limit(limit))
    return [DueIncident(*row) for row in rows]
