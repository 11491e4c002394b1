"""What is mended, given up and forgotten as time passes. Bounded steps: call again until nothing is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, update

from alertsvc.store.bulk import among
from alertsvc.store.outbox import lanes_without_head, promote
from alertsvc.store.tables import (
    alert,
    arrival,
    attempt,
    delivery,
    digest,
    event,
    idempotency,
    incident,
    measurement,
    notification,
    outbox,
    quarantine,
)

STEP = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept once nobody works on them any more."""

    incidents: timedelta = timedelta(days=400)
    measurements: timedelta = timedelta(days=90)
    deliveries: timedelta = timedelta(days=90)
    arrivals: timedelta = timedelta(days=30)
    idempotency_keys: timedelta = timedelta(days=7)


def mend_lanes(conn: Connection) -> int:
    """Give a head to lanes that have none. There should be no such lane; returns how many there were."""
    return promote(conn, lanes_without_head(conn))


def give_up_unknown(conn: Connection, known: Sequence[str], now: datetime) -> int:
    """Deliveries past their horizon whose destination nobody configures any more fail. Returns how many."""
    lost = select(outbox).where(
        outbox.c.expires_at < now, outbox.c.state != "sending", outbox.c.destination.not_in(list(known))
    )
    rows = conn.execute(lost.limit(STEP).with_for_update(skip_locked=True)).all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    why = "the destination is not configured any more"
    conn.execute(delete(outbox).where(among(conn, outbox.c.id, ids)))
    columns = [column.name for column in delivery.c if column.name in outbox.c]
    ended = [{name: getattr(row, name) for name in columns} for row in rows]
    conn.execute(insert(delivery), [each | {"outcome": "failed", "detail": why, "finished_at": now} for each in ended])
    conn.execute(
        update(notification)
        .where(among(conn, notification.c.delivery_id, ids), notification.c.state == "pending")
        .values(state="failed", ended_why=why, ended_at=now)
    )
    promote(conn, {row.lane for row in rows})
    return len(rows)


def forget(conn: Connection, keep: Retention, now: datetime) -> int:
    """Delete one step of what is older than it is to be kept. Open incidents and what they need stay."""
    gone = _delete_step(conn, incident, incident.c.resolved_at < now - keep.incidents)
    gone += _delete_step(conn, alert, (alert.c.incident_id.is_(None)) & (alert.c.last_seen_at < now - keep.incidents))
    gone += _delete_step(conn, measurement, measurement.c.received_at < now - keep.measurements)
    gone += _delete_step(conn, attempt, attempt.c.finished_at < now - keep.deliveries)
    gone += _delete_step(
        conn, delivery, (delivery.c.incident_id.is_(None)) & (delivery.c.finished_at < now - keep.deliveries)
    )
    gone += _delete_step(conn, digest, (digest.c.state != "open") & (digest.c.closed_at < now - keep.deliveries))
    gone += _delete_step(conn, idempotency, idempotency.c.created_at < now - keep.idempotency_keys, "key")
    still_used = select(quarantine.c.arrival_id).where(quarantine.c.state == "open")
    old = (arrival.c.received_at < now - keep.arrivals) & arrival.c.id.not_in(still_used)
    return gone + _delete_step(conn, arrival, old & arrival.c.id.not_in(select(event.c.arrival_id)))


def _delete_step(conn: Connection, table: Table, condition: ColumnElement[bool], key: str = "id") -> int:
    chosen = select(table.c[key]).where(condition).limit(STEP)
    return conn.execute(delete(table).where(table.c[key].in_(chosen))).rowcount
