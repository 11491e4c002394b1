"""The processes that work on this database, as each describes itself: by which rules, and in what trouble.

There are a few of them at most, so each look reads them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from alertsvc.store.bulk import AnyRow
from alertsvc.store.tables import replica

FRESH = timedelta(minutes=3)
"""Who has not been seen for so long is silent: three beats are missing."""
KEPT = timedelta(minutes=15)
"""Who has been silent for so long is gone, and forgotten."""
FOLLOWS_WITHIN = timedelta(minutes=10)
"""So long replicas may work by different configurations, while one after the other takes the new one."""
SENDS_NOTHING = "api"
"""The role of a process that takes what comes and leaves the rest to others."""
MOST_OFFSET = 2.0
"""Seconds by which a clock may differ from the database's."""


@dataclass(frozen=True, slots=True)
class Itself:
    """How a process describes itself. See the table `replica` for what the fields mean."""

    name: str
    version: str
    started_at: datetime
    configuration: str
    configured_at: datetime
    busy: Sequence[str] = ()
    troubles: Sequence[str] = ()
    file_trouble: str | None = None
    role: str = "all"


def beat(conn: Connection, itself: Itself, offset: float, now: datetime) -> None:
    """A process says that it is there, and by how many seconds the database's clock is ahead of its own.

    Those that have been silent for long are forgotten.
    """
    row = {
        "role": itself.role,
        "version": itself.version,
        "started_at": itself.started_at,
        "seen_at": now,
        "configuration": itself.configuration,
        "configured_at": itself.configured_at,
        "busy": sorted(itself.busy),
        "troubles": list(itself.troubles),
        "file_trouble": itself.file_trouble,
        "clock_offset_seconds": offset,
    }
    r = replica.c
    if not conn.execute(update(replica).where(r.name == itself.name).values(row)).rowcount:
        conn.execute(insert(replica), [{"name": itself.name, **row}])
    conn.execute(delete(replica).where(r.seen_at < now - KEPT, r.name != itself.name))


def leave(conn: Connection, name: str) -> None:
    """A process ends as it should: nobody is to miss it."""
    conn.execute(delete(replica).where(replica.c.name == name))


def forget_others(conn: Connection, name: str) -> None:
    """On a database that one process may use: whoever else is listed has ended."""
    conn.execute(delete(replica).where(replica.c.name != name))


def unsound(conn: Connection, now: datetime, itself: str | None) -> list[str]:
    """Replicas that have fallen silent, or say that something in them does not work, each with what is wrong.

    `itself` is who asks, and has just written: what it wrote must be there.
    """
    rows = _all(conn)
    wrong = [f"{row.name}: silent since {row.seen_at:%H:%M:%S}" for row in rows if not _is_fresh(row, now)]
    fresh = [row for row in rows if _is_fresh(row, now)]
    wrong += [f"{row.name}: {trouble}" for row in fresh for trouble in row.troubles]
    if fresh and all(row.role == SENDS_NOTHING and now - row.started_at > FRESH for row in fresh):
        wrong.append("none of them sends")
    if itself is not None and not any(row.name == itself and row.seen_at == now for row in rows):
        wrong.append(f"{itself}: what it wrote is not there")
    return wrong


def diverged(conn: Connection, now: datetime) -> list[str]:
    """Replicas that work by another configuration than the one taken last, although they had time to follow."""
    rows = sorted((row for row in _all(conn) if _is_fresh(row, now)), key=lambda row: row.configured_at)
    if not rows or now - rows[-1].configured_at < FOLLOWS_WITHIN:
        return []
    newest = rows[-1].configuration
    return [f"{row.name}: {row.configuration[:12]}" for row in rows if row.configuration != newest]


def off_time(conn: Connection, now: datetime) -> list[str]:
    """Replicas whose clocks are not the database's."""
    rows = [row for row in _all(conn) if _is_fresh(row, now)]
    return [
        f"{row.name}: {row.clock_offset_seconds:+.1f} s" for row in rows if abs(row.clock_offset_seconds) > MOST_OFFSET
    ]


def busy(conn: Connection, now: datetime) -> frozenset[str]:
    """Destinations to which some replica sends, or may not send for the time being."""
    return frozenset(name for row in _all(conn) if _is_fresh(row, now) for name in row.busy)


def broken_files(conn: Connection, now: datetime) -> list[str]:
    """Replicas whose configuration file is broken, so that an earlier one is in force, each with what is wrong."""
    return [f"{row.name}: {row.file_trouble}" for row in _all(conn) if row.file_trouble and _is_fresh(row, now)]


def _all(conn: Connection) -> Sequence[AnyRow]:
    return conn.execute(select(replica).order_by(replica.c.name)).all()


def _is_fresh(row: AnyRow, now: datetime) -> bool:
    return now - row.seen_at <= FRESH
