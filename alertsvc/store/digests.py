"""Digests: windows of receivers, and what waits in them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from alertsvc.core.effects import DigestWindow
from alertsvc.store.bulk import Among, AnyRow, among, insert_rows
from alertsvc.store.database import ConflictError
from alertsvc.store.storms import mark_json
from alertsvc.store.tables import digest, notification

_HELD = (
    select(digest.c.id, digest.c.state)
    .where(Among(digest.c.id, "ids"))
    .order_by(digest.c.id)
    .with_for_update(read=True)
)


@dataclass(frozen=True, slots=True)
class DueDigest:
    """An open window whose time has come, and the destinations that have something in it."""

    id: UUID
    name: str
    receiver: str
    window_start: datetime
    due_at: datetime
    destinations: tuple[str, ...]
    highest_severity: int


def join(conn: Connection, windows: Sequence[DigestWindow]) -> list[DigestWindow]:
    """Make sure that windows are open and stay so until this transaction ends. Returns those that begin with it.

    One that was sent already, before its time or by a replica whose clock is ahead, opens again: what joins it now is
    sent when it is due.

    Raises:
        ConflictError: One of them has gone meanwhile.
    """
    if not windows:
        return []
    rows = {
        each.id: {
            "id": each.id,
            "name": each.name,
            "receiver": each.receiver,
            "window_start": each.window_start,
            "due_at": each.due_at,
            "state": "open",
            "storm": None if each.storm is None else mark_json(each.storm),
        }
        for each in windows
    }
    known = set(_held_open(conn, rows))
    if len(known) == len(rows):  # as a rule others wait there already
        return []
    begun = {
        key
        for key in sorted(rows.keys() - known)
        if insert_rows(conn, digest, [rows[key]], on_conflict="ON CONFLICT (name, receiver, due_at) DO NOTHING")
    }
    held = conn.execute(_HELD, {"ids": rows}).all()
    if len(held) != len(rows):
        raise ConflictError("a digest has gone while something joined it")
    sent = [row.id for row in held if row.state != "open"]
    if sent:
        conn.execute(update(digest).where(among(conn, digest.c.id, sent)).values(state="open", closed_at=None))
    return [each for each in {each.id: each for each in windows}.values() if each.id in begun]


def _held_open(conn: Connection, ids: Collection[UUID]) -> list[UUID]:
    return [row.id for row in conn.execute(_HELD, {"ids": ids}) if row.state == "open"]


def due(conn: Connection, now: datetime, limit: int = 20) -> list[UUID]:
    """Open windows that are due, the longest overdue first. Nothing is held yet."""
    chosen = select(digest.c.id).where(digest.c.state == "open", digest.c.due_at <= now)
    return list(conn.execute(chosen.order_by(digest.c.due_at).limit(limit)).scalars())


def waiting_in(conn: Connection, digest_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """By incident: the destinations for which something waits in one of these windows."""
    n = notification.c
    chosen = (
        select(n.incident_id, n.destination)
        .distinct()
        .where(among(conn, n.digest_id, digest_ids), n.state == "pending", n.delivery_id.is_(None))
    )
    found: dict[UUID, list[str]] = {}
    for row in conn.execute(chosen.order_by(n.incident_id, n.destination)):
        found.setdefault(row.incident_id, []).append(row.destination)
    return found


def hold_open(conn: Connection, digest_id: UUID) -> DueDigest | None:
    """One open window, held until the transaction ends; None when it is not open any more."""
    chosen = select(digest).where(digest.c.id == digest_id, digest.c.state == "open").with_for_update()
    row = conn.execute(chosen).one_or_none()
    return None if row is None else _with_members(conn, row)


def _with_members(conn: Connection, row: AnyRow) -> DueDigest:
    waiting = (notification.c.digest_id == row.id, notification.c.state == "pending")
    members = conn.execute(
        select(notification.c.destination, func.max(notification.c.severity).label("severity"))
        .where(*waiting, notification.c.delivery_id.is_(None))
        .group_by(notification.c.destination)
        .order_by(notification.c.destination)
    ).all()
    return DueDigest(
        id=row.id,
        name=row.name,
        receiver=row.receiver,
        window_start=row.window_start,
        due_at=row.due_at,
        destinations=tuple(member.destination for member in members),
        highest_severity=max((member.severity for member in members), default=1),
    )


def close(conn: Connection, digest_id: UUID, now: datetime) -> None:
    """The window is over: `sent` when anything it held was told, `empty` when it held nothing by then."""
    told = select(notification.c.id).where(
        notification.c.digest_id == digest_id, notification.c.delivery_id.is_not(None)
    )
    state = "sent" if conn.execute(told.limit(1)).first() else "empty"
    conn.execute(update(digest).where(digest.c.id == digest_id).values(state=state, closed_at=now))


def assign(conn: Connection, digest_id: UUID, destination: str, delivery_id: UUID) -> int:
    """What waits in the window for `destination` is covered by `delivery_id`. Returns how much that is."""
    assigned = conn.execute(
        update(notification)
        .where(
            notification.c.digest_id == digest_id,
            notification.c.destination == destination,
            notification.c.state == "pending",
            notification.c.delivery_id.is_(None),
        )
        .values(delivery_id=delivery_id)
    )
    return assigned.rowcount


def receiver_of(conn: Connection, name: str) -> str | None:
    """Whose the windows of the digest `name` are, where all are of one receiver; None when there is none."""
    chosen = select(digest.c.receiver).where(digest.c.name == name).order_by(digest.c.due_at.desc()).limit(1)
    return conn.execute(chosen).scalar_one_or_none()


def add_last_of_storm(conn: Connection, window: DigestWindow, now: datetime) -> None:
    """Write the window that stands for the end of a storm: nothing is in it, and nothing will be."""
    row = {
        "id": window.id,
        "name": window.name,
        "receiver": window.receiver,
        "window_start": window.window_start,
        "due_at": window.due_at,
        "state": "empty",
        "closed_at": now,
        "storm": None if window.storm is None else mark_json(window.storm),
    }
    closed = "ON CONFLICT (name, receiver, due_at) DO UPDATE SET storm = excluded.storm, state = 'empty'"
    insert_rows(conn, digest, [row], on_conflict=closed + ", closed_at = excluded.closed_at")


def crowded(conn: Connection, name: str, at_least: int) -> list[UUID]:
    """Open windows of the digest `name` in which at least so many incidents wait; what is on its way counts no more."""
    count = func.count(notification.c.incident_id.distinct())
    waits = (notification.c.state == "pending") & notification.c.delivery_id.is_(None)
    chosen = (
        select(digest.c.id)
        .join(notification, (notification.c.digest_id == digest.c.id) & waits)
        .where(digest.c.state == "open", digest.c.name == name)
        .group_by(digest.c.id)
        .having(count >= at_least)
    )
    return list(conn.execute(chosen).scalars())
