"""What is to be told, what is on its way, and how each try ended."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from alertsvc.core.model import Reason
from alertsvc.store.tables.columns import Row, json_field, one_of, reference


class NotificationRow(Row, table=True):
    """One change of one incident that one destination should be told. Ends in exactly one terminal state.

    `why` says why it was decided, `ended_why` why it ended as it did. `delivery_id` is the message that covers it,
    `digest_id` the digest it waits in; `muted_by` the first of the mutes that suppressed it.
    """

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'delivered', 'failed', 'suppressed', 'superseded')", name="state"),
        CheckConstraint(one_of("reason", Reason), name="reason"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended"),
        Index("ix_notification_incident_id_id", "incident_id", "id"),
        Index(
            "ix_notification_pending_incident_id",
            "incident_id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_notification_digest_id",
            "digest_id",
            sqlite_where=text("digest_id IS NOT NULL"),
            postgresql_where=text("digest_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    incident_id: UUID = reference("incident.id")
    destination: str
    receiver: str
    route: str
    reason: str
    severity: int
    state: str
    why: str = ""
    ended_why: str = ""
    created_at: datetime
    ended_at: datetime | None = None
    delivery_id: UUID | None = Field(default=None, index=True)
    digest_id: UUID | None = None
    superseded_by: UUID | None = None
    muted_by: str | None = None


class NotificationMuteRow(Row, table=True):
    """One of the mutes that suppressed a notification: there may be several at once, and each hid it."""

    __table_args__ = (Index("ix_notification_mute_ref_muted_at", "ref", "muted_at"),)

    notification_id: UUID = reference("notification.id", primary_key=True)
    ref: str = Field(primary_key=True)
    muted_at: datetime


class OutboxRow(Row, table=True):
    """A delivery that has not ended. Small: rows leave it for `delivery`.

    The lowest `priority` leaves first. `waiting` stands behind another of its lane, `pending` is the head, `sending` is
    leased to a worker. `attempt_count` is the fence: only the try with that number may finish the row. `maybe_left`: a
    try ended without an answer.
    """

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'pending', 'sending')", name="state"),
        CheckConstraint(one_of("reason", Reason), name="reason"),
        Index(
            "uq_outbox_lane_head",
            "lane",
            unique=True,
            sqlite_where=text("state <> 'waiting'"),
            postgresql_where=text("state <> 'waiting'"),
        ),
        Index("ix_outbox_lane_sequence", "lane", "sequence"),
        Index(
            "ix_outbox_due",
            "destination",
            "priority",
            "due_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_outbox_lease",
            "lease_until",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index("ix_outbox_incident_id", "incident_id"),
        {"postgresql_with": {"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.01"}},
    )

    id: UUID = Field(primary_key=True)
    lane: str
    sequence: int
    destination: str
    receiver: str
    incident_id: UUID | None = reference("incident.id", nullable=True)
    digest_id: UUID | None = None
    reason: str
    severity: int
    priority: int
    state: str
    attempt_count: int = 0
    maybe_left: bool = False
    unknown_count: int = 0
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    lease_until: datetime | None = None
    worker: str | None = None
    progress: dict[str, str] | None = json_field(nullable=True)


class DeliveryRow(Row, table=True):
    """A delivery that ended: `accepted`, `failed`, or, before it left, `superseded` or `suppressed` by a mute."""

    __table_args__ = (
        CheckConstraint("outcome IN ('accepted', 'failed', 'superseded', 'suppressed')", name="outcome"),
        Index("ix_delivery_incident_id_id", "incident_id", "id"),
        Index("ix_delivery_outcome_finished_at", "outcome", "finished_at"),
        Index(
            "ix_delivery_of_digest_finished_at",
            "finished_at",
            sqlite_where=text("incident_id IS NULL"),
            postgresql_where=text("incident_id IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    lane: str
    destination: str
    receiver: str
    incident_id: UUID | None = reference("incident.id", nullable=True)
    digest_id: UUID | None = None
    reason: str
    severity: int
    outcome: str
    detail: str = ""
    attempt_count: int
    unknown_count: int
    created_at: datetime
    finished_at: datetime


class AttemptRow(Row, table=True):
    """One try of a delivery and how it ended. `fault` is empty when it was accepted."""

    __table_args__ = (
        CheckConstraint("outcome IN ('accepted', 'rejected', 'retry', 'unknown')", name="outcome"),
        Index("ix_attempt_delivery_id_number", "delivery_id", "number"),
        Index("ix_attempt_finished_at", "finished_at"),
    )

    id: UUID = Field(primary_key=True)
    delivery_id: UUID
    number: int
    destination: str
    worker: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    fault: str | None = None
    status_code: int | None = None
    detail: str = ""


class StormRow(Row, table=True):
    """How much a destination has been told lately, and whether it is in a storm. See `alertsvc.core.storm`.

    `next_at` is when its next summary is due, empty when it is in none. `version` is what a change counts up.
    """

    destination: str = Field(primary_key=True)
    state: dict[str, Any] = json_field()
    next_at: datetime | None = None
    version: int


class DigestRow(Row, table=True):
    """A receiver's window: sent once, at `due_at`, with what it then holds; `empty` when nothing was left to say.

    `storm` is set when it is that of a summary of a storm: its id, since when, and at the end what it came to.
    """

    __table_args__ = (
        CheckConstraint("state IN ('open', 'sent', 'empty')", name="state"),
        Index("uq_digest_name_receiver_due_at", "name", "receiver", "due_at", unique=True),
        Index(
            "ix_digest_open_due_at",
            "due_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_digest_closed_at",
            "closed_at",
            sqlite_where=text("state <> 'open'"),
            postgresql_where=text("state <> 'open'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    name: str
    receiver: str
    window_start: datetime
    due_at: datetime
    state: str = "open"
    closed_at: datetime | None = None
    storm: dict[str, Any] | None = json_field(nullable=True)
