"""What must be done because of a decision: values that the engine applies in one transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from alertsvc.core.incidents import Believer, Incident
from alertsvc.core.model import Reason, Severity
from alertsvc.core.mutes import Mute
from alertsvc.core.storm import StormMark


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A line of an incident's timeline: `actor` did `kind`, through `channel`."""

    incident_id: UUID
    at: datetime
    kind: str
    actor: str
    channel: str
    detail: str = ""
    facts: dict[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Notification:
    """One change that one destination should be told. `state` is `pending`, or already terminal with `why`.

    `muted_by` names every mute that suppressed it.
    """

    id: UUID
    incident_id: UUID
    destination: str
    receiver: str
    route: str
    reason: Reason
    severity: Severity
    state: str
    why: str
    created_at: datetime
    delivery_id: UUID | None = None
    digest_id: UUID | None = None
    muted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationEnd:
    """A pending notification ends: `delivered`, `failed`, `suppressed` or `superseded`."""

    id: UUID
    destination: str
    state: str
    why: str
    superseded_by: UUID | None = None
    muted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to put into the outbox. `behind`: its lane holds another, which goes first."""

    id: UUID
    lane: str
    sequence: int
    destination: str
    receiver: str
    incident_id: UUID | None
    digest_id: UUID | None
    reason: Reason
    severity: Severity
    behind: bool
    created_at: datetime
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """A delivery that has not left says more than it did, and maybe sooner."""

    id: UUID
    reason: Reason
    severity: Severity
    due_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A delivery that surely has not left is taken back."""

    id: UUID
    lane: str
    why: str


@dataclass(frozen=True, slots=True)
class DigestWindow:
    """The window a notification waits for. `id` follows from name, receiver and end, on every replica the same.

    `storm` is set when it is that of a summary of a storm.
    """

    id: UUID
    name: str
    receiver: str
    window_start: datetime
    due_at: datetime
    storm: StormMark | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that must happen to a lane at `due_at`, unless it is called off."""

    incident_id: UUID
    destination: str
    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class HeldBack:
    """News that `mute` keeps from a destination: once it has ended somebody must look again."""

    incident_id: UUID
    destination: str
    mute: Mute


@dataclass(frozen=True, slots=True)
class Released:
    """The mutes `refs` keep nothing from a destination any more."""

    incident_id: UUID
    destination: str
    refs: frozenset[str]


@dataclass(slots=True)
class Effects:
    """Everything one or many decisions ask for, by kind, in the order decided."""

    opened: list[Incident] = field(default_factory=list[Incident])
    changed: list[Incident] = field(default_factory=list[Incident])
    history: list[HistoryEntry] = field(default_factory=list[HistoryEntry])
    notifications: list[Notification] = field(default_factory=list[Notification])
    ended: list[NotificationEnd] = field(default_factory=list[NotificationEnd])
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    revised: list[Revision] = field(default_factory=list[Revision])
    withdrawn: list[Withdrawal] = field(default_factory=list[Withdrawal])
    digests: list[DigestWindow] = field(default_factory=list[DigestWindow])
    new_believers: list[tuple[UUID, Believer]] = field(default_factory=list[tuple[UUID, Believer]])
    believers: list[tuple[UUID, Believer]] = field(default_factory=list[tuple[UUID, Believer]])
    timers: list[Timer] = field(default_factory=list[Timer])
    quiet: list[UUID] = field(default_factory=list[UUID])
    """Incidents whose timers are all called off."""
    held: list[HeldBack] = field(default_factory=list[HeldBack])
    released: list[Released] = field(default_factory=list[Released])
    unheld: list[UUID] = field(default_factory=list[UUID])
    """Incidents of which no news is kept back any more: there is none."""

    @property
    def only_add(self) -> bool:
        """Whether nothing that exists is changed or ended, nor any timer set."""
        changing = (self.changed, self.ended, self.revised, self.withdrawn, self.digests, self.believers, self.timers)
        behind = any(each.behind for each in self.deliveries)
        return not (any(changing) or self.quiet or self.held or self.released or self.unheld or behind)

    def add(self, other: "Effects") -> None:
        """Take over what `other` asks for, after what is here."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))


def incident_lane(incident_id: UUID, destination: str) -> str:
    """The lane of an incident and a destination: its deliveries leave one at a time, in order."""
    return f"{incident_id}/{destination}"


def digest_lane(name: str, destination: str) -> str:
    """The lane of a digest's series and a destination."""
    return f"digest:{name}/{destination}"


def digest_id(name: str, receiver: str, due_at: datetime) -> UUID:
    """The identity of a receiver's window."""
    return uuid5(NAMESPACE_URL, f"alertsvc:digest:{name}:{receiver}:{due_at.isoformat()}")
