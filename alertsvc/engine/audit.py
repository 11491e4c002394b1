"""Looks at the books while the service runs: does everything that was accepted have its entry, and its end in sight?

And whether what was due was done, by whichever replica: each writes down how it is, and reads what the others wrote. It
looks little and by indexes, so every replica does it for itself, shows what it found, and raises alerts about it.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.clock import Clock
from alertsvc.core.model import Event
from alertsvc.core.rules import Rules
from alertsvc.engine.firing import fires_of
from alertsvc.engine.self_alerts import wanted
from alertsvc.store import books, lateness, replicas
from alertsvc.store.database import Database
from alertsvc.store.gauges import clock_offset
from alertsvc.store.housekeeping import Retention
from alertsvc.store.lateness import LATE
from alertsvc.store.replicas import Itself

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=5)
"""Only what arrived lately is looked at: what is older was, and what is forgotten one day is no mismatch."""
SHOWN = 5

Found = Mapping[str, Sequence[UUID | str]]
"""What does not balance, by the name of the check."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a check is told: the present, and since when arrivals are looked at.

    `rules` are those in force, unless they are so new that not all follows them yet. `itself` is the replica that asks.
    """

    now: datetime
    since: datetime
    rules: Rules | None = None
    itself: str | None = None


Check = Callable[[Connection, Asked], Sequence[UUID | str]]


def _untold_criticals(conn: Connection, asked: Asked) -> list[UUID]:
    """Critical incidents that a destination is to be told of by the rules, and of which none was to be."""
    if asked.rules is None:
        return []
    unmentioned = books.unmentioned_criticals(conn)
    fires = fires_of(conn, unmentioned, asked.rules) if unmentioned else {}
    return [key for key in unmentioned if any(each.is_told for each in fires.get(key, ()))]


def _untried(conn: Connection, asked: Asked) -> list[UUID]:
    """Due deliveries that nobody tries although nothing stands against it at any replica, as far as they wrote."""
    if asked.rules is None:
        return []
    destinations = {each.id for listed in asked.rules.receivers.values() for each in listed}
    return lateness.untried_deliveries(conn, destinations - replicas.busy(conn, asked.now), asked.now)


CHECKS: Mapping[str, Check] = {
    "arrivals": lambda conn, asked: books.unbalanced_arrivals(conn, asked.since),
    "notifications": lambda conn, _: books.uncovered_notifications(conn),
    "criticals": _untold_criticals,
    "lanes": lambda conn, _: books.disordered_lanes(conn),
}
"""Each finds entries of one kind that do not balance, which must never be. Another one is a line here, and its
statement in `store.books`."""

TIMELY: Mapping[str, Check] = {
    "due": _untried,
    "leases": lambda conn, asked: lateness.expired_leases(conn, asked.now),
    "digests": lambda conn, asked: lateness.unsent_digests(conn, asked.now),
    "quarantine": lambda conn, asked: lateness.growing_quarantine(conn, asked.now),
    "replicas": lambda conn, asked: replicas.unsound(conn, asked.now, asked.itself),
    "configurations": lambda conn, asked: replicas.diverged(conn, asked.now),
    "clocks": lambda conn, asked: replicas.off_time(conn, asked.now),
}
"""Each finds what somebody should have done by now, if the service runs and is well."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The last look that came to its end: what it found, when, and what is to be said of it."""

    found: Found
    at: datetime
    said: Sequence[Event] = ()

    @property
    def failing(self) -> Mapping[str, int]:
        """How much each check found that found anything."""
        return {name: len(ids) for name, ids in self.found.items() if ids}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: the rules in force and how long things are kept, and how this process describes itself.

    `raises_alerts` is whether anything is to be said of what is found.
    """

    rules: Rules
    retention: Retention
    itself: Itself
    raises_alerts: bool = True


async def _say_nothing(_events: Collection[Event], _now: datetime) -> None:
    """Nobody is told."""


class Auditor:
    """Runs all checks on one view of the database. `audited` hears what each run found, if it came to its end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        subject: Callable[[], Subject],
        audited: Callable[[Found, datetime], None],
        *,
        say: Callable[[Collection[Event], datetime], Awaitable[None]] = _say_nothing,
        offset: Callable[[Connection, Clock], float] = clock_offset,
    ) -> None:
        self._database = database
        self._clock = clock
        self._subject = subject
        self._audited = audited
        self._say = say
        self._offset = offset
        self._known: dict[str, frozenset[UUID | str]] = {}
        self.last: Audited | None = None
        """What the last run found that came to its end."""

    async def audit(self) -> None:
        """Write down how this process is, look once, and say what is to be said.

        Raises:
            StoreUnavailableError: Nobody knows whether the books balance.
        """
        now, subject = self._clock(), self._subject()
        await self._database.transaction(partial(self._beat, subject.itself, now))
        self.last = await self._database.snapshot(partial(_audited, subject, now))
        failpoints.reach("audit.read")
        self._log_news(self.last.found)
        self._audited(self.last.found, now)
        await self._say(self.last.said, now)

    def _beat(self, itself: Itself, now: datetime, conn: Connection) -> None:
        replicas.beat(conn, itself, self._offset(conn, self._clock), now)

    def _log_news(self, found: Found) -> None:
        """A line when something does not balance that did the last time: not one each minute."""
        for name, ids in found.items():
            news = [each for each in ids if each not in self._known.get(name, ())]
            if news:
                shown = ", ".join(str(each) for each in news[:SHOWN])
                log.error("audit: the check %s finds %d, such as %s", name, len(news), shown)
            self._known[name] = frozenset(ids)


def _audited(subject: Subject, now: datetime, conn: Connection) -> Audited:
    kept = subject.retention
    since = now - min(WINDOW, kept.incidents / 2, kept.arrivals / 2)
    has_settled = now - subject.itself.configured_at >= LATE
    asked = Asked(now, since, subject.rules if has_settled else None, subject.itself.name)
    found = {**look(conn, asked), **look(conn, asked, TIMELY)}
    destinations = [each.id for listed in subject.rules.receivers.values() for each in listed]
    return Audited(found, now, wanted(conn, found, destinations, now, are_on=subject.raises_alerts))


def look(conn: Connection, asked: Asked, checks: Mapping[str, Check] = CHECKS) -> Found:
    """What each check finds."""
    return {name: check(conn, asked) for name, check in checks.items()}
