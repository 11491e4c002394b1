"""What fires of incidents and by which routes, and who is to hear of it that never was."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.effects import Effects
from alertsvc.core.model import Deliver, IncidentStatus, Labels, Severity
from alertsvc.core.mutes import Mutes
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.severity import with_severity
from alertsvc.core.subscribers import subscribers
from alertsvc.core.tell import Telling
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.muting import mutes_for
from alertsvc.engine.storming import with_storms
from alertsvc.store import alerts, incidents
from alertsvc.store.alerts import FiringAlert
from alertsvc.store.database import Database

PAGE = 200
"""So many alerts are routed between two pauses, which are as long as that took: it runs beside everything else."""


@dataclass(frozen=True, slots=True)
class Fires:
    """An alert that fires, and the route that sends it to a destination."""

    labels: Labels
    severity: Severity
    destination: Destination
    route: Route

    @property
    def is_told(self) -> bool:
        """Whether the route has such news sent, and not only kept."""
        return self.route.deliver[self.severity] is not Deliver.NONE


def fires_of(conn: Connection, incident_ids: Collection[UUID], rules: Rules) -> dict[UUID, list[Fires]]:
    """What fires of incidents, by incident, the gravest first. One of which nothing does is missing."""
    found = alerts.firing_by_incident(conn, incident_ids)
    return {key: [each for alert in listed for each in _ways(alert, rules)] for key, listed in found.items()}


def _ways(alert: FiringAlert, rules: Rules) -> list[Fires]:
    labels = with_severity(alert.labels, alert.severity, alert.source)
    return [Fires(labels, alert.severity, to, by) for to, by in subscribers(rules, labels)]


async def with_strangers(database: Database, rules: Rules) -> list[UUID]:
    """The incidents that fire, and that a destination is to hear of by `rules` that it was not by those before."""
    found: dict[UUID, None] = {}
    last = await database.snapshot(alerts.last_id)  # what comes later is told of by these rules
    after: UUID | None = None
    while last is not None:
        since = time.monotonic()
        page = await database.snapshot(lambda conn, after=after: _page(conn, rules, after, last))
        found |= dict.fromkeys(page.with_strangers)
        if page.last is None:
            break
        after = page.last
        await asyncio.sleep(time.monotonic() - since)
    return list(found)


@dataclass(frozen=True, slots=True)
class _Page:
    with_strangers: list[UUID]
    last: UUID | None


def _page(conn: Connection, rules: Rules, after: UUID | None, last: UUID) -> _Page:
    listed = alerts.firing_after(conn, after, PAGE, last)
    wanted: dict[UUID, set[str]] = {}
    for alert in listed:
        if alert.incident_id is not None:
            names = {each.destination.id for each in _ways(alert, rules) if each.is_told}
            wanted.setdefault(alert.incident_id, set()).update(names)
    known = incidents.destinations_of(conn, wanted)
    strange = [key for key, names in wanted.items() if not names <= known.get(key, set())]
    return _Page(strange, listed[-1].id if len(listed) == PAGE else None)


def introduce(incident_ids: Collection[UUID], moment: Moment, conn: Connection) -> int:
    """Tell of incidents, unless somebody has them, whoever is to hear of them by now and never was.

    Returns how many incidents those are.
    """
    found = incidents.situations(conn, list(incident_ids), (), moment.now)
    listed = [(each.incident, each) for each in found]
    open_ones = [(known, each) for known, each in listed if known is not None and known.status is IncidentStatus.FIRING]
    fires = fires_of(conn, [known.id for known, _ in open_ones], moment.rules)
    labels = [each.labels for listed in fires.values() for each in listed]
    in_force = mutes_for(conn, moment.rules, moment.now, labels)
    deciding = with_storms(conn, moment)
    effects = Effects()
    for known, situation in open_ones:
        telling = Telling(known, situation, deciding)
        _tell_strangers(telling, [each for each in fires.get(known.id, ()) if each.is_told], in_force)
        effects.add(telling.finish())
    apply_effects(conn, effects, deciding)
    return len(open_ones)


def _tell_strangers(telling: Telling, fires: Sequence[Fires], in_force: Mutes) -> None:
    for each in [each for each in fires if telling.is_stranger(each.destination.id)]:
        found = in_force.on(each.labels, each.route)
        if found:
            telling.is_muted(each.destination, each.route, each.severity, found)
        else:
            telling.fires(each.destination, each.route, each.severity, each.labels.get("alertname", ""))
