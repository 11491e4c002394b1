"""What decisions are about, in one line each: events, alerts, incidents, believers, rules, a moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from alertsvc.core.alerts import Alert, content_hash
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.incidents import Believer, Incident, LiveDelivery, PendingNotification, Situation
from alertsvc.core.model import AlertState, Deliver, Event, IncidentStatus, Reason, Severity
from alertsvc.core.route import Destination, Matcher, Op, Route, Timing
from alertsvc.core.rules import Moment, Rules

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
INFO, WARNING, ERROR, CRITICAL = Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL

ALL = frozenset(Reason)
WITHOUT_ACKS = ALL - {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}
WITHOUT_RESOLVED = WITHOUT_ACKS - {Reason.RESOLVED}

DELIVER = {INFO: Deliver.NONE, WARNING: Deliver.DIGEST, ERROR: Deliver.IMMEDIATE, CRITICAL: Deliver.IMMEDIATE}
TIMING = Timing(timedelta(0), 5 * MINUTE, 4 * HOUR)
CHAT = Destination("team/chat", "team", "chat", ALL)
MAIL = Destination("team/mail", "team", "mail", WITHOUT_ACKS)
SILENT = Destination("team/silent", "team", "silent", WITHOUT_RESOLVED)

SAME_MODEL = CorrelateRule("model", ("model",))


def numbered() -> Callable[[], UUID]:
    """Identities that count up: the first is `UUID(int=1)`."""
    numbers = count(1)
    return lambda: UUID(int=next(numbers))


def uid(number: int) -> UUID:
    """An identity that no `numbered` reaches."""
    return UUID(int=1_000_000 + number)


def event(state: AlertState | None = FIRING, severity: Severity = CRITICAL, **changes: Any) -> Event:
    """An event of one alert, of a source that names episodes; `changes` are fields of it."""
    labels = changes.pop("labels", {"alertname": "Drift", "model": "churn"})
    known = Event("alertmanager", changes.pop("fingerprint", "f1"), state, severity, labels, starts_at=NOW)
    return replace(known, **changes)


def observation(state: AlertState | None = FIRING, severity: Severity = CRITICAL, **changes: Any) -> Event:
    """An event of a source that knows no episodes, only when it looked."""
    return event(state, severity, **{"source": "events", "starts_at": None, "observed_at": NOW, **changes})


def alert(state: AlertState = FIRING, severity: Severity = CRITICAL, **changes: Any) -> Alert:
    """The alert that `event()` is about, as the first event left it."""
    known = Alert(
        id=uid(1),
        fingerprint="f1",
        state=state,
        severity=severity,
        content_hash=content_hash(event()),
        starts_at=NOW,
        latest_start_at=NOW,
        floor_at=None,
        observed_at=None,
        last_seen_at=NOW,
        closed_at=None if state is FIRING else NOW,
        closed_by=None if state is FIRING else "source",
        incident_id=uid(2),
        episode_id=uid(3),
    )
    return replace(known, **changes)


def incident(status: IncidentStatus = IncidentStatus.FIRING, severity: Severity = CRITICAL, **changes: Any) -> Incident:
    """The incident that `alert()` stands in, with that one alert firing unless it is resolved."""
    is_open = status is not IncidentStatus.RESOLVED
    firing = [0, 0, 0, 0]
    firing[severity - 1] = int(is_open)
    known = Incident(
        id=uid(2),
        number=7,
        correlation_key="k",
        labels={"model": "churn"},
        title="churn: Drift",
        summary="",
        status=status,
        severity=severity,
        peak_severity=severity,
        opened_at=NOW,
        updated_at=NOW,
        firing=(firing[0], firing[1], firing[2], firing[3]),
        alert_count=1,
        resolved_at=None if is_open else NOW,
        resolved_by=None if is_open else "source",
        acknowledged_by="ann" if status is IncidentStatus.ACKNOWLEDGED else None,
        acknowledged_at=NOW if status is IncidentStatus.ACKNOWLEDGED else None,
    )
    return replace(known, **changes)


def believer(state: str = "told", deliver: Deliver = Deliver.IMMEDIATE, **changes: Any) -> Believer:
    """What the chat believes. Told a moment ago unless it is `pending`."""
    told_at = None if state == "pending" else NOW
    known = Believer(
        destination=CHAT.id,
        receiver="team",
        route="root",
        state=state,
        deliver=deliver,
        digest="hourly",
        severity=CRITICAL,
        group_interval_seconds=300,
        repeat_interval_seconds=4 * 3600,
        sequence=1,
        told_at=told_at,
        last_told_at=told_at,
        ended_at=NOW if state == "ended" else None,
    )
    return replace(known, **changes)


def live(reason: Reason, state: str = "pending", **changes: Any) -> LiveDelivery:
    """A delivery of the chat's lane."""
    known = LiveDelivery(uid(10), CHAT.id, reason, CRITICAL, state, maybe_left=False, due_at=NOW)
    return replace(known, **changes)


def covered(reason: Reason, delivery: LiveDelivery | None = None, **changes: Any) -> PendingNotification:
    """A notification that has not ended: of `delivery`, else waiting in a digest."""
    digest_id = None if delivery else uid(30)
    known = PendingNotification(uid(20), CHAT.id, reason, delivery.id if delivery else None, digest_id)
    return replace(known, **changes)


def situation(about: Incident | None = None, *parts: Believer | LiveDelivery | PendingNotification) -> Situation:
    """An incident with whatever surrounds it. A live delivery brings the notification it covers."""
    deliveries = tuple(part for part in parts if isinstance(part, LiveDelivery))
    pending = [part for part in parts if isinstance(part, PendingNotification)]
    pending += [covered(each.reason, each, id=UUID(int=each.id.int + 500)) for each in deliveries]
    believers = {part.destination: part for part in parts if isinstance(part, Believer)}
    return Situation(about or incident(), believers, deliveries, tuple(pending))


def matcher(name: str, value: str) -> Matcher:
    """`name="value"`."""
    return Matcher(name, Op.EQUAL, value, lambda found: found == value)


def route(path: str = "root", **changes: Any) -> Route:
    """A route to the team."""
    return replace(Route(path, "team", TIMING, DELIVER, "hourly"), **changes)


def rules(*destinations: Destination, **changes: Any) -> Rules:
    """One receiver `team`, hourly digests, one incident for each model."""
    known = Rules(
        root=route(),
        receivers={"team": destinations or (CHAT,)},
        digests={"hourly": DigestRule("hourly", Every(HOUR))},
        correlate=(SAME_MODEL,),
    )
    return replace(known, **changes)


def moment(known: Rules | None = None, now: datetime = NOW) -> Moment:
    """`known` rules, at `now`."""
    return Moment(known or rules(), now, numbered())
