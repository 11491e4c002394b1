"""Looks for entries of the books that do not balance. There should be none; each look is bounded and by an index."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, exists, func, or_, select

from alertsvc.store.tables import arrival, digest, event, notification, outbox, quarantine

MOST_ARRIVALS = 200
MOST_PENDING = 50_000
MOST_FOUND = 100
"""More than so many are not counted: one is too many."""


def unbalanced_arrivals(conn: Connection, since: datetime) -> list[UUID]:
    """Requests whose items are not all accounted for, among the latest that came `since` then.

    What arrived is new, updated, duplicate, stale, recorded or in quarantine; what was new or changed something has its
    event, and what is in quarantine is there.
    """
    a = arrival.c
    latest = (
        select(
            a.id,
            a.received_count,
            (a.new_count + a.updated_count).label("changing"),
            a.quarantined_count,
            (a.duplicate_count + a.stale_count + a.recorded_count).label("rest"),
        )
        .where(a.received_at >= since)
        .order_by(a.received_at.desc())
        .limit(MOST_ARRIVALS)
        .cte("latest")
    )
    each = latest.c
    wrong = or_(
        each.received_count != each.changing + each.rest + each.quarantined_count,
        each.changing != _rows_of(event, each.id),
        each.quarantined_count != _rows_of(quarantine, each.id),
    )
    return list(conn.execute(select(each.id).where(wrong).limit(MOST_FOUND)).scalars())


def _rows_of(table: Table, arrival_id: ColumnElement[UUID]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(table.c.arrival_id == arrival_id).scalar_subquery()


def uncovered_notifications(conn: Connection) -> list[UUID]:
    """Pending notifications that nothing will ever end: neither a delivery in the outbox nor an open digest has them.

    The incidents that are open longest come first; beyond the first `MOST_PENDING` nobody looks.
    """
    n = notification.c
    pending = (
        select(n.id, n.delivery_id, n.digest_id)
        .where(n.state == "pending")
        .order_by(n.incident_id)
        .limit(MOST_PENDING)
        .cte("pending")
    )
    each = pending.c
    on_its_way = exists().where(outbox.c.id == each.delivery_id)
    gathered = each.delivery_id.is_(None) & exists().where(digest.c.id == each.digest_id, digest.c.state == "open")
    return list(conn.execute(select(each.id).where(~or_(on_its_way, gathered)).limit(MOST_FOUND)).scalars())
