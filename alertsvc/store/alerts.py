"""Alerts, their episodes and the events that changed them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Text,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)

from alertsvc.core.alerts import PERSON, SOURCE, Alert, Change
from alertsvc.core.decide import Happening
from alertsvc.core.due import due_at
from alertsvc.core.incidents import Firing
from alertsvc.core.model import AlertState, Event, Labels, Severity
from alertsvc.core.storms import KnownStorm
from alertsvc.store import storms
from alertsvc.store.bulk import Among, AnyRow, Columns, update_rows
from alertsvc.store.direct import DirectRow, fetched_first
from alertsvc.store.incidents import OF_KEYS
from alertsvc.store.insertions import Insertions
from alertsvc.store.tables import alert, episode, event, incident, number_series, storm

_DECIDING: Columns = (
    alert.c.id,
    alert.c.fingerprint,
    alert.c.state,
    alert.c.severity,
    alert.c.content_hash,
    alert.c.starts_at,
    alert.c.latest_start_at,
    alert.c.floor_at,
    alert.c.observed_at,
    alert.c.last_seen_at,
    alert.c.closed_at,
    alert.c.closed_by,
    alert.c.incident_id,
    alert.c.episode_id,
    alert.c.revision,
    alert.c.expires_at,
    alert.c.changes,
    alert.c.end_is_held,
    alert.c.stable_at,
    alert.c.silent_at,
    alert.c.is_silent,
)
_NAMED = Among(alert.c.fingerprint, "fingerprints")
_OF_ALERTS = select(alert.c.fingerprint, alert.c.revision).where(_NAMED)
_OF_SERIES = select(literal(""), number_series.c.value).where(number_series.c.name == bindparam("series"))
_IS_KEY = -1
"""In place of a revision, which is never negative."""
_OF_INCIDENTS = select(incident.c.correlation_key, literal(_IS_KEY)).where(OF_KEYS)
_REVISIONS = union_all(_OF_ALERTS, _OF_SERIES)
_REVISIONS_AND_KEYS = union_all(_OF_ALERTS, _OF_SERIES, _OF_INCIDENTS)
_OF_STORMS = select(storm.c.destination, storm.c.version, cast(storm.c.state, Text)).where(
    Among(storm.c.destination, "destinations")
)
_REVISIONS_KEYS_AND_STORMS = union_all(
    *(each.add_columns(null()) for each in (_OF_ALERTS, _OF_SERIES, _OF_INCIDENTS)), _OF_STORMS
)
_MOST_STORMS = 8
"""Of more destinations than these states are read once it is known which matter."""
_KNOWN = select(*_DECIDING).where(_NAMED)
_LOCKED = _KNOWN.order_by(alert.c.fingerprint).with_for_update(key_share=True)


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revision of each alert that is stored, by fingerprint, and the number of a series.

    `open_keys` are the correlation keys asked about of which there is an incident. `storms` are what the destinations
    asked about were told lately; None when that was not read.
    """

    of_alerts: Mapping[str, int]
    of_series: int
    open_keys: Collection[str] = ()
    storms: Mapping[str, KnownStorm] | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """Correlation keys to ask about. Incidents count that are open, or were resolved since an instant.

    `destinations` may be told of one that is opened.
    """

    all: Collection[str]
    resolved_since: datetime
    destinations: Collection[str] = ()


def revisions(conn: Connection, fingerprints: Iterable[str], series: str, keys: Keys | None = None) -> Revisions:
    """In one round trip: what is stored of `fingerprints`, a number series, and whether `keys` have incidents.

    PostgreSQL says what few destinations were told lately too.
    """
    given: dict[str, object] = {"fingerprints": list(fingerprints), "series": series}
    if keys is None or not keys.all:
        found: dict[str, int] = {row[0]: row[1] for row in _fetched(conn, _REVISIONS, given)}
        return Revisions(found, found.pop("", 0))  # no fingerprint is empty
    given |= {"keys": list(keys.all), "resolved_since": keys.resolved_since}
    told_lately: Mapping[str, KnownStorm] | None = None
    if 0 < len(keys.destinations) <= _MOST_STORMS and conn.dialect.name == "postgresql":
        all_rows = fetched_first(conn, _REVISIONS_KEYS_AND_STORMS, given | {"destinations": list(keys.destinations)})
        told_lately = storms.read_from((row[0], row[1], row[2]) for row in all_rows if row[2] is not None)
        rows: Sequence[DirectRow] = [row for row in all_rows if row[2] is None]
    else:
        rows = _fetched(conn, _REVISIONS_AND_KEYS, given)
    found = {row[0]: row[1] for row in rows if row[1] != _IS_KEY}
    return Revisions(found, found.pop("", 0), {row[0] for row in rows if row[1] == _IS_KEY}, told_lately)


