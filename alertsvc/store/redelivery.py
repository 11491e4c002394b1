"""A person has a delivery tried again."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update

from alertsvc.core.model import IncidentStatus, Reason, Severity
from alertsvc.core.outgoing import FIRING_NEWS, horizon
from alertsvc.store import incidents
from alertsvc.store.bulk import AnyRow
from alertsvc.store.outbox import lock_lanes, priority, promote
from alertsvc.store.tables import believer, delivery, incident, notification, outbox


class RetryState(Enum):
    """What became of the wish."""

    QUEUED = auto()
    UNKNOWN = auto()
    SENDING = auto()
    ENDED_WELL = auto()
    OVER = auto()


def retry(
    conn: Connection, delivery_id: UUID, who: str, now: datetime, new_id: Callable[[], UUID]
) -> tuple[RetryState, UUID]:
    """Make a waiting delivery due, or put a failed one into the outbox again under a new identity.

    One that was retried before stands for that later try. That an incident fires is told no more once it is over: who
    hears of it only now would never hear of its end.
    """
    live = conn.execute(select(outbox.c.state).where(outbox.c.id == delivery_id)).scalar_one_or_none()
    if live is not None:
        due = update(outbox).where(outbox.c.id == delivery_id, outbox.c.state != "sending").values(due_at=now)
        moved = conn.execute(due).rowcount
        return (RetryState.QUEUED if moved else RetryState.SENDING, delivery_id)
    ended = conn.execute(select(delivery).where(delivery.c.id == delivery_id)).one_or_none()
    if ended is None:
        return RetryState.UNKNOWN, delivery_id
    if ended.outcome != "failed":
        return RetryState.ENDED_WELL, delivery_id
    _hold(conn, ended)
    if Reason(ended.reason) in FIRING_NEWS and _is_over(conn, ended.incident_id):
        return RetryState.OVER, delivery_id
    later = _retried_as(conn, delivery_id)
    if later is not None:
        return retry(conn, later, who, now, new_id)
    return RetryState.QUEUED, _again(conn, ended, who, now, new_id)


def _retried_as(conn: Connection, delivery_id: UUID) -> UUID | None:
    """The delivery that a failed one was put into the outbox again as, or None."""
    covered = (notification.c.delivery_id == delivery_id, notification.c.state == "failed")
    taken_over = select(notification.c.superseded_by).where(*covered)
    chosen = select(notification.c.delivery_id).where(notification.c.id.in_(taken_over)).limit(1)
    return conn.execute(chosen).scalar_one_or_none()


def _again(conn: Connection, ended: AnyRow, who: str, now: datetime, new_id: Callable[[], UUID]) -> UUID:
    fresh = new_id()
    row = {name: getattr(ended, name) for name in ("lane", "destination", "receiver", "incident_id", "digest_id")}
    times = {"created_at": now, "due_at": now, "expires_at": now + horizon(Severity(ended.severity))}
    rest = {
        "id": fresh,
        "sequence": _next_place(conn, ended),
        "reason": ended.reason,
        "severity": ended.severity,
        "priority": priority(Severity(ended.severity)),
        "state": "waiting",
        "attempt_count": 0,
        "maybe_left": False,
        "unknown_count": 0,
    }
    conn.execute(insert(outbox), [row | times | rest])
    failed = select(notification).where(notification.c.delivery_id == ended.id, notification.c.state == "failed")
    kept = ("incident_id", "destination", "receiver", "route", "reason", "severity", "digest_id")
    replaced = [(each, new_id()) for each in conn.execute(failed)]
    copies = [
        {name: getattr(each, name) for name in kept}
        | {
            "id": copy_id,
            "state": "pending",
            "why": f"retried by {who}",
            "ended_why": "",
            "created_at": now,
            "delivery_id": fresh,
        }
        for each, copy_id in replaced
    ]
    if copies:
        conn.execute(insert(notification), copies)
    for each, copy_id in replaced:
        conn.execute(update(notification).where(notification.c.id == each.id).values(superseded_by=copy_id))
    promote(conn, [ended.lane])
    return fresh


def _hold(conn: Connection, ended: AnyRow) -> None:
    """Hold the lane until the transaction ends, and before it the incident, which must not end meanwhile."""
    if ended.incident_id is None:
        lock_lanes(conn, [ended.lane])
    else:
        incidents.situation(conn, ended.incident_id)


def _is_over(conn: Connection, incident_id: UUID | None) -> bool:
    status = select(incident.c.status).where(incident.c.id == incident_id)
    return conn.execute(status).scalar_one_or_none() == IncidentStatus.RESOLVED


def _next_place(conn: Connection, ended: AnyRow) -> int:
    """The end of the lane, which is held."""
    last = conn.execute(select(func.max(outbox.c.sequence)).where(outbox.c.lane == ended.lane)).scalar_one()
    place = int(last or 0) + 1
    if ended.incident_id is not None:
        own = (believer.c.incident_id == ended.incident_id, believer.c.destination == ended.destination)
        stored = conn.execute(select(believer.c.sequence).where(*own)).scalar_one_or_none()
        place = max(place, (stored or 0) + 1)
        conn.execute(update(believer).where(*own).values(sequence=place))
    return place
