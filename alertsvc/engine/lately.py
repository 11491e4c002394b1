"""What was deployed lately, as one process remembers it: the first message about an incident leaves without a read."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from alertsvc.clock import Clock
from alertsvc.core.deployments import NEARBY, Deployment, said_before
from alertsvc.core.recent import RecentDeployments
from alertsvc.store import deployments
from alertsvc.store.briefs import IncidentBrief
from alertsvc.store.database import Database
from alertsvc.store.deployments import DeploymentRecord

OVERLAP = timedelta(minutes=5)
"""What is written later than it was received, by another clock, is not missed: of so long everything is read again."""
MOST_READ = 4000


class Lately:
    """The latest deployments: those that this process takes in, and what `refresh` finds of the others.

    It may lack one: then a message is without it, and the next has it.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._recent = RecentDeployments()
        self._newest_at: datetime | None = None
        """When the newest that was read had been received."""

    def note(self, records: Iterable[DeploymentRecord]) -> None:
        """They are in the database."""
        self._recent.add(each.deployment for each in records)

    async def refresh(self) -> None:
        """Read what came since the last time, or in the days that count."""
        now = self._clock()
        since = now - NEARBY if self._newest_at is None else min(self._newest_at, now) - OVERLAP
        records = await self._database.snapshot(partial(_received, since))
        if records:
            self.note(reversed(records))  # the latest come last: what is remembered longest goes first
            self._newest_at = records[0].received_at

    def suspect(self, model: str, environment: str | None, began_at: datetime) -> Deployment | None:
        """As `RecentDeployments.suspect`."""
        return self._recent.suspect(model, environment, began_at)

    def told(self, brief: IncidentBrief) -> str:
        """As `deployment_told` of an incident that just opened, of what is remembered."""
        labels = brief.incident.labels
        made = self.suspect(labels.get("model", ""), labels.get("environment"), brief.began_at)
        return "" if made is None else said_before(made, brief.began_at)


def _received(since: datetime, conn: Connection) -> list[DeploymentRecord]:
    return deployments.received_since(conn, since, MOST_READ)
