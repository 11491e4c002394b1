"""What happens because time passed: repeats, digests, leases of the dead, retention. Any job may run twice."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.clock import Clock, NewId
from alertsvc.core.outgoing import REPEAT
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.tell import Telling
from alertsvc.engine import silencing
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.digesting import CLOCK_TOLERANCE, send_digest
from alertsvc.engine.expiry import end_overdue, notice_silence, settle_stable
from alertsvc.engine.firing import introduce, with_strangers
from alertsvc.engine.forgetting import forget_all
from alertsvc.engine.hearing import Hearing
from alertsvc.engine.inhibiting import rebuild
from alertsvc.engine.muting import kept_back, mutes_for
from alertsvc.engine.retiring import forget_series
from alertsvc.engine.storming import storms_due, tend_storm, with_storms
from alertsvc.engine.unmuting import look_again, mute_digest_entries, together
from alertsvc.engine.wall import Ticks, Wall
from alertsvc.store import digests, housekeeping, incidents, mutes, outbox, overdue, timers
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.housekeeping import Retention
from alertsvc.store.mutes import DueIncident

log = logging.getLogger(__name__)

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""Alertmanager's default."""
LONGEST_LEASE = timedelta(minutes=1)
"""Of a delivery, where nobody says how long the channels need."""
CLOCK_PROVED = timedelta(days=1)
"""For so long nothing is deleted for its age once the clock was set: it may be set again."""
PUT_OFF = timedelta(minutes=1)
"""Timers that fail go off again after so long."""

MUTED_TOGETHER = 50
"""Of so many incidents one transaction looks which are muted before a digest: a storm's summary may have thousands."""

INTRODUCED_TOGETHER = 50
"""Of so many incidents one transaction tells those who are to hear of them by new rules."""

UNMUTE_SECONDS = 2.0
"""So long one sweep tells what mutes kept back: the next repeats and digests wait meanwhile."""
MOST_UNMUTED = 5000
"""More incidents than a sweep comes to in that time."""

Waits = tuple[UUID, Sequence[str]]
"""An incident, and the destinations for which something of it waits in a digest."""


