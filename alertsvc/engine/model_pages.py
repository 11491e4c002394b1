"""What is known of models, put together for whoever asks: at a glance, and one of them whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alertsvc.core.incidents import Incident
from alertsvc.core.rules import ModelFacts, Moment
from alertsvc.core.thresholds.in_force import BY_SENDER, LimitInForce
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.judging import limits_of
from alertsvc.store import deployments, models
from alertsvc.store.deployments import DeploymentRecord, VersionSeen
from alertsvc.store.models import Ended, ModelCounts, VersionObserved
from alertsvc.store.series import SeriesRecord

NOISE_OVER = timedelta(days=30)
NOISE_WITHIN = timedelta(minutes=15)
MOST_DEPLOYMENTS = 20
MOST_VERSIONS = 50
BY_REQUEST = "request.threshold"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model: between when it was observed, and when it was deployed last."""

    model_version: str
    first_observed_at: datetime | None = None
    last_observed_at: datetime | None = None
    deployed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model whole. `limits` are those that each of `series` is held against now, by fingerprint.

    `noise_share` is None where there was no incident.
    """

    counts: ModelCounts
    facts: ModelFacts | None
    incidents: Sequence[Incident]
    series: Sequence[SeriesRecord]
    limits: Mapping[str, Sequence[LimitInForce]]
    next_after: str | None
    versions: Sequence[Version]
    deployments: Sequence[DeploymentRecord]
    incident_count: int
    noise_share: float | None


def models_page(conn: Connection, moment: Moment, after: str, limit: int) -> tuple[list[ModelCounts], str | None]:
    """At most `limit` models by name, those that follow `after`, and after which the next page begins; None: it is the
    last. Models that only the configuration names are among them.
    """
    stored = models.names(conn, after, limit + 1)
    named = sorted({*stored, *(name for name in moment.rules.models if name > after)})
    page = named[:limit]
    counted = models.counts(conn, page, moment.now)
    return [counted[name] for name in page], page[-1] if len(named) > limit else None


def model_page(conn: Connection, moment: Moment, model: str, after: str, limit: int) -> ModelPage:
    """A model, with at most `limit` of its series, those whose fingerprint follows `after`.

    Raises:
        UnknownThingError: Nothing is known of it.
    """
    counts, facts = models.counts(conn, [model], moment.now)[model], moment.rules.models.get(model)
    opened = models.open_incidents(conn, model)
    deployed = deployments.of_model(conn, model, limit=MOST_DEPLOYMENTS)
    ended = models.ended_since(conn, model, moment.now - NOISE_OVER)
    if not (counts.series_count or facts or opened or deployed or ended):
        raise UnknownThingError(f"model {model[:80]!r}")
    listed = models.series_page(conn, model, after, limit + 1)
    limits = limits_of(conn, moment.rules.thresholds, listed[:limit], moment.now)
    return ModelPage(
        counts=counts,
        facts=facts,
        incidents=opened,
        series=listed[:limit],
        limits={each.fingerprint: _with_senders(each, limits[each.fingerprint]) for each in listed[:limit]},
        next_after=listed[limit - 1].fingerprint if len(listed) > limit else None,
        versions=_versions(
            models.versions(conn, model, MOST_VERSIONS), deployments.versions_of(conn, model, MOST_VERSIONS)
        ),
        deployments=deployed,
        incident_count=len(ended),
        noise_share=noise_share(ended),
    )


def _with_senders(series: SeriesRecord, limits: Sequence[LimitInForce]) -> Sequence[LimitInForce]:
    """The limits of a series, and first the one that its sender gave with the last observation and decided by."""
    given = series.last_decided_by == BY_REQUEST and series.last_threshold is not None
    return [LimitInForce(BY_SENDER, limit=series.last_threshold), *limits] if given else limits


def noise_share(incidents: Sequence[Ended]) -> float | None:
    """The share of `incidents` that were noise: nobody took them, and they ended by themselves within 15 minutes."""
    if not incidents:
        return None
    return sum(map(_is_noise, incidents)) / len(incidents)


def _is_noise(incident: Ended) -> bool:
    if incident.acknowledged_by is not None or incident.resolved_at is None:
        return False
    by_itself = incident.resolved_by in {"source", "expired"}
    return by_itself and incident.resolved_at - incident.opened_at <= NOISE_WITHIN


def _versions(observed: Sequence[VersionObserved], deployed: Sequence[VersionSeen]) -> list[Version]:
    """Both together, what was heard of last first."""
    found = {each.model_version: Version(each.model_version, each.first_at, each.last_at) for each in observed}
    for each in deployed:
        known = found.get(each.model_version, Version(each.model_version))
        found[each.model_version] = Version(
            known.model_version, known.first_observed_at, known.last_observed_at, each.last_at
        )
    return sorted(found.values(), key=_heard_of_at, reverse=True)[:MOST_VERSIONS]


def _heard_of_at(version: Version) -> datetime:
    return max(filter(None, (version.last_observed_at, version.deployed_at)))
