"""The words of the service as values: severity, event, reason. One meaning each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from alertsvc.core.observation import Observation


class Severity(IntEnum):
    """How bad it is. Comparable: `max` of severities is the severity of the whole."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The name people read and write, in lower case."""
        return self.name.lower()


class AlertState(StrEnum):
    """Whether the condition holds at its source."""

    FIRING = "firing"
    RESOLVED = "resolved"


class IncidentStatus(StrEnum):
    """Where people stand with an incident. Every status but `resolved` is open."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why a destination is told something: the one change a notification is about."""

    OPENED = "opened"
    UPDATED = "updated"
    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    REPEATED = "repeated"
    UNMUTED = "unmuted"
    FLAPPING = "flapping"
    RESOLVED = "resolved"
    TEST = "test"


class Deliver(StrEnum):
    """How a firing notice of some severity travels."""

    IMMEDIATE = "immediate"
    DIGEST = "digest"
    NONE = "none"

    @property
    def urgency(self) -> int:
        """Which of several ways wins, for one destination: the highest."""
        return (Deliver.NONE, Deliver.DIGEST, Deliver.IMMEDIATE).index(self)


Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """Somewhere to look further. `url` is http or https."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of data an observation was made over. Counts are rows."""

    start: datetime | None = None
    end: datetime | None = None
    reference_count: int | None = None
    current_count: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One arrival about one alert, normalised. Instants are aware, in UTC.

    `labels` are the identity; `fingerprint` is their hash (or that of the sender's own key) and is what the store
    looks up. `state` is None when nobody said what the value means: it is recorded and decides nothing. `starts_at`
    names the episode where the source keeps episodes (Alertmanager); `observed_at` orders the observations of a source
    that does not (a drift job). One that fires does so until `expires_at` unless it is repeated; None: until it is said
    to have ended. One that is a measurement has it as `observation`. `is_pending`: it is bad, and not for long
    enough to have a state.
    """

    source: str
    fingerprint: str
    state: AlertState | None
    severity: Severity
    labels: Labels
    annotations: Labels = field(default_factory=dict[str, str])
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    expires_at: datetime | None = None
    observed_at: datetime | None = None
    value: float | None = None
    threshold: float | None = None
    window: Window | None = None
    links: tuple[Link, ...] = ()
    event_id: str | None = None
    group_key: str | None = None
    decided_by: str = "source"
    observation: Observation | None = None
    is_pending: bool = False