class Ticker:
    """The jobs of the metronome. Each is one or a few short transactions and safe to run at any time."""

    def __init__(
        self,
        database: Database,
        rules: Callable[[], Rules],
        clock: Clock,
        new_id: NewId,
        *,
        something_is_due: Callable[[], None] = lambda: None,
        summarised: Callable[[str, int], None] = lambda _destination, _count: None,
        resolve_timeout: Callable[[], timedelta] = lambda: RESOLVE_TIMEOUT,
        longest_lease: Callable[[], timedelta] = lambda: LONGEST_LEASE,
        ticks: Ticks = time.monotonic,
    ) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock
        self._new_id = new_id
        self._something_is_due = something_is_due
        self._summarised = summarised
        self._resolve_timeout = resolve_timeout
        self._longest_lease = longest_lease
        self._ticks = ticks
        self._hearing = Hearing(clock, ticks)
        self._wall = Wall(clock, ticks)
        self._set_by = timedelta(0)
        """By how much the clock was set, as far as what waits to be sent has not followed it."""
        self._known_rules: Rules | None = None
        self.trouble: str | None = None
        """Why the last sweep could not write, while none after it could."""

    def hears_since(self) -> datetime:
        """Since when nothing that was sent can have been missed."""
        return self._hearing.since()

    async def sweep(self) -> None:
        """Timers, digests and expired leases that are due now."""
        try:
            await self._sweep()
        except StoreUnavailableError as fault:
            self.trouble = str(fault)
            self._hearing.begin_anew()
            raise
        self.trouble = None

    async def _sweep(self) -> None:
        moment = self._moment()
        await self._follow_clock(moment.now)
        has_heard = self._hearing.lasts(self._resolve_timeout())
        await self._follow_rules(moment)
        is_anything_due = await self._database.snapshot(partial(_is_anything_due, moment))
        if is_anything_due:
            await self._expire(moment, has_heard=has_heard)
            await self._remind(moment)
            await self._follow_mutes(moment)
            await self._send_digests(moment)
        longest = self._longest_lease()
        leases_count = self._wall.was_true_for(longest)  # else those who send may have leased by another clock
        freed = await self._database.transaction(partial(_free, moment.now, longest)) if leases_count else 0
        failpoints.reach("sweep.freed")
        if freed:
            log.warning("delivery: %d leases had expired; their messages will be sent again", freed)
            self._something_is_due()
        if is_anything_due:
            await self._unmute(moment)  # last: there may be thousands, and nothing else is to wait for them

    async def mend(self) -> None:
        """Lanes without a head, and deliveries whose destination is gone for longer than their horizon."""
        moment = self._moment()
        known = [each.id for listed in moment.rules.receivers.values() for each in listed]
        mended = await self._database.transaction(_mend)
        failpoints.reach("mend.committed")
        if mended:
            log.error("delivery: %d lanes had no head and were mended", mended)
        given_up = await self._database.transaction(partial(_give_up_unknown, known, moment))
        if given_up:
            log.error("delivery: %d messages failed: their destinations are not configured any more", given_up)

    async def forget(self, keep: Retention) -> None:
        """Delete what is older than it is to be kept, a few rows at a time."""
        self._look_at_clock()
        if not self._wall.was_true_for(CLOCK_PROVED):
            log.warning("nothing is deleted for its age: the clock was set less than a day ago")
            return
        gone = await forget_series(self._database, keep.measurements, self._moment())
        gone += await forget_all(self._database, keep, self._clock(), self._ticks)
        if gone:
            log.info("forgot %d rows that were old, and what hung on them", gone)

    def _look_at_clock(self) -> None:
        by = self._wall.look()
        if by:
            log.warning("the clock was set by %.0f s", by.total_seconds())
            self._hearing.begin_anew()
            self._set_by += by

    async def _follow_clock(self, now: datetime) -> None:
        """What waits to be sent neither waits for longer nor is given up sooner because the clock was set."""
        self._look_at_clock()
        if self._set_by:
            await self._database.transaction(partial(_set_clock, self._set_by, now))
            self._set_by = timedelta(0)
            self._something_is_due()

    def _moment(self) -> Moment:
        return Moment(self._rules(), self._clock(), self._new_id)

    async def _expire(self, moment: Moment, *, has_heard: bool) -> None:
        """End what its sources repeat no more, once they have had the time to.

        They could not while this was down or the database was, and a clock that was set proves nothing.
        """
        ended = 0
        while has_heard and (step := await end_overdue(self._database, moment)):
            ended += step
        while step := await settle_stable(self._database, moment):
            ended += step
        while step := await notice_silence(self._database, moment, self._hearing.since()):
            ended += step
        if ended:
            self._something_is_due()

    async def _follow_rules(self, moment: Moment) -> None:
        """The rules are new, after a start or a reload: see what mutes by them, what no more, and who is to hear."""
        if moment.rules is self._known_rules:
            return
        await rebuild(self._database, moment.rules)
        await self._database.transaction(partial(_check_mutes, moment.now))
        await self._introduce(moment)
        self._known_rules = moment.rules

    async def _introduce(self, moment: Moment) -> None:
        """Tell whoever is to hear of an incident by these rules, and was not by those before."""
        try:
            strange = await with_strangers(self._database, moment.rules)
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception(
                "who is to hear of incidents only by new rules cannot be found out: they hear of what follows"
            )
            return
        for start in range(0, len(strange), INTRODUCED_TOGETHER):
            listed = strange[start : start + INTRODUCED_TOGETHER]
            await self._alone(f"news for others of {len(listed)} incidents", partial(introduce, listed, moment))
        if strange:
            self._something_is_due()

    async def _remind(self, moment: Moment) -> None:
        due = await self._database.snapshot(partial(_incidents_due, moment.now))
        for incident_id in due:
            done = await self._alone(f"the timers of incident {incident_id}", partial(remind, incident_id, moment))
            if done is None:
                await self._database.transaction(partial(_put_off, incident_id, moment.now))
        if due:
            self._something_is_due()

    async def _follow_mutes(self, moment: Moment) -> None:
        """Notice which silences began and ended, and what is to be looked at because of it."""
        for silence_id in await self._database.snapshot(partial(_restless, moment.now)):
            await self._alone(f"silence {silence_id}", partial(silencing.tend, silence_id, moment))
        while await self._database.snapshot(partial(_any_ended, moment.now)):
            await self._database.transaction(partial(_take_ends, moment.now))

    async def _unmute(self, moment: Moment) -> None:
        """Look again at what was kept back by mutes that may have ended: the gravest first, what is left next time."""
        until = self._ticks() + UNMUTE_SECONDS
        for listed in together(await self._database.snapshot(partial(_held_due, moment.now))):
            await self._look_again(listed, moment)
            self._something_is_due()
            if self._ticks() >= until:
                return

    async def _look_again(self, incident_ids: Sequence[UUID], moment: Moment) -> None:
        """One that cannot be looked at holds up no other, and is tried again later."""
        what = f"what is muted of {len(incident_ids)} incidents, {incident_ids[0]} first"
        if await self._alone(what, partial(look_again, incident_ids, moment)) is not None:
            return
        if len(incident_ids) == 1:
            await self._database.transaction(partial(_put_off_mutes, incident_ids[0], moment.now))
            return
        for each in incident_ids:
            await self._look_again([each], moment)

    async def _send_digests(self, moment: Moment) -> None:
        digest_ids = await self._database.snapshot(partial(_digests_due, moment))
        if digest_ids:
            failpoints.reach("digest.due")
        waiting = await self._database.snapshot(partial(_waiting_in, digest_ids, moment)) if digest_ids else {}
        entries = sorted(waiting.items())  # incidents are held in the order of their identities
        for start in range(0, len(entries), MUTED_TOGETHER):
            await self._mute_entries(entries[start : start + MUTED_TOGETHER], moment)
        made = [await self._tend_storms(moment)]  # before the others: it makes the digests that are their summaries
        made += [await self._alone(f"digest {each}", partial(send_digest, each, moment)) for each in digest_ids]
        if any(made):
            self._something_is_due()

    async def _mute_entries(self, entries: Sequence[Waits], moment: Moment) -> None:
        """What is muted by now is not to be in a digest. An incident that cannot be looked at holds up no other."""
        together = partial(_mute_entries, entries, moment)
        if await self._alone(f"what is muted of {len(entries)} incidents", together) is None and len(entries) > 1:
            for each in entries:
                await self._alone(f"what is muted of incident {each[0]}", partial(_mute_entries, [each], moment))

    async def _tend_storms(self, moment: Moment) -> int:
        """Make the summaries that are due, and end storms for which nothing waited. Returns how many did something."""
        done = 0
        for destination in await self._database.snapshot(partial(storms_due, moment)):
            joined = await self._alone(f"the storm at {destination}", partial(tend_storm, destination, moment))
            if joined is not None:
                done += 1
                self._summarised(destination, joined)
        return done

    async def _alone(self, what: str, work: Callable[[Connection], int]) -> int | None:
        """What `work` comes to in a transaction of its own; None when it fails: that must hold up nothing else."""
        try:
            done = await self._database.transaction(partial(_written, work))
        except StoreUnavailableError:
            raise
        except Exception:
            log.exception("%s: failed, and is tried again later", what)
            return None
        failpoints.reach("sweep.committed")
        return done


