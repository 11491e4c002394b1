"""What keeps news back right now, read from the database for whoever decides about news."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.inhibition import places_for
from alertsvc.core.model import Labels
from alertsvc.core.mutes import Mute, Mutes, timed_by
from alertsvc.core.outgoing import FIRING_NEWS
from alertsvc.core.route import Op
from alertsvc.core.rules import Rules
from alertsvc.core.severity import with_severity
from alertsvc.core.silences import Recurrence, Silence
from alertsvc.core.subscribers import subscribers
from alertsvc.matchers import new_matcher
from alertsvc.settings.schedules import parse_cron
from alertsvc.store import alerts, inhibitors, silences
from alertsvc.store.outbox import Claimed
from alertsvc.store.silences import SilenceRecord

CLOCKS_DIFFER = timedelta(seconds=10)
"""By how much the clocks of replicas may differ while a silence made or ended by one holds for the others at once."""


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A message did not leave, for what it says is muted by now."""

    mutes: tuple[Mute, ...]

    @property
    def detail(self) -> str:
        """What keeps it back, for people."""
        return "; ".join(mute.said for mute in self.mutes)


@lru_cache(maxsize=4096)
def silence_of(record: SilenceRecord) -> Silence:
    """A stored silence as decisions see it, its matchers compiled."""
    recurrence = None
    if record.schedule is not None and record.duration_seconds is not None:
        schedule = parse_cron(record.schedule, record.timezone)
        recurrence = Recurrence(schedule, timedelta(seconds=record.duration_seconds))
    return Silence(
        id=record.id,
        matchers=tuple(new_matcher(name, Op(op), value) for name, op, value in record.matchers),
        starts_at=record.starts_at,
        ends_at=record.ends_at,
        created_by=record.created_by,
        comment=record.comment,
        recurrence=recurrence,
    )


Begun = Callable[[datetime, datetime], Sequence[SilenceRecord]]
"""The silences that end after an instant and begin at another or before."""


def silences_now(begun: Begun, now: datetime) -> list[Silence]:
    """The silences that mute at `now`."""
    found = [as_seen_at(record, now) for record in begun(now, now + CLOCKS_DIFFER)]
    return [silence for silence in found if silence.stretch_at(now) is not None]


def as_seen_at(record: SilenceRecord, now: datetime) -> Silence:
    """The silence, where what was done to it on a clock that is a little ahead of ours has happened all the same."""
    silence, done_at = silence_of(record), not_before(record, now)
    starts_at = now if now < silence.starts_at <= done_at else silence.starts_at
    ends_at = now if now < silence.ends_at <= done_at else silence.ends_at
    return silence if done_at == now else replace(silence, starts_at=starts_at, ends_at=ends_at)


def not_before(record: SilenceRecord, now: datetime) -> datetime:
    """When something that is done to a silence now is done: later than what was done on a clock a little ahead."""
    return record.updated_at if now < record.updated_at <= now + CLOCKS_DIFFER else now


def mutes_for(
    conn: Connection,
    rules: Rules,
    now: datetime,
    listed: Sequence[Labels],
    besides: Iterable[str] = (),
    *,
    begun: Begun | None = None,
) -> Mutes:
    """The mutes in force at `now`, as far as alerts with these routing labels need to know them.

    The fingerprints `besides` do not count as sources: whoever asks knows better what they are about to do.
    `begun` gives the silences, where they need not be read again.
    """
    places = {place for labels in listed for _, place in places_for(rules.inhibit, labels)}
    sources = inhibitors.at_places(conn, places, besides)
    in_force = silences_now(begun or partial(silences.begun, conn), now)
    return Mutes(now, in_force, rules.inhibit, sources, timed_by(rules.intervals))


def kept_back(conn: Connection, rules: Rules, now: datetime, incident_id: UUID, destination: str) -> tuple[Mute, ...]:
    """What keeps the news that an incident fires from a destination: empty unless all of it that fires is muted."""
    in_force = mutes_for(conn, rules, now, ())
    if in_force.are_none:
        return ()
    firing = [with_severity(each.labels, each.severity, each.source) for each in alerts.firing_of(conn, incident_id)]
    if rules.inhibit:
        in_force = mutes_for(conn, rules, now, firing)
    found: dict[str, Mute] = {}
    for labels in firing:
        for subscriber, route in subscribers(rules, labels):
            if subscriber.id == destination:
                mutes = in_force.on(labels, route)
                if not mutes:
                    return ()
                found |= {mute.ref: mute for mute in mutes}
    return tuple(found.values())


def kept_back_from(conn: Connection, rules: Rules, now: datetime, claimed: Claimed) -> KeptBack | None:
    """What keeps a message back that is about to be sent: decisions may have been overtaken by a silence."""
    if claimed.incident_id is None or claimed.reason not in FIRING_NEWS:
        return None
    mutes = kept_back(conn, rules, now, claimed.incident_id, claimed.destination)
    return KeptBack(mutes) if mutes else None
