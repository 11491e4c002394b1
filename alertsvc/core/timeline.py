"""The lines that a batch of events adds to an incident's timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alertsvc.core.alerts import EXPIRED, SOURCE, Change, Step
from alertsvc.core.effects import HistoryEntry
from alertsvc.core.endings import ending
from alertsvc.core.incidents import Incident
from alertsvc.core.model import Event, IncidentStatus
from alertsvc.core.naming import alert_name, cut, own_labels
from alertsvc.core.thresholds.words import BECAUSE, RULE

NAMED_IN_HISTORY = 5


@dataclass(frozen=True, slots=True)
class _Named:
    """An event, the labels that tell it from others of its incident, and its name."""

    event: Event
    own: Mapping[str, str]
    name: str


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
        opener = _named(alone, after)
        detail = f"opened: {after.title}{_by(opener)}"
        line("opened", detail, severity=after.peak_severity.word, **_facts(opener))
    elif not before.is_open and after.is_open:
        line("reopened", "fires again")
    for change, events in grouped.items():
        if before is None and change == Change.OPENED and len(events) == 1:
            continue
        first = _named(events, after)
        line(f"alert_{change}", _listed(first, len(events)), alert_count=len(events), **_facts(first))
    if before is not None and before.is_open and after.severity != before.severity:
        kind = "raised" if after.severity > before.severity else "lowered"
        line(kind, f"{before.severity.word} to {after.severity.word}", severity_before=before.severity.word)
        if before.status is IncidentStatus.ACKNOWLEDGED and after.status is IncidentStatus.FIRING:
            line("unacknowledged", outgrown(before))
    if not after.is_open and (before is None or before.is_open):
        line("resolved", ending(steps).why)
    return lines


def _by(alone: Sequence[_Named]) -> str:
    """Which alert opened it, when it was one: what its title does not say."""
    if not alone:
        return ""
    is_in_title = alone[0].name == alone[0].event.labels.get("alertname")
    return f" ({alone[0].event.fingerprint})" if is_in_title else f"; {_listed(alone, 1)}"


def _named(events: Sequence[Event], incident: Incident) -> list[_Named]:
    """The first few of `events` with their names."""
    found: list[_Named] = []
    for event in events[:NAMED_IN_HISTORY]:
        own = own_labels(event, incident.labels)
        found.append(_Named(event, own, alert_name(event, own)))
    return found


def _listed(first: Sequence[_Named], count: int) -> str:
    """Names with fingerprints, and how many more of `count` there are."""
    names = ", ".join(f"{each.name} ({each.event.fingerprint})" for each in first)
    return f"{names} and {count - len(first)} more" if count > len(first) else names


def _facts(first: Sequence[_Named]) -> dict[str, object]:
    """The same for machines."""
    shown = [
        {
            "fingerprint": each.event.fingerprint,
            "alertname": cut(each.event.labels.get("alertname", "")),
            "labels": each.own,
            "name": each.name,
            **_decision(each.event),
        }
        for each in first
    ]
    return {"alerts": shown} if shown else {}


def _decision(event: Event) -> dict[str, object]:
    """What decided on a measurement, and the entry of the file of thresholds if one did."""
    if event.observation is None:
        return {}
    said = {"decided_by": event.decided_by, RULE: event.annotations.get(RULE), BECAUSE: event.annotations.get(BECAUSE)}
    return {name: cut(text) for name, text in said.items() if text}


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
