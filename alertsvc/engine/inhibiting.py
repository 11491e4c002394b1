"""Keeps the list of alerts that mute others in step with what fires and with the rules."""

from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.inhibition import InhibitRule, Source, sources_of
from alertsvc.core.mutes import MuteKind
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.severity import with_severity
from alertsvc.store import alerts, inhibitors, mutes
from alertsvc.store.alerts import FiringAlert
from alertsvc.store.database import Database

PAGE = 1000


def stop_inhibiting(conn: Connection, incident_id: UUID, moment: Moment) -> None:
    """A person resolved an incident: its alerts mute no others any more."""
    places = inhibitors.drop_of_incident(conn, incident_id)
    mutes.announce_end(conn, [f"{MuteKind.INHIBITION}:{place}" for place in places], moment.now)


def inhibit_again(conn: Connection, incident_id: UUID, moment: Moment) -> None:
    """A person took that back: what fires again mutes others again."""
    if moment.rules.inhibit:
        found = alerts.firing_of(conn, incident_id)
        inhibitors.add(conn, [each for alert in found for each in _sources(moment.rules.inhibit, alert)])


async def rebuild(database: Database, rules: Rules) -> None:
    """The rules are new: find the alerts that fire already and mute others by them."""
    after: UUID | None = None
    while rules.inhibit:
        page = await database.snapshot(partial(alerts.firing_after, after=after, limit=PAGE))
        found = [each for alert in page for each in _sources(rules.inhibit, alert)]
        if found:
            await database.transaction(partial(inhibitors.add_firing, sources=found))
        if len(page) < PAGE:
            return
        after = page[-1].id


def _sources(rules: tuple[InhibitRule, ...], alert: FiringAlert) -> list[tuple[UUID, Source]]:
    labels = with_severity(alert.labels, alert.severity, alert.source)
    return [(alert.id, source) for source in sources_of(rules, alert.fingerprint, labels)]
