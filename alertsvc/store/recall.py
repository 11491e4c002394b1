"""What was read before, so that recognising a duplicate and naming its incident does not mean reading it again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert
from alertsvc.core.storms import KnownStorm
from alertsvc.store import alerts, incidents, silences
from alertsvc.store.alerts import Keys
from alertsvc.store.silences import SilenceRecord

CAPACITY = 20_000
"""Of alerts, and of numbers: about 25 MB. What does not fit is read each time."""


@dataclass(frozen=True, slots=True)
class _Silences:
    """Those that had not ended at an instant, as they were at a revision or later."""

    revision: int
    since: datetime
    unended: Sequence[SilenceRecord]


@dataclass(frozen=True, slots=True)
class Known:
    """Alerts by fingerprint, the revision of the silences, and the keys asked about of which there is an incident.

    `numbers` are reserved for incidents that may be opened, by their keys. `storms` are what the destinations asked
    about were told lately; None when that was not read.
    """

    alerts: dict[str, Alert]
    silences_revision: int
    open_keys: Collection[str]
    numbers: Mapping[str, int]
    storms: Mapping[str, KnownStorm] | None


class Recall:
    """What one process remembers of alerts and silences that it read, and of numbers of incidents, which never change.

    Of an alert it is never believed: a row that another transaction or another process changed has another revision.
    All silences have one revision together, which is read with those of the alerts.
    Use it only in transactions that read before they write: what a transaction wrote itself may be rolled back.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: dict[str, Alert] = {}
        self._numbers: dict[UUID, int] = {}
        self._silences: _Silences | None = None

    def holds(self, fingerprint: str) -> bool:
        """Whether an alert was read before. One that was not is probably new."""
        return fingerprint in self._held

    def known(
        self,
        conn: Connection,
        fingerprints: Collection[str],
        keys: Keys | None = None,
    ) -> Known:
        """As `alerts.known`, and what else is read with it (see `alerts.revisions`)."""
        found: dict[str, Alert] = {}
        missing: list[str] = []
        revisions = alerts.revisions(conn, fingerprints, silences.REVISION, keys)
        for name, revision in revisions.of_alerts.items():
            held = self._held.get(name)
            if held is not None and held.revision == revision:
                found[name] = held
            else:
                missing.append(name)
        if missing:
            read = alerts.known(conn, missing)
            self._remember(read)
            found |= read
        return Known(found, revisions.of_series, revisions.open_keys, revisions.numbers, revisions.storms)

    def begun(self, conn: Connection, now: datetime, latest: datetime, revision: int) -> list[SilenceRecord]:
        """As `silences.begun`, as they were at `revision` or later."""
        held = self._silences
        if held is None or held.revision != revision or now < held.since:
            held = self._silences = _Silences(revision, now, silences.unended(conn, now))
        return [each for each in held.unended if each.ends_at > now and each.starts_at <= latest]

    def _remember(self, read: dict[str, Alert]) -> None:
        for name in read:  # to the end: what was read longest ago goes first
            self._held.pop(name, None)
        self._held |= read
        while len(self._held) > self._capacity:
            del self._held[next(iter(self._held))]

    def numbers(self, conn: Connection, ids: Collection[UUID], at_hand: Mapping[UUID, int]) -> dict[UUID, int]:
        """The numbers of the incidents `ids`. Those `at_hand` the transaction knows already: nothing is asked for them.

        What is remembered of a transaction that is rolled back harms nobody: no row has its ids.
        """
        self._numbers |= at_hand
        missing = [each for each in ids if each not in self._numbers]
        if missing:
            self._numbers |= incidents.numbers_of(conn, missing)
        found = {each: self._numbers[each] for each in ids if each in self._numbers}
        while len(self._numbers) > self._capacity:
            del self._numbers[next(iter(self._numbers))]
        return found
