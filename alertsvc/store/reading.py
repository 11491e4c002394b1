"""Reads for the API: pages, filters, one thing whole. Bounded: no offset, no unlimited list."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.elements import ColumnClause

from alertsvc.core.incidents import Incident
from alertsvc.core.route import Matcher, Op
from alertsvc.store.bulk import AnyRow, among
from alertsvc.store.incidents import incident_from
from alertsvc.store.tables import (
    alert,
    attempt,
    delivery,
    digest,
    history,
    incident,
    notification,
    outbox,
    quarantine,
)

SCANNED_AT_MOST = 2000
"""Rows that a filter which the database cannot evaluate may look at for one page."""
SEARCHED_AT_MOST = 5000
"""Rows that a filter which no index answers may look at for one page."""

_PATH_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
"""Names that a JSON path of SQLite can name: it has no escapes. Others are found key by key, which takes longer."""


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents. Empty fields do not restrict. `matchers` must all fit the labels of one of its alerts."""

    statuses: Sequence[str] = ()
    severities: Sequence[int] = ()
    model: str | None = None
    environment: str | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    matchers: Sequence[Matcher] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Items, and where the next page begins (None: that was all)."""

    items: Sequence[Any]
    next_after: UUID | None = None


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """Incidents, the newest first."""

    items: Sequence[Incident] = field(default_factory=tuple[Incident, ...])
    next_after: UUID | None = None


def incident_page(conn: Connection, wanted: IncidentFilter, after: UUID | None, limit: int) -> IncidentPage:
    """At most `limit` incidents older than `after`.

    What no index finds is looked for among the next thousands only, however many there are: such a page may have fewer
    incidents than `limit`, or none, and be followed by others.
    """
    in_sql = [matcher for matcher in wanted.matchers if matcher.op in {Op.EQUAL, Op.NOT_EQUAL}]
    in_python = [matcher for matcher in wanted.matchers if matcher not in in_sql]
    chosen = select(incident).where(*_conditions(wanted)).order_by(incident.c.id.desc())
    if after is not None:
        chosen = chosen.where(incident.c.id < after)
    if not wanted.matchers and not wanted.words:
        return _plain_page(conn, chosen, limit)
    searched = chosen.where(*_searches(conn, wanted, in_sql))
    if in_python:
        return _page_that_fits(conn, searched, wanted.matchers, limit)
    step = chosen.with_only_columns(incident.c.id).offset(SEARCHED_AT_MOST - 1).limit(2)
    ends = conn.execute(step).scalars().all()  # the last that is looked at, and whether there is one after it
    if len(ends) < 2:
        return _plain_page(conn, searched, limit)
    page = _plain_page(conn, searched.where(incident.c.id >= ends[0]), limit)
    return page if page.next_after is not None else IncidentPage(page.items, ends[0])


def _page_that_fits(conn: Connection, chosen: Any, matchers: Sequence[Matcher], limit: int) -> IncidentPage:
    found: list[Incident] = []
    scanned = 0
    last: UUID | None = None
    while scanned < SCANNED_AT_MOST:
        step = (chosen if last is None else chosen.where(incident.c.id < last)).limit(200)
        rows = conn.execute(step).all()
        for row in rows:
            last = row.id
            if _one_alert_fits(conn, row.id, matchers):
                found.append(incident_from(row))
            if len(found) == limit:
                return IncidentPage(found, last)
        scanned += len(rows)
        if len(rows) < 200:
            return IncidentPage(found)
    return IncidentPage(found, last)


def _plain_page(conn: Connection, chosen: Any, limit: int) -> IncidentPage:
    rows = [incident_from(row) for row in conn.execute(chosen.limit(limit + 1))]
    return IncidentPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _conditions(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    i = incident.c
    found: list[ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(i.status.in_(wanted.statuses))
    if wanted.severities:
        found.append(i.severity.in_(wanted.severities))
    if wanted.model is not None:
        found.append(i.model == wanted.model)
    if wanted.environment is not None:
        found.append(i.environment == wanted.environment)
    if wanted.since is not None:
        found.append(i.opened_at >= wanted.since)
    if wanted.until is not None:
        found.append(i.opened_at < wanted.until)
    return found


def _searches(conn: Connection, wanted: IncidentFilter, matchers: Sequence[Matcher]) -> list[ColumnElement[bool]]:
    """Conditions that every incident must be looked at for."""
    i = incident.c
    found: list[ColumnElement[bool]] = []
    if wanted.words:
        pattern = "%" + wanted.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.append(or_(i.title.ilike(pattern, escape="\\"), i.summary.ilike(pattern, escape="\\")))
    if matchers:
        fits = [_label_condition(conn, matcher) for matcher in matchers]
        found.append(exists(select(literal(1)).where(alert.c.incident_id == i.id, and_(*fits))))
    return found


def _label_condition(conn: Connection, matcher: Matcher) -> ColumnElement[bool]:
    value = func.coalesce(_label(conn, matcher.name), "")
    return value == matcher.value if matcher.op is Op.EQUAL else value != matcher.value


def _label(conn: Connection, name: str) -> ColumnElement[Any]:
    if conn.dialect.name == "postgresql":
        return alert.c.labels.op("->>", return_type=String())(name)
    labels = cast(alert.c.labels, String)
    if _PATH_NAME.fullmatch(name):
        return func.json_extract(labels, f'$."{name}"')
    each = func.json_each(labels).table_valued("key", "value")
    return select(each.c.value).where(each.c.key == name).scalar_subquery()


def _one_alert_fits(conn: Connection, incident_id: UUID, matchers: Sequence[Matcher]) -> bool:
    rows = conn.execute(select(alert.c.labels).where(alert.c.incident_id == incident_id))
    return any(all(matcher.fits(row.labels) for matcher in matchers) for row in rows)


def incident_by_id(conn: Connection, incident_id: UUID) -> Incident | None:
    """One incident."""
    row = conn.execute(select(incident).where(incident.c.id == incident_id)).one_or_none()
    return None if row is None else incident_from(row)


def incidents_by_ids(conn: Connection, ids: Iterable[UUID]) -> list[Incident]:
    """Those of the incidents `ids` that are there, in the order of their numbers."""
    rows = conn.execute(select(incident).where(among(conn, incident.c.id, ids)).order_by(incident.c.number))
    return [incident_from(row) for row in rows]


def rows_of_incident(conn: Connection, table: Table, incident_id: UUID, after: UUID | None, limit: int) -> Page:
    """Rows of `table` (history, alert, notification) about an incident, in the order they came."""
    chosen = select(table).where(table.c.incident_id == incident_id)
    if after is not None:
        chosen = chosen.where(table.c.id > after)
    rows = conn.execute(chosen.order_by(table.c.id).limit(limit + 1)).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def notifications_by_ids(conn: Connection, ids: Iterable[UUID]) -> list[AnyRow]:
    """Those of the notifications `ids` that are there."""
    return list(conn.execute(select(notification).where(among(conn, notification.c.id, ids))))


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries. Empty fields do not restrict. `states` are live states and outcomes alike."""

    states: Sequence[str] = ()
    destination: str | None = None
    incident_id: UUID | None = None


