"""Makes the message that a delivery carries, from the state at the moment it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message, Storm, StormClass
from alertsvc.core.alerts import EXPIRED, PERSON, SOURCE
from alertsvc.core.consequence import Group, called, phrases
from alertsvc.core.incidents import Incident, subject_of
from alertsvc.core.model import IncidentStatus, Link, Reason, Severity
from alertsvc.core.rules import Rules
from alertsvc.core.storm import StormMark
from alertsvc.engine.backdrop import deployment_told
from alertsvc.engine.muting import KeptBack, kept_back_from
from alertsvc.store import briefs, outbox
from alertsvc.store.briefs import AlertBrief, DigestBrief, IncidentBrief
from alertsvc.store.outbox import Claimed

LATE_AFTER = timedelta(minutes=2)
_WITHOUT_A_PERSON = frozenset({SOURCE, EXPIRED})

Composed = tuple[Message, Envelope] | KeptBack
"""What leaves, or why it does not."""


def compose(
    conn: Connection,
    claimed: Claimed,
    rules: Rules,
    external_url: str | None,
    now: datetime,
    *,
    decided_now: bool = False,
) -> Composed | None:
    """The message and envelope of a leased delivery, or what keeps it back; None when what it was about is gone.

    `decided_now`: this very transaction decided that it is sent. Nothing can have overtaken that.
    """
    kept = None if decided_now else kept_back_from(conn, rules, now, claimed)
    if kept is not None:
        return kept
    envelope = Envelope(delivery_id=claimed.id, attempt=claimed.attempt_count, sent_at=now, progress=claimed.progress)
    if claimed.digest_id is not None:
        most_items = {name: rule.max_items for name, rule in rules.digests.items()}
        window = briefs.digest_brief(conn, claimed.digest_id, claimed.id, most_items)
        if window is None or not (window.incidents or (window.storm is not None and window.storm.is_over)):
            return None
        return digest_message(window, claimed, rules, external_url), envelope
    if claimed.incident_id is None:
        return None
    known = briefs.incident_brief(conn, claimed.incident_id, claimed.destination)
    if known is None:
        return None
    anchored = Envelope(claimed.id, claimed.attempt_count, now, known.anchor, claimed.progress)
    told = deployment_told(conn, known)
    message = incident_message(known, _as_first_due(conn, claimed), rules, external_url, now, deployment=told)
    if claimed.reason is Reason.RAISED:
        message = replace(message, previous_severity=briefs.severity_before(conn, claimed.incident_id))
    return message, anchored


def first_word(
    brief: IncidentBrief, claimed: Claimed, rules: Rules, external_url: str | None, now: datetime, *, deployment: str
) -> tuple[Message, Envelope]:
    """The message and envelope of the first delivery about an incident: nothing of it has to be read.

    `deployment` is what is known without that of what was deployed before it began.
    """
    envelope = Envelope(claimed.id, claimed.attempt_count, now, brief.anchor, claimed.progress)
    return incident_message(brief, claimed, rules, external_url, now, deployment=deployment), envelope


def _as_first_due(conn: Connection, claimed: Claimed) -> Claimed:
    """As it was before its first try, which should have been its only one: each that fails makes it due later."""
    tried_at = outbox.first_tried_at(conn, claimed.id) if claimed.attempt_count > 1 else None
    return claimed if tried_at is None else replace(claimed, due_at=min(claimed.due_at, tried_at))


def _resolved_how(resolved_by: str | None) -> str | None:
    """`source`, `expired` or `person`; None while it is open."""
    return resolved_by if resolved_by is None or resolved_by in _WITHOUT_A_PERSON else PERSON


def incident_message(
    brief: IncidentBrief,
    claimed: Claimed,
    rules: Rules,
    external_url: str | None,
    now: datetime,
    *,
    deployment: str,
) -> IncidentMessage:
    """The view of an incident that a channel lays out. `deployment` says what was deployed before it began."""
    incident = brief.incident
    if claimed.reason is Reason.RESOLVED:
        incident = incident.as_it_ended(claimed.created_at)
    alerts = tuple(_line(each) for each in brief.alerts)
    facts = rules.models.get(incident.labels.get("model", ""))
    newest = alerts[0] if alerts else None
    annotations: Mapping[str, str] = newest.annotations if newest else {}
    told = annotations.get("summary") or incident.summary
    if incident.status is IncidentStatus.RESOLVED and newest is not None and newest.is_observed:
        told = incident.summary or told  # what it was: the latest that is said of it is that it is fine
    return IncidentMessage(
        reason=claimed.reason,
        incident_id=incident.id,
        number=incident.number,
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        opened_at=incident.opened_at,
        happened_at=claimed.created_at,
        destination=claimed.destination,
        receiver=claimed.receiver,
        route=brief.route,
        sequence=claimed.sequence,
        summary=_with_silence(brief, told),
        description=annotations.get("description", ""),
        resolved_at=incident.resolved_at,
        resolved_by=None if incident.resolved_by in _WITHOUT_A_PERSON else incident.resolved_by,
        resolved_how=_resolved_how(incident.resolved_by),
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        comment=brief.comment,
        labels=brief.common_labels,
        alerts=alerts,
        firing_count=incident.firing_count,
        ended_count=brief.ended_count,
        links=newest.links if newest else (),
        runbook_url=annotations.get("runbook_url") or (facts.runbook_url if facts else None),
        owner=facts.owner if facts else None,
        incident_url=incident_url(external_url, incident),
        acknowledge_url=None,
        delayed_since=claimed.created_at if now - claimed.due_at > LATE_AFTER else None,
        subject=subject_of(incident.labels),
        groups=tuple(brief.groups),
        deployment=deployment,
    )


def _with_silence(brief: IncidentBrief, summary: str) -> str:
    """The summary, after a word about alerts that nobody confirms any more: every channel begins with it."""
    silent = [each.silent_since for each in brief.alerts if each.silent_since is not None]
    if not silent:
        return summary
    word = f"Not confirmed since {max(silent):%Y-%m-%d %H:%M} UTC: its source tells of it no more. It may still fire."
    return f"{word} {summary}" if summary else word


def _line(each: AlertBrief) -> AlertLine:
    return AlertLine(
        fingerprint=each.fingerprint,
        name=each.labels.get("alertname") or each.fingerprint,
        state=each.state,
        severity=each.severity,
        labels=each.labels,
        annotations=each.annotations,
        starts_at=each.starts_at,
        ended_at=each.closed_at,
        value=each.value,
        threshold=each.threshold,
        links=tuple(Link(link["title"], link["url"]) for link in each.links),
        called=called(each.labels) if each.labels.get("kind") else "",
        decided_by=each.decided_by,
    )


def digest_message(window: DigestBrief, claimed: Claimed, rules: Rules, external_url: str | None) -> DigestMessage:
    """The view of a window that a channel lays out."""
    rule = rules.digests.get(window.name)
    return DigestMessage(
        digest_id=claimed.digest_id or claimed.id,
        name=window.name,
        window_start=window.window_start,
        window_end=window.due_at,
        destination=claimed.destination,
        receiver=claimed.receiver,
        items=tuple(
            digest_item(incident, ended, external_url, window.groups.get(incident.id, ()))
            for incident, ended in window.incidents
        ),
        sequence=claimed.sequence,
        timezone=rule.timezone if rule else "UTC",
        digest_url=f"{external_url}/api/v1/incidents?status=open" if external_url and window.storm else None,
        unlisted_open_count=window.unlisted_open_count,
        unlisted_ended_count=window.unlisted_ended_count,
        storm=None if window.storm is None else _storm(window, window.storm, claimed),
    )


def _storm(window: DigestBrief, mark: StormMark, claimed: Claimed) -> Storm:
    return Storm(
        id=mark.id,
        since=mark.since,
        worst=claimed.severity,
        classes=tuple(StormClass(name or "alert", Severity(severity), count) for name, severity, count in window.kinds),
        is_over=claimed.reason is Reason.RESOLVED,
        incident_count=mark.incident_count,
        open_count=mark.open_count,
    )


def digest_item(
    incident: Incident, ended_count: int, external_url: str | None, groups: Sequence[Group] = ()
) -> DigestItem:
    """One line of a digest."""
    subject, wrong = subject_of(incident.labels), ", ".join(phrases(groups))
    return DigestItem(
        incident_id=incident.id,
        number=incident.number,
        title=f"{subject}: {wrong}" if subject and wrong else incident.title,
        status=incident.status,
        severity=incident.severity,
        opened_at=incident.opened_at,
        summary=incident.summary,
        resolved_at=incident.resolved_at,
        acknowledged_by=incident.acknowledged_by,
        firing_count=incident.firing_count,
        ended_count=ended_count,
        labels=incident.labels,
        incident_url=incident_url(external_url, incident),
    )


def incident_url(external_url: str | None, incident: Incident) -> str | None:
    """Where people find the incident, when the service knows its own address."""
    return f"{external_url}/api/v1/incidents/{incident.number}" if external_url else None
