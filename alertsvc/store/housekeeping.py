"""What is mended, given up and forgotten as time passes. Bounded steps: call again until nothing is left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from alertsvc.core.effects import HistoryEntry
from alertsvc.core.model import Reason
from alertsvc.store import incidents, tally
from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.insertions import Insertions
from alertsvc.store.outbox import lanes_without_head, promote
from alertsvc.store.settling import Covered, may_have_heard
from alertsvc.store.tables import (
    delivery,
    notification,
    outbox,
)

STEP = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept once nobody works on them any more.

    `incidents` counts for silences too, and for what stands in the quarantine and nobody looks at.
    """

    incidents: timedelta = timedelta(days=400)
    measurements: timedelta = timedelta(days=90)
    deliveries: timedelta = timedelta(days=90)
    arrivals: timedelta = timedelta(days=30)
    idempotency_keys: timedelta = timedelta(days=7)


def mend_lanes(conn: Connection) -> int:
    """Give a head to lanes that have none. There should be no such lane; returns how many there were."""
    return promote(conn, lanes_without_head(conn))


def give_up_unknown(conn: Connection, known: Sequence[str], now: datetime, new_id: Callable[[], UUID]) -> int:
    """Deliveries past their horizon whose destination nobody configures any more fail, visibly. Returns how many."""
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
    failed = (
        update(notification)
        .where(among(conn, notification.c.delivery_id, ids), notification.c.state == "pending")
        .values(state="failed", ended_why=why, ended_at=now)
        .returning(
            notification.c.id,
            notification.c.incident_id,
            notification.c.delivery_id,
            notification.c.destination,
            notification.c.reason,
        )
    )
    by_id = {row.id: row for row in rows}
    told_of = conn.execute(failed).all()
    tally.count_each(conn, tally.DELIVERY, ((row.destination, "failed") for row in rows))
    tally.count_each(conn, tally.NOTIFICATION, ((each.destination, "failed") for each in told_of))
    heard = [
        Covered(each.id, each.incident_id, each.destination, Reason(each.reason))
        for each in told_of
        if by_id[each.delivery_id].maybe_left
    ]
    may_have_heard(conn, heard, now)
    covered = sorted({(each.delivery_id, each.incident_id) for each in told_of})
    new = Insertions()
    lines = [_failed(by_id[delivery_id], about, why, now) for delivery_id, about in covered]
    incidents.add_history(new, lines, (new_id() for _ in lines))
    new.write(conn)
    promote(conn, {row.lane for row in rows})
    return len(rows)


def _failed(row: AnyRow, incident_id: UUID, why: str, now: datetime) -> HistoryEntry:
    facts: dict[str, object] = {"delivery_id": str(row.id), "attempt": row.attempt_count}
    said = f"{row.reason}: {why}"
    return HistoryEntry(incident_id, now, "delivery_failed", row.destination, row.destination, said, facts)
