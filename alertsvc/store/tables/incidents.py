"""What people work on, and everything that happened to it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, text
from sqlmodel import Field

from alertsvc.core.model import Deliver, IncidentStatus
from alertsvc.store.tables.columns import Row, flag, json_field, one_of, reference


class IncidentRow(Row, table=True):
    """The episodes that share a correlation key while it is open.

    The four `firing_*` counts are its firing alerts by severity; `severity` is the highest of them (the last one once
    nothing fires). `version` rises with each change and is the ETag.
    """

    __table_args__ = (
        CheckConstraint(one_of("status", IncidentStatus), name="status"),
        Index(
            "uq_incident_open_correlation_key",
            "correlation_key",
            unique=True,
            sqlite_where=text("status <> 'resolved'"),
            postgresql_where=text("status <> 'resolved'"),
        ),
        Index("ix_incident_correlation_key_resolved_at", "correlation_key", "resolved_at"),
        Index("ix_incident_resolved_at", "resolved_at"),
        Index("ix_incident_status_severity_opened_at", "status", "severity", "opened_at"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    id: UUID = Field(primary_key=True)
    number: int = Field(sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), nullable=False, unique=True))
    correlation_key: str
    labels: dict[str, str] = json_field()
    title: str
    summary: str = ""
    model: str | None = Field(default=None, index=True)
    environment: str | None = None
    status: str
    severity: int
    peak_severity: int
    opened_at: datetime = Field(index=True)
    updated_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    firing_info: int = 0
    firing_warning: int = 0
    firing_error: int = 0
    firing_critical: int = 0
    alert_count: int = 0
    version: int = 1


class BelieverRow(Row, table=True):
    """A destination and what it believes about an incident; its lock is the lock of their lane.

    `pending`: an opening was decided and has not been taken by the provider. `told`: it knows that it fires.
    `ended`: it knows that it ended, or was never told anything. `anchor` is what the provider gave back.
    `held`: there are rows of `mute` about it.
    """

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'told', 'ended')", name="state"),
        CheckConstraint(one_of("deliver", Deliver), name="deliver"),
        {"postgresql_with": {"fillfactor": "80"}},
    )

    incident_id: UUID = reference("incident.id", primary_key=True)
    destination: str = Field(primary_key=True)
    receiver: str
    route: str
    state: str
    deliver: str
    digest: str
    severity: int
    group_interval_seconds: float
    repeat_interval_seconds: float
    sequence: int = 0
    told_at: datetime | None = None
    last_told_at: datetime | None = None
    ended_at: datetime | None = None
    held: bool = flag()
    anchor: dict[str, str] | None = json_field(nullable=True)


class HistoryRow(Row, table=True):
    """The timeline of an incident: append-only. `actor` did it, through `channel`."""

    __table_args__ = (Index("ix_history_incident_id_id", "incident_id", "id"),)

    id: UUID = Field(primary_key=True)
    incident_id: UUID = reference("incident.id")
    at: datetime
    kind: str
    actor: str
    channel: str
    detail: str = ""
    facts: dict[str, Any] = json_field()


class TimerRow(Row, table=True):
    """Something that must happen at `due_at` unless it is called off. One of a kind for a lane."""

    incident_id: UUID = reference("incident.id", primary_key=True)
    destination: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    due_at: datetime = Field(index=True)


class NumberSeriesRow(Row, table=True):
    """The last number given out, by series (SQLite; PostgreSQL has sequences)."""

    name: str = Field(primary_key=True)
    value: int
