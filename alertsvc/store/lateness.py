"""Looks for what should have been done by now and was not. Each look is bounded and by an index."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from alertsvc.store.bulk import among
from alertsvc.store.tables import digest, outbox, quarantine

LATE = timedelta(minutes=1)
"""What is due is done within seconds: after so long nobody does it."""
GROWTH = timedelta(minutes=5)
MOST_FOUND = 100


def untried_deliveries(conn: Connection, destinations: Collection[str], now: datetime) -> list[UUID]:
    """Heads of lanes that were due long ago and that nobody has tried since: a try puts off when they are due.

    Only those for `destinations` are looked at: for the others there is a reason to wait.
    """
    o = outbox.c
    late = (o.state == "pending", o.due_at <= now - LATE)
    chosen = select(o.id).where(among(conn, o.destination, sorted(destinations)), *late)
    return list(conn.execute(chosen.limit(MOST_FOUND)).scalars()) if destinations else []


def expired_leases(conn: Connection, now: datetime) -> list[UUID]:
    """Deliveries whose lease ended long ago, and that nobody has freed."""
    o = outbox.c
    chosen = select(o.id).where(o.state == "sending", o.lease_until < now - LATE)
    return list(conn.execute(chosen.order_by(o.lease_until).limit(MOST_FOUND)).scalars())


def unsent_digests(conn: Connection, now: datetime) -> list[UUID]:
    """Windows that were over long ago and have not been made into messages."""
    d = digest.c
    chosen = select(d.id).where(d.state == "open", d.due_at <= now - LATE)
    return list(conn.execute(chosen.order_by(d.due_at).limit(MOST_FOUND)).scalars())


def growing_quarantine(conn: Connection, now: datetime) -> list[UUID]:
    """The latest items in quarantine, if more have come in each of the last two spans: one bad batch is no growth."""
    q = quarantine.c
    latest = select(q.id).where(q.state == "open", q.received_at > now - GROWTH).order_by(q.received_at.desc())
    found = list(conn.execute(latest.limit(MOST_FOUND)).scalars())
    before = (q.state == "open", q.received_at > now - 2 * GROWTH, q.received_at <= now - GROWTH)
    return found if found and conn.execute(select(q.id).where(*before).limit(1)).first() else []
