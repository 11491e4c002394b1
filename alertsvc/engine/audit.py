"""Looks at the books while the service runs: does everything that was accepted have its entry, and its end in sight?

It only reads, little and by indexes, so every replica does it for itself and shows what it found.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.clock import Clock
from alertsvc.store import books
from alertsvc.store.database import Database
from alertsvc.store.housekeeping import Retention

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=5)
"""Only what arrived lately is looked at: what is older was, and what is forgotten one day is no mismatch."""
SHOWN = 5

Found = Mapping[str, Sequence[UUID]]
"""What does not balance, by the name of the check."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a check is told: the present, and since when arrivals are looked at."""

    now: datetime
    since: datetime


Check = Callable[[Connection, Asked], Sequence[UUID]]

CHECKS: Mapping[str, Check] = {
    "arrivals": lambda conn, asked: books.unbalanced_arrivals(conn, asked.since),
    "notifications": lambda conn, _: books.uncovered_notifications(conn),
}
"""Each finds entries of one kind that do not balance. Another one is a line here and its statement in `store.books`."""


class Auditor:
    """Runs all checks on one view of the database. `audited` hears what each run found, if it came to its end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        retention: Callable[[], Retention],
        audited: Callable[[Found, datetime], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention
        self._audited = audited
        self._known: dict[str, frozenset[UUID]] = {}

    async def audit(self) -> None:
        """Look once.

        Raises:
            StoreUnavailableError: Nobody knows whether the books balance.
        """
        now = self._clock()
        kept = self._retention()
        asked = Asked(now, now - min(WINDOW, kept.incidents / 2, kept.arrivals / 2))
        found = await self._database.snapshot(lambda conn: look(conn, asked))
        failpoints.reach("audit.read")
        self._log_news(found)
        self._audited(found, now)

    def _log_news(self, found: Found) -> None:
        """A line when something does not balance that did the last time: not one each minute."""
        for name, ids in found.items():
            news = [each for each in ids if each not in self._known.get(name, ())]
            if news:
                shown = ", ".join(str(each) for each in news[:SHOWN])
                log.error("audit: %d %s do not balance, such as %s", len(news), name, shown)
            self._known[name] = frozenset(ids)


def look(conn: Connection, asked: Asked) -> Found:
    """What each check finds."""
    return {name: check(conn, asked) for name, check in CHECKS.items()}
