"""PagerDuty's Events API v2, as far as its documentation says what it does with an event."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.provider import Answer, Asked, Original, Provider, Rate

SEVERITIES = {"critical", "error", "warning", "info"}
MAX_BYTES = 512 * 1024
EVENTS_PER_MINUTE = 120
"""Of one routing key. PagerDuty publishes no figure; this is what it is seen to take."""


@dataclass(slots=True)
class Alert:
    """An alert in PagerDuty. A trigger after its resolve is another alert, and another page."""

    key: str
    summary: str
    state: str = "triggered"
    log: list[str] = field(default_factory=list)


class PagerDutyBooks(Original):
    """Open alerts by routing key and dedup key. `strict_rate`: as many a minute as it is seen to take."""

    def __init__(self, *, strict_rate: bool = False) -> None:
        super().__init__()
        self.alerts: list[Alert] = []
        self.pages = 0
        self.dropped: list[str] = []
        self._rate = Rate(EVENTS_PER_MINUTE, 60) if strict_rate else None

    def open_alert(self, routing_key: str, dedup_key: str) -> Alert | None:
        """The alert that is open under the keys."""
        key = f"{routing_key}/{dedup_key}"
        return next((each for each in reversed(self.alerts) if each.key == key and each.state != "resolved"), None)

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        if asked.path == "/v2/change/enqueue":
            return Answer(202, b'{"status":"success","message":"Change event processed"}')
        if asked.path != "/v2/enqueue":
            self.faults.append(f"unknown path {asked.path}")
            return Answer(404)
        event = asked.json()
        errors = invalid(event, len(asked.body))
        if errors:
            self.faults += errors
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return Answer(400, json.dumps(body).encode())
        if self._rate is not None and not self._rate.allows(event["routing_key"], asked.at):
            return self.rate_limited()
        key = self._apply(event)
        return Answer(202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": key}).encode())

    def _apply(self, event: dict[str, Any]) -> str:
        dedup_key = event.get("dedup_key") or f"generated-{len(self.alerts)}"
        known = self.open_alert(event["routing_key"], dedup_key)
        action = event["event_action"]
        if action == "trigger" and known is None:
            known = Alert(f"{event['routing_key']}/{dedup_key}", event["payload"]["summary"])
            self.alerts.append(known)
            self.pages += 1
        if known is None:
            self.dropped.append(f"{action} {dedup_key}")
            return dedup_key
        known.log.append(action)
        if action == "acknowledge" and known.state == "triggered":
            known.state = "acknowledged"
        if action == "resolve":
            known.state = "resolved"
        return dedup_key

    def rate_limited(self) -> Answer:
        """It says nothing of when to come again."""
        return Answer(
            429, b'{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly"}'
        )


class PagerDuty(PagerDutyBooks, Provider):
    """The same on a port."""


def invalid(event: dict[str, Any], size: int) -> list[str]:
    """What is wrong with an event, by the documented rules."""
    errors: list[str] = []
    payload = event.get("payload") or {}
    if len(event.get("routing_key", "")) != 32:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        errors.append("'event_action' is invalid")
    if event.get("event_action") != "trigger" and not event.get("dedup_key"):
        errors.append("'dedup_key' is missing")
    if len(event.get("dedup_key") or "") > 255:
        errors.append("'dedup_key' is too long")
    if event.get("event_action") == "trigger":
        errors += [
            f"'payload.{name}' is missing" for name in ("summary", "source", "severity") if not payload.get(name)
        ]
        if payload.get("severity") not in SEVERITIES:
            errors.append("'payload.severity' is invalid")
        if len(payload.get("summary") or "") > 1024:
            errors.append("'payload.summary' is too long")
    errors += ["'links.href' is missing" for link in event.get("links", []) if not link.get("href")]
    if size > MAX_BYTES:
        errors.append("the event is too large")
    return errors
