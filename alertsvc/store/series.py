"""Series: what is measured again and again. A row for each, moved on by its newest observation as that is taken in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, update

from alertsvc.core.deployments import Deployment
from alertsvc.core.freshness import CHANGED, state_of
from alertsvc.core.model import Event, Labels
from alertsvc.core.observation import Observation
from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.database import ConflictError
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import series

_MOVED = (
    "model",
    "metric",
    "kind",
    "environment",
    "feature",
    "dataset",
    "test",
    "labels",
    "last_observed_at",
    "last_value",
    "last_threshold",
    "last_state",
    "last_decided_by",
    "expected_within_seconds",
    "expected_at",
)
_IS_NEWER = (
    "(excluded.last_observed_at >= series.last_observed_at"
    " OR excluded.last_observed_at >= excluded.last_received_at)"  # made as it arrived: the clock was set back
)
_MOVES = ", ".join(f"{name} = CASE WHEN {_IS_NEWER} THEN excluded.{name} ELSE series.{name} END" for name in _MOVED)
_OTHER = "series.model_version <> excluded.model_version OR series.test <> excluded.test"
_ON_CONFLICT = (
    f"ON CONFLICT (fingerprint) DO UPDATE SET {_MOVES}, last_received_at = excluded.last_received_at,"  # our names
    f" model_version = CASE WHEN {_IS_NEWER} THEN COALESCE(excluded.model_version, series.model_version)"
    " ELSE series.model_version END,"
    f" baseline_from = CASE WHEN {_IS_NEWER} AND ({_OTHER})"
    " THEN excluded.first_observed_at ELSE series.baseline_from END,"
    " trouble = CASE WHEN excluded.trouble IS NULL THEN series.trouble"
    " WHEN series.trouble IS NULL OR series.trouble = excluded.trouble THEN excluded.trouble"
    f" ELSE '{CHANGED}' END"
    f" WHERE {_IS_NEWER} OR excluded.trouble IS NOT NULL"
)
"""A late observation moves nothing, but for one that was made as it arrived. One without a value is told of at once, so
that it is marked whenever it comes: whoever looks for what is over finds it by that.
"""


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """A row of the table; see there for what the fields mean."""

    fingerprint: str
    model: str
    metric: str
    kind: str
    environment: str
    feature: str | None
    dataset: str | None
    test: str | None
    labels: Labels
    first_observed_at: datetime
    last_observed_at: datetime
    last_received_at: datetime
    last_value: float | None
    last_threshold: float | None
    last_state: str
    last_decided_by: str
    model_version: str | None
    expected_within: timedelta | None
    expected_at: datetime | None
    trouble: str | None
    baseline_from: datetime | None


def add(new: Insertions, observed: Sequence[tuple[Event, datetime]]) -> None:
    """Have the series of observations moved on: (event, when it was received). Events that are none are passed over.

    The newest of a series wins, of equals the last. Sorted: so no two writers wait crosswise.
    """
    rows: dict[str, dict[str, object]] = {}
    for event, received_at in observed:
        row = _row_of(event, received_at)
        if row is None:
            continue
        key = str(row["fingerprint"])
        rows[key] = _later(rows[key], row) if key in rows else row
    new.add(series, [rows[key] for key in sorted(rows)], on_conflict=_ON_CONFLICT)


def _later(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """The newer of two rows of a series, with what was told of either. It begins with the first of its version."""
    newer, older = (other, one) if _seconds(other) >= _seconds(one) else (one, other)
    troubles = {row["trouble"] for row in (one, other)} - {None}
    told = CHANGED if len(troubles) > 1 else next(iter(troubles), None)
    first = min(one, other, key=_seconds) if _is_same(one, other) else newer
    return newer | {
        "trouble": told,
        "first_observed_at": first["first_observed_at"],
        "model_version": newer["model_version"] or older["model_version"],
    }


def _is_same(one: dict[str, object], other: dict[str, object]) -> bool:
    """Whether two rows are of one version and one test, as far as that was told."""
    pairs = ((one[name], other[name]) for name in ("model_version", "test"))
    return all(a is None or b is None or a == b for a, b in pairs)


def _seconds(row: dict[str, object]) -> float:
    at = row["last_observed_at"]
    return at.timestamp() if isinstance(at, datetime) else 0.0


def _row_of(event: Event, received_at: datetime) -> dict[str, object] | None:
    observation = event.observation
    if observation is None:
        return None
    of = observation.series
    within = observation.expect_next_within
    observed_at = min(event.observed_at or received_at, received_at)
    return {
        "fingerprint": of.fingerprint if of else event.fingerprint,
        "model": observation.model,
        "metric": observation.metric,
        "kind": observation.kind,
        "environment": observation.environment,
        "feature": observation.feature,
        "dataset": observation.dataset,
        "test": observation.test,
        "labels": dict(of.labels if of else event.labels),
        "first_observed_at": observed_at,
        "last_observed_at": observed_at,
        "last_received_at": received_at,
        "last_value": event.value,
        "last_threshold": event.threshold,
        "last_state": state_of(event),
        "last_decided_by": event.decided_by,
        "model_version": observation.model_version,
        "expected_within_seconds": within.total_seconds() if within else None,
        "expected_at": received_at + within if within else None,
        "trouble": observation.trouble,
    }


def by_fingerprint(conn: Connection, fingerprints: Sequence[str]) -> dict[str, SeriesRecord]:
    """Those of the series `fingerprints` that are there."""
    rows = conn.execute(select(series).where(among(conn, series.c.fingerprint, fingerprints)))
    return {row.fingerprint: record(row) for row in rows}


def tested(conn: Connection, things: Collection[Observation]) -> list[SeriesRecord]:
    """The series of the models, metrics and features of `things` that have a test, whichever it is."""
    s = series.c
    wanted = [(s.model, {each.model for each in things}), (s.metric, {each.metric for each in things})]
    wanted.append((s.feature, {each.feature for each in things if each.feature is not None}))
    chosen = select(series).where(s.test.is_not(None), *(among(conn, column, names) for column, names in wanted))
    return [record(row) for row in conn.execute(chosen)]


def of_versions(conn: Connection, model: str, versions: Collection[str], limit: int) -> list[str]:
    """The fingerprints of a model's series whose identity is one of these versions, at most `limit`."""
    chosen = select(series.c.fingerprint, series.c.labels).where(
        series.c.model == model, among(conn, series.c.model_version, versions)
    )
    rows = conn.execute(chosen.order_by(series.c.fingerprint).limit(limit))
    return [row.fingerprint for row in rows if row.labels.get("model_version") in versions]


