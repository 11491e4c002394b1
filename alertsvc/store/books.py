"""Looks for entries of the books that do not balance. There should be none; each look is bounded and by an index."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, exists, func, or_, select

from alertsvc.core.model import IncidentStatus, Severity
from alertsvc.store.outbox import lanes_without_head
from alertsvc.store.tables import (
    alert,
    arrival,
    delivery,
    digest,
    episode,
    event,
    incident,
    notification,
    outbox,
    quarantine,
)

MOST_ARRIVALS = 200
MOST_PENDING = 50_000
MOST_CRITICAL = 1000
MOST_FAILED = 500
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


def unmentioned_criticals(conn: Connection) -> list[UUID]:
    """Critical incidents that fire and of which nobody was ever to be told anything: no notification, however it ended.

    That is right where no destination wants to be told. Those that opened last come first; beyond the first
    `MOST_CRITICAL` nobody looks.
    """
    i = incident.c
    latest = (
        select(i.id)
        .where(i.status == IncidentStatus.FIRING, i.severity == Severity.CRITICAL)
        .order_by(i.opened_at.desc())
        .limit(MOST_CRITICAL)
        .cte("latest")
    )
    noted = exists().where(notification.c.incident_id == latest.c.id)
    return list(conn.execute(select(latest.c.id).where(~noted).limit(MOST_FOUND)).scalars())


def disordered_lanes(conn: Connection) -> list[str]:
    """Lanes in which everything waits, and lanes in which something waits that should have left before the head."""
    head, waiting = outbox.alias("head"), outbox.alias("waiting")
    overtaken = exists().where(
        waiting.c.lane == head.c.lane, waiting.c.sequence < head.c.sequence, waiting.c.state == "waiting"
    )
    inverted = select(head.c.lane).where(head.c.state != "waiting", overtaken).limit(MOST_FOUND)
    return [*lanes_without_head(conn)[:MOST_FOUND], *conn.execute(inverted).scalars()]


def failed_criticals(conn: Connection, source: str, since: datetime) -> list[str]:
    """Destinations at which a critical message has failed for good `since` then, other than about alerts of `source`.

    An incident with an alert of another source counts. Of the messages that failed the latest are looked at.
    """
    d, n = delivery.c, notification.c
    latest = (
        select(d.id, d.destination)
        .where(d.outcome == "failed", d.finished_at >= since, d.severity == Severity.CRITICAL)
        .order_by(d.finished_at.desc())
        .limit(MOST_FAILED)
        .cte("latest")
    )
    foreign = exists().where(
        n.delivery_id == latest.c.id,
        episode.c.incident_id == n.incident_id,
        alert.c.id == episode.c.alert_id,
        alert.c.source != source,
    )
    chosen = select(latest.c.destination).where(foreign).distinct().order_by(latest.c.destination)
    return list(conn.execute(chosen.limit(MOST_FOUND)).scalars())
