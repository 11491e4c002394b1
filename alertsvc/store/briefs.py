"""What a message is made of, read at the moment it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, func, select

from alertsvc.core.alerts import Alert
from alertsvc.core.consequence import Group, excess, grouped, order_of
from alertsvc.core.incidents import Incident
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.storm import StormMark
from alertsvc.store.bulk import AnyRow
from alertsvc.store.consequences import BY_CONSEQUENCE, NAME, groups_of, labels_of
from alertsvc.store.incidents import incident_from
from alertsvc.store.storms import mark_from
from alertsvc.store.tables import alert, believer, digest, history, incident, notification

SHOWN_ALERTS = 10
MOST_ITEMS = 200
MOST_STORM_ITEMS = 20
"""A storm is for an overview: more of it is in the list of incidents."""
MOST_KINDS = 8


@dataclass(frozen=True, slots=True)
class AlertBrief:
    """One alert of an incident as it stands. `closed_at` is None while it fires.

    `silent_since` is when its source told of it last, where that is too long ago.
    """

    fingerprint: str
    state: AlertState
    severity: Severity
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    closed_at: datetime | None
    value: float | None
    threshold: float | None
    links: Sequence[Mapping[str, str]]
    decided_by: str = ""
    silent_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentBrief:
    """An incident as one destination is to hear of it.

    `alerts` are some: those of the gravest consequence, the worst, the furthest beyond their limits, then the newest.
    `groups` are all that fire, or where none does all that ended. `deployment` is what happened to its model since it
    opened. It `began_at` when the first of its alerts did.
    """

    incident: Incident
    alerts: Sequence[AlertBrief]
    ended_count: int
    route: str
    anchor: Mapping[str, str] | None
    comment: str | None
    common_labels: Mapping[str, str]
    began_at: datetime
    groups: Sequence[Group] = ()
    deployment: str | None = None


@dataclass(frozen=True, slots=True)
class DigestBrief:
    """A window as one destination is to hear of it: its incidents, the gravest and oldest first.

    Beyond them there are `unlisted_open_count` and `unlisted_ended_count`. `kinds` are the alert names and severities
    that most incidents of a `storm` have, each with the number of them.
    """

    name: str
    window_start: datetime
    due_at: datetime
    incidents: Sequence[tuple[Incident, int]]
    groups: Mapping[UUID, Sequence[Group]] = field(default_factory=dict[UUID, Sequence[Group]])
    unlisted_open_count: int = 0
    unlisted_ended_count: int = 0
    storm: StormMark | None = None
    kinds: Sequence[tuple[str, int, int]] = ()


_LATEST_COMMENT = (
    select(history.c.detail)
    .where(
        history.c.incident_id == bindparam("incident_id"),
        history.c.detail != "",
        history.c.channel != "ingest",
        history.c.kind.in_(("comment", "acknowledged", "resolved", "reopened")),
    )
    .order_by(history.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_LATEST_DEPLOYMENT = (
    select(history.c.detail)
    .where(history.c.incident_id == bindparam("incident_id"), history.c.kind == "deployment")
    .order_by(history.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_SHOWN = (
    "fingerprint",
    "state",
    "severity",
    "labels",
    "annotations",
    "starts_at",
    "closed_at",
    "value",
    "threshold",
    "links",
    "decided_by",
    "last_seen_at",
    "is_silent",
)
_INCIDENT = (
    select(
        incident,
        believer.c.route,
        believer.c.anchor,
        _LATEST_COMMENT.label("comment"),
        _LATEST_DEPLOYMENT.label("deployment"),
        *(alert.c[name].label(f"alert_{name}") for name in _SHOWN),
    )
    .outerjoin(
        believer, (believer.c.incident_id == incident.c.id) & (believer.c.destination == bindparam("destination"))
    )
    .outerjoin(alert, alert.c.incident_id == incident.c.id)
    .where(incident.c.id == bindparam("incident_id"))
    .order_by(
        case((alert.c.state == AlertState.FIRING, 0), else_=1),
        *BY_CONSEQUENCE,
        alert.c.starts_at.desc(),
        alert.c.fingerprint,
    )
    .limit(SHOWN_ALERTS)
)
"""One row for each of its worst alerts, or one row without any: what leaves is read in one round trip."""


_FIRST_START = select(func.min(alert.c.starts_at)).where(alert.c.incident_id == bindparam("incident_id"))
_LATEST_RAISE = (
    select(history.c.facts["severity_before"].as_string())
    .where(history.c.incident_id == bindparam("incident_id"), history.c.kind == "raised")
    .order_by(history.c.id.desc())
    .limit(1)
)

_MEMBER_IDS = (
    select(notification.c.incident_id).where(notification.c.delivery_id == bindparam("delivery_id")).distinct()
)
_ABOUT = (
    select(notification.c.incident_id, notification.c.destination)
    .where(notification.c.delivery_id == bindparam("delivery_id"))
    .distinct()
    .subquery()
)
_BELIEVED = (
    _ABOUT.join(incident, incident.c.id == _ABOUT.c.incident_id)
    # who was told that it ended is told no more of it, whoever hears that it fires again
    .outerjoin(
        believer,
        (believer.c.incident_id == _ABOUT.c.incident_id) & (believer.c.destination == _ABOUT.c.destination),
    )
)
_IS_OVER = (incident.c.status == "resolved") | (func.coalesce(believer.c.state, "") == "ended")
_MEMBERS = (
    select(incident, believer.c.state.label("belief"), believer.c.ended_at)
    .select_from(_BELIEVED)
    .order_by(case((_IS_OVER, 1), else_=0), incident.c.severity.desc(), incident.c.opened_at)
    .limit(bindparam("most"))
)
_MEMBER_COUNTS = select(func.count(), func.count().filter(~_IS_OVER)).select_from(_BELIEVED)
_COUNT = func.count(alert.c.incident_id.distinct()).label("incident_count")
_KINDS = (
    select(NAME, alert.c.severity, _COUNT)
    .where(alert.c.incident_id.in_(_MEMBER_IDS))
    .group_by(NAME, alert.c.severity)
    .order_by(_COUNT.desc(), alert.c.severity.desc(), NAME)
    .limit(MOST_KINDS)
)


def incident_brief(conn: Connection, incident_id: UUID, destination: str) -> IncidentBrief | None:
    """What `destination` is to be told of the incident now; None when it is gone."""
    rows = conn.execute(_INCIDENT, {"incident_id": incident_id, "destination": destination}).all()
    if not rows:
        return None
    row = rows[0]
    known = incident_from(row)
    alerts = [_alert(each) for each in rows if each.alert_fingerprint is not None]
    is_whole = row.alert_count <= len(alerts)
    return IncidentBrief(
        incident=known,
        alerts=alerts,
        ended_count=row.alert_count - _firing_count(row),
        route=row.route or "",
        anchor=row.anchor,
        comment=row.comment,
        common_labels=common_labels([each.labels for each in alerts] if is_whole else labels_of(conn, incident_id)),
        began_at=_first_of(known, [each.starts_at for each in alerts]) if is_whole else began_at(conn, known),
        groups=_groups_of_few(alerts) if is_whole else groups_of(conn, [incident_id]).get(incident_id, ()),
        deployment=row.deployment,
    )


def began_at(conn: Connection, of: Incident) -> datetime:
    """When the first of an incident's alerts began."""
    first = conn.execute(_FIRST_START, {"incident_id": of.id}).scalar_one()
    return _first_of(of, [] if first is None else [first])


