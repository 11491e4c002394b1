"""Accepted requests, what could not be used of them, and the keys that make a repeat harmless."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from alertsvc.store.bulk import among, insert_new
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import arrival, idempotency, quarantine


@dataclass(slots=True)
class Counts:
    """What became of the items of one request. They add up to how many were received."""

    new: int = 0
    updated: int = 0
    duplicate: int = 0
    stale: int = 0
    recorded: int = 0
    quarantined: int = 0

    @property
    def total(self) -> int:
        """How many items were received."""
        return self.new + self.updated + self.duplicate + self.stale + self.recorded + self.quarantined


@dataclass(frozen=True, slots=True)
class BadItemRecord:
    """An item for the quarantine: where it stood in its request, why, and its bytes."""

    id: UUID
    position: int
    reason: str
    raw: bytes
    form: str = "item"


@dataclass(frozen=True, slots=True)
class ArrivalRecord:
    """One accepted request, for the ledger."""

    id: UUID
    source: str
    sender: str | None
    receiver: str | None
    group_key: str | None
    received_at: datetime
    body_bytes: int
    truncated_count: int
    counts: Counts
    bad: Sequence[BadItemRecord] = field(default_factory=tuple[BadItemRecord, ...])


def add(new: Insertions, arrivals: Sequence[ArrivalRecord]) -> None:
    """Have the requests of a transaction written."""
    rows = [
        {
            "id": each.id,
            "source": each.source,
            "sender": each.sender,
            "receiver": each.receiver,
            "group_key": each.group_key,
            "received_at": each.received_at,
            "body_bytes": each.body_bytes,
            "received_count": each.counts.total,
            "new_count": each.counts.new,
            "updated_count": each.counts.updated,
            "duplicate_count": each.counts.duplicate,
            "stale_count": each.counts.stale,
            "recorded_count": each.counts.recorded,
            "quarantined_count": each.counts.quarantined,
            "truncated_count": each.truncated_count,
        }
        for each in arrivals
    ]
    new.add(arrival, rows)


def save_bad(conn: Connection, arrivals: Sequence[ArrivalRecord]) -> None:
    """Write the bad items of requests that are written."""
    bad = [_quarantine_row(each, item) for each in arrivals for item in each.bad]
    if bad:
        conn.execute(insert(quarantine), bad)


def _quarantine_row(each: ArrivalRecord, item: BadItemRecord) -> dict[str, object]:
    return {
        "id": item.id,
        "arrival_id": each.id,
        "position": item.position,
        "source": each.source,
        "received_at": each.received_at,
        "reason": item.reason,
        "form": item.form,
        "raw": item.raw,
        "state": "open",
    }


def claim_keys(conn: Connection, keys: Mapping[str, str], now: datetime) -> set[str]:
    """Take idempotency keys (key to hash of what came with it); returns those nobody had taken before.

    Two transactions that want the same key wait for each other here, in the order of the keys.
    """
    rows = [{"key": key, "body_hash": body_hash, "created_at": now} for key, body_hash in sorted(keys.items())]
    return insert_new(conn, idempotency, "key", rows)


def hashes_of(conn: Connection, keys: Iterable[str]) -> dict[str, str]:
    """The hash of what came with each of `keys`, for those that were taken."""
    chosen = select(idempotency.c.key, idempotency.c.body_hash).where(among(conn, idempotency.c.key, keys))
    return {row.key: row.body_hash for row in conn.execute(chosen)}


def close_quarantined(conn: Connection, item_id: UUID, state: str, now: datetime) -> None:
    """An open item was `replayed` or `dropped`."""
    chosen = update(quarantine).where(quarantine.c.id == item_id, quarantine.c.state == "open")
    conn.execute(chosen.values(state=state, closed_at=now))


def drop_items_of(conn: Connection, arrival_id: UUID, now: datetime) -> None:
    """What a request left in the quarantine is of no use."""
    chosen = update(quarantine).where(quarantine.c.arrival_id == arrival_id, quarantine.c.state == "open")
    conn.execute(chosen.values(state="dropped", closed_at=now))
