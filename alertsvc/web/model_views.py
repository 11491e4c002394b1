"""Models, series, measurements and deployments as the API shows and takes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import field_validator
from sqlmodel import Field, SQLModel

from alertsvc.core.deployments import DEPLOYED, Deployment, said
from alertsvc.core.freshness import is_late
from alertsvc.core.model import Severity
from alertsvc.core.thresholds.in_force import LimitInForce
from alertsvc.engine.model_pages import ModelPage, Version
from alertsvc.ingest.clean import has_controls
from alertsvc.store.bulk import AnyRow
from alertsvc.store.deployments import DeploymentRecord
from alertsvc.store.models import ModelCounts
from alertsvc.store.series import SeriesRecord
from alertsvc.web.views import Command, IncidentView

MOST_DETAILS = 64
COLUMNS = (
    "observed_at",
    "value",
    "threshold",
    "is_bad",
    "is_baseline",
    "feature",
    "environment",
    "model_version",
    "fingerprint",
)


class ModelView(SQLModel):
    """A model at a glance. `late_count` series should have been observed again by now; `worst_severity` is that of its
    open incidents.
    """

    model: str
    environments: list[str]
    open_incident_count: int
    worst_severity: str | None
    last_received_at: datetime | None
    series_count: int
    late_count: int

    @classmethod
    def of(cls, counts: ModelCounts) -> "ModelView":
        """The view of a model."""
        return cls(
            model=counts.model,
            environments=list(counts.environments),
            open_incident_count=counts.open_count,
            worst_severity=None if counts.worst is None else Severity(counts.worst).word,
            last_received_at=counts.last_received_at,
            series_count=counts.series_count,
            late_count=counts.late_count,
        )


class ModelPageView(SQLModel):
    """A page of models, by name."""

    items: list[ModelView]
    next_cursor: str | None


class LimitView(SQLModel):
    """A limit that the next value of a series is held against. At `lower` or below, or at `upper` or above, it is bad.

    `by` is the entry of the file of thresholds that has it; or `sender`, whose `limit` was that of the last value.
    `method` is how it follows the series, if it does: `ewma`, `weekday` or `stream`. `because` says why there is none
    yet, or what is bad where there is never a number, as with a stream.
    """

    by: str
    severity: str | None
    lower: float | None
    upper: float | None
    limit: float | None
    because: str | None
    method: str | None

    @classmethod
    def of(cls, found: LimitInForce) -> "LimitView":
        """The view of a limit."""
        severity = None if found.severity is None else found.severity.word
        return cls(
            by=found.by,
            severity=severity,
            lower=found.lower,
            upper=found.upper,
            limit=found.limit,
            because=found.because,
            method=found.method,
        )


class SeriesView(SQLModel):
    """What is measured again and again. `state` is what was made of the last observation: `ok`, `pending`, `firing`,
    `recorded`, `no_value` or `no_rows`. The next is expected until `expected_at`; `is_late`: that has passed.
    """

    fingerprint: str
    metric: str
    kind: str
    environment: str
    feature: str | None
    dataset: str | None
    test: str | None
    model_version: str | None
    state: str
    decided_by: str
    value: float | None
    observed_at: datetime
    received_at: datetime
    expected_at: datetime | None
    is_late: bool
    baseline_from: datetime | None
    limits: list[LimitView]

    @classmethod
    def of(cls, series: SeriesRecord, limits: Sequence[LimitInForce], now: datetime) -> "SeriesView":
        """The view of a series."""
        return cls(
            fingerprint=series.fingerprint,
            metric=series.metric,
            kind=series.kind,
            environment=series.environment,
            feature=series.feature,
            dataset=series.dataset,
            test=series.test,
            model_version=series.model_version,
            state=series.last_state,
            decided_by=series.last_decided_by,
            value=series.last_value,
            observed_at=series.last_observed_at,
            received_at=series.last_received_at,
            expected_at=series.expected_at,
            is_late=is_late(series.expected_at, now),
            baseline_from=series.baseline_from,
            limits=[LimitView.of(each) for each in limits],
        )


class VersionView(SQLModel):
    """A version of a model: between when it was observed, and when it was deployed last."""

    model_version: str
    first_observed_at: datetime | None
    last_observed_at: datetime | None
    deployed_at: datetime | None

    @classmethod
    def of(cls, version: Version) -> "VersionView":
        """The view of a version."""
        return cls(**{name: getattr(version, name) for name in cls.model_fields})


class DeploymentView(SQLModel):
    """Something that happened to a version of a model. `said` is the line in the timelines of its incidents."""

    id: UUID
    model: str
    action: str
    model_version: str | None
    alias: str | None
    environment: str | None
    source: str
    happened_at: datetime
    received_at: datetime
    details: dict[str, str]
    said: str

    @classmethod
    def of(cls, record: DeploymentRecord) -> "DeploymentView":
        """The view of a deployment."""
        made = record.deployment
        return cls(
            id=record.id,
            model=made.model,
            action=made.action,
            model_version=made.model_version,
            alias=made.alias,
            environment=made.environment,
            source=made.source,
            happened_at=made.happened_at,
            received_at=record.received_at,
            details=dict(made.details),
            said=said(made),
        )


class DeploymentPageView(SQLModel):
    """A page of deployments, the latest first."""

    items: list[DeploymentView]
    next_cursor: str | None


class ModelDetailView(ModelView):
    """A model whole; `next_cursor` is for more of its series.

    `noise_share` is the share of its `recent_incident_count` incidents of the last 30 days that nobody took and that
    ended by themselves within 15 minutes; null without any.
    """

    owner: str | None
    runbook_url: str | None
    incidents: list[IncidentView]
    series: list[SeriesView]
    versions: list[VersionView]
    deployments: list[DeploymentView]
    recent_incident_count: int
    noise_share: float | None
    next_cursor: str | None

    @classmethod
    def about(cls, page: ModelPage, now: datetime, next_cursor: str | None) -> "ModelDetailView":
        """The view of all that is known of a model."""
        return cls(
            **ModelView.of(page.counts).model_dump(),
            owner=page.facts.owner if page.facts else None,
            runbook_url=page.facts.runbook_url if page.facts else None,
            incidents=[IncidentView.of(each) for each in page.incidents],
            series=[SeriesView.of(each, page.limits[each.fingerprint], now) for each in page.series],
            versions=[VersionView.of(each) for each in page.versions],
            deployments=[DeploymentView.of(each) for each in page.deployments],
            recent_incident_count=page.incident_count,
            noise_share=page.noise_share,
            next_cursor=next_cursor,
        )


class MeasurementPageView(SQLModel):
    """A page of measurements, the latest observed first: what the places in each of `rows` are, say `columns`.

    `value` is null where a sender told no number, only what it found. `is_bad` is what the observation said by itself,
    null if nobody could; `is_baseline` whether later ones are compared with it.
    """

    model: str
    metric: str
    columns: list[str]
    rows: list[list[Any]]
    next_cursor: str | None

    @classmethod
    def of(cls, model: str, metric: str, rows: Sequence[AnyRow], next_cursor: str | None) -> "MeasurementPageView":
        """The view of a page."""
        listed = [[getattr(row, name) for name in COLUMNS] for row in rows]
        return cls(model=model, metric=metric, columns=list(COLUMNS), rows=listed, next_cursor=next_cursor)


class DeploymentRequest(Command):
    """What happened to a version of a model, by default that it was `deployed`, and now. Without `environment`: in all.

    With `alias` that leads to the version from then on.
    """

    model: str = Field(min_length=1, max_length=256)
    model_version: str | None = Field(default=None, min_length=1, max_length=256)
    environment: str | None = Field(default=None, min_length=1, max_length=256)
    alias: str | None = Field(default=None, min_length=1, max_length=256)
    action: str = Field(default=DEPLOYED, min_length=1, max_length=100)
    happened_at: datetime | None = None
    details: dict[str, str] = Field(default_factory=dict)

    @field_validator("model", "model_version", "environment", "alias", "action")
    @classmethod
    def _is_plain(cls, text: str | None) -> str | None:
        if text is not None and has_controls(text):
            raise ValueError("has a control character")
        return text

    @field_validator("details")
    @classmethod
    def _are_short(cls, found: dict[str, str]) -> dict[str, str]:
        if len(found) > MOST_DETAILS:
            raise ValueError(f"at most {MOST_DETAILS} are taken")
        for name, value in found.items():
            if not name or len(name) > 256 or len(value) > 4000:
                raise ValueError("a name has 1 to 256 characters, a text at most 4000")
            if has_controls(name) or has_controls(value):
                raise ValueError("has a control character")
        return found

    def made(self, source: str, happened_at: datetime) -> Deployment:
        """It as a value; told by `source`."""
        return Deployment(
            model=self.model,
            action=self.action,
            happened_at=happened_at,
            source=source,
            model_version=self.model_version,
            alias=self.alias,
            environment=self.environment,
            details=self.details,
        )