def _first_of(opened: Incident, starts: Iterable[datetime]) -> datetime:
    """One that ended and fires again begins later than it did."""
    return min([opened.opened_at, *starts])


def _groups_of_few(alerts: Sequence[AlertBrief]) -> list[Group]:
    firing = [each for each in alerts if each.state is AlertState.FIRING]
    return grouped((each.labels, each.severity) for each in firing or alerts)


def brief_of_new(incident: Incident, standing: Iterable[tuple[Alert, Event]], route: str) -> IncidentBrief:
    """What a destination is to be told of an incident that this transaction opens, without reading it back.

    `standing` are all its alerts, each with the latest event about it; `incident` has its number.
    """
    every = sorted(standing, key=lambda each: each[0].fingerprint)
    every.sort(key=lambda each: each[0].starts_at, reverse=True)
    every.sort(key=lambda each: _standing_of(*each))
    firing = [each for each in every if each[0].state is AlertState.FIRING]
    alerts = [_alert_of(*each) for each in every[:SHOWN_ALERTS]]
    return IncidentBrief(
        incident=incident,
        alerts=alerts,
        ended_count=incident.alert_count - incident.firing_count,
        route=route,
        anchor=None,
        comment=None,
        common_labels=common_labels([event.labels for _, event in every]),
        began_at=_first_of(incident, [each.starts_at for each, _ in every]),
        groups=grouped((event.labels, alert.severity) for alert, event in firing or every),
    )


def _standing_of(alert: Alert, latest: Event) -> tuple[bool, tuple[bool, int, int], float]:
    """Where an alert stands in the list, its age apart."""
    order = order_of(latest.labels, alert.severity)
    return (alert.state is not AlertState.FIRING, order, -excess(latest.value, latest.threshold))


