"""What a webhook carries. Pure; `tests/channels/golden` shows what comes out.

    {"type": "incident.opened", "timestamp": "2026-11-24T09:12:00+00:00", "data": {"version": 1, ...}}

`type` is `incident.` and the reason, `digest`, or `storm`: a digest of what came in a storm, and its end. `timestamp`
is when it happened, not when it was sent. `data` holds the same names in every version 1: names may be added, none
changes its meaning. `shortened` says that texts were cut or entries left out to stay within 20 KB; `url` leads to the
whole.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from alertsvc.channels.heading import Heading
from alertsvc.channels.json_body import Json, JsonObject, encoded
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message, Storm
from alertsvc.channels.tidy import ROOMS, Room, tidy
from alertsvc.core.model import Link

VERSION = 1
MAX_BYTES = 20_000
MAX_ITEMS = 75
"""More incidents do not fit, however little is said of each."""
WHOLE = Room(alerts=100, labels=100, items=MAX_ITEMS, text=10_000, line=2_000)
LEAST = Room(alerts=1, labels=2, items=4, text=80, line=40)
"""Fits whatever characters the texts are made of."""


def webhook_body(message: Message, heading: Heading, max_alerts: int = 0) -> bytes:
    """What is posted of `message`: `webhook_payload` as JSON."""
    return _fitting(message, heading, max_alerts)[1]


def webhook_payload(message: Message, heading: Heading, max_alerts: int = 0) -> JsonObject:
    """`message` in the most generous room in which it stays within 20 KB. `max_alerts` 0 allows any number."""
    return _fitting(message, heading, max_alerts)[0]


def _fitting(message: Message, heading: Heading, max_alerts: int) -> tuple[JsonObject, bytes]:
    payload: JsonObject = {}
    body = b""
    for room, linked in ((WHOLE, True), *((room, True) for room in ROOMS), (ROOMS[-1], False), (LEAST, False)):
        if isinstance(message, DigestMessage):
            first = replace(message, items=message.items[: min(room.items, MAX_ITEMS)])
            payload = _digest(tidy(first, room), message.incident_count, heading, room, linked=linked)
        else:
            known = tidy(message, room)
            payload = _incident(known, heading, room, max_alerts or room.alerts, linked=linked)
        body = encoded(payload)
        if len(body) <= MAX_BYTES:
            break
    return payload, body


def _incident(message: IncidentMessage, heading: Heading, room: Room, most: int, *, linked: bool) -> JsonObject:
    alerts = message.alerts[:most]
    return {
        "type": f"incident.{message.reason.value}",
        "timestamp": message.happened_at.isoformat(),
        "data": {
            "version": VERSION,
            "id": str(message.incident_id),
            "number": message.number,
            "sequence": message.sequence,
            "reason": message.reason.value,
            "status": message.status.value,
            "severity": message.severity.word,
            "previous_severity": None if message.previous_severity is None else message.previous_severity.word,
            "title": message.title,
            "headline": heading.title[: room.line],
            "summary": heading.summary[: room.text],
            "description": message.description,
            "comment": message.comment,
            "owner": message.owner,
            "labels": dict(message.labels),
            "opened_at": message.opened_at.isoformat(),
            "acknowledged_at": _instant(message.acknowledged_at),
            "acknowledged_by": message.acknowledged_by,
            "resolved_at": _instant(message.resolved_at),
            "resolved_by": message.resolved_by,
            "resolved_how": message.resolved_how,
            "delayed_since": _instant(message.delayed_since),
            "firing_count": message.firing_count,
            "ended_count": message.ended_count,
            "alerts": [_alert(alert, message.labels, linked=linked) for alert in alerts],
            "url": message.incident_url,
            "acknowledge_url": message.acknowledge_url if linked else None,
            "runbook_url": message.runbook_url if linked else None,
            "links": _links(message.links) if linked else [],
            "receiver": message.receiver,
            "route": message.route,
            "destination": message.destination[: room.line],
            "shortened": room is not WHOLE or len(alerts) < message.firing_count + message.ended_count,
        },
    }


def _alert(alert: AlertLine, shared: Mapping[str, str], *, linked: bool) -> JsonObject:
    return {
        "fingerprint": alert.fingerprint[:64],
        "name": alert.name,
        "state": alert.state.value,
        "severity": alert.severity.word,
        "labels": {**shared, **alert.labels},
        "annotations": dict(alert.annotations),
        "starts_at": alert.starts_at.isoformat(),
        "ended_at": _instant(alert.ended_at),
        "value": _number(alert.value),
        "threshold": _number(alert.threshold),
        "links": _links(alert.links) if linked else [],
    }


def _digest(message: DigestMessage, count: int, heading: Heading, room: Room, *, linked: bool) -> JsonObject:
    return {
        "type": "digest" if message.storm is None else "storm",
        "timestamp": message.window_end.isoformat(),
        "data": {
            "version": VERSION,
            "id": str(message.digest_id),
            "sequence": message.sequence,
            "name": message.name,
            "headline": heading.title[: room.line],
            "summary": heading.summary[: room.text],
            "window_start": message.window_start.isoformat(),
            "window_end": message.window_end.isoformat(),
            "timezone": message.timezone[: room.line],
            "incident_count": count,
            "incidents": [_item(item, linked=linked) for item in message.items],
            "storm": None if message.storm is None else _storm(message.storm),
            "url": message.digest_url,
            "receiver": message.receiver,
            "destination": message.destination[: room.line],
            "shortened": room is not WHOLE or len(message.items) < count,
        },
    }


def _storm(storm: Storm) -> JsonObject:
    return {
        "id": str(storm.id),
        "since": storm.since.isoformat(),
        "is_over": storm.is_over,
        "severity": storm.worst.word,
        "incident_count": storm.incident_count,
        "open_count": storm.open_count,
        "kinds": [
            {"alertname": each.alertname, "severity": each.severity.word, "incident_count": each.incident_count}
            for each in storm.classes
        ],
    }


def _item(item: DigestItem, *, linked: bool) -> JsonObject:
    return {
        "id": str(item.incident_id),
        "number": item.number,
        "status": item.status.value,
        "severity": item.severity.word,
        "title": item.title,
        "summary": item.summary,
        "labels": dict(item.labels),
        "opened_at": item.opened_at.isoformat(),
        "acknowledged_by": item.acknowledged_by,
        "resolved_at": _instant(item.resolved_at),
        "firing_count": item.firing_count,
        "ended_count": item.ended_count,
        "url": item.incident_url if linked else None,
    }


def _links(links: Iterable[Link]) -> list[Json]:
    return [{"title": link.title, "url": link.url} for link in links]


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _number(value: float | None) -> float | None:
    """`value`, or None where JSON has no word for it (not a number, infinite)."""
    return value if value is not None and math.isfinite(value) else None
