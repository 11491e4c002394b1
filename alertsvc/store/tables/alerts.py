"""What arrived and what it says of each alert."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from alertsvc.core.model import AlertState
from alertsvc.store.tables.columns import Row, flag, json_field, one_of, reference


class ArrivalRow(Row, table=True):
    """One accepted request. Its counts add up: `received_count` is the sum of the six that follow.

    `sender`, `receiver` and `group_key` are its own words: which instance sent which group to whom. `truncated_count`
    alerts of the group were left out: it is incomplete.
    """

    __table_args__ = (
        CheckConstraint(
            "received_count = new_count + updated_count + duplicate_count + stale_count + recorded_count"
            " + quarantined_count",
            name="balances",
        ),
        Index(
            "ix_arrival_without_news_received_at",
            "received_at",
            sqlite_where=text("new_count + updated_count = 0"),
            postgresql_where=text("new_count + updated_count = 0"),
        ),
    )

    id: UUID = Field(primary_key=True)
    source: str
    sender: str | None = None
    receiver: str | None = None
    group_key: str | None = None
    received_at: datetime = Field(index=True)
    body_bytes: int
    received_count: int
    new_count: int = 0
    updated_count: int = 0
    duplicate_count: int = 0
    stale_count: int = 0
    recorded_count: int = 0
    quarantined_count: int = 0
    truncated_count: int = 0


class QuarantineRow(Row, table=True):
    """An item that could not be used, kept with the reason.

    `form` says what `raw` is: an `item` as its source sent it, or an `event` that could not be applied.
    """

    __table_args__ = (
        CheckConstraint("state IN ('open', 'replayed', 'dropped')", name="state"),
        CheckConstraint("form IN ('item', 'event')", name="form"),
        Index("ix_quarantine_received_at", "received_at"),
        Index(
            "ix_quarantine_open_received_at",
            "received_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    arrival_id: UUID = reference("arrival.id", index=True)
    position: int
    source: str
    received_at: datetime
    reason: str
    form: str = "item"
    raw: bytes
    state: str = "open"
    closed_at: datetime | None = None


class AlertRow(Row, table=True):
    """A condition at a source, by fingerprint, in its present state.

    The episode it is in (or was in last) runs from `starts_at` to `closed_at`; senders that disagree about its start
    widen `starts_at`..`latest_start_at`. `floor_at` ended the episode before: older starts are stale. `changes` are the
    latest instants at which it began or ended (seconds since 1970). While it flaps its end is held back (`end_is_held`)
    until `stable_at`, when it will have been stable for long enough. `is_silent`: its source has not told of it for too
    long; `silent_at` is when that is to be found out. At `due_at` time alone changes it: it expires, is stable, or is
    asked about. `revision` is another after every change. Apart from `due_at` no column that a duplicate changes is
    indexed.
    """

    __table_args__ = (
        CheckConstraint(one_of("state", AlertState), name="state"),
        Index("ix_alert_incident_id_state", "incident_id", "state"),
        Index(
            "ix_alert_without_incident_closed_at",
            "closed_at",
            sqlite_where=text("incident_id IS NULL"),
            postgresql_where=text("incident_id IS NULL"),
        ),
        Index(
            "ix_alert_due_at",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    id: UUID = Field(primary_key=True)
    fingerprint: str = Field(unique=True, max_length=16)
    source: str
    state: str
    severity: int
    labels: dict[str, str] = json_field()
    annotations: dict[str, str] = json_field()
    links: list[dict[str, str]] = json_field()
    value: float | None = None
    threshold: float | None = None
    decided_by: str
    content_hash: str
    starts_at: datetime
    latest_start_at: datetime
    floor_at: datetime | None = None
    observed_at: datetime | None = None
    first_seen_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    incident_id: UUID | None = reference("incident.id", nullable=True)
    episode_id: UUID | None = None
    expires_at: datetime | None = None
    changes: list[float] | None = json_field(nullable=True)
    end_is_held: bool = flag()
    stable_at: datetime | None = None
    silent_at: datetime | None = None
    is_silent: bool = flag()
    due_at: datetime | None = None
    revision: int = 1


class EpisodeRow(Row, table=True):
    """One firing-to-resolved stretch of an alert. `ended_by` says who or what ended it."""

    id: UUID = Field(primary_key=True)
    alert_id: UUID = reference("alert.id", index=True)
    incident_id: UUID = reference("incident.id", index=True)
    starts_at: datetime
    opened_at: datetime
    closed_at: datetime | None = None
    ended_by: str | None = None


class EventRow(Row, table=True):
    """An arrival that changed an alert. Duplicates are counted, not stored."""

    id: UUID = Field(primary_key=True)
    arrival_id: UUID = reference("arrival.id", index=True)
    alert_id: UUID = reference("alert.id", index=True)
    incident_id: UUID | None = reference("incident.id", nullable=True, index=True)
    received_at: datetime
    change: str
    state: str
    severity: int
    starts_at: datetime | None = None
    observed_at: datetime | None = None
    value: float | None = None
    threshold: float | None = None
    annotations: dict[str, str] = json_field()
    group_key: str | None = None


class IdempotencyRow(Row, table=True):
    """A key a sender gave with a request or an event, and the hash of what came with it."""

    key: str = Field(primary_key=True)
    body_hash: str
    created_at: datetime = Field(index=True)
