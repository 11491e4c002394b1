"""A request of ingest as its source's parser leaves it, and the key by which it is taken once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.model import Event
from alertsvc.store import arrivals


@dataclass(frozen=True, slots=True)
class Refused:
    """An item of a request that could not be used: its position, the reason, its bytes, and what they are."""

    position: int
    reason: str
    raw: bytes
    form: str = "item"


@dataclass(frozen=True, slots=True)
class Submission:
    """One request as a source's parser left it, to be made durable. `body` is what it came as.

    `sender`, `receiver` and `group_key` are what it says of itself: who sent it, to whom, and which group it is.
    With an `idempotency_key` it is taken once: the same body again is a duplicate, another body is refused.
    """

    id: UUID
    source: str
    received_at: datetime
    events: Sequence[Event]
    body: bytes
    refused: Sequence[Refused] = ()
    sender: str | None = None
    truncated_count: int = 0
    idempotency_key: str | None = None
    receiver: str | None = None
    group_key: str | None = None


@dataclass(frozen=True, slots=True)
class KeysUsed:
    """The requests whose key was used before: with the same body, or with another."""

    repeated: frozenset[UUID] = frozenset()
    misused: frozenset[UUID] = frozenset()


def claim_keys(conn: Connection, submissions: Sequence[Submission], now: datetime) -> KeysUsed:
    """Take the keys of requests, for as long as keys are kept; says of which that was no use."""
    keyed = [each for each in submissions if each.idempotency_key]
    if not keyed:
        return KeysUsed()
    hashes = {each.id: hashlib.sha256(each.body).hexdigest() for each in keyed}
    first: dict[str, Submission] = {}
    for each in keyed:
        first.setdefault(f"request:{each.idempotency_key}", each)
    fresh = arrivals.claim_keys(conn, {key: hashes[each.id] for key, each in first.items()}, now)
    stored = arrivals.hashes_of(conn, first)
    repeated: set[UUID] = set()
    misused: set[UUID] = set()
    for each in keyed:
        key = f"request:{each.idempotency_key}"
        if stored[key] != hashes[each.id]:
            misused.add(each.id)
        elif key not in fresh or first[key] is not each:
            repeated.add(each.id)
    return KeysUsed(frozenset(repeated), frozenset(misused))
