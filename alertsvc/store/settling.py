"""What is written when a try to send has ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, case, func, select, text, update

from alertsvc.core.effects import Timer
from alertsvc.core.model import Reason
from alertsvc.core.outgoing import FIRING_NEWS, REPEAT
from alertsvc.store import suppressions, tally
from alertsvc.store.bulk import Among, AmongMany, encoded, given_rows
from alertsvc.store.incidents import set_timers
from alertsvc.store.insertions import Insertions
from alertsvc.store.suppressions import Suppression
from alertsvc.store.tables import attempt, believer, incident, notification
from alertsvc.store.tables.columns import JSON_COLUMN

Lane = tuple[UUID, str]
"""An incident and a destination."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A pending notification that a delivery covers."""

    id: UUID
    incident_id: UUID
    destination: str
    reason: Reason

    @property
    def lane(self) -> Lane:
        """Whose belief it is about."""
        return (self.incident_id, self.destination)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try, for the record."""

    id: UUID
    delivery_id: UUID
    number: int
    destination: str
    worker: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    fault: str | None
    status_code: int | None
    detail: str


_COVERED = (
    select(
        notification.c.delivery_id,
        notification.c.id,
        notification.c.incident_id,
        notification.c.destination,
        notification.c.reason,
    )
    .where(Among(notification.c.delivery_id, "delivery_ids"), notification.c.state == "pending")
    .order_by(notification.c.id)
)
_END_COVERED = (
    update(notification)
    .where(AmongMany(notification.c.id, "ids"), notification.c.state == "pending")
    .values(
        state=bindparam("ended_as"),
        ended_why=bindparam("said"),
        ended_at=bindparam("now"),
        muted_by=bindparam("mute"),
    )
)


_LANE = (believer.c.incident_id == bindparam("incident"), believer.c.destination == bindparam("whom"))
_LANE_FIELDS = ("incident_id", "destination")
_HOLD = text(
    f"SELECT 1 FROM believer JOIN ({given_rows(believer, _LANE_FIELDS)}) AS r USING (incident_id, destination)"  # noqa: S608
    " ORDER BY believer.incident_id, believer.destination FOR NO KEY UPDATE OF believer"
)
"""One parameter however many they are: the summary of a storm is about thousands."""
_TOLD = (
    update(believer)
    .where(AmongMany(believer.c.incident_id, "incidents"), believer.c.destination == bindparam("whom"))
    .values(
        state=case((believer.c.state == "pending", "told"), else_=believer.c.state),
        told_at=func.coalesce(believer.c.told_at, bindparam("now", type_=believer.c.told_at.type)),
        last_told_at=bindparam("now", type_=believer.c.last_told_at.type),
    )
)
_MAY_HAVE_HEARD = (
    update(believer)
    .where(
        AmongMany(believer.c.incident_id, "incidents"),
        believer.c.destination == bindparam("whom"),
        believer.c.told_at.is_(None),
    )
    .values(told_at=bindparam("now", type_=believer.c.told_at.type))
)
_ANCHORED = update(believer).where(*_LANE).values(anchor=bindparam("kept", type_=JSON_COLUMN))
_FIRING = (
    select(believer.c.incident_id, believer.c.destination, believer.c.repeat_interval_seconds)
    .join(incident, incident.c.id == believer.c.incident_id)
    .where(AmongMany(believer.c.incident_id, "ids"), incident.c.status == "firing", believer.c.state != "ended")
)


_ENDED_MEANWHILE = (
    select(notification.c.incident_id, notification.c.destination)
    .join(
        believer,
        and_(
            believer.c.incident_id == notification.c.incident_id, believer.c.destination == notification.c.destination
        ),
    )
    .where(notification.c.delivery_id == bindparam("delivery"), believer.c.ended_at >= bindparam("since"))
    .distinct()
    .order_by(notification.c.incident_id, notification.c.destination)
)


def covered_by(conn: Connection, delivery_ids: Iterable[UUID]) -> dict[UUID, list[Covered]]:
    """The pending notifications of deliveries, by delivery."""
    found: dict[UUID, list[Covered]] = {}
    for row in conn.execute(_COVERED, {"delivery_ids": list(delivery_ids)}):
        entry = Covered(row.id, row.incident_id, row.destination, Reason(row.reason))
        found.setdefault(row.delivery_id, []).append(entry)
    return found


def hold_lanes(conn: Connection, lanes: Iterable[Lane]) -> None:
    """Hold lanes until the transaction ends, in the order everybody takes them."""
    listed = set(lanes)
    if conn.dialect.name == "sqlite" or not listed:  # there the one writer holds everything
        return
    rows = [{"incident_id": incident_id, "destination": destination} for incident_id, destination in listed]
    conn.execute(_HOLD, {"rows": encoded(_LANE_FIELDS, rows)}).all()


def ended_meanwhile(conn: Connection, delivery_id: UUID, since: datetime) -> list[Lane]:
    """Of the incidents that a digest tells of: those which have ended since, and for whom."""
    found = conn.execute(_ENDED_MEANWHILE, {"delivery": delivery_id, "since": since})
    return [(row.incident_id, row.destination) for row in found]


def end_covered(
    conn: Connection, covered: Sequence[Covered], state: str, why: str, now: datetime, *, muted_by: Sequence[str] = ()
) -> None:
    """Notifications end as `delivered`, `failed`, or `suppressed` by mutes."""
    tally.count_each(conn, tally.NOTIFICATION, ((entry.destination, state) for entry in covered))
    ids = [entry.id for entry in covered]
    given = {"ids": ids, "ended_as": state, "said": why, "now": now, "mute": suppressions.first_of(muted_by)}
    conn.execute(_END_COVERED, given)
    suppressions.write(conn, [Suppression(key, muted_by, now) for key in ids] if muted_by else ())


def has_been_told(
    conn: Connection, covered: Sequence[Covered], anchor: Mapping[str, str] | None, now: datetime
) -> None:
    """The provider took a message: its destination believes what it said."""
    for destination, about in _firing_for(covered).items():
        conn.execute(_TOLD, {"incidents": about, "whom": destination, "now": now})
    if anchor is not None and covered:
        kept = {"kept": dict(anchor)}
        conn.execute(_ANCHORED, [each | kept for each in _named({entry.lane for entry in covered})])


def may_have_heard(conn: Connection, covered: Sequence[Covered], now: datetime) -> None:
    """A message goes no further, and maybe one of its tries arrived: whoever has it is to hear of the end."""
    for destination, about in _firing_for(covered).items():
        conn.execute(_MAY_HAVE_HEARD, {"incidents": about, "whom": destination, "now": now})


def _firing_for(covered: Sequence[Covered]) -> dict[str, list[UUID]]:
    """By destination: the incidents that are said to fire."""
    lanes = {entry.lane for entry in covered if entry.reason in FIRING_NEWS}
    return {name: [key for key, to in lanes if to == name] for name in sorted({name for _, name in lanes})}


def arm_repeats(conn: Connection, covered: Sequence[Covered], now: datetime) -> None:
    """Remind those who were to be told that it fires, as long as the incident is open."""
    firing = {entry.lane for entry in covered if entry.reason in FIRING_NEWS}
    if not firing:
        return
    timers = [
        Timer(row.incident_id, row.destination, REPEAT, now + timedelta(seconds=row.repeat_interval_seconds))
        for row in conn.execute(_FIRING, {"ids": {incident_id for incident_id, _ in firing}})
        if (row.incident_id, row.destination) in firing
    ]
    set_timers(conn, timers)


def _named(lanes: Iterable[Lane]) -> list[dict[str, object]]:
    return [{"incident": key, "whom": destination} for key, destination in sorted(lanes, key=str)]


def add_attempts(new: Insertions, attempts: Sequence[AttemptRecord]) -> None:
    """Have tries written."""
    rows = [
        {
            "id": each.id,
            "delivery_id": each.delivery_id,
            "number": each.number,
            "destination": each.destination,
            "worker": each.worker,
            "started_at": each.started_at,
            "finished_at": each.finished_at,
            "outcome": each.outcome,
            "fault": each.fault,
            "status_code": each.status_code,
            "detail": each.detail[:2000],
        }
        for each in attempts
    ]
    new.add(attempt, rows)