_SHARED = ("id", "lane", "destination", "receiver", "incident_id", "digest_id", "reason", "severity", "attempt_count")


def delivery_page(conn: Connection, wanted: DeliveryFilter, after: UUID | None, limit: int) -> Page:
    """Deliveries that live and that ended, the newest first. `state` is the live state or the outcome."""
    live, ended = _deliveries()
    both = union_all(
        _restricted(live, outbox, outbox.c.state, wanted, after).limit(limit + 1).subquery().select(),
        _restricted(ended, delivery, delivery.c.outcome, wanted, after).limit(limit + 1).subquery().select(),
    ).subquery()
    rows = conn.execute(select(both).order_by(both.c.id.desc()).limit(limit + 1)).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def _deliveries() -> tuple[Any, Any]:
    """Deliveries that live, and those that ended, with the same columns."""
    nothing = literal(None)
    live = select(
        *(outbox.c[name] for name in (*_SHARED, "unknown_count", "created_at")),
        outbox.c.state.label("state"),
        literal("").label("detail"),
        outbox.c.due_at.label("due_at"),
        cast(nothing, outbox.c.due_at.type).label("finished_at"),
    )
    ended = select(
        *(delivery.c[name] for name in (*_SHARED, "unknown_count", "created_at")),
        delivery.c.outcome.label("state"),
        delivery.c.detail.label("detail"),
        cast(nothing, outbox.c.due_at.type).label("due_at"),
        delivery.c.finished_at.label("finished_at"),
    )
    return live, ended


