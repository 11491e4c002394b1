"""Alerts that time alone changes, as the events that do it: a promised end has passed, or one is stable, or silent."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from alertsvc.core.alerts import EXPIRED, SILENT
from alertsvc.core.due import earliest
from alertsvc.core.flapping import STABLE
from alertsvc.core.model import AlertState, Event, Link, Severity
from alertsvc.core.quiet_sources import asked_again_at
from alertsvc.store.bulk import among
from alertsvc.store.tables import alert


def is_any(conn: Connection, now: datetime) -> bool:
    """Whether time alone changes an alert by now.

    The first is asked for, not any: with a table that has grown since it was analysed last, PostgreSQL would read all
    of it, sure to come across one soon.
    """
    chosen = select(alert.c.id).where(alert.c.due_at <= now).order_by(alert.c.due_at).limit(1)
    return conn.execute(chosen).first() is not None


def ends(conn: Connection, now: datetime, limit: int) -> list[Event]:
    """The ends of at most `limit` alerts that fired only until `now` or before, the longest overdue first.

    The alerts are held until the transaction ends; those that another transaction holds are left to it.
    """
    a = alert.c
    overdue = (a.due_at <= now, a.expires_at <= now, a.state == AlertState.FIRING)
    chosen = select(alert).where(*overdue).order_by(a.due_at).limit(limit)
    rows = conn.execute(chosen.with_for_update(key_share=True, skip_locked=True))
    return [_event(row, AlertState.RESOLVED, EXPIRED) for row in rows]


def _event(row: Any, state: AlertState, decided_by: str) -> Event:
    return Event(
        source=row.source,
        fingerprint=row.fingerprint,
        state=state,
        severity=Severity(row.severity),
        labels=row.labels,
        annotations=row.annotations,
        ends_at=row.expires_at,
        value=row.value,
        threshold=row.threshold,
        links=tuple(Link(each["title"], each["url"]) for each in row.links),
        decided_by=decided_by,
    )


def settled(conn: Connection, now: datetime, limit: int) -> list[Event]:
    """At most `limit` alerts that flapped and have been stable until `now`, as the events that say so."""
    a = alert.c
    chosen = select(alert).where(a.due_at <= now, a.stable_at <= now).order_by(a.due_at).limit(limit)
    rows = conn.execute(chosen.with_for_update(key_share=True, skip_locked=True))
    return [_event(row, AlertState.RESOLVED if row.end_is_held else AlertState.FIRING, STABLE) for row in rows]


def silent(
    conn: Connection, now: datetime, limit: int, *, hears_since: datetime, stale_after: timedelta | None
) -> list[Event]:
    """Of at most `limit` alerts about whose source it is to be asked: those it told of no more, as events that say so.

    The others are asked about again later.
    """
    a = alert.c
    chosen = select(alert).where(a.due_at <= now, a.silent_at <= now, a.state == AlertState.FIRING)
    rows = conn.execute(chosen.order_by(a.due_at).limit(limit).with_for_update(key_share=True, skip_locked=True)).all()
    found: list[Event] = []
    for row in rows:
        again = asked_again_at(row.last_seen_at, hears_since, now, stale_after)
        if again is None:
            found.append(_event(row, AlertState.FIRING, SILENT))
        else:
            due_at = earliest(row.expires_at, row.stable_at, again)
            changed = {"silent_at": again, "due_at": due_at, "revision": row.revision + 1}
            conn.execute(update(alert).where(a.id == row.id).values(changed))
    return found


def leave(conn: Connection, fingerprints: list[str]) -> None:
    """Look at these alerts no more until something arrives about them: they cannot be ended."""
    conn.execute(update(alert).where(among(conn, alert.c.fingerprint, fingerprints)).values(due_at=None))
