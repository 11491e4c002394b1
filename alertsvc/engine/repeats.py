"""Which events came before: with a request that did, or by their own id."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.model import Event
from alertsvc.store import arrivals


class Arriving(Protocol):
    """An event on its way, and its request."""

    @property
    def event(self) -> Event: ...

    @property
    def arrival_id(self) -> UUID: ...


def told_again(conn: Connection, flow: Sequence[Arriving], repeated: Collection[UUID], now: datetime) -> set[int]:
    """The positions of events that came before. `repeated` are the requests that did; ids are claimed for the others.

    Ids are names of observations of one alert: a run that names all its metrics' events alike repeats none of them.
    """
    named = {_key(item.event): item.event.fingerprint for item in flow if _has_own_id(item, repeated)}
    fresh = arrivals.claim_keys(conn, named, now) if named else set[str]()
    found: set[int] = set()
    for position, item in enumerate(flow):
        if item.arrival_id in repeated:
            found.add(position)
        elif item.event.event_id:
            key = _key(item.event)
            if key not in fresh:
                found.add(position)
            fresh.discard(key)  # the same id twice in one batch: the second is the duplicate
    return found


def _has_own_id(item: Arriving, repeated: Collection[UUID]) -> bool:
    return bool(item.event.event_id) and item.arrival_id not in repeated


def _key(event: Event) -> str:
    return f"event:{event.source}:{event.fingerprint}:{event.event_id}"
