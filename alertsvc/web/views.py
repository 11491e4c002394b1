"""What the API shows. Instants are aware, in UTC; severities and states are words."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, field_validator
from sqlmodel import Field, SQLModel

from alertsvc.core.incidents import Incident
from alertsvc.core.model import Severity
from alertsvc.ingest.clean import has_controls
from alertsvc.store.bulk import AnyRow
from alertsvc.store.tokens import Token


class IncidentView(SQLModel):
    """An incident. `number` is what people call it by; `version` is its ETag.

    `resolved_by` is a person, `source` where its last alert ended there, or `expired` where that source fell silent.
    """

    id: UUID
    number: int
    title: str
    summary: str
    status: str
    severity: str
    peak_severity: str
    labels: dict[str, str]
    firing_count: int
    alert_count: int
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    version: int

    @classmethod
    def of(cls, incident: Incident) -> "IncidentView":
        """The view of an incident."""
        return cls(
            id=incident.id,
            number=incident.number,
            title=incident.title,
            summary=incident.summary,
            status=incident.status,
            severity=incident.severity.word,
            peak_severity=incident.peak_severity.word,
            labels=dict(incident.labels),
            firing_count=incident.firing_count,
            alert_count=incident.alert_count,
            opened_at=incident.opened_at,
            updated_at=incident.updated_at,
            acknowledged_at=incident.acknowledged_at,
            acknowledged_by=incident.acknowledged_by,
            resolved_at=incident.resolved_at,
            resolved_by=incident.resolved_by,
            version=incident.version,
        )


class AlertView(SQLModel):
    """An alert of an incident. While it is `flapping` its end is held back until it is stable.

    `is_silent`: it fires, but its source has not told of it for too long.
    """

    fingerprint: str
    state: str
    severity: str
    source: str
    labels: dict[str, str]
    annotations: dict[str, str]
    links: list[dict[str, str]]
    value: float | None
    threshold: float | None
    decided_by: str
    starts_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    is_silent: bool
    flapping: bool = False

    @classmethod
    def of(cls, row: AnyRow) -> "AlertView":
        """The view of a row."""
        return cls(**_fields(cls, row, besides={"flapping"}), flapping=row.stable_at is not None)


class HistoryView(SQLModel):
    """A line of the timeline."""

    id: UUID
    at: datetime
    kind: str
    actor: str
    channel: str
    detail: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, row: AnyRow) -> "HistoryView":
        """The view of a row."""
        return cls(**_fields(cls, row))


class NotificationView(SQLModel):
    """A change that a destination should be told. `why` it was decided, `ended_why` it ended as it did."""

    id: UUID
    destination: str
    receiver: str
    route: str
    reason: str
    severity: str
    state: str
    why: str
    ended_why: str
    created_at: datetime
    ended_at: datetime | None
    delivery_id: UUID | None
    digest_id: UUID | None
    superseded_by: UUID | None

    @classmethod
    def of(cls, row: AnyRow) -> "NotificationView":
        """The view of a row."""
        return cls(**_fields(cls, row))


class AttemptView(SQLModel):
    """One try of a delivery."""

    number: int
    outcome: str
    fault: str | None
    status_code: int | None
    detail: str
    started_at: datetime
    finished_at: datetime

    @classmethod
    def of(cls, row: AnyRow) -> "AttemptView":
        """The view of a row."""
        return cls(**_fields(cls, row))


class DeliveryView(SQLModel):
    """A message: `waiting`, `pending` or `sending`, or how it ended: `accepted`, `failed`, `superseded`."""

    id: UUID
    state: str
    destination: str
    receiver: str
    reason: str
    severity: str
    incident_id: UUID | None
    digest_id: UUID | None
    attempt_count: int
    unknown_count: int
    detail: str
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    attempts: list[AttemptView] = Field(default_factory=list)

    @classmethod
    def of(cls, row: AnyRow, attempts: list[AttemptView] | None = None) -> "DeliveryView":
        """The view of a row, with its tries."""
        values = {name: getattr(row, name) for name in cls.model_fields if name != "attempts"}
        return cls(**_worded(values), attempts=attempts or [])


class DigestView(SQLModel):
    """A window of a receiver."""

    id: UUID
    name: str
    receiver: str
    state: str
    window_start: datetime
    due_at: datetime
    closed_at: datetime | None
    incident_count: int = 0

    @classmethod
    def of(cls, row: AnyRow) -> "DigestView":
        """The view of a row."""
        return cls(**_fields(cls, row))


class QuarantineView(SQLModel):
    """An item that could not be used. `raw` is its text, cut after 4,000 characters."""

    id: UUID
    source: str
    received_at: datetime
    position: int
    reason: str
    form: str
    state: str
    raw: str

    @classmethod
    def of(cls, row: AnyRow) -> "QuarantineView":
        """The view of a row."""
        values = {name: getattr(row, name) for name in cls.model_fields if name != "raw"}
        return cls(**values, raw=bytes(row.raw).decode("utf-8", "replace")[:4000])


class TokenView(SQLModel):
    """A token, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, token: Token) -> "TokenView":
        """The view of a token."""
        return cls(
            id=token.id,
            name=token.name,
            scopes=list(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked_at=token.revoked_at,
            last_used_at=token.last_used_at,
        )


class NewTokenView(TokenView):
    """A token just made. `token` is shown this once."""

    token: str


class IncidentPageView(SQLModel):
    """A page of incidents; `next_cursor` asks for the following one."""

    items: list[IncidentView]
    next_cursor: str | None = None


class HistoryPageView(SQLModel):
    """A page of a timeline, the oldest first."""

    items: list[HistoryView]
    next_cursor: str | None = None


class AlertPageView(SQLModel):
    """A page of an incident's alerts."""

    items: list[AlertView]
    next_cursor: str | None = None


class NotificationPageView(SQLModel):
    """A page of an incident's notifications, the oldest first."""

    items: list[NotificationView]
    next_cursor: str | None = None


class DeliveryPageView(SQLModel):
    """A page of deliveries, the newest first."""

    items: list[DeliveryView]
    next_cursor: str | None = None


class DigestPageView(SQLModel):
    """A page of digests, the latest first."""

    items: list[DigestView]
    next_cursor: str | None = None


class QuarantinePageView(SQLModel):
    """A page of the quarantine, the newest first."""

    items: list[QuarantineView]
    next_cursor: str | None = None


class TokenListView(SQLModel):
    """All tokens, the oldest first."""

    items: list[TokenView]


class DigestPreview(SQLModel):
    """What a digest would say if it were sent now, by destination."""

    digest: DigestView
    destinations: dict[str, list[IncidentView]]


class ReceiverView(SQLModel):
    """A receiver and the destinations behind it."""

    name: str
    destinations: list[dict[str, Any]]


class ReceiverListView(SQLModel):
    """The receivers of the configuration in force."""

    items: list[ReceiverView]


class TestResult(SQLModel):
    """What a provider answered to a test message."""

    __test__ = False

    destination: str
    outcome: str
    fault: str | None = None
    status_code: int | None = None
    detail: str
    seconds: float


class TestResultListView(SQLModel):
    """What each provider behind a receiver answered."""

    __test__ = False

    items: list[TestResult]


class Command(SQLModel):
    """What somebody wants done. Unknown fields are mistakes, and so is a text with what PostgreSQL cannot store."""

    model_config = ConfigDict(extra="forbid")  # pyright: ignore[reportAssignmentType]  # pydantic's own form

    @field_validator("comment", "by", "name", check_fields=False)
    @classmethod
    def _is_text(cls, text: str | None) -> str | None:
        if text is not None and has_controls(text):
            raise ValueError("has a control character")
        return text


class ActRequest(Command):
    """What somebody does to an incident. `by` names the person behind a shared token."""

    comment: str = Field(default="", max_length=4000)
    by: str | None = Field(default=None, min_length=1, max_length=200)


class CommentRequest(Command):
    """A line for the timeline."""

    comment: str = Field(min_length=1, max_length=4000)
    by: str | None = Field(default=None, min_length=1, max_length=200)


class TokenRequest(Command):
    """A token to be made. `scopes` are of ingest, read, act, admin."""

    name: str = Field(min_length=1, max_length=200)
    scopes: list[str] = Field(min_length=1)
    expires_at: datetime | None = None


def _fields(view: type[SQLModel], row: AnyRow, besides: Collection[str] = ()) -> dict[str, Any]:
    """The fields of `view` from the columns of the same names, but for those that are made of others."""
    return _worded({name: getattr(row, name) for name in view.model_fields if name not in besides})


def _worded(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the severity as a word."""
    found = dict(values)
    if isinstance(found.get("severity"), int):
        found["severity"] = Severity(found["severity"]).word
    return found
