"""The fixed set of messages that every channel shows in its golden files, worded by a renderer without templates."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alertsvc.channels import view
from alertsvc.channels.base import Envelope
from alertsvc.channels.heading import Heading, heading_of
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message
from alertsvc.channels.render import Rendering
from alertsvc.channels.samples import DIGEST, INCIDENT, START, STORM, STORM_OVER
from alertsvc.channels.view import digest_title, headline, verdict, what_is_wrong, window
from alertsvc.core.consequence import Group, called
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity
from tests.channels.hostile import digest_of, everywhere, storm_of

DELIVERY = UUID("019ab000-0000-7000-8000-00000000de11")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOSTILE_TEXT = (
    "<!channel> <@U0123> <https://evil.example|click> ](https://evil.example) **b** `c` &lt;"
    " {{DATE(2026-01-01T00:00Z)}} <at>Everyone</at> \x00\x1b[31m \u202egnp.exe <script>alert(1)</script>"
)


def envelope(**changes: object) -> Envelope:
    return Envelope(**{"delivery_id": DELIVERY, "attempt": 1, "sent_at": NOON, **changes})


def render(template: str, message: Message) -> Rendering:
    """The words of a message, without any template."""
    if isinstance(message, DigestMessage):
        title = digest_title(message) if message.storm else f"{message.name} digest: {verdict(message)}"
        text = title if "title" in template else window(message)
    elif template == "title.txt":
        text = view.title(message) if message.groups else f"{message.title} {view.breach(message)}".strip()
    else:
        said = what_is_wrong(message) if message.groups else message.summary
        text = f"{headline(message)}. {said}".strip()
    return Rendering(text)


def heading(message: Message) -> Heading:
    return heading_of(message, render)


def drifting(feature: str, value: float, *, state: AlertState = AlertState.FIRING) -> AlertLine:
    return AlertLine(
        fingerprint=f"{sum(map(ord, feature)):016x}",
        name="DataDriftDetected",
        state=state,
        severity=Severity.CRITICAL,
        labels={**INCIDENT.labels, "feature": feature},
        annotations={"summary": f'The feature "{feature}" has drifted from its reference.'},
        starts_at=START - timedelta(minutes=2),
        ended_at=START + timedelta(hours=1) if state is AlertState.RESOLVED else None,
        value=value,
        threshold=0.25,
        links=(Link("Source", f"https://prometheus.example.com/graph?g0.expr=drift%7Bfeature%3D%22{feature}%22%7D"),),
    )


OPENED = replace(
    INCIDENT,
    alerts=tuple(drifting(name, 0.6 - 0.07 * index) for index, name in enumerate(("age", "income", "tenure", "city"))),
    firing_count=40,
)
RAISED = replace(
    OPENED,
    reason=Reason.RAISED,
    sequence=3,
    previous_severity=Severity.WARNING,
    happened_at=START + timedelta(minutes=50),
    alerts=(*OPENED.alerts[:2], drifting("tenure", 0.1, state=AlertState.RESOLVED)),
    firing_count=2,
    ended_count=1,
    delayed_since=START + timedelta(minutes=45),
)
ACKNOWLEDGED = replace(
    INCIDENT,
    reason=Reason.ACKNOWLEDGED,
    status=IncidentStatus.ACKNOWLEDGED,
    sequence=2,
    happened_at=START + timedelta(minutes=4),
    acknowledged_at=START + timedelta(minutes=4),
    acknowledged_by="Ana Müller",
    comment="Retraining has begun, see #churn.",
)
RESOLVED = replace(
    ACKNOWLEDGED,
    reason=Reason.RESOLVED,
    status=IncidentStatus.RESOLVED,
    sequence=4,
    happened_at=START + timedelta(hours=2, minutes=14),
    resolved_at=START + timedelta(hours=2, minutes=14),
    resolved_how="source",
    alerts=(drifting("age", 0.09, state=AlertState.RESOLVED),),
    firing_count=0,
    ended_count=1,
)


def measured(metric: str, kind: str, feature: str, value: float, threshold: float, **annotations: str) -> AlertLine:
    about = {"alertname": metric, "kind": kind, **({"feature": feature} if feature else {})}
    named = called(about)
    said = f"{named.rpartition(', ')[2]} is {value} (alert beyond {threshold})"
    return AlertLine(
        fingerprint=f"{sum(map(ord, named)):016x}",
        name=metric,
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        labels={"model": "churn-xgb", "environment": "production", **about},
        annotations={"summary": said, **annotations},
        starts_at=START - timedelta(minutes=2),
        value=value,
        threshold=threshold,
        called=named,
        decided_by="thresholds.yaml",
    )


ROLLED_UP = replace(
    INCIDENT,
    title="churn-xgb production: accuracy",
    subject="churn-xgb production",
    summary="accuracy is 0.893, usually about 0.918 in 32 values: the latest are below the limit 0.909",
    description="",
    labels={"model": "churn-xgb", "environment": "production"},
    alerts=(
        replace(
            measured("accuracy", "performance", "", 0.893, 0.909, rule="models.churn-xgb.accuracy.adaptive"),
            decided_by="adaptive",
        ),
        measured("psi", "prediction_drift", "score", 0.27, 0.25),
        measured("failed_expectations", "data_quality", "", 2, 1, summary="2 of 8 expectations failed: not null"),
        *(measured("psi", "data_drift", f"f{number}", 2.1 - number / 10, 0.25) for number in range(7)),
    ),
    groups=(
        Group("performance", Severity.CRITICAL, 1, "accuracy"),
        Group("prediction_drift", Severity.CRITICAL, 1, "prediction drift, psi of score", 1),
        Group("data_quality", Severity.CRITICAL, 1, "failed_expectations"),
        Group("data_drift", Severity.CRITICAL, 500, "", 500),
    ),
    firing_count=503,
    deployment="champion -> v7, 40m before it began",
)
TRIAL = replace(
    INCIDENT,
    reason=Reason.TEST,
    number=0,
    severity=Severity.INFO,
    title="Test of this destination: nothing is wrong",
    summary="Somebody tests that this destination can be reached. There is nothing to do.",
    description="",
    route="test",
    labels={},
    alerts=(),
    links=(),
    runbook_url=None,
    incident_url=None,
    acknowledge_url=None,
)
WEEK = replace(
    DIGEST,
    name="weekday-morning",
    timezone="Europe/Lisbon",
    window_start=START - timedelta(days=3),
    items=(
        *DIGEST.items[:1],
        DigestItem(
            incident_id=UUID("019ab000-0000-7000-8000-000000000014"),
            number=14,
            title="fraud staging: FeatureMissing",
            status=IncidentStatus.ACKNOWLEDGED,
            severity=Severity.WARNING,
            opened_at=START - timedelta(days=2),
            summary="The feature merchant_category is missing in 3 % of the requests.",
            acknowledged_by="ben@example.com",
            firing_count=1,
            incident_url="https://alerts.example.com/incidents/14",
        ),
        *DIGEST.items[1:],
    ),
)
SCENES: Mapping[str, Message] = {
    "opened": OPENED,
    "rolled_up": ROLLED_UP,
    "raised": RAISED,
    "acknowledged": ACKNOWLEDGED,
    "resolved": RESOLVED,
    "test": TRIAL,
    "digest": WEEK,
    "storm": STORM,
    "storm_over": STORM_OVER,
    "hostile": everywhere(HOSTILE_TEXT),
    "hostile_digest": digest_of(HOSTILE_TEXT),
    "hostile_storm": storm_of(HOSTILE_TEXT),
}


def reason(message: IncidentMessage, why: Reason) -> IncidentMessage:
    return replace(message, reason=why)