def _alert_of(alert: Alert, latest: Event) -> AlertBrief:
    return AlertBrief(
        fingerprint=alert.fingerprint,
        state=alert.state,
        severity=alert.severity,
        labels=latest.labels,
        annotations=latest.annotations,
        starts_at=alert.starts_at,
        closed_at=alert.closed_at,
        value=latest.value,
        threshold=latest.threshold,
        links=[{"title": link.title, "url": link.url} for link in latest.links],
        decided_by=latest.decided_by,
        silent_since=alert.last_seen_at if alert.is_silent else None,
    )


def _alert(row: AnyRow) -> AlertBrief:
    return AlertBrief(
        fingerprint=row.alert_fingerprint,
        state=AlertState(row.alert_state),
        severity=Severity(row.alert_severity),
        labels=row.alert_labels,
        annotations=row.alert_annotations,
        starts_at=row.alert_starts_at,
        closed_at=row.alert_closed_at,
        value=row.alert_value,
        threshold=row.alert_threshold,
        links=row.alert_links,
        decided_by=row.alert_decided_by,
        silent_since=row.alert_last_seen_at if row.alert_is_silent else None,
    )


def severity_before(conn: Connection, incident_id: UUID) -> Severity | None:
    """What the incident was before its severity was raised last; None when it never was."""
    before = conn.execute(_LATEST_RAISE, {"incident_id": incident_id}).scalar_one_or_none()
    return next((each for each in Severity if each.word == before), None)


def _firing_count(row: AnyRow) -> int:
    return int(row.firing_info + row.firing_warning + row.firing_error + row.firing_critical)


def common_labels(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The labels that all have with the same value."""
    if not listed:
        return {}
    first, rest = listed[0], listed[1:]
    return {name: value for name, value in first.items() if all(each.get(name) == value for each in rest)}


def digest_brief(
    conn: Connection, digest_id: UUID, delivery_id: UUID, most_items: Mapping[str, int]
) -> DigestBrief | None:
    """What the delivery of a window is to say now; None when the window is gone.

    `most_items`: how many incidents are listed, by the name of the digest.
    """
    window = conn.execute(select(digest).where(digest.c.id == digest_id)).one_or_none()
    if window is None:
        return None
    storm = mark_from(window.storm)
    most = MOST_ITEMS if storm is None else MOST_STORM_ITEMS
    rows = conn.execute(_MEMBERS, {"delivery_id": delivery_id, "most": most_items.get(window.name, most)}).all()
    listed = [(_as_believed(row), int(row.alert_count - _firing_count(row))) for row in rows]
    total, still = conn.execute(_MEMBER_COUNTS, {"delivery_id": delivery_id}).one()
    still_listed = sum(each.is_open for each, _ in listed)
    return DigestBrief(
        name=window.name,
        window_start=window.window_start,
        due_at=window.due_at,
        incidents=listed,
        groups=groups_of(conn, [each.id for each, _ in listed]) if listed else {},
        unlisted_open_count=still - still_listed,
        unlisted_ended_count=(total - still) - (len(listed) - still_listed),
        storm=storm,
        kinds=() if storm is None else _kinds(conn, delivery_id),
    )


def _as_believed(row: AnyRow) -> Incident:
    found = incident_from(row)
    return found.as_it_ended(row.ended_at or found.updated_at) if row.belief == "ended" else found


def _kinds(conn: Connection, delivery_id: UUID) -> list[tuple[str, int, int]]:
    rows = conn.execute(_KINDS, {"delivery_id": delivery_id})
    return [(row.alertname, row.severity, row.incident_count) for row in rows]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a window now: (destination, incident), the gravest first, and how many incidents that is in all."""

    incidents: Sequence[tuple[str, Incident]]
    incident_count: int


def waiting_in(conn: Connection, digest_id: UUID, most: int = MOST_ITEMS) -> Waiting:
    """What waits in a window now, for a preview: at most so many incidents for each destination."""
    members = (
        select(notification.c.destination, notification.c.incident_id)
        .where(notification.c.digest_id == digest_id, notification.c.state == "pending")
        .where(notification.c.delivery_id.is_(None))
        .distinct()
        .subquery()
    )
    order = (incident.c.severity.desc(), incident.c.opened_at, incident.c.id)
    place = func.row_number().over(partition_by=members.c.destination, order_by=order).label("place")
    listed = select(members.c.destination, incident, place).join(incident, incident.c.id == members.c.incident_id)
    ranked = listed.subquery()
    rows = conn.execute(select(ranked).where(ranked.c.place <= most).order_by(ranked.c.destination, ranked.c.place))
    found = [(row.destination, incident_from(row)) for row in rows]
    count = conn.execute(select(func.count(members.c.incident_id.distinct()))).scalar_one()
    return Waiting(found, int(count))


def pending_digest_count(conn: Connection) -> int:
    """How many windows are open."""
    return int(conn.execute(select(func.count()).select_from(digest).where(digest.c.state == "open")).scalar_one())