def restart_baselines(conn: Connection, deployment: Deployment) -> None:
    """Compare what is measured of a model from now on with nothing from before a deployment: of other versions."""
    s, made = series.c, deployment
    begins_earlier = or_(s.baseline_from.is_(None), s.baseline_from < made.happened_at)
    chosen = update(series).where(s.model == made.model, begins_earlier)
    if made.environment is not None:
        chosen = chosen.where(s.environment == made.environment)
    if made.model_version is not None:
        chosen = chosen.where(or_(s.model_version.is_(None), s.model_version != made.model_version))
    conn.execute(chosen.values(baseline_from=made.happened_at))


def delete(conn: Connection, gone: Sequence[tuple[str, datetime]]) -> None:
    """Forget series: (fingerprint, when something of it was last received).

    Raises:
        ConflictError: Something came of one of them meanwhile.
    """
    s = series.c
    for fingerprint, received_at in gone:
        chosen = series.delete().where(s.fingerprint == fingerprint, s.last_received_at == received_at)
        if conn.execute(chosen).rowcount != 1:
            raise ConflictError("an observation came meanwhile")


def unheard(conn: Connection, before: datetime, limit: int) -> list[str]:
    """The fingerprints of series of which nothing was received since `before`, the oldest first."""
    at = series.c.last_received_at
    return list(conn.execute(select(series.c.fingerprint).where(at < before).order_by(at).limit(limit)).scalars())


def record(row: AnyRow) -> SeriesRecord:
    """The whole row of a series as a value."""
    within = row.expected_within_seconds
    return SeriesRecord(
        fingerprint=row.fingerprint,
        model=row.model,
        metric=row.metric,
        kind=row.kind,
        environment=row.environment,
        feature=row.feature,
        dataset=row.dataset,
        test=row.test,
        labels=row.labels,
        first_observed_at=row.first_observed_at,
        last_observed_at=row.last_observed_at,
        last_received_at=row.last_received_at,
        last_value=row.last_value,
        last_threshold=row.last_threshold,
        last_state=row.last_state,
        last_decided_by=row.last_decided_by,
        model_version=row.model_version,
        expected_within=None if within is None else timedelta(seconds=within),
        expected_at=row.expected_at,
        trouble=row.trouble,
        baseline_from=row.baseline_from,
    )
