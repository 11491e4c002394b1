"""What happened to versions of models: written once, read by model, the latest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, and_, func, or_, select

from alertsvc.core.deployments import Deployment
from alertsvc.store.bulk import AnyRow, insert_rows
from alertsvc.store.tables import deployment

MOST_NEAR = 1000


@dataclass(frozen=True, slots=True)
class DeploymentRecord:
    """A deployment as it is kept."""

    id: UUID
    deployment: Deployment
    received_at: datetime


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A version of a model, and when something was first and last told of it."""

    model_version: str
    first_at: datetime
    last_at: datetime


def add(conn: Connection, records: Sequence[DeploymentRecord]) -> None:
    """Write what happened."""
    rows = [
        {
            "id": each.id,
            "model": each.deployment.model,
            "environment": each.deployment.environment,
            "model_version": each.deployment.model_version,
            "alias": each.deployment.alias,
            "action": each.deployment.action,
            "source": each.deployment.source,
            "happened_at": each.deployment.happened_at,
            "received_at": each.received_at,
            "details": dict(each.deployment.details),
        }
        for each in records
    ]
    insert_rows(conn, deployment, rows)


def of_model(conn: Connection, model: str | None, after: UUID | None = None, limit: int = 50) -> list[DeploymentRecord]:
    """What happened to a model: the latest first; or to any, if None: what was told last first. At most `limit`, those
    that follow `after`.
    """
    d = deployment.c
    chosen = select(deployment)
    if model is None:
        at = d.received_at
    else:
        at, chosen = d.happened_at, chosen.where(d.model == model)
    if after is not None:
        last = select(at).where(d.id == after).scalar_subquery()
        chosen = chosen.where(or_(at < last, and_(at == last, d.id < after)))
    rows = conn.execute(chosen.order_by(at.desc(), d.id.desc()).limit(limit))
    return [_record(row) for row in rows]


def between(conn: Connection, model: str, since: datetime, until: datetime) -> list[Deployment]:
    """What happened to a model from `since` to `until`, the latest first; at most `MOST_NEAR`."""
    d = deployment.c
    chosen = select(deployment).where(d.model == model, d.happened_at >= since, d.happened_at <= until)
    rows = conn.execute(chosen.order_by(d.happened_at.desc(), d.id.desc()).limit(MOST_NEAR))
    return [_record(row).deployment for row in rows]


def received_since(conn: Connection, instant: datetime, limit: int) -> list[DeploymentRecord]:
    """What was told from `instant` on, what was told last first; at most `limit`."""
    at = deployment.c.received_at
    rows = conn.execute(select(deployment).where(at >= instant).order_by(at.desc()).limit(limit))
    return [_record(row) for row in rows]


def by_id(conn: Connection, deployment_id: UUID) -> DeploymentRecord | None:
    """One of them."""
    row = conn.execute(select(deployment).where(deployment.c.id == deployment_id)).one_or_none()
    return None if row is None else _record(row)


def versions_of(conn: Connection, model: str, limit: int) -> list[VersionSeen]:
    """The versions of a model that deployments told of, the latest first."""
    d = deployment.c
    first, last = func.min(d.happened_at), func.max(d.happened_at)
    chosen = select(d.model_version, first.label("first_at"), last.label("last_at"))
    chosen = chosen.where(d.model == model, d.model_version.is_not(None)).group_by(d.model_version)
    rows = conn.execute(chosen.order_by(last.desc()).limit(limit))
    return [VersionSeen(row.model_version, row.first_at, row.last_at) for row in rows]


def _record(row: AnyRow) -> DeploymentRecord:
    made = Deployment(
        model=row.model,
        action=row.action,
        happened_at=row.happened_at,
        source=row.source,
        model_version=row.model_version,
        alias=row.alias,
        environment=row.environment,
        details=row.details,
    )
    return DeploymentRecord(row.id, made, row.received_at)
