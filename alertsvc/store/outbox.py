"""The outbox: lanes, leases, and the fence.

A lane's deliveries leave one at a time: one row of it is `pending` or `sending` (a unique index says so), the others
wait. A claim raises `attempt_count`; only the try that carries the present count may finish the row, so a worker that
slept past its lease changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Update, bindparam, case, delete, func, select, text, update

from alertsvc.core.effects import Delivery, Notification, NotificationEnd, Revision, Withdrawal
from alertsvc.core.model import Reason, Severity
from alertsvc.store import suppressions, tally
from alertsvc.store.bulk import Among, AnyRow, among, insert_rows, update_rows
from alertsvc.store.database import ConflictError
from alertsvc.store.insertions import Insertions
from alertsvc.store.suppressions import Suppression
from alertsvc.store.tables import attempt, delivery, notification, outbox

_CARRIED = ("id", "lane", "destination", "receiver", "incident_id", "digest_id", "reason", "severity", "created_at")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery leased to a worker until `lease_until`, for try number `attempt_count`."""

    id: UUID
    lane: str
    sequence: int
    destination: str
    receiver: str
    incident_id: UUID | None
    digest_id: UUID | None
    reason: Reason
    severity: Severity
    attempt_count: int
    unknown_count: int
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    progress: Mapping[str, str]


def priority(severity: Severity) -> int:
    """The rank in which deliveries leave: the gravest has the lowest."""
    return Severity.CRITICAL - severity


@dataclass(frozen=True, slots=True)
class Lease:
    """A delivery is `worker`'s to send until `until`."""

    worker: str
    until: datetime


def add(new: Insertions, deliveries: Sequence[Delivery], leases: Mapping[UUID, Lease] = MappingProxyType({})) -> None:
    """Have deliveries put into the outbox. Their lanes are new or held by this transaction.

    Those with a lease are claimed as they are written (`claimed_at_once`). When they are written, `promote` the lanes
    of those that are behind: what was before them may have gone.
    """
    rows = [
        {
            "id": each.id,
            "lane": each.lane,
            "sequence": each.sequence,
            "destination": each.destination,
            "receiver": each.receiver,
            "incident_id": each.incident_id,
            "digest_id": each.digest_id,
            "reason": each.reason,
            "severity": int(each.severity),
            "priority": priority(each.severity),
            "state": "waiting" if each.behind else "sending" if lease else "pending",
            "attempt_count": 1 if lease else 0,
            "maybe_left": False,
            "unknown_count": 0,
            "created_at": each.created_at,
            "due_at": each.due_at,
            "expires_at": each.expires_at,
            "lease_until": lease.until if lease else None,
            "worker": lease.worker if lease else None,
            "progress": None,
        }
        for each, lease in ((each, leases.get(each.id)) for each in deliveries)
    ]
    new.add(outbox, rows)


def claimed_at_once(each: Delivery) -> Claimed:
    """The first claim of a delivery that is written with its lease."""
    return Claimed(
        id=each.id,
        lane=each.lane,
        sequence=each.sequence,
        destination=each.destination,
        receiver=each.receiver,
        incident_id=each.incident_id,
        digest_id=each.digest_id,
        reason=each.reason,
        severity=each.severity,
        attempt_count=1,
        unknown_count=0,
        created_at=each.created_at,
        due_at=each.due_at,
        expires_at=each.expires_at,
        progress={},
    )


def lock_lanes(conn: Connection, lanes: Iterable[str]) -> None:
    """Hold lanes that no believer stands for (those of digests) until the transaction ends, in a fixed order."""
    if conn.dialect.name == "postgresql":
        for lane in sorted(set(lanes)):
            conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:lane, 0))"), {"lane": lane})


