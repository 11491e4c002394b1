"""The alerts of an incident by their consequence, in SQL: the same order and groups as `core.consequence` makes."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, or_, select

from alertsvc.core.consequence import FURTHEST, HUGE, MONITORING, RANKS, TINY, UNKNOWN_RANK, Group, called
from alertsvc.core.model import AlertState, Severity
from alertsvc.store.bulk import AnyRow
from alertsvc.store.tables import alert

MOST_COMPARED = 1000
"""Of so many alerts it is looked at which labels they share."""
CALLED_BY = ("feature", "metric", "condition")
NAME = func.coalesce(alert.c.labels["alertname"].as_string(), "").label("alertname")

_KIND = func.coalesce(alert.c.labels["kind"].as_string(), "")
_SAID_KIND = case(
    (and_(_KIND == "health", func.coalesce(alert.c.labels["condition"].as_string(), "") != ""), MONITORING),
    else_=_KIND,
)
_RANK = case(RANKS, value=_SAID_KIND, else_=UNKNOWN_RANK)


def _excess() -> ColumnElement[float]:
    """What `excess` says, for a row."""
    size, limit = func.abs(alert.c.value), func.abs(alert.c.threshold)
    return case(
        (or_(alert.c.value.is_(None), alert.c.threshold.is_(None)), 0.0),
        (and_(or_(size < TINY, limit < TINY, size > HUGE, limit > HUGE), size == limit), 1.0),
        (or_(size < TINY, limit < TINY, size > HUGE, limit > HUGE), FURTHEST),
        (size > limit, size / limit),
        else_=limit / size,
    )


BY_CONSEQUENCE = (
    case((alert.c.severity == Severity.INFO, 1), else_=0),
    _RANK,
    alert.c.severity.desc(),
    _excess().desc(),
)
"""What alerts are ordered by: their consequence, how bad they are, how far they are beyond their limits."""

_EACH = (
    select(
        alert.c.incident_id,
        alert.c.state,
        alert.c.severity,
        _SAID_KIND.label("kind"),
        NAME,
        *(func.nullif(alert.c.labels[name].as_string(), "").label(name) for name in CALLED_BY),
    )
    .where(alert.c.incident_id.in_(bindparam("incident_ids", expanding=True)))
    .subquery()
)
_GROUPS = select(
    _EACH.c.incident_id,
    _EACH.c.state,
    _EACH.c.kind,
    func.max(_EACH.c.severity).label("severity"),
    func.count().label("alert_count"),
    func.min(_EACH.c.alertname).label("alertname"),
    *(func.min(_EACH.c[name]).label(name) for name in CALLED_BY),
    func.count(_EACH.c.feature.distinct()).label("feature_count"),
).group_by(_EACH.c.incident_id, _EACH.c.state, _EACH.c.kind)
_LABELS = select(alert.c.labels).where(alert.c.incident_id == bindparam("incident_id")).limit(MOST_COMPARED)


def groups_of(conn: Connection, incident_ids: Sequence[UUID]) -> dict[UUID, list[Group]]:
    """What fires of each incident, by its consequence, the gravest first; where nothing does, what has ended."""
    found: dict[tuple[UUID, bool], list[Group]] = {}
    for row in conn.execute(_GROUPS, {"incident_ids": list(incident_ids)}):
        group = Group(
            kind=row.kind,
            severity=Severity(row.severity),
            alert_count=row.alert_count,
            called=called(_labels_of_one(row)) if row.alert_count == 1 else "",
            feature_count=row.feature_count,
        )
        found.setdefault((row.incident_id, row.state == AlertState.FIRING), []).append(group)
    best = {name: found.get((name, True)) or groups for (name, _), groups in found.items()}
    return {name: sorted(groups, key=lambda each: each.order) for name, groups in best.items()}


def _labels_of_one(row: AnyRow) -> dict[str, str]:
    """The labels that the only alert of a group is called by."""
    kind = "health" if row.kind == MONITORING else row.kind
    said = {name: getattr(row, name) for name in ("alertname", *CALLED_BY)}
    return {"kind": kind, **{name: text for name, text in said.items() if text}}


def labels_of(conn: Connection, incident_id: UUID) -> list[Mapping[str, str]]:
    """The labels of each alert of an incident."""
    return list(conn.execute(_LABELS, {"incident_id": incident_id}).scalars())