def _fetched(conn: Connection, statement: CompoundSelect[str, int], given: Mapping[str, object]) -> Sequence[DirectRow]:
    if conn.dialect.name == "postgresql":
        return fetched_first(conn, statement, given)
    return conn.execute(statement, given).all()


def known(conn: Connection, fingerprints: Iterable[str]) -> dict[str, Alert]:
    """The alerts among `fingerprints`, without a lock: good for recognising duplicates, not for changing."""
    return {row[1]: _alert(row) for row in conn.execute(_KNOWN, {"fingerprints": list(fingerprints)})}


def locked(conn: Connection, fingerprints: Collection[str]) -> dict[str, Alert]:
    """The alerts among `fingerprints`, held until the transaction ends; locked in the order of fingerprints."""
    if not fingerprints:
        return {}
    return {row[1]: _alert(row) for row in conn.execute(_LOCKED, {"fingerprints": list(fingerprints)})}


def _alert(row: AnyRow) -> Alert:
    return Alert(row[0], row[1], AlertState(row[2]), Severity(row[3]), *row[4:16], *_flapping(*row[16:]))


def _flapping(changes: list[float] | None, *rest: Any) -> tuple[Any, ...]:
    return tuple(changes or ()), *rest


def add(new: Insertions, changed: Sequence[tuple[Alert, Event, bool]]) -> None:
    """Have those alerts of a batch written that were never seen: True marks them. Each has the latest event about it.

    It is a conflict when another transaction wrote one of them first.
    """
    rows = [_row(item, latest) | {"first_seen_at": item.last_seen_at} for item, latest, is_new in changed if is_new]
    once = "ON CONFLICT (fingerprint) DO NOTHING"
    new.add(alert, rows, on_conflict=once, conflict="an alert appeared meanwhile")


def save(conn: Connection, changed: Sequence[tuple[Alert, Event, bool]]) -> None:
    """Write the other alerts of a batch as it left them."""
    update_rows(conn, alert, ["id"], [_row(item, latest) for item, latest, is_new in changed if not is_new])


def _row(item: Alert, latest: Event) -> dict[str, object]:
    return {
        "id": item.id,
        "fingerprint": item.fingerprint,
        "source": latest.source,
        "state": item.state,
        "severity": int(item.severity),
        "labels": latest.labels,
        "annotations": latest.annotations,
        "links": [{"title": link.title, "url": link.url} for link in latest.links],
        "value": latest.value,
        "threshold": latest.threshold,
        "decided_by": latest.decided_by,
        "content_hash": item.content_hash,
        "starts_at": item.starts_at,
        "latest_start_at": item.latest_start_at,
        "floor_at": item.floor_at,
        "observed_at": item.observed_at,
        "last_seen_at": item.last_seen_at,
        "closed_at": item.closed_at,
        "closed_by": item.closed_by,
        "incident_id": item.incident_id,
        "episode_id": item.episode_id,
        "expires_at": item.expires_at,
        "changes": item.changes or None,
        "end_is_held": item.end_is_held,
        "stable_at": item.stable_at,
        "silent_at": item.silent_at,
        "is_silent": item.is_silent,
        "due_at": due_at(item),
        "revision": item.revision + 1,
    }


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """An alert that fires, as far as routes and mutes need it."""

    id: UUID
    fingerprint: str
    source: str
    labels: Labels
    severity: Severity
    incident_id: UUID | None


_FIRING: Columns = (
    alert.c.id,
    alert.c.fingerprint,
    alert.c.source,
    alert.c.labels,
    alert.c.severity,
    alert.c.incident_id,
)


def _firing(row: AnyRow) -> FiringAlert:
    return FiringAlert(row.id, row.fingerprint, row.source, row.labels, Severity(row.severity), row.incident_id)


def last_id(conn: Connection) -> UUID | None:
    """The highest id of an alert: about the latest that was seen for the first time. None when there is none."""
    return conn.execute(select(alert.c.id).order_by(alert.c.id.desc()).limit(1)).scalar_one_or_none()