def _is_anything_due(moment: Moment, conn: Connection) -> bool:
    """Mostly nothing is: then one look is enough, instead of one for each kind of thing."""
    now = moment.now
    return bool(
        overdue.is_any(conn, now)
        or timers.incidents_due(conn, now, limit=1)
        or silencing.restless(conn, now)
        or mutes.any_ended(conn, now)
        or mutes.any_due(conn, now)
        or _digests_due(moment, conn)
        or storms_due(moment, conn)
    )


def _written(work: Callable[[Connection], int], conn: Connection) -> int:
    done = work(conn)
    failpoints.reach("sweep.written")
    return done


def _mute_entries(entries: Sequence[Waits], moment: Moment, conn: Connection) -> int:
    return sum(mute_digest_entries(incident_id, names, moment, conn) for incident_id, names in entries)


def _incidents_due(now: datetime, conn: Connection) -> list[UUID]:
    return timers.incidents_due(conn, now)


def _restless(now: datetime, conn: Connection) -> list[UUID]:
    return silencing.restless(conn, now)


def _any_ended(now: datetime, conn: Connection) -> bool:
    return mutes.any_ended(conn, now)


def _take_ends(now: datetime, conn: Connection) -> int:
    return mutes.take_ends(conn, now)


def _check_mutes(now: datetime, conn: Connection) -> None:
    mutes.check_all(conn, now)


