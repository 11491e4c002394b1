"""A transaction of ingest, from its first run until it has committed: what it presumes, and what is learned from it."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.core.storms import KnownStorm
from alertsvc.store.alerts import Keys
from alertsvc.store.insertions import Insertions
from alertsvc.store.recall import Known, Recall


class Attempt:
    """One transaction. It reads before it writes; on PostgreSQL its first run may presume what it would read.

    That saves the first page about something new a round trip.
    """

    def __init__(self, recall: Recall) -> None:
        self.recall = recall
        self._is_first_run = True
        self._has_presumed = False
        self._told: Mapping[str, KnownStorm] = {}
        self._met: tuple[Collection[str], Collection[str], datetime] | None = None

    def known(
        self,
        conn: Connection,
        fingerprints: Collection[str],
        keys: Keys,
        now: datetime,
        new: Insertions,
        *,
        may_presume: bool,
    ) -> Known:
        """What is known of alerts and keys: as it is in the database, or as is presumed of what nobody met before.

        What is decided on must be written with `new`: it is taken back, and run again, if what was presumed is wrong.
        """
        if self._has_presumed:
            self.recall.presumed_wrongly(now)
        self._met = [name for name in fingerprints if not self.recall.holds(name)], keys.all, now
        is_first, self._is_first_run, self._has_presumed = self._is_first_run, False, False
        if is_first and may_presume and conn.dialect.name == "postgresql":
            found = self.recall.presumed(keys, now)
            if found is not None:
                self._has_presumed = True
                known, presumption = found
                new.presume(presumption)
                return known
        return self.recall.known(conn, fingerprints, keys)

    def tells(self, storms: Mapping[str, KnownStorm]) -> None:
        """What this run makes of what destinations were told lately."""
        self._told = storms

    def has_committed(self) -> None:
        """Its last run is durable."""
        if self._met is not None:
            self.recall.has_met(*self._met)
        self.recall.was_told(self._told)
