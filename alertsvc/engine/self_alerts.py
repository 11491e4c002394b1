"""Raises alerts about the service itself, through its own front door: stored, routed and sent like any other.

Where the route tree would send them is where they go, unless `self_alerts.receiver` says otherwise. That one of them
could not be delivered raises none: it would be told by the same way.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.clock import NewId
from alertsvc.core.alerts import Alert
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.self_alerts import FAILED_FOR, FILE, SOURCE, Cause, critical_failed, events_for, mismatch
from alertsvc.engine.receive import Committer, OverloadedError
from alertsvc.engine.submissions import Submission
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import alerts, books, replicas
from alertsvc.store.database import StoreUnavailableError

log = logging.getLogger(__name__)

Found = Mapping[str, Collection[object]]
"""What does not balance, by the name of the check."""
PATIENCE = 10.0
"""Seconds."""
GRAVE = frozenset({"arrivals", "notifications", "criticals", "lanes", "due", "leases", "digests"})
"""Checks that find somebody not told, or not told in time."""


def wanted(
    conn: Connection, found: Found, destinations: Collection[str], now: datetime, *, are_on: bool
) -> list[Event]:
    """What is to be said of the service, on the very view of the database on which `found` was found.

    `destinations` are those in force. With `are_on` false nothing is wrong, so that what was said before is ended.
    """
    failed = books.failed_criticals(conn, SOURCE, now - FAILED_FOR)
    of_checks = {name: mismatch(name, Severity.CRITICAL if name in GRAVE else Severity.ERROR) for name in found}
    present = [cause for name, cause in of_checks.items() if found[name]]
    present += [critical_failed(name) for name in failed]
    present += [FILE] if replicas.broken_files(conn, now) else []
    every = [*of_checks.values(), FILE, *(critical_failed(name) for name in {*destinations, *failed})]
    return events_for(_known(conn, every), present if are_on else (), now)


def _known(conn: Connection, causes: Collection[Cause]) -> Mapping[Cause, tuple[str, Alert | None]]:
    marks = {cause: fingerprint(cause.labels) for cause in causes}
    stored = alerts.known(conn, marks.values())
    return {cause: (mark, stored.get(mark)) for cause, mark in marks.items()}


class SelfAlerts:
    """Hands them in."""

    def __init__(self, committer: Committer, new_id: NewId, patience: float = PATIENCE) -> None:
        self._committer = committer
        self._new_id = new_id
        self._patience = patience

    async def say(self, events: Collection[Event], now: datetime) -> None:
        """Make `events` durable, if that is possible now: what is still so at the next look is said then."""
        if not events:
            return
        for event in events:
            begins = event.state is AlertState.FIRING
            log.log(logging.ERROR if begins else logging.INFO, "self-alert, %s: %s", event.state, said_in(event))
        try:
            async with asyncio.timeout(self._patience):  # a committer that has ended takes it and never answers
                await self._committer.submit(Submission(self._new_id(), SOURCE, now, list(events), b""))
        except (OverloadedError, StoreUnavailableError, TimeoutError) as fault:
            log.warning("self-alerts were not stored, and are tried again: %s", fault or "no answer in time")


def said_in(event: Event) -> str:
    """What an event says to people, in a few words."""
    return event.annotations["summary"]
