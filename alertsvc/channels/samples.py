"""Messages that never happened: templates are tried on them before a configuration is taken into use."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message, Storm, StormClass
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity

START = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)

INCIDENT = IncidentMessage(
    reason=Reason.OPENED,
    incident_id=UUID("019ab000-0000-7000-8000-000000000012"),
    number=12,
    title="churn-xgb production: DataDriftDetected",
    status=IncidentStatus.FIRING,
    severity=Severity.CRITICAL,
    opened_at=START,
    happened_at=START,
    destination="ml-platform/email/1",
    receiver="ml-platform",
    route="root/fraud",
    summary='The feature "age" has drifted from its reference.',
    description="The model sees customers unlike those it learned from.\nIts scores may be off until it is retrained.",
    labels={"model": "churn-xgb", "environment": "production", "team": "growth"},
    alerts=(
        AlertLine(
            fingerprint="9f86d081884c7d65",
            name="DataDriftDetected",
            state=AlertState.FIRING,
            severity=Severity.CRITICAL,
            labels={"model": "churn-xgb", "environment": "production", "team": "growth", "feature": "age"},
            annotations={"summary": 'The feature "age" has drifted from its reference.'},
            starts_at=START - timedelta(minutes=2),
            value=0.4137,
            threshold=0.25,
            links=(Link("Source", "https://prometheus.example.com/graph?g0.expr=drift"),),
        ),
    ),
    firing_count=1,
    links=(Link("Dashboard", "https://grafana.example.com/d/churn"),),
    runbook_url="https://wiki.example.com/churn",
    owner="growth@example.com",
    incident_url="https://alerts.example.com/incidents/12",
    acknowledge_url="https://alerts.example.com/incidents/12/acknowledge",
)
RESOLVED = replace(
    INCIDENT,
    reason=Reason.RESOLVED,
    status=IncidentStatus.RESOLVED,
    sequence=3,
    happened_at=START + timedelta(hours=2, minutes=14),
    resolved_at=START + timedelta(hours=2, minutes=14),
    resolved_how="source",
    alerts=(
        replace(
            INCIDENT.alerts[0],
            state=AlertState.RESOLVED,
            value=0.09,
            ended_at=START + timedelta(hours=2, minutes=14),
        ),
    ),
    firing_count=0,
    ended_count=1,
)
DIGEST = DigestMessage(
    digest_id=UUID("019ab000-0000-7000-8000-0000000000d1"),
    name="hourly",
    window_start=START.replace(minute=0),
    window_end=START.replace(minute=0) + timedelta(hours=1),
    destination="ml-platform/email/1",
    receiver="ml-platform",
    items=(
        DigestItem(
            incident_id=UUID("019ab000-0000-7000-8000-000000000013"),
            number=13,
            title="ranking production: ModelAccuracyDrop",
            status=IncidentStatus.FIRING,
            severity=Severity.WARNING,
            opened_at=START,
            summary="Accuracy is 0.81 and should be above 0.85.",
            firing_count=2,
            incident_url="https://alerts.example.com/incidents/13",
        ),
        DigestItem(
            incident_id=UUID("019ab000-0000-7000-8000-000000000011"),
            number=11,
            title="search staging: LatencyHigh",
            status=IncidentStatus.RESOLVED,
            severity=Severity.WARNING,
            opened_at=START,
            resolved_at=START + timedelta(minutes=12),
            ended_count=1,
        ),
    ),
    digest_url="https://alerts.example.com/digests/1",
)
STORM = replace(
    DIGEST,
    name="storm ml-platform/email/1",
    window_start=START,
    window_end=START + timedelta(seconds=30),
    digest_url="https://alerts.example.com/api/v1/incidents?status=open",
    unlisted_open_count=9_900,
    unlisted_ended_count=93,
    storm=Storm(
        id=UUID("019ab000-0000-7000-8000-0000000000f1"),
        since=START,
        worst=Severity.CRITICAL,
        classes=(
            StormClass("NodeDown", Severity.CRITICAL, 9_800),
            StormClass("LatencyHigh", Severity.WARNING, 195),
        ),
    ),
)
STORM_OVER = replace(
    STORM,
    items=(),
    window_end=START + timedelta(minutes=1),
    sequence=2,
    unlisted_open_count=0,
    unlisted_ended_count=0,
    storm=Storm(
        id=UUID("019ab000-0000-7000-8000-0000000000f1"),
        since=START,
        worst=Severity.CRITICAL,
        is_over=True,
        incident_count=9_995,
        open_count=37,
    ),
)


def samples() -> Iterator[tuple[str, Message]]:
    """Every template that comes along, each with messages it must be able to show."""
    for template in ("title.txt", "summary.txt", "email.html", "email.txt"):
        for reason in Reason:
            yield template, RESOLVED if reason is Reason.RESOLVED else replace(INCIDENT, reason=reason)
    for template in ("digest_title.txt", "summary.txt", "digest.html", "digest.txt"):
        for digest in (DIGEST, STORM, STORM_OVER):
            yield template, digest