def with_places(conn: Connection, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Each with its place in its lane, behind what is there. The lanes are held by this transaction."""
    chosen = select(outbox.c.lane, func.max(outbox.c.sequence).label("last")).where(
        among(conn, outbox.c.lane, {each.lane for each in deliveries})
    )
    last: dict[str, int] = {row.lane: row.last for row in conn.execute(chosen.group_by(outbox.c.lane))}
    placed: list[Delivery] = []
    for each in deliveries:
        behind = each.lane in last
        last[each.lane] = last.get(each.lane, 0) + 1
        placed.append(replace(each, sequence=last[each.lane], behind=behind))
    return placed


def revise(conn: Connection, revisions: Sequence[Revision]) -> None:
    """Change what deliveries will say.

    Raises:
        ConflictError: One of them began to be sent meanwhile.
    """
    rows = [
        {
            "id": each.id,
            "reason": each.reason,
            "severity": int(each.severity),
            "priority": priority(each.severity),
            "due_at": each.due_at,
            "expires_at": each.expires_at,
        }
        for each in revisions
    ]
    if update_rows(conn, outbox, ["id"], rows, where="outbox.state <> 'sending'") != len(rows):
        raise ConflictError("a delivery left while it was revised")


def withdraw(conn: Connection, withdrawals: Sequence[Withdrawal], now: datetime) -> None:
    """Take deliveries back; they end as superseded, and the next of their lanes comes to the head.

    Raises:
        ConflictError: One of them began to be sent meanwhile.
    """
    if not withdrawals:
        return
    why = {each.id: each.why for each in withdrawals}
    gone = delete(outbox).where(among(conn, outbox.c.id, why), outbox.c.state != "sending").returning(outbox)
    rows = conn.execute(gone).all()
    if len(rows) != len(why):
        raise ConflictError("a delivery left while it was taken back")
    insert_rows(conn, delivery, [_ended(row, "superseded", why[row.id], now) for row in rows])
    tally.count_each(conn, tally.DELIVERY, ((row.destination, "superseded") for row in rows))
    promote(conn, {each.lane for each in withdrawals})


def _ended(row: AnyRow, outcome: str, detail: str, now: datetime) -> dict[str, object]:
    kept = {name: getattr(row, name) for name in _CARRIED}
    counts = {"attempt_count": row.attempt_count, "unknown_count": row.unknown_count}
    return {**kept, **counts, "outcome": outcome, "detail": detail, "finished_at": now}


def _promotion() -> Update:
    waiting, first = outbox.alias("waiting"), outbox.alias("first")
    headed = select(outbox.c.lane).where(Among(outbox.c.lane, "lanes"), outbox.c.state != "waiting")
    lowest = (
        select(first.c.lane, func.min(first.c.sequence).label("sequence"))
        .where(Among(first.c.lane, "same_lanes"), first.c.state == "waiting", first.c.lane.not_in(headed))
        .group_by(first.c.lane)
        .subquery()
    )
    chosen = select(waiting.c.id).join(
        lowest, (waiting.c.lane == lowest.c.lane) & (waiting.c.sequence == lowest.c.sequence)
    )
    first_waiting = outbox.c.id.in_(chosen), outbox.c.state == "waiting"  # not one that somebody brought up meanwhile
    return update(outbox).where(*first_waiting).values(state="pending")


_PROMOTE = _promotion()


def promote(conn: Connection, lanes: Iterable[str]) -> int:
    """Bring the first waiting delivery to the head of each lane that has none. Returns how many moved."""
    listed = sorted(lanes)
    return conn.execute(_PROMOTE, {"lanes": listed, "same_lanes": listed}).rowcount if listed else 0


_CLAIM_POSTGRES = text("""
WITH wanted AS (
  SELECT e.value ->> 0 AS destination, CAST(e.value ->> 1 AS integer) AS most,
         CAST(e.value ->> 2 AS timestamptz) AS lease_until
  FROM jsonb_array_elements(CAST(CAST(:wanted AS text) AS jsonb)) AS e
), due AS (
  SELECT o.id, wanted.lease_until FROM wanted CROSS JOIN LATERAL (
    SELECT id FROM outbox
    WHERE destination = wanted.destination AND state = 'pending' AND due_at <= :now
    ORDER BY priority, due_at LIMIT wanted.most FOR UPDATE SKIP LOCKED
  ) AS o
)
UPDATE outbox SET state = 'sending', attempt_count = attempt_count + 1, lease_until = due.lease_until, worker = :worker
FROM due WHERE outbox.id = due.id RETURNING outbox.*
""").columns(*outbox.c)

_CLAIM_SQLITE = (
    text("""
UPDATE outbox SET state = 'sending', attempt_count = attempt_count + 1, lease_until = :until, worker = :worker
WHERE id IN (
  SELECT id FROM outbox WHERE destination = :destination AND state = 'pending' AND due_at <= :now
  ORDER BY priority, due_at LIMIT :most
) RETURNING *
""")
    .bindparams(bindparam("until", type_=outbox.c.lease_until.type), bindparam("now", type_=outbox.c.due_at.type))
    .columns(*outbox.c)
)


def claim(conn: Connection, wanted: Mapping[str, tuple[int, datetime]], now: datetime, worker: str) -> list[Claimed]:
    """Lease due heads of lanes: for each destination at most so many, until so long. The gravest and oldest first.

    Commit before sending. Rows that another worker is claiming are passed over.
    """
    if not wanted:
        return []
    if conn.dialect.name == "postgresql":
        listed = msgspec.json.encode([[name, most, until] for name, (most, until) in wanted.items()]).decode()
        rows = conn.execute(_CLAIM_POSTGRES, {"wanted": listed, "now": now, "worker": worker}).all()
    else:
        rows = [
            row
            for name, (most, until) in wanted.items()
            for row in conn.execute(
                _CLAIM_SQLITE, {"destination": name, "most": most, "until": until, "now": now, "worker": worker}
            ).all()
        ]
    return sorted((_claimed(row) for row in rows), key=lambda each: (-each.severity, each.due_at))


def _claimed(row: AnyRow) -> Claimed:
    return Claimed(
        id=row.id,
        lane=row.lane,
        sequence=row.sequence,
        destination=row.destination,
        receiver=row.receiver,
        incident_id=row.incident_id,
        digest_id=row.digest_id,
        reason=Reason(row.reason),
        severity=Severity(row.severity),
        attempt_count=row.attempt_count,
        unknown_count=row.unknown_count,
        created_at=row.created_at,
        due_at=row.due_at,
        expires_at=row.expires_at,
        progress=row.progress or {},
    )


def first_tried_at(conn: Connection, delivery_id: UUID) -> datetime | None:
    """When a delivery was first tried, as far as the end of that try is known."""
    return conn.execute(select(func.min(attempt.c.started_at)).where(attempt.c.delivery_id == delivery_id)).scalar()


_END = (
    delete(outbox)
    .where(
        outbox.c.id == bindparam("claimed_id"),
        outbox.c.attempt_count == bindparam("attempt"),
        outbox.c.state == "sending",
    )
    .returning(outbox)
)


def end(conn: Connection, claimed: Claimed, outcome: str, detail: str, now: datetime, *, unknown: bool) -> bool:
    """The delivery ends as `accepted` or `failed`. False when it is no longer this try's to end: nothing changed."""
    row = conn.execute(_END, {"claimed_id": claimed.id, "attempt": claimed.attempt_count}).one_or_none()
    if row is None:
        return False
    ended = _ended(row, outcome, detail, now)
    ended["unknown_count"] = row.unknown_count + int(unknown)
    insert_rows(conn, delivery, [ended])
    tally.count(conn, tally.DELIVERY, row.destination, outcome)
    promote(conn, [row.lane])
    return True


def put_back(
    conn: Connection,
    claimed: Claimed,
    due_at: datetime,
    *,
    unknown: bool,
    progress: Mapping[str, str] | None = None,
) -> bool:
    """The delivery is to be tried again at `due_at`. False when it is no longer this try's: nothing changed."""
    fence = (outbox.c.id == claimed.id, outbox.c.attempt_count == claimed.attempt_count, outbox.c.state == "sending")
    changes: dict[str, Any] = {"state": "pending", "due_at": due_at, "lease_until": None, "worker": None}
    if unknown:
        changes |= {"maybe_left": True, "unknown_count": outbox.c.unknown_count + 1}
    if progress:  # somebody may have it already
        changes |= {"maybe_left": True, "progress": dict(progress)}
    return conn.execute(update(outbox).where(*fence).values(**changes)).rowcount == 1


def hasten(conn: Connection, destinations: Collection[str], now: datetime) -> None:
    """Destinations are back after an outage: what was tried meanwhile is due now, instead of at the end of its pause.

    Else the last to be told would be those whose messages failed most often, and that is those of the gravest.
    """
    for each in sorted(destinations):
        paused = outbox.c.state == "pending", outbox.c.attempt_count > 0, outbox.c.due_at > now
        conn.execute(update(outbox).where(outbox.c.destination == each, *paused).values(due_at=now))


def set_clock(conn: Connection, by: timedelta, now: datetime) -> None:
    """The clock was set by so much. What waits is not given up sooner for it, and what was due or tried is due now."""
    if by > timedelta(0):
        waiting = conn.execute(select(outbox.c.id, outbox.c.expires_at)).all()
        update_rows(conn, outbox, ["id"], [{"id": row.id, "expires_at": row.expires_at + by} for row in waiting])
    by_another_clock = (outbox.c.attempt_count > 0) | (outbox.c.created_at > now)
    conn.execute(
        update(outbox).where(outbox.c.state != "sending", outbox.c.due_at > now, by_another_clock).values(due_at=now)
    )


def free_expired(conn: Connection, now: datetime, longest: timedelta) -> int:
    """Deliveries whose worker died come free; whether they were sent is unknown. Returns how many.

    A lease that ends after twice the `longest` that there is was made by a clock that was set back meanwhile.
    """
    by_another_clock = outbox.c.lease_until > now + 2 * longest
    ended = (outbox.c.lease_until < now) | by_another_clock
    freed = _free(
        conn, outbox.c.state == "sending", ended, due_at=case((outbox.c.due_at > now, now), else_=outbox.c.due_at)
    )
    tally.count(conn, tally.LEASE_EXPIRED, by=freed)
    return freed


def free_of_other_workers(conn: Connection, worker: str) -> int:
    """On a database that one process may use: whatever another worker had leased is free. Returns how many."""
    return _free(conn, outbox.c.state == "sending", outbox.c.worker != worker)


def _free(conn: Connection, *conditions: Any, **changes: Any) -> int:
    freed = {
        "state": "pending",
        "maybe_left": True,
        "unknown_count": outbox.c.unknown_count + 1,
        "lease_until": None,
        "worker": None,
        **changes,
    }
    return conn.execute(update(outbox).where(*conditions).values(**freed)).rowcount


def lanes_without_head(conn: Connection) -> list[str]:
    """Lanes in which everything waits: there must be none; `promote` mends them."""
    headed = select(outbox.c.lane).where(outbox.c.state != "waiting")
    chosen = select(outbox.c.lane).where(outbox.c.state == "waiting", outbox.c.lane.not_in(headed)).distinct()
    return list(conn.execute(chosen).scalars())


def add_notifications(conn: Connection, new: Insertions, notifications: Sequence[Notification]) -> None:
    """Have it written what destinations should be told."""
    ended = ((each.destination, each.state) for each in notifications if each.state != "pending")
    tally.count_each(conn, tally.NOTIFICATION, ended)
    rows = [
        {
            "id": each.id,
            "incident_id": each.incident_id,
            "destination": each.destination,
            "receiver": each.receiver,
            "route": each.route,
            "reason": each.reason,
            "severity": int(each.severity),
            "state": each.state,
            "why": each.why,
            "ended_why": "",
            "created_at": each.created_at,
            "ended_at": None if each.state == "pending" else each.created_at,
            "delivery_id": each.delivery_id,
            "digest_id": each.digest_id,
            "muted_by": suppressions.first_of(each.muted_by),
        }
        for each in notifications
    ]
    new.add(notification, rows)
    muted = (each for each in notifications if each.muted_by)
    suppressions.add(new, [Suppression(each.id, each.muted_by, each.created_at) for each in muted])


def end_notifications(conn: Connection, ends: Sequence[NotificationEnd], now: datetime) -> None:
    """End notifications that are pending."""
    rows = [
        {
            "id": each.id,
            "state": each.state,
            "ended_why": each.why,
            "superseded_by": each.superseded_by,
            "muted_by": suppressions.first_of(each.muted_by),
            "ended_at": now,
        }
        for each in ends
    ]
    tally.count_each(conn, tally.NOTIFICATION, ((each.destination, each.state) for each in ends))
    update_rows(conn, notification, ["id"], rows, where="notification.state = 'pending'")
    suppressions.write(conn, [Suppression(each.id, each.muted_by, now) for each in ends if each.muted_by])
