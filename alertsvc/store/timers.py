"""Timers that are due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.tables import timer


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that went off."""

    incident_id: UUID
    destination: str
    kind: str


def incidents_due(conn: Connection, now: datetime, limit: int = 100) -> list[UUID]:
    """Incidents with a timer that is due, the longest overdue first. Nothing is held yet."""
    chosen = select(timer.c.incident_id).where(timer.c.due_at <= now).order_by(timer.c.due_at).limit(limit)
    return list(dict.fromkeys(conn.execute(chosen).scalars()))


def of_incident(conn: Connection, incident_id: UUID) -> list[AnyRow]:
    """What goes off for an incident: `destination`, `kind`, `due_at`."""
    chosen = select(timer).where(timer.c.incident_id == incident_id).order_by(timer.c.due_at)
    return list(conn.execute(chosen))


def take_due(conn: Connection, incident_ids: Iterable[UUID], now: datetime) -> Sequence[DueTimer]:
    """The due timers of incidents this transaction holds. They are gone once it commits."""
    taken = delete(timer).where(among(conn, timer.c.incident_id, incident_ids), timer.c.due_at <= now)
    rows = conn.execute(taken.returning(timer.c.incident_id, timer.c.destination, timer.c.kind))
    return sorted((DueTimer(*row) for row in rows), key=lambda each: (str(each.incident_id), each.destination))


def put_off(conn: Connection, incident_id: UUID, now: datetime, due_at: datetime) -> None:
    """The due timers of an incident go off at `due_at` instead."""
    late = update(timer).where(timer.c.incident_id == incident_id, timer.c.due_at <= now)
    conn.execute(late.values(due_at=due_at))
