"""A transaction of ingest, from its first run until it has committed: what it presumes, and what is learned from it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.store.alerts import Keys
from alertsvc.store.insertions import Insertions
from alertsvc.store.recall import Known, Learned, Recall


class Attempt:
    """One transaction. It reads before it writes; on PostgreSQL its first run may presume what it would read.

    That saves the first page about something new a round trip.
    """

    def __init__(self, recall: Recall) -> None:
        self.recall = recall
        self._runs = 0
        self._has_presumed = False
        self._learned = Learned()

    def begins(self, now: datetime) -> None:
        """A run begins. What an earlier one learned was never written."""
        if self._has_presumed:
            self.recall.presumed_wrongly(now)
        self._runs += 1
        self._has_presumed = False
        self._learned = Learned()

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
        if self._runs == 1 and may_presume and conn.dialect.name == "postgresql":
            found = self.recall.presumed(keys, now)
            if found is not None:
                self._has_presumed = True
                known, presumption = found
                new.presume(presumption)
                return known
        return self.recall.known(conn, fingerprints, keys)

    def learns(self, learned: Learned) -> None:
        """What is so if this run commits."""
        self._learned = learned

    def has_committed(self) -> None:
        """Its last run is durable."""
        self.recall.learned(self._learned)
