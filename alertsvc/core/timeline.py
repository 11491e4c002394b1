"""The lines that a batch of events adds to an incident's timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alertsvc.core.alerts import EXPIRED, SOURCE, Change, Step
from alertsvc.core.effects import HistoryEntry
from alertsvc.core.incidents import Incident
from alertsvc.core.model import Event, IncidentStatus

NAMED_IN_HISTORY = 5


def timeline(
    steps: Sequence[tuple[Event, Step]], before: Incident | None, after: Incident, now: datetime
) -> list[HistoryEntry]:
    """What became of the incident, in the order people read it. `before` is None when the batch opened it."""
    lines: list[HistoryEntry] = []

    def line(kind: str, detail: str, **facts: object) -> None:
        lines.append(HistoryEntry(after.id, now, kind, SOURCE, "ingest", detail, facts))

    if before is None:
        line("opened", f"opened: {after.title}", severity=after.peak_severity.word)
    elif not before.is_open and after.is_open:
        line("reopened", "fires again")
    grouped = _by_change(steps)
    for change, events in grouped.items():
        if before is None and change == Change.OPENED and len(events) == 1:
            continue
        names = [event.labels.get("alertname", event.fingerprint) for event in events[:NAMED_IN_HISTORY]]
        more = f" and {len(events) - len(names)} more" if len(events) > len(names) else ""
        line(f"alert_{change}", f"{', '.join(names)}{more}", alert_count=len(events))
    if before is not None and before.is_open and after.severity != before.severity:
        kind = "raised" if after.severity > before.severity else "lowered"
        line(kind, f"{before.severity.word} to {after.severity.word}", severity_before=before.severity.word)
        if before.status is IncidentStatus.ACKNOWLEDGED and after.status is IncidentStatus.FIRING:
            line("unacknowledged", outgrown(before))
    if not after.is_open and (before is None or before.is_open):
        silent = EXPIRED in grouped and Change.ENDED not in grouped
        line("resolved", "its source fell silent" if silent else "every alert ended at its source")
    return lines


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
