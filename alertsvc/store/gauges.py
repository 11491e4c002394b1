"""Numbers about the state of the store, for /metrics and health. Each is about what is open, waiting or due."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path

from sqlalchemy import Connection, case, func, select, text

from alertsvc.clock import Clock
from alertsvc.core.model import IncidentStatus, Severity
from alertsvc.store.bulk import AnyRow
from alertsvc.store.migrate import state_of
from alertsvc.store.tables import digest, incident, outbox, quarantine, storm

Values = dict[tuple[str, ...], float]
Gauges = Mapping[str, Mapping[tuple[str, ...], float]]


def stored(conn: Connection, clock: Clock) -> Gauges:
    """Gauge name to label values to value, as `Metrics.show` takes them."""
    now = clock()
    schema = state_of(conn)
    return {
        "schema_version": {(schema.current or "none", schema.head): float(schema.fits)},
        "clock_offset_seconds": {(): clock_offset(conn, clock)},
        **_on_disk(conn),
        **_outbox(conn, now),
        "digest_lateness_seconds": {(): _digest_lateness(conn, now)},
        "incidents_open": _incidents(conn),
        "storm_active": {
            (destination,): float(is_on)
            for destination, is_on in conn.execute(select(storm.c.destination, storm.c.next_at.is_not(None)))
        },
        "quarantine_rows": {
            (): conn.execute(
                select(func.count()).select_from(quarantine).where(quarantine.c.state == "open")
            ).scalar_one()
        },
    }


def _outbox(conn: Connection, now: datetime) -> Gauges:
    """One look over what has not ended."""
    o = outbox.c
    due_since = func.min(case(((o.state == "pending") & (o.due_at <= now), o.due_at)), type_=o.due_at.type)
    tried_since = func.min(case((o.attempt_count > 0, o.created_at)), type_=o.created_at.type)
    kinds = select(o.destination, o.severity, func.count().label("how_many"), due_since.label("due_since"))
    rows = conn.execute(kinds.add_columns(tried_since.label("tried_since")).group_by(o.destination, o.severity)).all()
    pending: Values = {(severity.word,): 0.0 for severity in Severity}
    for row in rows:
        pending[(Severity(row.severity).word,)] += row.how_many
    return {
        "outbox_pending": pending,
        "outbox_oldest_due_age_seconds": _ages(rows, "due_since", now),
        "outbox_oldest_retried_age_seconds": _ages(rows, "tried_since", now),
    }


def _ages(rows: Sequence[AnyRow], column: str, now: datetime) -> Values:
    return {
        (row.destination, Severity(row.severity).word): max(0.0, (now - since).total_seconds())
        for row in rows
        if (since := getattr(row, column)) is not None
    }


def _incidents(conn: Connection) -> Values:
    i = incident.c
    counted: Values = {
        (str(status), severity.word): 0.0
        for status, severity in product(IncidentStatus, Severity)
        if status is not IncidentStatus.RESOLVED
    }
    chosen = select(i.status, i.severity, func.count()).where(i.status != "resolved")
    for status, severity, count in conn.execute(chosen.group_by(i.status, i.severity)):
        counted[status, Severity(severity).word] = count
    return counted


def _digest_lateness(conn: Connection, now: datetime) -> float:
    """For how many seconds the oldest window that is due has not been made into messages."""
    chosen = select(func.min(digest.c.due_at)).where(digest.c.state == "open", digest.c.due_at <= now)
    oldest = conn.execute(chosen).scalar_one()
    return 0.0 if oldest is None else (now - oldest).total_seconds()


def clock_offset(conn: Connection, clock: Clock) -> float:
    """How many seconds the database's clock is ahead of ours; SQLite has ours."""
    if conn.dialect.name == "sqlite":
        return 0.0
    before = clock()
    theirs = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
    return (theirs - before - (clock() - before) / 2).total_seconds()


def _on_disk(conn: Connection) -> Gauges:
    """The files of SQLite, in bytes. PostgreSQL's are elsewhere, and watched there."""
    name = conn.engine.url.database
    if conn.dialect.name != "sqlite" or not name:
        return {}
    disk = os.statvfs(Path(name).absolute().parent)
    files = {"database": Path(name), "wal": Path(f"{name}-wal")}
    sizes: Values = {(kind,): float(file.stat().st_size) for kind, file in files.items() if file.exists()}
    return {"database_bytes": sizes, "disk_free_bytes": {(): float(disk.f_bavail * disk.f_frsize)}}
