"""What people order about silences: each a transaction of its own, and a line in the log that says who ordered it."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.core.incidents import Incident
from alertsvc.core.mutes import silence_ref
from alertsvc.engine import silencing
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.muting import silence_of
from alertsvc.engine.service import Service
from alertsvc.engine.silencing import Reach, Wanted
from alertsvc.store import reading, silences
from alertsvc.store.database import Work
from alertsvc.store.silences import Hidden, SilenceRecord

log = logging.getLogger(__name__)


async def make(service: Service, wanted: Wanted) -> SilenceRecord:
    """See `silencing.make`."""
    made = await _written(service, partial(silencing.make, wanted, service.moment()))
    if wanted.changes is None:
        _note(made, "made", wanted.by)
    elif made.id == wanted.changes:
        _note(made, "changed", wanted.by)
    else:
        _note(made, f"made in place of {wanted.changes}", wanted.by)
    return made


async def extend(service: Service, silence_id: UUID, span: timedelta, by: str) -> SilenceRecord:
    """See `silencing.extend`."""
    order = partial(silencing.extend, silence_id, span, service.tuning.longest_silence, service.moment(), by=by)
    extended = await _written(service, order)
    _note(extended, "extended", by)
    return extended


async def expire(service: Service, silence_id: UUID, by: str) -> SilenceRecord:
    """See `silencing.expire`."""
    moment = service.moment()
    ended = await _written(service, partial(silencing.expire, silence_id, moment, by=by))
    if ended.ends_at >= moment.now:
        _note(ended, "ended", by)
    return ended


async def _written(service: Service, order: Work[SilenceRecord]) -> SilenceRecord:
    """The silence as `order` leaves it, once that is durable."""

    def work(conn: Connection) -> SilenceRecord:
        record = order(conn)
        failpoints.reach("silence.written")
        return record

    record = await service.database.transaction(work)
    failpoints.reach("silence.committed")
    return record


def _note(record: SilenceRecord, what: str, by: str) -> None:
    matchers = ", ".join(map(str, silence_of(record).matchers))
    until = record.ends_at.isoformat(timespec="seconds")
    log.info("silence %s {%s} was %s by %r, until %s: %r", record.id, matchers, what, by, until, record.comment)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a silence would be about right now, with the first of the incidents."""

    reach: Reach
    incidents: tuple[Incident, ...]


async def foresee(service: Service, record: SilenceRecord) -> Foreseen:
    """What `record` would hide if it were in force now. Nothing is changed."""
    return await service.database.snapshot(partial(_foresee, record))


def _foresee(record: SilenceRecord, conn: Connection) -> Foreseen:
    reach = silencing.reach_of(record, conn)
    return Foreseen(reach, tuple(reading.incidents_by_ids(conn, reach.incident_ids)))


@dataclass(frozen=True, slots=True)
class Shown:
    """A silence, and what its latest stretch has hidden so far."""

    record: SilenceRecord
    hidden: Hidden
    incidents: tuple[Incident, ...]


async def show(service: Service, silence_id: UUID) -> Shown:
    """One silence.

    Raises:
        UnknownThingError: There is none.
    """
    return await service.database.snapshot(partial(_show, silence_id))


def _show(silence_id: UUID, conn: Connection) -> Shown:
    record = silences.by_id(conn, silence_id)
    if record is None:
        raise UnknownThingError(f"silence {silence_id}")
    since = record.spread_for or record.starts_at
    hidden = silences.hidden_by(conn, silence_ref(silence_of(record)), since)
    return Shown(record, hidden, tuple(reading.incidents_by_ids(conn, hidden.incident_ids)))