def deliveries_by_ids(conn: Connection, ids: Iterable[UUID]) -> list[AnyRow]:
    """Those of the deliveries `ids` that are there, as a page shows them."""
    wanted = list(ids)
    live, ended = _deliveries()
    found: list[AnyRow] = []
    found += conn.execute(live.where(among(conn, outbox.c.id, wanted)))
    found += conn.execute(ended.where(among(conn, delivery.c.id, wanted)))
    return found


def _restricted(chosen: Any, table: Table, state: ColumnClause[Any], wanted: DeliveryFilter, after: UUID | None) -> Any:
    if wanted.states:
        chosen = chosen.where(state.in_(wanted.states))
    if wanted.destination is not None:
        chosen = chosen.where(table.c.destination == wanted.destination)
    if wanted.incident_id is not None:
        chosen = chosen.where(table.c.incident_id == wanted.incident_id)
    if after is not None:
        chosen = chosen.where(table.c.id < after)
    return chosen.order_by(table.c.id.desc())


def attempts_of(conn: Connection, delivery_ids: Sequence[UUID]) -> Sequence[AnyRow]:
    """The tries of deliveries, oldest first."""
    chosen = select(attempt).where(attempt.c.delivery_id.in_(delivery_ids)).order_by(attempt.c.id)
    return conn.execute(chosen.limit(5000)).all()


def digest_page(conn: Connection, state: str | None, after: UUID | None, limit: int) -> Sequence[AnyRow]:
    """Windows, the latest first, with how many incidents are in each."""
    members = select(func.count(notification.c.incident_id.distinct())).where(
        notification.c.digest_id == digest.c.id, notification.c.state != "superseded"
    )
    chosen = select(digest, members.scalar_subquery().label("incident_count"))
    if state is not None:
        chosen = chosen.where(digest.c.state == state)
    if after is not None:
        last = select(digest.c.due_at).where(digest.c.id == after).scalar_subquery()
        chosen = chosen.where(or_(digest.c.due_at < last, and_(digest.c.due_at == last, digest.c.id > after)))
    return conn.execute(chosen.order_by(digest.c.due_at.desc(), digest.c.id).limit(limit)).all()


def digests_by_ids(conn: Connection, ids: Iterable[UUID]) -> list[AnyRow]:
    """Those of the windows `ids` that are there."""
    return list(conn.execute(select(digest).where(among(conn, digest.c.id, ids))))


def digest_by_id(conn: Connection, digest_id: UUID) -> AnyRow | None:
    """One window."""
    return conn.execute(select(digest).where(digest.c.id == digest_id)).one_or_none()


def quarantine_page(conn: Connection, state: str | None, after: UUID | None, limit: int) -> Page:
    """Items that could not be used, the newest first."""
    chosen = select(quarantine)
    if state is not None:
        chosen = chosen.where(quarantine.c.state == state)
    if after is not None:
        chosen = chosen.where(quarantine.c.id < after)
    rows = conn.execute(chosen.order_by(quarantine.c.id.desc()).limit(limit + 1)).all()
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


def quarantined(conn: Connection, item_id: UUID) -> AnyRow | None:
    """One item of the quarantine."""
    return conn.execute(select(quarantine).where(quarantine.c.id == item_id)).one_or_none()


HISTORY, ALERTS, NOTIFICATIONS = history, alert, notification
