"""Every recorded webhook of Alertmanager, and what it must come to.

Alone: what the parser makes of it (receiver, firing, resolved, truncated). In order of the files: what the service does
with each alert, when one after the other arrives at a service that knew nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "captures" / "alertmanager"


@dataclass(frozen=True, slots=True)
class Capture:
    """One recorded request: new, updated, duplicate and stale count what the service does with its alerts in turn."""

    file: str
    receiver: str
    firing: int
    resolved: int = 0
    truncated: int = 0
    new: int = 0
    updated: int = 0
    duplicate: int = 0
    stale: int = 0

    def load(self) -> dict[str, Any]:
        """The whole recording."""
        found: dict[str, Any] = json.loads((FOLDER / self.file).read_text())
        return found

    @property
    def body(self) -> bytes:
        """The body, byte for byte."""
        return str(self.load()["body_raw"]).encode()


TEAM = "team.ml/alertsvc (a)"
CAPTURES = (
    Capture("01-watchdog-first.json", "alertsvc-watchdog", 1, new=1),
    Capture("02-watchdog-repeat.json", "alertsvc-watchdog", 1, duplicate=1),
    Capture("03-unicode-html-newlines.json", "alertsvc-odd", 1, new=1),
    Capture("04-empty-annotations.json", "alertsvc-odd", 1, new=1),
    Capture("05-no-severity-label.json", "alertsvc-odd", 1, new=1),
    Capture("06-single-firing.json", "alertsvc-default", 1, new=1),
    Capture("07-single-resolved.json", "alertsvc-default", 0, 1, updated=1),
    Capture("08-refire-same-fingerprint.json", "alertsvc-default", 1, new=1),
    Capture("09-group-firing-3-continue-route-1.json", TEAM, 3, new=3),
    Capture("10-group-firing-3-continue-route-2.json", "alertsvc-oncall", 3, duplicate=3),
    Capture("11-group-firing-added-4th.json", TEAM, 4, new=1, duplicate=3),
    Capture("12-group-partially-resolved.json", TEAM, 2, 2, updated=2, duplicate=2),
    Capture("13-group-fully-resolved.json", TEAM, 0, 4, updated=2, duplicate=2),
    Capture("14-bulk-200-firing.json", "alertsvc-bulk", 200, new=200),
    Capture("15-bulk-200-max-alerts-5.json", "alertsvc-bulk-max5", 5, truncated=195, duplicate=5),
    Capture("17-bulk-195-resolved.json", "alertsvc-bulk", 0, 200, updated=200),
    Capture("18-auth-bearer.json", "auth-bearer", 1, new=1),
    Capture("19-auth-bearer-legacy.json", "auth-bearer-legacy", 1, new=1),
    Capture("20-auth-basic.json", "auth-basic", 1, new=1),
    Capture("21-auth-custom-scheme.json", "auth-custom-scheme", 1, new=1),
    Capture("23-endsat-future-shown-as-zero.json", "ends", 1, new=1),
    Capture("24-endsat-absent-firing.json", "ends", 1, new=1),
    Capture("25-endsat-absent-resolve-timeout.json", "ends", 0, 1, updated=1),
    Capture("27-endsat-passed-without-update.json", "ends", 0, 1, new=1),
    Capture("28-send-resolved-false-partial.json", "firing-only", 2, new=2),
    Capture("29-repeat-interval-first.json", "repeat", 1, new=1),
    Capture("30-repeat-interval-repeat.json", "repeat", 1, updated=1),
    Capture("31-max-alerts-2-of-3.json", "trunc", 2, truncated=1, new=2),
    Capture("32-no-group-by.json", "nogroup", 2, new=2),
    Capture("33-no-alertname-empty-values.json", "fallback", 1, new=1),
    Capture("34-retry-attempt-1-answered-503.json", "retry", 1, new=1),
    Capture("35-retry-attempt-2.json", "retry", 1, duplicate=1),
    Capture("36-relist-partial.json", "relist", 1, 1, new=2),
    Capture("37-relist-rest-resolved.json", "relist", 0, 1, updated=1),
    Capture("38-flap-first.json", "flap", 1, new=1),
    Capture("39-flap-repeat-new-startsat.json", "flap", 1, updated=1),
    Capture("41-reopen-1-firing.json", "reopen", 1, new=1),
    Capture("42-reopen-2-resolved-by-expiry.json", "reopen", 0, 1, updated=1),
    Capture("44-two-webhooks-one-receiver-0.json", "multi", 2, new=2),
    Capture("46-ha-unclustered-copy-1.json", "shared", 1, new=1),
    Capture("47-ha-unclustered-copy-2.json", "shared", 1, duplicate=1),
)
