"""What keeps news back: people's silences, alerts that inhibit others, and which news waits for which of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from alertsvc.store.tables.columns import Row, json_field, reference


class SilenceRow(Row, table=True):
    """A person's mute. `matchers` are `{name, op, value}`; with a `schedule` it mutes for so long at each of its times.

    `spread_for` is the start of the stretch whose firing incidents have been found; `reported_for` that of the latest
    whose end was told; `report` says what the latest stretch that ended had hidden: its counts are
    of all, its lists of incidents may be cut.
    """

    __table_args__ = (Index("ix_silence_ends_at", "ends_at"),)

    id: UUID = Field(primary_key=True)
    matchers: list[dict[str, str]] = json_field()
    starts_at: datetime
    ends_at: datetime
    schedule: str | None = None
    timezone: str = "UTC"
    duration_seconds: float | None = None
    created_by: str
    comment: str
    annotations: dict[str, str] = json_field()
    created_at: datetime
    updated_at: datetime
    spread_for: datetime | None = None
    reported_for: datetime | None = None
    report: dict[str, Any] | None = json_field(nullable=True)


class MuteRow(Row, table=True):
    """News of an incident that is kept from a destination by the mute `ref`.

    Once it has ended somebody must look whether the destination is to be told: at `check_at`, when its end is known.
    """

    __table_args__ = (
        Index(
            "ix_mute_check_at",
            "check_at",
            sqlite_where=text("check_at IS NOT NULL"),
            postgresql_where=text("check_at IS NOT NULL"),
        ),
        Index("ix_mute_ref", "ref"),
    )

    incident_id: UUID = reference("incident.id", primary_key=True)
    destination: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    said: str
    since: datetime
    check_at: datetime | None = None


class EndedMuteRow(Row, table=True):
    """A mute that has ended, until what it kept back was looked at twice.

    Between the two looks every transaction ends that began before it had ended: it may keep back news for the sake of
    this mute, and is not to be seen at the first.
    """

    ref: str = Field(primary_key=True)
    ended_at: datetime = Field(primary_key=True)
    looked_at: datetime | None = None


class InhibitorRow(Row, table=True):
    """A firing alert that mutes others: those that the rule `rule_key` targets and that meet it at `place`."""

    __table_args__ = (Index("ix_inhibitor_place_two_sided_fingerprint", "place", "two_sided", "fingerprint"),)

    alert_id: UUID = reference("alert.id", primary_key=True)
    rule_key: str = Field(primary_key=True)
    place: str
    fingerprint: str
    two_sided: bool
