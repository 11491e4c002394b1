"""What fires, to be listed: in the order of fingerprints, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from alertsvc.core.model import AlertState, Labels, Severity
from alertsvc.store.tables import alert


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert that fires. `expires_at` is None when its source will say that it ended."""

    fingerprint: str
    source: str
    labels: Labels
    annotations: Labels
    links: tuple[Mapping[str, str], ...]
    severity: Severity
    starts_at: datetime
    last_seen_at: datetime
    expires_at: datetime | None


def page(conn: Connection, after: str, limit: int) -> list[ListedAlert]:
    """At most `limit` of all firing alerts, those whose fingerprint follows `after`."""
    chosen = select(alert).where(alert.c.state == AlertState.FIRING, alert.c.fingerprint > after)
    return [_firing(row) for row in conn.execute(chosen.order_by(alert.c.fingerprint).limit(limit))]


def _firing(row: Any) -> ListedAlert:
    return ListedAlert(
        fingerprint=row.fingerprint,
        source=row.source,
        labels=row.labels,
        annotations=row.annotations,
        links=tuple(row.links),
        severity=Severity(row.severity),
        starts_at=row.starts_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )
