"""What happened to a model shortly before an incident of it began: a line of its timeline, as it may be the cause."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.decide import Verdict
from alertsvc.core.deployments import NEARBY, said, suspect
from alertsvc.core.durations import write_duration
from alertsvc.core.effects import HistoryEntry
from alertsvc.store import deployments

KIND = "deployment"
"""The kind of the lines of a timeline that tell of deployments."""


def add_backdrop(conn: Connection, verdict: Verdict, now: datetime) -> None:
    """Say in the timelines of incidents that open now what was deployed before. Only where models do is it read."""
    opened = [each for each in verdict.effects.opened if each.labels.get("model")]
    if not opened:
        return
    began = _began_at(verdict, now)
    since = min(began[each.id] for each in opened) - NEARBY
    known = deployments.since(conn, {each.labels["model"] for each in opened}, since)
    for incident in opened:
        began_at = began[incident.id]
        of_model = [each for each in known if each.model == incident.labels["model"]]
        made = suspect(of_model, incident.labels.get("environment"), began_at)
        if made is not None:
            detail = f"{said(made)}, {_span(began_at - made.happened_at)} before it began"
            facts: dict[str, object] = {
                "action": made.action,
                "model_version": made.model_version,
                "alias": made.alias,
                "environment": made.environment,
                "happened_at": made.happened_at.isoformat(),
            }
            verdict.effects.history.append(
                HistoryEntry(incident.id, now, KIND, made.source, made.source, detail, facts)
            )


def deployment_told(verdict: Verdict, incident_id: UUID) -> str | None:
    """What the timeline of an incident that opens now says of it."""
    lines = [each for each in verdict.effects.history if each.incident_id == incident_id and each.kind == KIND]
    return lines[-1].detail if lines else None


def _began_at(verdict: Verdict, now: datetime) -> dict[UUID, datetime]:
    """When the first alert of each incident began."""
    found = {each.id: now for each in verdict.effects.opened}
    for alert, _, _ in verdict.alerts:
        if alert.incident_id is not None and alert.incident_id in found:
            found[alert.incident_id] = min(found[alert.incident_id], alert.starts_at)
    return found


def _span(between: timedelta) -> str:
    """To the minute where it is longer, and no more than two units of it."""
    seconds = int(between.total_seconds())
    rounded = seconds - seconds % (3600 if seconds >= 86400 else 60 if seconds >= 60 else 1)
    return write_duration(timedelta(seconds=rounded))
