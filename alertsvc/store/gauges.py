"""Numbers about the state of the store, for /metrics, health and readiness."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from alertsvc.core.model import Severity
from alertsvc.store.tables import incident, outbox, quarantine, storm

Gauges = Mapping[str, Mapping[tuple[str, ...], float]]


def stored(conn: Connection, now: datetime) -> Gauges:
    """Gauge name to label values to value, as `Metrics.observe_stored` takes them."""
    return {
        "outbox_pending": {
            (Severity(severity).word,): float(count)
            for severity, count in conn.execute(select(outbox.c.severity, func.count()).group_by(outbox.c.severity))
        },
        "outbox_oldest_due_age_seconds": {
            (destination,): (now - due_at).total_seconds()
            for destination, due_at in conn.execute(
                select(outbox.c.destination, func.min(outbox.c.due_at))
                .where(outbox.c.state == "pending", outbox.c.due_at <= now)
                .group_by(outbox.c.destination)
            )
        },
        "incidents_open": {
            (status, Severity(severity).word): float(count)
            for status, severity, count in conn.execute(
                select(incident.c.status, incident.c.severity, func.count())
                .where(incident.c.status != "resolved")
                .group_by(incident.c.status, incident.c.severity)
            )
        },
        "storm_active": {
            (destination,): float(is_on)
            for destination, is_on in conn.execute(select(storm.c.destination, storm.c.next_at.is_not(None)))
        },
        "quarantine_rows": {
            (): float(
                conn.execute(
                    select(func.count()).select_from(quarantine).where(quarantine.c.state == "open")
                ).scalar_one()
            )
        },
    }
