"""Reads about models for the API: pages of names, series and measurements, and what is said of one model. Bounded."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, case, func, or_, select, text

from alertsvc.core.incidents import Incident
from alertsvc.store import series as series_rows
from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.incidents import incident_from
from alertsvc.store.series import SeriesRecord
from alertsvc.store.tables import incident, measurement, series

_IS_OPEN = text("incident.status <> 'resolved'")
MOST_INCIDENTS = 100
MOST_COUNTED = 10_000
"""Of so many incidents at most it is told how many were noise."""


@dataclass(frozen=True, slots=True)
class ModelCounts:
    """A model at a glance. `worst` is the highest severity of its open incidents, None without any."""

    model: str
    environments: tuple[str, ...] = ()
    series_count: int = 0
    late_count: int = 0
    last_received_at: datetime | None = None
    open_count: int = 0
    worst: int | None = None


@dataclass(frozen=True, slots=True)
class VersionObserved:
    """A version of a model, and between when it was observed, as far as series remember."""

    model_version: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """An incident as far as it says whether it was noise. `acknowledged_by` None: nobody took it."""

    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class MeasurementFilter:
    """Which measurements of a metric of a model. Empty fields do not restrict."""

    model: str
    metric: str
    feature: str | None = None
    environment: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def names(conn: Connection, after: str, limit: int) -> list[str]:
    """At most `limit` names of models that were observed or have an open incident, those that follow `after`."""
    s, i = series.c, incident.c
    observed = select(s.model).where(s.model > after).distinct().order_by(s.model).limit(limit)
    troubled = select(i.model).where(i.model > after, _IS_OPEN)
    found = {*conn.execute(observed).scalars()}
    found |= {name for name in conn.execute(troubled.distinct().order_by(i.model).limit(limit)).scalars() if name}
    return sorted(found)[:limit]


def counts(conn: Connection, models: Collection[str], now: datetime) -> dict[str, ModelCounts]:
    """The models at a glance, by name."""
    s, i = series.c, incident.c
    late = func.sum(case((s.expected_at <= now, 1), else_=0))
    measured = select(s.model, s.environment, func.count(), late, func.max(s.last_received_at))
    measured = measured.where(among(conn, s.model, models)).group_by(s.model, s.environment)
    found: dict[str, ModelCounts] = {name: ModelCounts(name) for name in models}
    for model, environment, count, late_count, last in conn.execute(measured.order_by(s.model, s.environment)):
        so_far = found[model]
        latest = max(filter(None, (so_far.last_received_at, last)))
        environments = (*so_far.environments, environment)
        found[model] = ModelCounts(
            model, environments, so_far.series_count + count, so_far.late_count + late_count, latest
        )
    opened = select(i.model, func.count(), func.max(i.severity)).where(_IS_OPEN)
    for model, count, worst in conn.execute(opened.where(among(conn, i.model, models)).group_by(i.model)):
        at = found[model]
        found[model] = ModelCounts(
            model, at.environments, at.series_count, at.late_count, at.last_received_at, count, worst
        )
    return found


def open_incidents(conn: Connection, model: str) -> list[Incident]:
    """The open incidents of a model, the gravest first."""
    i = incident.c
    chosen = select(incident).where(i.model == model, _IS_OPEN)
    chosen = chosen.order_by(i.severity.desc(), i.id.desc()).limit(MOST_INCIDENTS)
    return [incident_from(row) for row in conn.execute(chosen)]


def series_page(conn: Connection, model: str, after: str, limit: int) -> list[SeriesRecord]:
    """At most `limit` series of a model, those whose fingerprint follows `after`."""
    s = series.c
    chosen = select(series).where(s.model == model, s.fingerprint > after).order_by(s.fingerprint).limit(limit)
    return [series_rows.record(row) for row in conn.execute(chosen)]


def versions(conn: Connection, model: str, limit: int) -> list[VersionObserved]:
    """The versions of a model that its series were last observed of, the latest first."""
    s = series.c
    first, last = func.min(func.coalesce(s.baseline_from, s.first_observed_at)), func.max(s.last_observed_at)
    chosen = select(s.model_version, first.label("first_at"), last.label("last_at"))
    chosen = chosen.where(s.model == model, s.model_version.is_not(None)).group_by(s.model_version)
    rows = conn.execute(chosen.order_by(last.desc()).limit(limit))
    return [VersionObserved(row.model_version, row.first_at, row.last_at) for row in rows]


def ended_since(conn: Connection, model: str, since: datetime) -> list[Ended]:
    """The incidents of a model that were opened since then, the newest first."""
    i = incident.c
    chosen = select(i.opened_at, i.resolved_at, i.resolved_by, i.acknowledged_by)
    chosen = chosen.where(i.model == model, i.opened_at >= since).order_by(i.opened_at.desc()).limit(MOST_COUNTED)
    return [Ended(*row) for row in conn.execute(chosen)]


def measurements(conn: Connection, wanted: MeasurementFilter, after: UUID | None, limit: int) -> Sequence[AnyRow]:
    """At most `limit` measurements, the latest observed first, those that follow `after`."""
    m = measurement.c
    chosen: Any = select(measurement).where(m.model == wanted.model, m.metric == wanted.metric)
    if wanted.feature is not None:
        chosen = chosen.where(m.feature == wanted.feature)
    if wanted.environment is not None:
        chosen = chosen.where(m.environment == wanted.environment)
    if wanted.since is not None:
        chosen = chosen.where(m.observed_at >= wanted.since)
    if wanted.until is not None:
        chosen = chosen.where(m.observed_at < wanted.until)
    if after is not None:
        last = select(m.observed_at).where(m.id == after).scalar_subquery()
        chosen = chosen.where(or_(m.observed_at < last, and_(m.observed_at == last, m.id < after)))
    return conn.execute(chosen.order_by(m.observed_at.desc(), m.id.desc()).limit(limit)).all()