def _held_due(now: datetime, conn: Connection) -> list[DueIncident]:
    return mutes.incidents_due(conn, now, MOST_UNMUTED)


def _waiting_in(digest_ids: list[UUID], moment: Moment, conn: Connection) -> dict[UUID, list[str]]:
    """By incident: the destinations for which news of it waits in one of the windows, if anything may mute it."""
    if mutes_for(conn, moment.rules, moment.now, ()).are_none:
        return {}
    return digests.waiting_in(conn, digest_ids)


def _put_off(incident_id: UUID, now: datetime, conn: Connection) -> None:
    timers.put_off(conn, incident_id, now, now + PUT_OFF)


def _put_off_mutes(incident_id: UUID, now: datetime, conn: Connection) -> None:
    mutes.put_off(conn, incident_id, now, now + PUT_OFF)


def _digests_due(moment: Moment, conn: Connection) -> list[UUID]:
    """Windows to be sent now: those that are over, and those in which so much waits that it is urgent."""
    crowds = [
        digests.crowded(conn, rule.name, rule.urgent_after)
        for rule in moment.rules.digests.values()
        if rule.urgent_after is not None
    ]
    over = digests.due(conn, moment.now - CLOCK_TOLERANCE)
    return list(dict.fromkeys((*over, *(each for crowd in crowds for each in crowd))))


def _free(now: datetime, longest: timedelta, conn: Connection) -> int:
    return outbox.free_expired(conn, now, longest)


def _set_clock(by: timedelta, now: datetime, conn: Connection) -> None:
    outbox.set_clock(conn, by, now)


def _give_up_unknown(known: list[str], moment: Moment, conn: Connection) -> int:
    return housekeeping.give_up_unknown(conn, known, moment.now, moment.new_id)


def _mend(conn: Connection) -> int:
    mended = housekeeping.mend_lanes(conn)
    failpoints.reach("mend.written")
    return mended


def remind(incident_id: UUID, moment: Moment, conn: Connection) -> int:
    """The due timers of one incident go off. Returns how many."""
    situation = incidents.situation(conn, incident_id)
    due = timers.take_due(conn, [incident_id], moment.now)
    if situation is None or situation.incident is None:
        return len(due)
    deciding = with_storms(conn, moment)
    telling = Telling(situation.incident, situation, deciding)
    for each in due:
        if each.kind == REPEAT:
            kept = kept_back(conn, moment.rules, moment.now, incident_id, each.destination)
            telling.is_still_firing(each.destination, kept)
    apply_effects(conn, telling.finish(), deciding)
    return len(due)
