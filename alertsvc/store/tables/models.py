"""What is known of models: the series that are measured of them, the measurements, and what was deployed when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, text
from sqlmodel import AutoString, Field

from alertsvc.store.tables.columns import Row, json_field


class SeriesRow(Row, table=True):
    """What is measured again and again: one metric of one model, feature and so on; `fingerprint` is its alert's.

    The `last_…` columns are of the newest observation, by when it was observed. `last_state` is what was made of it:
    `ok`, `pending`, `firing`, `recorded`, `no_value` or `no_rows`. The next one is awaited until `expected_at`.
    `trouble` has the conditions of the monitoring itself that are told of now, none if null. Nothing older than
    `baseline_from` is compared with: another version, another test, or a person's word that this is the new normal.
    """

    __table_args__ = (
        Index(
            "ix_series_expected_at",
            "expected_at",
            sqlite_where=text("expected_at IS NOT NULL"),
            postgresql_where=text("expected_at IS NOT NULL"),
        ),
        Index(
            "ix_series_trouble",
            "trouble",
            sqlite_where=text("trouble IS NOT NULL"),
            postgresql_where=text("trouble IS NOT NULL"),
        ),
        Index("ix_series_model_metric", "model", "metric"),
    )

    fingerprint: str = Field(primary_key=True)
    model: str
    metric: str
    kind: str
    environment: str
    feature: str | None = None
    dataset: str | None = None
    test: str | None = None
    labels: dict[str, str] = json_field()
    first_observed_at: datetime
    last_observed_at: datetime
    last_received_at: datetime = Field(index=True)
    last_value: float | None = None
    last_threshold: float | None = None
    last_state: str
    last_decided_by: str
    model_version: str | None = None
    expected_within_seconds: float | None = None
    expected_at: datetime | None = None
    trouble: str | None = None
    baseline_from: datetime | None = None


class MeasurementRow(Row, table=True):
    """A number somebody observed about a model, whether or not it was an alert; or, where `value` is None, only what
    they found.

    `is_bad` is what it said by itself, None if nobody could; `is_baseline` whether later ones are compared with it.
    """

    __table_args__ = (
        Index("ix_measurement_fingerprint_observed_at", "fingerprint", "observed_at"),
        Index("ix_measurement_model_metric_observed_at", "model", "metric", "observed_at"),
    )

    id: UUID = Field(primary_key=True)
    fingerprint: str
    model: str
    metric: str
    feature: str | None = None
    environment: str | None = None
    value: float | None = None
    threshold: float | None = None
    observed_at: datetime
    received_at: datetime = Field(index=True)
    model_version: str | None = None
    is_bad: bool | None = None
    is_baseline: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})


class DetectorRow(Row, table=True):
    """What the detector of a stream knows: only of series whose limit is one.

    It has taken in `value_count` values, the first and the last observed at these instants, of this version and test if
    known. `state` is JSON, but no `jsonb`: the database never looks into it, and would take it apart at every value.
    """

    fingerprint: str = Field(
        sa_column=Column(AutoString(), ForeignKey("series.fingerprint", ondelete="CASCADE"), primary_key=True)
    )
    value_count: int
    began_at: datetime
    last_observed_at: datetime
    model_version: str | None = None
    test: str | None = None
    state: str


class DeploymentRow(Row, table=True):
    """Something that happened to a version of a model: it was registered, got an alias, or was deployed."""

    __table_args__ = (Index("ix_deployment_model_happened_at", "model", "happened_at"),)

    id: UUID = Field(primary_key=True)
    model: str
    environment: str | None = None
    model_version: str | None = None
    alias: str | None = None
    action: str
    source: str
    happened_at: datetime
    received_at: datetime = Field(index=True)
    details: dict[str, str] = json_field()
