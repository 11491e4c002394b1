"""Alerts that were read before, so that recognising a duplicate does not mean reading it whole again."""

from collections.abc import Collection

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert
from alertsvc.store import alerts

CAPACITY = 20_000
"""About 20 MB. What does not fit is read each time."""


class Recall:
    """What one process remembers of the alerts that it read.

    It is never believed: a row that another transaction or another process changed has another revision. Use it only
    in transactions that read before they write: what a transaction wrote itself may be rolled back.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[str, Alert] = {}

    def known(self, conn: Connection, fingerprints: Collection[str]) -> dict[str, Alert]:
        """As `alerts.known`."""
        found: dict[str, Alert] = {}
        missing: list[str] = []
        for name, revision in alerts.revisions(conn, fingerprints).items():
            held = self._held.get(name)
            if held is not None and held.revision == revision:
                found[name] = held
            else:
                missing.append(name)
        if missing:
            read = alerts.known(conn, missing)
            self._remember(read)
            found |= read
        return found

    def _remember(self, read: dict[str, Alert]) -> None:
        for name in read:  # to the end: what was read longest ago goes first
            self._held.pop(name, None)
        self._held |= read
        while len(self._held) > self._capacity:
            del self._held[next(iter(self._held))]