def firing_after(conn: Connection, after: UUID | None, limit: int, last: UUID | None = None) -> list[FiringAlert]:
    """At most `limit` of all firing alerts, those that follow `after` in the order of their ids, until `last`."""
    chosen = select(*_FIRING).where(alert.c.state == AlertState.FIRING).order_by(alert.c.id).limit(limit)
    if after is not None:
        chosen = chosen.where(alert.c.id > after)
    if last is not None:
        chosen = chosen.where(alert.c.id <= last)
    return [_firing(row) for row in conn.execute(chosen)]


def firing_pages(conn: Connection, size: int = 1000) -> Iterator[list[FiringAlert]]:
    """All firing alerts, a page at a time."""
    after: UUID | None = None
    while page := firing_after(conn, after, size):
        yield page
        after = page[-1].id


def firing_of(conn: Connection, incident_id: UUID, limit: int | None = None) -> list[FiringAlert]:
    """The alerts of an incident that fire, the gravest first; at most `limit` if it is given."""
    chosen = select(*_FIRING).where(alert.c.incident_id == incident_id, alert.c.state == AlertState.FIRING)
    chosen = chosen.order_by(alert.c.severity.desc(), alert.c.fingerprint).limit(limit)
    return [_firing(row) for row in conn.execute(chosen)]


_FIRING_OF = (
    select(*_FIRING)
    .where(Among(alert.c.incident_id, "ids"), alert.c.state == AlertState.FIRING)
    .order_by(alert.c.incident_id, alert.c.severity.desc(), alert.c.fingerprint)
)


def firing_by_incident(conn: Connection, ids: Collection[UUID]) -> dict[UUID, list[FiringAlert]]:
    """The alerts of incidents that fire, by incident, the gravest first. One without any is missing."""
    found: dict[UUID, list[FiringAlert]] = {}
    for row in conn.execute(_FIRING_OF, {"ids": ids}):
        found.setdefault(row.incident_id, []).append(_firing(row))
    return found


@dataclass(frozen=True, slots=True)
class Flapping:
    """How many alerts of an incident flap, and when the last of them will have been stable for long enough."""

    alert_count: int
    until: datetime


def flapping_of(conn: Connection, incident_id: UUID) -> Flapping | None:
    """The alerts of an incident that flap, or None when none does."""
    chosen = select(func.count(), func.max(alert.c.stable_at)).where(
        alert.c.incident_id == incident_id, alert.c.stable_at.is_not(None)
    )
    count, until = conn.execute(chosen).one()
    return Flapping(count, until) if count else None


def touch(conn: Connection, seen: Sequence[Alert]) -> None:
    """Move what a duplicate may move: when an alert was last seen, until when it fires, the span of its starts."""
    rows = [
        {
            "fingerprint": item.fingerprint,
            "last_seen_at": item.last_seen_at,
            "observed_at": item.observed_at,
            "starts_at": item.starts_at,
            "latest_start_at": item.latest_start_at,
            "expires_at": item.expires_at,
            "silent_at": item.silent_at,
            "due_at": due_at(item),
            "revision": item.revision + 1,
        }
        for item in seen
    ]
    update_rows(conn, alert, ["fingerprint"], rows)


def record(new: Insertions, happenings: Sequence[Happening], new_ids: Iterable[UUID]) -> None:
    """Have the events written that changed something, and the episodes they began."""
    rows = [
        {
            "id": new_id,
            "arrival_id": each.arrival_id,
            "alert_id": each.step.after.id,
            "incident_id": each.incident_id,
            "received_at": each.received_at,
            "change": each.step.change,
            "state": each.event.state or each.step.after.state,
            "severity": int(each.event.severity),
            "starts_at": each.event.starts_at,
            "observed_at": each.event.observed_at,
            "value": each.event.value,
            "threshold": each.event.threshold,
            "annotations": each.event.annotations,
            "group_key": each.event.group_key,
        }
        for each, new_id in zip(happenings, new_ids, strict=False)
    ]
    new.add(event, rows)
    begun, _ = _episodes(happenings)
    again = "ON CONFLICT (id) DO UPDATE SET closed_at = NULL, ended_by = NULL, incident_id = excluded.incident_id"
    new.add(episode, list(begun.values()), on_conflict=again)


def end_episodes(conn: Connection, happenings: Sequence[Happening]) -> None:
    """Write the ends of the episodes that began before."""
    _, ended = _episodes(happenings)
    update_rows(conn, episode, ["id"], list(ended.values()))


