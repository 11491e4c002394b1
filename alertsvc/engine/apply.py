"""Writes what was decided, in one transaction: in an order that keeps references whole and writers out of deadlocks."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.core.decide import Inhibiting, Verdict
from alertsvc.core.effects import Delivery, Effects
from alertsvc.core.mutes import kind_of, place_ref
from alertsvc.core.rules import Moment
from alertsvc.store import alerts, digests, incidents, inhibitors, mutes, outbox, storms, tally
from alertsvc.store.insertions import Insertions
from alertsvc.store.outbox import Lease

log = logging.getLogger(__name__)

NOT_TO_BE_TOLD = "decision"
"""What a notification is counted under that no mute kept back: nobody was to be told."""


class Boarding(Protocol):
    """Takes along what a transaction makes due, to send it as soon as that has committed."""

    def board(self, deliveries: Sequence[Delivery], now: datetime) -> Mapping[UUID, Lease]:
        """Which of these it takes, which are about to be written, and under what lease."""
        ...

    def stays(self) -> None:
        """Something else became due: whoever looks for work should look."""
        ...

    def decided(self, verdict: Verdict, numbers: Mapping[UUID, int]) -> None:
        """This is about to be written: what is aboard may be made from it, once `numbers` has those of its incidents.

        That is as soon as they are written, or before.
        """
        ...


class NobodyBoards:
    """Everything is left to those who look for work."""

    def board(self, deliveries: Sequence[Delivery], now: datetime) -> Mapping[UUID, Lease]:  # noqa: ARG002
        """See `Boarding`."""
        return {}

    def stays(self) -> None:
        """See `Boarding`."""

    def decided(self, verdict: Verdict, numbers: Mapping[UUID, int]) -> None:
        """See `Boarding`."""


NOBODY_BOARDS = NobodyBoards()


def apply_verdict(
    conn: Connection,
    verdict: Verdict,
    moment: Moment,
    new: Insertions,
    boarding: Boarding = NOBODY_BOARDS,
    *,
    is_last: bool = False,
) -> None:
    """Write what a batch of events came to, and what is in `new` already: what the events refer to.

    `is_last`: nothing is written after it in this transaction.
    """
    incidents.add_opened(conn, new, verdict.effects.opened)
    boarding.decided(verdict, new.numbers)
    alerts.add(new, verdict.alerts)
    alerts.record(new, verdict.happenings, _ids(moment))
    only_adds = verdict.effects.only_add and alerts.are_all_new(verdict.alerts, verdict.happenings)
    is_all = is_last and only_adds and not verdict.inhibiting and not moment.storms.joined
    _write(conn, verdict.effects, moment, new, boarding, is_all=is_all)
    alerts.save(conn, verdict.alerts)
    alerts.end_episodes(conn, verdict.happenings)
    _inhibit(conn, verdict.inhibiting, moment.now)


def _inhibit(conn: Connection, changed: Sequence[Inhibiting], now: datetime) -> None:
    """Alerts mute others from now on, or no more; then what they kept back is to be looked at."""
    inhibitors.add(conn, [(each.alert_id, source) for each in changed if each.fires for source in each.sources])
    ended = [each for each in changed if not each.fires]
    inhibitors.drop(conn, [each.alert_id for each in ended])
    mutes.announce_end(conn, {place_ref(source.place) for each in ended for source in each.sources}, now)


def apply_effects(conn: Connection, effects: Effects, moment: Moment) -> None:
    """Write what a person's act or a timer came to."""
    _write(conn, effects, moment, Insertions(), NOBODY_BOARDS)


def _write(
    conn: Connection,
    effects: Effects,
    moment: Moment,
    new: Insertions,
    boarding: Boarding,
    *,
    is_all: bool = False,
) -> None:
    """First what makes room in lanes, then all that is new, then what changes: it may refer to what is new."""
    now: datetime = moment.now
    if is_all:
        storms.put_first(new, moment.storms)
    else:
        storms.save(conn, moment.storms)
    for window in digests.join(conn, effects.digests):
        log.info("digest %s of %s begins to fill; it is sent at %s", window.name, window.receiver, window.due_at)
    outbox.withdraw(conn, effects.withdrawn, now)
    failpoints.reach("apply.withdrawn")
    incidents.add_believers(new, effects.new_believers)
    incidents.add_history(new, effects.history, _ids(moment))
    outbox.add_notifications(conn, new, effects.notifications)
    outbox.add(new, effects.deliveries, boarding.board(effects.deliveries, now))
    new.write(conn, is_all=is_all)
    failpoints.reach("apply.inserted")
    promoted_count = outbox.promote(conn, {each.lane for each in effects.deliveries if each.behind})
    incidents.save_changed(conn, effects.changed)
    incidents.save_believers(conn, effects.believers)
    outbox.revise(conn, effects.revised)
    if promoted_count or effects.withdrawn or any(each.due_at <= now for each in effects.revised):
        boarding.stays()
    outbox.end_notifications(conn, effects.ended, now)
    mutes.release(conn, effects.released)
    mutes.forget(conn, effects.unheld)
    mutes.hold(conn, effects.held, now)
    incidents.call_off_timers(conn, effects.quiet)
    incidents.set_timers(conn, effects.timers)
    for each in (*effects.notifications, *effects.ended):
        if each.state == "suppressed":
            count_suppressed(conn, each.muted_by)
    failpoints.reach("apply.written")


def count_suppressed(conn: Connection, muted_by: Sequence[str], by: int = 1) -> None:
    """Notifications ended because of mutes (it counts as the first of them), or because nobody was to be told."""
    tally.count(conn, tally.SUPPRESSED, kind_of(muted_by[0]) if muted_by else NOT_TO_BE_TOLD, by=by)


def _ids(moment: Moment) -> Iterator[UUID]:
    while True:
        yield moment.new_id()
