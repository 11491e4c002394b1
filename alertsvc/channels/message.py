"""What a destination is told, before any channel lays it out. One view, every channel the same facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from alertsvc.core.consequence import Group
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of an incident, as a message shows it.

    `called` is what it is called among others of a model, empty where it is about none; `decided_by` what found it bad.
    """

    fingerprint: str
    name: str
    state: AlertState
    severity: Severity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ended_at: datetime | None = None
    value: float | None = None
    threshold: float | None = None
    links: tuple[Link, ...] = ()
    called: str = ""
    decided_by: str = ""

    @property
    def is_observed(self) -> bool:
        """Whether it is about something measured of a model: what was said of it last tells how it is now."""
        return bool(self.called)


@dataclass(frozen=True, slots=True)
class IncidentMessage:
    """One change of one incident, told to one destination. Instants are aware, in UTC; every text is untrusted.

    `title` is fixed for the life of the incident. `subject` is the model that it is about, and `groups` what fires of
    it now, or what has ended where nothing does: what people read first is made of these, where there are any. `alerts`
    are the worst few; `firing_count` and `ended_count` are the whole. `deployment` is what happened to the model last.
    `sequence` rises with each message of this incident to this destination. `delayed_since` is set when the news waited
    longer than it should have (a provider was down). `resolved_by` is the person who resolved it; `resolved_how` is
    `person`, `source` where it ended there, or `expired` where the source fell silent. `labels` are those that all its
    alerts share. `incident_url` and `acknowledge_url` are None when the server does not know its own address.
    """

    reason: Reason
    incident_id: UUID
    number: int
    title: str
    status: IncidentStatus
    severity: Severity
    opened_at: datetime
    happened_at: datetime
    destination: str
    receiver: str
    route: str
    sequence: int = 1
    summary: str = ""
    description: str = ""
    previous_severity: Severity | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_how: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    alerts: tuple[AlertLine, ...] = ()
    firing_count: int = 0
    ended_count: int = 0
    links: tuple[Link, ...] = ()
    runbook_url: str | None = None
    owner: str | None = None
    incident_url: str | None = None
    acknowledge_url: str | None = None
    delayed_since: datetime | None = None
    subject: str = ""
    groups: tuple[Group, ...] = ()
    deployment: str = ""


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One incident in a digest, in the state it had when the digest was sent."""

    incident_id: UUID
    number: int
    title: str
    status: IncidentStatus
    severity: Severity
    opened_at: datetime
    summary: str = ""
    resolved_at: datetime | None = None
    acknowledged_by: str | None = None
    firing_count: int = 0
    ended_count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    incident_url: str | None = None


@dataclass(frozen=True, slots=True)
class StormClass:
    """How many incidents have alerts of one kind."""

    alertname: str
    severity: Severity
    incident_count: int


@dataclass(frozen=True, slots=True)
class Storm:
    """The storm that a digest sums up, since it began. `classes` are the kinds that most of its incidents are of.

    Once it `is_over`: how many incidents its summaries had, and how many of them were open then.
    """

    id: UUID
    since: datetime
    worst: Severity
    classes: tuple[StormClass, ...] = ()
    is_over: bool = False
    incident_count: int = 0
    open_count: int = 0


@dataclass(frozen=True, slots=True)
class DigestMessage:
    """What one destination of a receiver is told for one window, worst and oldest first.

    Never empty, but at the end of a `storm`; that is set when it is a summary of one. `window_start` is inclusive,
    `window_end` exclusive; both aware, in UTC. `timezone` is the IANA name that times are shown in. There are more than
    the `items`: `unlisted_open_count` and `unlisted_ended_count`.
    """

    digest_id: UUID
    name: str
    window_start: datetime
    window_end: datetime
    destination: str
    receiver: str
    items: tuple[DigestItem, ...]
    sequence: int = 1
    timezone: str = "UTC"
    digest_url: str | None = None
    unlisted_open_count: int = 0
    unlisted_ended_count: int = 0
    storm: Storm | None = None

    @property
    def ended_count(self) -> int:
        """How many of its incidents had ended."""
        return sum(item.status is IncidentStatus.RESOLVED for item in self.items) + self.unlisted_ended_count

    @property
    def incident_count(self) -> int:
        """How many incidents it is about, listed or not."""
        return len(self.items) + self.unlisted_open_count + self.unlisted_ended_count


Message = IncidentMessage | DigestMessage
