"""A person takes what a series is now as its new normal."""

from functools import partial

from sqlalchemy import Connection

from alertsvc.core import acts
from alertsvc.core.acts import Actor
from alertsvc.core.rules import Moment
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.storming import with_storms
from alertsvc.store import alerts, incidents, measurements
from alertsvc.store.database import Database


async def accept(database: Database, fingerprint: str, actor: Actor, moment: Moment) -> bool:
    """From now on only what comes now is compared with. An open incident of the series says so in its timeline.

    Returns False when there is no such series.
    """
    return await database.transaction(partial(_accept, fingerprint, actor, moment))


def _accept(fingerprint: str, actor: Actor, moment: Moment, conn: Connection) -> bool:
    if not measurements.accept(conn, fingerprint, moment.now):
        return False
    alert = alerts.known(conn, [fingerprint]).get(fingerprint)
    situation = incidents.situation(conn, alert.incident_id) if alert and alert.incident_id else None
    if situation is None or situation.incident is None or not situation.incident.is_open:
        return True
    deciding = with_storms(conn, moment)
    act = acts.accept(situation, actor, deciding, measurements.name_of(conn, fingerprint))
    if act.effects is not None:
        apply_effects(conn, act.effects, deciding)
    return True
