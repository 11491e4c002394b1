"""What happened to a model shortly before an incident of it began: it may be the cause, so people are told of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.core.deployments import NEARBY, Deployment, said_before, suspect
from alertsvc.core.incidents import Incident
from alertsvc.store import briefs, deployments
from alertsvc.store.briefs import IncidentBrief


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A deployment before an incident, and when that began."""

    made: Deployment
    began_at: datetime


def backdrop_of(conn: Connection, incident: Incident) -> Backdrop | None:
    """What was deployed before an incident began, if anything is near enough to be its cause."""
    began_at = briefs.began_at(conn, incident)
    made = _suspect(conn, incident, began_at)
    return None if made is None else Backdrop(made, began_at)


def deployment_told(conn: Connection, brief: IncidentBrief) -> str:
    """What was deployed since it opened, else what was before: `champion -> v7, 40m before it began`."""
    if brief.deployment is not None:
        return brief.deployment
    made = _suspect(conn, brief.incident, brief.began_at)
    return "" if made is None else said_before(made, brief.began_at)


def _suspect(conn: Connection, incident: Incident, began_at: datetime) -> Deployment | None:
    model = incident.labels.get("model")
    if not model:
        return None
    known = deployments.between(conn, model, began_at - NEARBY, began_at)
    return suspect(known, incident.labels.get("environment"), began_at)