def are_all_new(changed: Sequence[tuple[Alert, Event, bool]], happenings: Sequence[Happening]) -> bool:
    """Whether `add` and `record` write everything of a batch: `save` and `end_episodes` have nothing left to do."""
    return all(is_new for _, _, is_new in changed) and not _episodes(happenings)[1]


_Episodes = dict[UUID, dict[str, object]]


def _episodes(happenings: Sequence[Happening]) -> tuple[_Episodes, _Episodes]:
    """The episodes that began, and the others that ended."""
    begun: dict[UUID, dict[str, object]] = {}
    ended: dict[UUID, dict[str, object]] = {}
    for each in happenings:
        before, after = each.step.before, each.step.after
        change = each.step.change
        if change is Change.RESTARTED and before is not None and before.episode_id is not None:
            _end(begun, ended, before.episode_id, each.received_at, "a later start at the source")
        if change in {Change.OPENED, Change.REFIRED, Change.RESTARTED} and after.episode_id is not None:
            begun[after.episode_id] = {
                "id": after.episode_id,
                "alert_id": after.id,
                "incident_id": each.incident_id,
                "starts_at": after.starts_at,
                "opened_at": each.received_at,
                "closed_at": None,
                "ended_by": None,
            }
        elif change is Change.REOPENED and after.episode_id is not None:
            row = {"alert_id": after.id, "incident_id": each.incident_id, "starts_at": after.starts_at}
            begun[after.episode_id] = {
                "id": after.episode_id,
                **row,
                "opened_at": each.received_at,
                "closed_at": None,
                "ended_by": None,
            }
        elif change is Change.ENDED and after.episode_id is not None:
            _end(begun, ended, after.episode_id, each.received_at, after.closed_by or SOURCE)
    return begun, ended


def _end(
    begun: dict[UUID, dict[str, object]], ended: dict[UUID, dict[str, object]], key: UUID, at: datetime, by: str
) -> None:
    if key in begun:
        begun[key] |= {"closed_at": at, "ended_by": by}
    else:
        ended[key] = {"id": key, "closed_at": at, "ended_by": by}


_CALM: dict[str, object] = {
    "changes": None,
    "end_is_held": False,
    "stable_at": None,
    "silent_at": None,
    "is_silent": False,
    "expires_at": None,
    "due_at": None,
}
"""Nothing that the clock has to do with."""


def close_all(conn: Connection, incident_id: UUID, now: datetime, by: str) -> None:
    """A person resolved the incident: its firing alerts and their episodes end."""
    firing = (alert.c.incident_id == incident_id, alert.c.state == AlertState.FIRING)
    conn.execute(
        update(episode)
        .where(episode.c.id.in_(select(alert.c.episode_id).where(*firing)), episode.c.closed_at.is_(None))
        .values(closed_at=now, ended_by=by)
    )
    closed = {**_CALM, "state": AlertState.RESOLVED, "closed_at": now, "closed_by": PERSON}
    conn.execute(update(alert).where(*firing).values(**closed, revision=alert.c.revision + 1))


def closed_by_person(conn: Connection, incident_id: UUID, at: datetime) -> Firing:
    """How many alerts the person who resolved the incident at `at` closed, by severity."""
    grouped = select(alert.c.severity, func.count().label("found")).where(*_closed_then(incident_id, at))
    counts = {row.severity: row.found for row in conn.execute(grouped.group_by(alert.c.severity))}
    info, warning, error, critical = (int(counts.get(severity.value, 0)) for severity in Severity)
    return (info, warning, error, critical)


def reopen_all(conn: Connection, incident_id: UUID, at: datetime) -> None:
    """A person took back the resolve made at `at`: what it had closed fires again."""
    chosen = _closed_then(incident_id, at)
    conn.execute(
        update(episode)
        .where(episode.c.id.in_(select(alert.c.episode_id).where(*chosen)))
        .values(closed_at=None, ended_by=None)
    )
    fires = {"state": AlertState.FIRING, "closed_at": None, "closed_by": None}
    conn.execute(update(alert).where(*chosen).values(**fires, revision=alert.c.revision + 1))


def _closed_then(incident_id: UUID, at: datetime) -> tuple[Any, ...]:
    return (alert.c.incident_id == incident_id, alert.c.closed_by == PERSON, alert.c.closed_at == at)
