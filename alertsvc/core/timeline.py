"""The lines that a batch of events adds to an incident's timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alertsvc.core.alerts import EXPIRED, SOURCE, Change, Step
from alertsvc.core.effects import HistoryEntry
from alertsvc.core.endings import ending
from alertsvc.core.incidents import Incident
from alertsvc.core.model import Event, IncidentStatus
from alertsvc.core.naming import alert_name, cut, own_labels

NAMED_IN_HISTORY = 5


def timeline(
    steps: Sequence[tuple[Event, Step]], before: Incident | None, after: Incident, now: datetime
) -> list[HistoryEntry]:
    """What became of the incident, in the order people read it. `before` is None when the batch opened it."""
    lines: list[HistoryEntry] = []

    def line(kind: str, detail: str, **facts: object) -> None:
        lines.append(HistoryEntry(after.id, now, kind, SOURCE, "ingest", detail, facts))

    grouped = _by_change(steps)
    if before is None:
        alone = [events[0] for change, events in grouped.items() if change == Change.OPENED and len(events) == 1]
        detail = f"opened: {after.title}{_by(alone, after)}"
        line("opened", detail, severity=after.peak_severity.word, **_facts(alone, after))
    elif not before.is_open and after.is_open:
        line("reopened", "fires again")
    for change, events in grouped.items():
        if before is None and change == Change.OPENED and len(events) == 1:
            continue
        line(f"alert_{change}", _named(events, after), alert_count=len(events), **_facts(events, after))
    if before is not None and before.is_open and after.severity != before.severity:
        kind = "raised" if after.severity > before.severity else "lowered"
        line(kind, f"{before.severity.word} to {after.severity.word}", severity_before=before.severity.word)
        if before.status is IncidentStatus.ACKNOWLEDGED and after.status is IncidentStatus.FIRING:
            line("unacknowledged", outgrown(before))
    if not after.is_open and (before is None or before.is_open):
        line("resolved", ending(steps).why)
    return lines


def _by(alone: Sequence[Event], incident: Incident) -> str:
    """Which alert opened it, when it was one: what its title does not say."""
    if not alone:
        return ""
    is_in_title = alert_name(alone[0], incident.labels) == alone[0].labels.get("alertname")
    return f" ({alone[0].fingerprint})" if is_in_title else f"; {_named(alone, incident)}"


def _named(events: Sequence[Event], incident: Incident) -> str:
    """The first few of its alerts, each with its fingerprint, and how many more there are."""
    first = events[:NAMED_IN_HISTORY]
    names = ", ".join(f"{alert_name(event, incident.labels)} ({event.fingerprint})" for event in first)
    return f"{names} and {len(events) - len(first)} more" if len(events) > len(first) else names


def _facts(events: Sequence[Event], incident: Incident) -> dict[str, object]:
    """The same for machines."""
    shown = [
        {
            "fingerprint": event.fingerprint,
            "alertname": cut(event.labels.get("alertname", "")),
            "labels": own_labels(event, incident.labels),
            "name": alert_name(event, incident.labels),
        }
        for event in events[:NAMED_IN_HISTORY]
    ]
    return {"alerts": shown} if shown else {}


def outgrown(before: Incident) -> str:
    """Why an acknowledgement counts no more."""
    return f"the acknowledgement by {before.acknowledged_by} was of {before.severity.word}"


def _by_change(steps: Sequence[tuple[Event, Step]]) -> Mapping[str, list[Event]]:
    """The events by what they changed; an end that nobody told of is a kind of its own."""
    grouped: dict[str, list[Event]] = {}
    for event, step in steps:
        if step.flaps:
            grouped.setdefault("flapping", []).append(event)
        if step.change not in {Change.UPDATED, Change.FLAPPED}:
            expired = step.change is Change.ENDED and event.decided_by == EXPIRED
            grouped.setdefault(EXPIRED if expired else step.change, []).append(event)
    return grouped
