"""Forgets what is older than it is to be kept: each part of it by an index, as many rows at a time as one may want.

Open incidents and all they need stay. What hangs on a row goes with it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, delete, exists, select, text

from alertsvc.store.housekeeping import Retention
from alertsvc.store.tables import (
    alert,
    arrival,
    attempt,
    delivery,
    deployment,
    digest,
    event,
    idempotency,
    incident,
    measurement,
    quarantine,
    silence,
)

Chosen = Callable[[Retention, datetime], Select[tuple[object]]]


def _incidents(keep: Retention, now: datetime) -> Select[tuple[object]]:
    resolved_at = incident.c.resolved_at
    return select(incident.c.id).where(resolved_at < now - keep.incidents).order_by(resolved_at)


def _alerts(keep: Retention, now: datetime) -> Select[tuple[object]]:
    """Those that never were in an incident; the others go with theirs."""
    a, old = alert.c, now - keep.incidents
    never = (a.incident_id.is_(None), a.closed_at < old, a.last_seen_at < old)
    return select(a.id).where(*never).order_by(a.closed_at)


def _measurements(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = measurement.c.received_at
    return select(measurement.c.id).where(at < now - keep.measurements).order_by(at)


def _deployments(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = deployment.c.received_at
    return select(deployment.c.id).where(at < now - keep.incidents).order_by(at)


def _attempts(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = attempt.c.finished_at
    return select(attempt.c.id).where(at < now - keep.deliveries).order_by(at)


def _deliveries(keep: Retention, now: datetime) -> Select[tuple[object]]:
    """Those of digests; the others go with their incident."""
    at = delivery.c.finished_at
    return select(delivery.c.id).where(delivery.c.incident_id.is_(None), at < now - keep.deliveries).order_by(at)


def _digests(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = digest.c.closed_at
    return select(digest.c.id).where(text("digest.state <> 'open'"), at < now - keep.deliveries).order_by(at)


def _idempotency_keys(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = idempotency.c.created_at
    return select(idempotency.c.key).where(at < now - keep.idempotency_keys).order_by(at)


def _silences(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = silence.c.ends_at
    return select(silence.c.id).where(at < now - keep.incidents).order_by(at)


def _quarantine(keep: Retention, now: datetime) -> Select[tuple[object]]:
    at = quarantine.c.received_at
    return select(quarantine.c.id).where(at < now - keep.incidents).order_by(at)


def _arrivals_without_news(keep: Retention, now: datetime) -> Select[tuple[object]]:
    """Requests that changed nothing, unless something of them is in quarantine and nobody has looked at it."""
    a = arrival.c
    unseen = exists().where(quarantine.c.arrival_id == a.id, quarantine.c.state == "open")
    no_news = text("arrival.new_count + arrival.updated_count = 0")
    return select(a.id).where(no_news, a.received_at < now - keep.arrivals, ~unseen).order_by(a.received_at)


def _arrivals(keep: Retention, now: datetime) -> Select[tuple[object]]:
    """Those that changed something, once what they changed is forgotten: that is not before incidents are.

    To look at all that are older than other arrivals are kept would be to look at most of what is stored, each time.
    """
    a = arrival.c
    used = exists().where(event.c.arrival_id == a.id)
    unseen = exists().where(quarantine.c.arrival_id == a.id, quarantine.c.state == "open")
    old = a.received_at < now - max(keep.arrivals, keep.incidents)
    return select(a.id).where(old, ~used, ~unseen).order_by(a.received_at)


PARTS: Mapping[str, Chosen] = {
    "incidents": _incidents,
    "alerts": _alerts,
    "measurements": _measurements,
    "deployments": _deployments,
    "attempts": _attempts,
    "deliveries": _deliveries,
    "digests": _digests,
    "idempotency keys": _idempotency_keys,
    "silences": _silences,
    "quarantine": _quarantine,
    "arrivals without news": _arrivals_without_news,
    "arrivals": _arrivals,
}
"""What is forgotten, in this order: what goes with something else does so first."""


def forget_some(conn: Connection, part: str, keep: Retention, now: datetime, limit: int) -> int:
    """Delete at most `limit` rows of a part, the oldest first, and what hangs on them. Returns how many of the part."""
    chosen = PARTS[part](keep, now)
    (key,) = chosen.selected_columns
    table = key.table  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    return conn.execute(delete(table).where(key.in_(chosen.limit(limit)))).rowcount  # pyright: ignore[reportUnknownArgumentType]
