"""What was read before, so that recognising a duplicate and naming its incident does not mean reading it again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert
from alertsvc.core.storms import KnownStorm
from alertsvc.store import alerts, incidents, silences
from alertsvc.store.alerts import Keys
from alertsvc.store.insertions import Presumption
from alertsvc.store.silences import SilenceRecord

T = TypeVar("T")

PRESUMES_AGAIN_AFTER = timedelta(minutes=1)
KEYS_LAST = timedelta(hours=1)
"""So long after an alert of an incident it is presumed that the next of its key finds it open."""
CAPACITY = 20_000
"""Of alerts, of numbers, and of what was met: about 30 MB. What does not fit is read each time."""


@dataclass(frozen=True, slots=True)
class _Silences:
    """Those that had not ended at an instant, as they were at a revision or later."""

    revision: int
    since: datetime
    unended: Sequence[SilenceRecord]


@dataclass(frozen=True, slots=True)
class Known:
    """Alerts by fingerprint, the revision of the silences, and the keys asked about of which there is an incident.

    `storms` are what the destinations asked about were told lately; None when that was not read.
    """

    alerts: dict[str, Alert]
    silences_revision: int
    open_keys: Collection[str]
    storms: Mapping[str, KnownStorm] | None


@dataclass(frozen=True, slots=True)
class Learned:
    """What a transaction made so: alerts that are stored, when the keys of incidents were met, and what destinations
    were told lately.
    """

    fingerprints: Collection[str] = ()
    keys: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    storms: Mapping[str, KnownStorm] = field(default_factory=dict[str, KnownStorm])


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
        self._storms: dict[str, KnownStorm] = {}
        self._met: dict[str, None] = {}
        self._keys_met: dict[str, datetime] = {}
        self._reads_until = datetime.min.replace(tzinfo=UTC)

    def holds(self, fingerprint: str) -> bool:
        """Whether an alert was read or written before. One that was not is probably new."""
        return fingerprint in self._held or fingerprint in self._met

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
            _remember(self._held, read, self._capacity)
            found |= read
        if keys is not None and revisions.storms is not None:
            self._storms = {name: revisions.storms.get(name, KnownStorm()) for name in keys.destinations}
        return Known(found, revisions.of_series, revisions.open_keys, revisions.storms)

    def presumed(self, keys: Keys, now: datetime) -> tuple[Known, Presumption] | None:
        """As `known`, without a read, of alerts that nobody saw before and keys that have no incident.

        That is probably so of what this process never met, and what else is needed of it is remembered. Nothing may be
        written by it without the presumption, which the database compares with what is.

        Returns None where it has to be read: that was wrong a moment ago, or not everything is remembered.
        """
        held = self._silences
        if held is None or now < self._reads_until or not all(name in self._storms for name in keys.destinations):
            return None
        if any(now - self._keys_met[key] < KEYS_LAST for key in keys.all if key in self._keys_met):
            return None
        known = Known({}, held.revision, (), {name: self._storms[name] for name in keys.destinations})
        return known, Presumption(silences.REVISION, held.revision, keys.all, keys.resolved_since)

    def presumed_wrongly(self, now: datetime) -> None:
        """What was presumed was not so: for a while it is read, as it costs more to be wrong."""
        self._reads_until = now + PRESUMES_AGAIN_AFTER

    def learned(self, what: Learned) -> None:
        """A transaction has committed that made it so."""
        _remember(self._met, dict.fromkeys(what.fingerprints), self._capacity)
        _remember(self._keys_met, what.keys, self._capacity)
        self._storms |= {name: what.storms[name] for name in what.storms.keys() & self._storms.keys()}

    def begun(self, conn: Connection, now: datetime, latest: datetime, revision: int) -> list[SilenceRecord]:
        """As `silences.begun`, as they were at `revision` or later."""
        held = self._silences
        if held is None or held.revision != revision or now < held.since:
            held = self._silences = _Silences(revision, now, silences.unended(conn, now))
        return [each for each in held.unended if each.ends_at > now and each.starts_at <= latest]

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


def _remember(held: dict[str, T], more: Mapping[str, T], capacity: int) -> None:
    for name in more:  # to the end: what was remembered longest ago goes first
        held.pop(name, None)
    held.update(more)
    while len(held) > capacity:
        del held[next(iter(held))]
