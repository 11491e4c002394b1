"""An incident as decisions see it, and what its alerts make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from alertsvc.core.consequence import excess, order_of
from alertsvc.core.model import Deliver, Event, IncidentStatus, Labels, Reason, Severity

Firing = tuple[int, int, int, int]
"""How many alerts fire, by severity: info, warning, error, critical."""

NONE_FIRING: Firing = (0, 0, 0, 0)
_GRAVEST_FIRST = sorted(Severity, reverse=True)


@dataclass(frozen=True, slots=True)
class Incident:
    """What people work on. See the table `incident` for what the fields mean."""

    id: UUID
    number: int
    correlation_key: str
    labels: Labels
    title: str
    summary: str
    status: IncidentStatus
    severity: Severity
    peak_severity: Severity
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    firing: Firing = NONE_FIRING
    alert_count: int = 0
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Whether people still have to do with it."""
        return self.status is not IncidentStatus.RESOLVED

    @property
    def firing_count(self) -> int:
        """How many of its alerts fire."""
        return sum(self.firing)

    def next(self, now: datetime) -> "Incident":
        """The same at its next version."""
        return replace(self, version=self.version + 1, updated_at=now)

    def as_it_ended(self, at: datetime) -> "Incident":
        """What who is told that it ended hears of it, though it may have been opened again for others since."""
        return replace(self, status=IncidentStatus.RESOLVED, resolved_at=at) if self.is_open else self


@dataclass(frozen=True, slots=True)
class Believer:
    """A destination and what it believes about an incident. See the table `believer`.

    `told_at`: since when it knows, or may know, that it fires. `last_told_at`: when it surely was told so last.
    `held`: news was kept from it by a mute that may not have ended.
    """

    destination: str
    receiver: str
    route: str
    state: str
    deliver: Deliver
    digest: str
    severity: Severity
    group_interval_seconds: float
    repeat_interval_seconds: float
    sequence: int = 0
    told_at: datetime | None = None
    last_told_at: datetime | None = None
    ended_at: datetime | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class LiveDelivery:
    """A delivery that has not ended: `waiting`, `pending` or `sending`."""

    id: UUID
    destination: str
    reason: Reason
    severity: Severity
    state: str
    maybe_left: bool
    due_at: datetime

    @property
    def surely_here(self) -> bool:
        """Whether it certainly has not left: it can still be changed or taken back."""
        return self.state != "sending" and not self.maybe_left

    @property
    def changeable(self) -> bool:
        """Whether what it says is not fixed yet (it is rendered when it is sent)."""
        return self.state != "sending"


@dataclass(frozen=True, slots=True)
class PendingNotification:
    """A notification that has not ended: on its way in `delivery_id`, or waiting in `digest_id`."""

    id: UUID
    destination: str
    reason: Reason
    delivery_id: UUID | None
    digest_id: UUID | None


@dataclass(frozen=True, slots=True)
class Situation:
    """An incident with who believes what and what is on its way. `incident` is None when there is none yet."""

    incident: Incident | None
    believers: Mapping[str, Believer] = field(default_factory=dict[str, Believer])
    live: tuple[LiveDelivery, ...] = ()
    pending: tuple[PendingNotification, ...] = ()


def highest(firing: Firing, otherwise: Severity) -> Severity:
    """The highest severity that fires, or `otherwise` when nothing does."""
    return next((severity for severity in _GRAVEST_FIRST if firing[severity - 1] > 0), otherwise)


def counted(firing: Firing, severity: Severity, by: int) -> Firing:
    """`firing` with `by` more alerts of `severity`; never below zero."""
    changed = list(firing)
    changed[severity - 1] = max(0, changed[severity - 1] + by)
    return (changed[0], changed[1], changed[2], changed[3])


def with_firing(incident: Incident, firing: Firing, now: datetime) -> Incident:
    """`incident` with the counts `firing` and the severity they give. The status is not touched."""
    severity = highest(firing, incident.severity)
    return replace(
        incident,
        firing=firing,
        severity=severity,
        peak_severity=max(incident.peak_severity, severity),
        updated_at=now,
    )


@dataclass(slots=True)
class Tally:
    """What an incident's alerts come to while several change: how many fire, the severity of the whole and its peak."""

    firing: Firing
    severity: Severity
    peak: Severity
    joined: int = 0

    def count(self, before: Severity | None, after: Severity | None, *, joined: bool) -> None:
        """An alert that fired with severity `before` fires with `after` now; None is one that does not fire."""
        self.joined += joined
        if before is after:
            return
        if before is not None:
            self.firing = counted(self.firing, before, -1)
        if after is not None:
            self.firing = counted(self.firing, after, +1)
        self.severity = highest(self.firing, self.severity)
        self.peak = max(self.peak, self.severity)


def subject_of(correlated: Labels) -> str:
    """The model that an incident is about, with what else it is correlated by: `churn-xgb production`. Else nothing."""
    if not correlated.get("model"):
        return ""
    return " ".join(value for key, value in correlated.items() if key != "alertname" and value)


def title_of(correlated: Labels, alert: Labels) -> str:
    """The title an incident keeps for life: what it is about, then what is wrong with it.

    `churn-xgb production: DataDriftDetected`, or without a model `DiskFull db-1`.
    """
    name = alert.get("alertname") or "alert"
    about = subject_of(correlated)
    if about:
        return f"{about}: {name}"[:200]
    rest = " ".join(value for key, value in correlated.items() if key not in {"alertname", "severity"} and value)
    return f"{name} {rest}".strip()[:200]


def summary_of(event: Event) -> str:
    """What the source says of it, in short."""
    return (event.annotations.get("summary") or event.annotations.get("description") or "")[:1000]


def named_after(incident: Incident, opening: Sequence[Event]) -> Incident:
    """The incident, called after the gravest of what opens it: what comes first in a report may be a detail."""
    if len(opening) < 2:
        return incident
    gravest = min(opening, key=lambda each: (order_of(each.labels, each.severity), -excess(each.value, each.threshold)))
    return replace(incident, title=title_of(incident.labels, gravest.labels), summary=summary_of(gravest))
