"""What PagerDuty is told of a message. Pure; `tests/channels/golden` shows what comes out.

An incident of ours is one alert of PagerDuty's, held together by the dedup key; so is a storm, from its first summary
to its end. A digest must never page, so it is a change event: PagerDuty shows those with the service and tells nobody.

Source: https://developer.pagerduty.com/docs/send-alert-event, https://developer.pagerduty.com/docs/send-change-event
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from alertsvc.channels.clean import clean_line
from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import Json, JsonObject
from alertsvc.channels.message import DigestMessage, IncidentMessage, Storm
from alertsvc.channels.pagerduty.details import digest_details, incident_details
from alertsvc.channels.selection import all_links, shown_labels
from alertsvc.channels.tidy import ROOMS, tidy
from alertsvc.channels.view import digest_door
from alertsvc.core.model import Link, Reason, Severity

MAX_SUMMARY_CHARS = 1024
MAX_SHORT_CHARS = 250
ROOM = ROOMS[1]
SOURCE_LABELS = ("model", "service", "instance", "job")
GROUP_LABELS = ("project", "environment")
CLASS_LABELS = ("check", "alertname")
UNNAMED = "alertsvc"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the configuration says about every event; None leaves it to the message."""

    client: str | None = None
    client_url: str | None = None
    description: str | None = None
    source: str | None = None
    component: str | None = None
    group: str | None = None
    kind: str | None = None
    severity: Severity | None = None
    severity_floor: Severity = Severity.INFO
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    links: tuple[Link, ...] = ()


def incident_event(message: IncidentMessage, heading: Heading, standing: Standing) -> JsonObject:
    """The event for `message`, without the routing key. What is given back is triggered again."""
    key = f"alertsvc:{message.incident_id}"
    if message.reason is Reason.RESOLVED:
        return end_event(key)
    if message.reason is Reason.ACKNOWLEDGED:
        return {"event_action": "acknowledge", "dedup_key": key}
    severity = standing.severity or max(message.severity, standing.severity_floor)
    return _trigger(message, heading, standing, key, severity)


def trial_event(message: IncidentMessage, heading: Heading, standing: Standing, delivery_id: UUID) -> JsonObject:
    """A test: an alert of its own that nobody can mistake for another, and that `end_event` ends at once."""
    marked = Heading(f"[TEST] {heading.title}", heading.summary)
    return _trigger(message, marked, standing, trial_key(delivery_id), Severity.INFO)


def trial_key(delivery_id: UUID) -> str:
    """The dedup key of a test."""
    return f"alertsvc:test:{delivery_id}"


def end_event(key: str) -> JsonObject:
    """The event that ends the alert of `key`."""
    return {"event_action": "resolve", "dedup_key": key}


def digest_event(message: DigestMessage, heading: Heading, standing: Standing) -> JsonObject:
    """The change event for a digest, without the routing key."""
    return {"payload": _payload(message, heading, standing), "links": _digest_links(message, standing)}


def _payload(message: DigestMessage, heading: Heading, standing: Standing) -> dict[str, Json]:
    return {
        "summary": _summary(heading.title),
        "source": _short(standing.source or standing.client or UNNAMED),
        "timestamp": message.window_end.isoformat(),
        "custom_details": digest_details(tidy(message, ROOM), standing.details),
    }


def _digest_links(message: DigestMessage, standing: Standing) -> list[JsonObject]:
    url = tidy(message, ROOM).digest_url
    return _links([*([Link(digest_door(message), url)] if url else []), *standing.links])


def storm_event(message: DigestMessage, storm: Storm, heading: Heading, standing: Standing) -> JsonObject:
    """The event for a summary of `storm`, or for its end, without the routing key."""
    key = f"alertsvc:storm:{storm.id}"
    if storm.is_over:
        return end_event(key)
    severity = standing.severity or max(storm.worst, standing.severity_floor)
    payload, links = _payload(message, heading, standing), _digest_links(message, standing)
    return {
        "event_action": "trigger",
        "dedup_key": key,
        "client": _short(standing.client or UNNAMED),
        "payload": {**payload, "severity": severity.word},
        "links": links,
    }


def _trigger(
    message: IncidentMessage, heading: Heading, standing: Standing, key: str, severity: Severity
) -> JsonObject:
    known = tidy(message, ROOM)
    optional = {
        "component": standing.component or _label(known, ("feature",)),
        "group": standing.group or _label(known, GROUP_LABELS),
        "class": standing.kind or _label(known, CLASS_LABELS),
    }
    url = standing.client_url or known.incident_url
    return {
        "event_action": "trigger",
        "dedup_key": key,
        "client": _short(standing.client or UNNAMED),
        **({"client_url": url} if url else {}),
        "payload": {
            "summary": _summary(standing.description or heading.title),
            "source": _short(standing.source or _label(known, SOURCE_LABELS) or standing.client or UNNAMED),
            "severity": severity.word,
            "timestamp": message.happened_at.isoformat(),
            **{name: _short(text) for name, text in optional.items() if text},
            "custom_details": incident_details(known, heading, standing.details),
        },
        "links": _links([*all_links(known), *standing.links]),
    }


def _label(message: IncidentMessage, names: Iterable[str]) -> str | None:
    """The value of the first of the labels that all alerts of the incident share."""
    labels = shown_labels(message)
    return next((labels[name] for name in names if labels.get(name)), None)


def _links(links: Iterable[Link]) -> list[JsonObject]:
    return [{"href": link.url, "text": _short(link.title)} for link in links]


def _summary(text: str) -> str:
    return clean_line(text, MAX_SUMMARY_CHARS) or UNNAMED


def _short(text: str) -> str:
    return clean_line(text, MAX_SHORT_CHARS) or UNNAMED
