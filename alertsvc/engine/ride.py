"""What leaves once a transaction has committed: claimed in it because it was due, or written in it and taken along."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from alertsvc import failpoints
from alertsvc.channels.message import Message
from alertsvc.core.decide import Verdict
from alertsvc.core.effects import Delivery
from alertsvc.core.model import Reason
from alertsvc.engine.compose import Composed, compose, first_word
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.store import outbox
from alertsvc.store.briefs import IncidentBrief, brief_of_new
from alertsvc.store.direct import has_begun
from alertsvc.store.outbox import Claimed, Lease

log = logging.getLogger(__name__)

FEW = 4
"""So many messages are composed where they are claimed. More would hold up whoever waits for that transaction."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A claimed delivery, the monotonic instant after which it must not be sent any more, and the message if made."""

    claimed: Claimed
    outlet: Outlet
    send_before: float
    composed: Composed | None = None


def nothing_known(_brief: IncidentBrief) -> str:
    """Nobody remembers deployments."""
    return ""


class Departures(Protocol):
    """What sends what a ride has claimed. `worker` is the name that its leases carry."""

    @property
    def worker(self) -> str: ...

    def start(self, leased: Leased) -> None: ...

    def wake(self) -> None: ...

    def call_others(self) -> None: ...

    def disown(self, claimed: Sequence[Claimed]) -> None: ...

    def has_caught_up(self, destinations: frozenset[str]) -> None: ...


