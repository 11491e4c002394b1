"""What happened to a model shortly before an incident of it began: it may be the cause, so people are told of it."""

from datetime import timedelta

from sqlalchemy import Connection

from alertsvc.core.deployments import NEARBY, said, suspect
from alertsvc.core.durations import write_duration
from alertsvc.store import deployments
from alertsvc.store.briefs import IncidentBrief


def deployment_told(conn: Connection, brief: IncidentBrief) -> str:
    """What was deployed since it began, else what was before: `champion -> v7, 40m before it began`."""
    labels = brief.incident.labels
    model = labels.get("model")
    if brief.deployment is not None or not model:
        return brief.deployment or ""
    began_at = min((each.starts_at for each in brief.alerts), default=brief.incident.opened_at)
    known = deployments.since(conn, {model}, began_at - NEARBY)
    made = suspect(known, labels.get("environment"), began_at)
    return "" if made is None else f"{said(made)}, {_span(began_at - made.happened_at)} before it began"


def _span(between: timedelta) -> str:
    """To the minute where it is longer, and no more than two units of it."""
    seconds = int(between.total_seconds())
    rounded = seconds - seconds % (3600 if seconds >= 86400 else 60 if seconds >= 60 else 1)
    return write_duration(timedelta(seconds=rounded))