class Ride:
    """One departure. `wanted` is how many to take, by destination; `over` is set when it can start nothing any more.

    Destinations that have `caught_up` have nothing else waiting, as far as their last claim could tell: only to them
    does a message leave without queueing behind graver and older ones. `is_waiting_idle`: while statements run there is
    time for other work (a server runs them); else there is only while they become durable. `deployed` says, without a
    read, what was deployed before an incident began.
    """

    def __init__(
        self,
        sender: Departures,
        outlets: Outlets,
        wanted: dict[str, int],
        since: float,
        caught_up: Collection[str] = frozenset(),
        *,
        is_waiting_idle: bool = False,
        deployed: Callable[[IncidentBrief], str] = nothing_known,
    ) -> None:
        self.wanted = wanted
        self.over = asyncio.Event()
        self._sender = sender
        self._outlets = outlets
        self._since = since
        self._caught_up = caught_up
        self._is_waiting_idle = is_waiting_idle
        self._deployed = deployed
        self._loop = asyncio.get_running_loop()
        self.may_be_more = False
        """Of what is due as much was taken as there was room for."""
        self._is_claim = False
        self._more_is_due = False
        self._has_no_room = False
        self._claimed: list[Claimed] = []
        self._composed: dict[UUID, Composed] = {}
        self._decided: tuple[Verdict, Mapping[UUID, int]] | None = None
        self._at_hand: set[UUID] = set()
        """Deliveries whose messages are made by the loop, meanwhile."""

    def begin(self) -> None:
        """A transaction begins, or is run again: what an earlier run of it took along was never written."""
        self._claimed = []
        self._composed = {}
        self._decided = None
        self._at_hand = set()
        self._more_is_due = self._has_no_room = False

    def claim(self, now: datetime, conn: Connection) -> None:
        """Lease what is due, within a transaction; again when that is run again."""
        self.begin()
        self._is_claim = True
        by_name = self._outlets.by_destination
        until = {name: (most, now + by_name[name].lease) for name, most in self.wanted.items()}
        self._claimed = outbox.claim(conn, until, now, self._sender.worker)
        self.compose(now, conn)
        if self._claimed:
            failpoints.reach("claim.written")

    def board(self, deliveries: Sequence[Delivery], now: datetime) -> Mapping[UUID, Lease]:
        """Take along what is due of `deliveries`, which are about to be written, the gravest first."""
        room = {name: most for name, most in self.wanted.items() if name in self._caught_up}
        leases: dict[UUID, Lease] = {}
        for each in sorted(deliveries, key=lambda each: -each.severity):
            if each.behind or each.due_at > now:
                continue
            if room.get(each.destination, 0) > 0:
                room[each.destination] -= 1
                until = now + self._outlets.by_destination[each.destination].lease
                leases[each.id] = Lease(self._sender.worker, until)
                self._claimed.append(outbox.claimed_at_once(each))
            else:
                self.stays()
                self._has_no_room |= room.get(each.destination, self.wanted.get(each.destination, 0)) <= 0
        if self._is_waiting_idle:
            self._make_first_words(now)
        return leases

    def stays(self) -> None:
        """Something is due that does not leave with this transaction."""
        self._more_is_due = True

    def decided(self, verdict: Verdict, numbers: Mapping[UUID, int]) -> None:
        """Incidents of which it takes the first word along are at hand: to read them back would cost a round trip."""
        self._decided = verdict, numbers

    def compose(self, now: datetime, conn: Connection) -> None:
        """Make a few messages here, which saves each a connection and a snapshot: they leave right after the commit."""
        self._make_first_words(now, waits=not self._is_waiting_idle or has_begun(conn))
        if len(self._claimed) > FEW:
            return
        for each in self._claimed:
            if each.id not in self._at_hand:
                self._compose(each, now, conn)

    def _make_first_words(self, now: datetime, *, waits: bool = True) -> None:
        """What needs nothing that would have to be read is made while the database writes or commits, if somebody still
        `waits` for that.
        """
        if self._decided is None or not 0 < len(self._claimed) <= FEW:
            return
        verdict, numbers = self._decided
        opened = {each.id for each in verdict.effects.opened} & numbers.keys()
        first = [
            each
            for each in self._claimed
            if each.incident_id in opened
            and each.reason is Reason.OPENED
            and each.created_at == now
            and each.id not in self._at_hand
        ]
        if first:
            self._at_hand.update(each.id for each in first)
            if waits:
                self._loop.call_soon_threadsafe(self._compose_first_words, first, verdict, dict(numbers), now)
            else:
                self._compose_first_words(first, verdict, numbers, now)

    def _compose(self, claimed: Claimed, now: datetime, conn: Connection) -> None:
        """A message that cannot be made must not fail the transaction, which is somebody else's: it is tried again by
        itself, and that fault is recorded. A fault of the database is the transaction's own.
        """
        try:
            composed = compose_for(self._outlets, claimed, now, conn, decided_now=claimed.created_at == now)
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("delivery %s could not be composed where it was claimed", claimed.id)
        else:
            if composed is not None:
                self._composed[claimed.id] = composed
                if isinstance(composed, tuple):
                    self._loop.call_soon_threadsafe(self._foresee, claimed, composed[0])

    def _compose_first_words(
        self, claimed: Sequence[Claimed], verdict: Verdict, numbers: Mapping[UUID, int], now: datetime
    ) -> None:
        """What cannot be made here is tried again when it is sent, and that fault is recorded."""
        rules, external_url = self._outlets.rules, self._outlets.external_url
        try:
            lanes = [(each.incident_id, each.destination) for each in claimed if each.incident_id is not None]
            briefs = briefs_of_new(verdict, numbers, lanes)
            for each in claimed:
                if each.incident_id is not None:
                    brief = briefs[each.incident_id, each.destination]
                    said = self._deployed(brief)
                    self._composed[each.id] = first_word(brief, each, rules, external_url, now, deployment=said)
        except Exception:
            log.exception("%d deliveries could not be composed where they were decided", len(claimed))
        for each in claimed:
            composed = self._composed.get(each.id)
            if isinstance(composed, tuple):
                self._foresee(each, composed[0])

    def _foresee(self, claimed: Claimed, message: Message) -> None:
        """Have it laid out before it leaves. What goes wrong with that goes wrong again when it is sent."""
        try:
            self._outlets.by_destination[claimed.destination].foresee(message)
        except Exception:
            log.exception("delivery %s could not be laid out before it was sent", claimed.id)

    def start(self) -> bool:
        """The transaction has committed. Returns whether something leaves now."""
        for each in self._claimed:
            outlet = self._outlets.by_destination[each.destination]
            send_before = self._since + (outlet.lease - outlet.channel.budget).total_seconds()
            self._sender.start(Leased(each, outlet, send_before, self._composed.get(each.id)))
        if self._more_is_due:
            self._sender.wake()
        if self._has_no_room:
            self._sender.call_others()
        taken = Counter(each.destination for each in self._claimed)
        full = frozenset(name for name, most in self.wanted.items() if taken[name] >= most)
        if self._is_claim:
            self._sender.has_caught_up(frozenset(self.wanted) - full)
        self.may_be_more = bool(full)
        return bool(self._claimed)

    def abandon(self) -> None:
        """Nobody knows whether the transaction has committed: nothing leaves, and what it leased is to come free."""
        self._sender.disown(self._claimed)


def briefs_of_new(
    verdict: Verdict, numbers: Mapping[UUID, int], lanes: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], IncidentBrief]:
    """What the destinations of `lanes` are to be told of incidents that a transaction opened, by incident and name."""
    opened = {each.id: each for each in verdict.effects.opened}
    routes = {(key, each.destination): each.route for key, each in verdict.effects.new_believers}
    found: dict[tuple[UUID, str], IncidentBrief] = {}
    for key, destination in lanes:
        if key in opened:
            standing = [(alert, event) for alert, event, _ in verdict.alerts if alert.incident_id == key]
            numbered = replace(opened[key], number=numbers[key])
            found[key, destination] = brief_of_new(numbered, standing, routes[key, destination])
    return found


def compose_for(
    outlets: Outlets,
    claimed: Claimed,
    now: datetime,
    conn: Connection,
    *,
    decided_now: bool = False,
) -> Composed | None:
    """What a leased delivery is to say, by the configuration in force; None when what it was about is gone."""
    return compose(conn, claimed, outlets.rules, outlets.external_url, now, decided_now=decided_now)
