"""Sends what is due: claims heads of lanes, sends each once with no transaction open, records how it ended.

A destination has its own slots, rate and pauses, so that a slow or dead one delays no other.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.channels.outcome import Accepted, Fault, Interrupted, Outcome, Rejected, Retry, Unknown
from alertsvc.clock import Clock, NewId
from alertsvc.core.rules import Moment
from alertsvc.engine.compose import Composed
from alertsvc.engine.muting import KeptBack
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.pace import Breaker, Pace
from alertsvc.engine.ride import Leased, Ride, compose_for, nothing_known
from alertsvc.engine.settle import Settled, Tried, reconsider, settle
from alertsvc.store import outbox
from alertsvc.store.briefs import IncidentBrief
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.outbox import Claimed
from alertsvc.store.rehearsal import rehearse

log = logging.getLogger(__name__)

SETTLE_AGAIN_SECONDS = 1.0
NO_ANSWER = Unknown("the service ended before an answer came", Fault.OTHER)
NOT_SENT = Retry(Fault.OTHER, "the service ended before it was sent")
BUSY_SECONDS = 60.0
"""A destination to which a message left so lately is one that is sent to."""
UNSTORABLE = "what came back could not be stored; the log says why"


@dataclass(frozen=True, slots=True)
class SendingPace:
    """How much one process sends: so much at once, so much a second. It looks for work by itself each `poll_seconds`.

    The rate is bounded so that a storm of sending never starves what arrives.
    """

    concurrency: int = 32
    rate: float = 200.0
    poll_seconds: float = 0.5


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps: what a lease is measured with."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Sender:
    """Sends through the outlets in force. `wake` it after each commit; it also looks by itself."""

    def __init__(
        self,
        database: Database,
        outlets: Callable[[], Outlets],
        clock: Clock,
        new_id: NewId,
        *,
        worker: str,
        pace: SendingPace = SendingPace(),
        settled: Callable[[Settled], None] = lambda _: None,
        call_others: Callable[[], None] = lambda: None,
        deployed: Callable[[IncidentBrief], str] = nothing_known,
        ticks: Callable[[], float] = boot_clock,
    ) -> None:
        self._database = database
        self._outlets = outlets
        self._clock = clock
        self._new_id = new_id
        self._worker = worker
        self._settled = settled
        self._call_others = call_others
        self._deployed = deployed
        self._ticks = ticks
        self._paces: dict[str, Pace] = {}
        self._left_at: dict[str, float] = {}
        """When a message left last, by destination."""
        self._round_at = ticks()
        """When it looked last for what is due, or waited for it."""
        self._poll_seconds = pace.poll_seconds
        self._overall = Pace(pace.rate, max(1, int(pace.rate)), pace.concurrency)
        self._caught_up: frozenset[str] = frozenset()
        """Destinations of which the last claim took all that was due."""
        self._recovered: set[str] = set()
        """Destinations that are back after an outage, whose messages wait for no reason any more."""
        self._tries: dict[asyncio.Task[None], Outlet] = {}
        self._rides: set[Ride] = set()
        self._disowned: list[Claimed] = []
        """Leased by transactions of which nobody knows whether they committed. They were not sent."""
        self._ended: list[Tried] = []
        self._wake = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._all_have_ended = False
        self._closing = False
        self._has_given_up = False

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def call_others(self) -> None:
        """Something is due for which there is no room here: another process may have some."""
        self._call_others()

    @property
    def in_flight_count(self) -> int:
        """How many messages are on their way."""
        return len(self._tries)

    def breakers(self) -> dict[str, Breaker]:
        """Of each destination in force."""
        now = self._ticks()
        return {
            name: self._paces[name].breaker(now) if name in self._paces else Breaker.CLOSED
            for name in self._outlets().by_destination
        }

    def busy(self) -> frozenset[str]:
        """Destinations for which there is a reason if something that is due has not left: it may not, or others do."""
        now = self._ticks()
        if self._overall.free(now) == 0:
            return frozenset(self._outlets().by_destination)
        lately = {name for name, at in self._left_at.items() if now - at < BUSY_SECONDS}
        shut = {name for name, state in self.breakers().items() if state is not Breaker.CLOSED}
        full = {name for name, pace in self._paces.items() if pace.in_flight}
        return frozenset((lately | shut | full).intersection(self._outlets().by_destination))

    def is_stuck(self, for_seconds: float) -> bool:
        """Whether it has not looked for what is due for so long, beyond its own rhythm."""
        return self._ticks() - self._round_at > for_seconds + self._poll_seconds

    async def run(self) -> None:
        """Send until `close`; ends when what was on its way has ended and is recorded."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._record_endings())
            await self._send_what_is_due()
            for ride in [ride for ride in self._rides if ride.wanted]:  # what they have claimed still leaves
                await ride.over.wait()
            while self._tries:
                await asyncio.wait(self._tries)
            self._all_have_ended = True
            self._has_ended.set()

    def close(self) -> None:
        """Claim nothing more."""
        self._closing = True
        self._wake.set()

    async def give_up(self) -> None:
        """End what is still on its way, without its answer, so that `run` has time to record it before it ends."""
        self.close()
        self._has_given_up = True
        await asyncio.sleep(0)  # a try that has not begun yet says by itself that it was not sent
        if self._tries:
            log.warning("delivery: %d messages were still on their way when the service ended", len(self._tries))
        for attempt in list(self._tries):
            attempt.cancel()

    async def _send_what_is_due(self) -> None:
        await self._rehearse()
        while not self._closing:
            self._wake.clear()
            self._round_at = self._ticks()
            try:
                is_there_more = await self._claim_and_start()
            except StoreUnavailableError as fault:
                log.warning("delivery: the database is unavailable: %s", fault)
                is_there_more = False
            except Exception:
                log.exception("delivery: a round of sending failed")
                is_there_more = False
            if not is_there_more:
                await self._sleep()

    async def _rehearse(self) -> None:
        """Without it the first message is a little slower: no more than that."""
        try:
            await self._database.transaction(partial(_rehearse, self._clock()))
        except StoreUnavailableError as fault:
            log.warning("delivery: the database is unavailable: %s", fault)
        except Exception:
            log.exception("delivery: the statements could not be prepared")

    async def _sleep(self) -> None:
        """Until woken, until a destination that had no room has some, or until it is time to look."""
        now = self._ticks()
        paces = (*self._paces.values(), self._overall)
        seconds = min([self._poll_seconds, *(wait for each in paces if (wait := each.wait(now)) > 0)])
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    @contextmanager
    def ride(self) -> Generator[Ride]:
        """Takes along what somebody else's transaction makes due, which saves a claim in one of its own."""
        outlets = self._outlets()
        wanted = {} if self._closing else self._wanted(outlets)
        ride = Ride(
            self,
            outlets,
            wanted,
            self._ticks(),
            self._caught_up,
            is_waiting_idle=self._database.dialect == "postgresql",
            deployed=self._deployed,
        )
        self._rides.add(ride)
        try:
            yield ride
        finally:
            self._rides.discard(ride)
            ride.over.set()

    def adopt(self, pace: SendingPace, changed: Collection[Outlet]) -> None:
        """Send at another pace, and begin anew with the pauses of destinations that have another channel now."""
        self._poll_seconds = pace.poll_seconds
        self._overall.become(pace.rate, max(1, int(pace.rate)), pace.concurrency)
        for outlet in changed:
            known = self._paces.get(outlet.destination)
            if known is not None:
                known.become(outlet.channel.rate, outlet.channel.burst, outlet.channel.concurrency)
                known.open_again()
        self._wake.set()

    async def let_go(self, outlets: Collection[Outlet]) -> None:
        """Wait until nothing that was begun by now sends through any of `outlets`, which are in force no longer."""
        for ride in list(self._rides):  # it may claim for them still, and then sends
            await ride.over.wait()
        tries = [task for task, through in self._tries.items() if any(through is each for each in outlets)]
        if tries:
            await asyncio.wait(tries)

    async def _claim_and_start(self) -> bool:
        """Whether more may be due than could be taken."""
        with self.ride() as ride:
            disowned = list(self._disowned)
            if not ride.wanted and not disowned:
                return False
            try:
                await self._database.transaction(partial(_claim, ride, disowned, self._clock()))
            except StoreUnavailableError:
                ride.abandon()
                raise
            del self._disowned[: len(disowned)]
            if ride.start():
                failpoints.reach("claim.committed")
            return ride.may_be_more

    def disown(self, claimed: Sequence[Claimed]) -> None:
        """Nobody knows whether these are leased. They were not sent, and waiting for the end of leases takes long."""
        if claimed:
            self._disowned += claimed
            self._wake.set()

    def _wanted(self, outlets: Outlets) -> dict[str, int]:
        """How many to claim, by destination, within the rates and the share of the whole."""
        now = self._ticks()
        room = self._overall.free(now)
        wanted: dict[str, int] = {}
        for name, outlet in outlets.by_destination.items():
            channel = outlet.channel
            pace = self._paces.setdefault(name, Pace(channel.rate, channel.burst, channel.concurrency))
            most = min(pace.free(now), room)
            if most > 0:
                wanted[name] = most
        return wanted

    @property
    def worker(self) -> str:
        """The name that its leases carry."""
        return self._worker

    def has_caught_up(self, destinations: frozenset[str]) -> None:
        """A claim took all that was due of these destinations, and of no others."""
        self._caught_up = destinations

    def start(self, leased: Leased) -> None:
        """Send what is leased."""
        self._paces[leased.claimed.destination].left()
        self._left_at[leased.claimed.destination] = self._ticks()
        self._overall.left()
        attempt = asyncio.create_task(self._try(leased))
        self._tries[attempt] = leased.outlet
        attempt.add_done_callback(self._tries.pop)

    async def _try(self, leased: Leased) -> None:
        started_at = self._clock()
        outcome = await self._send(leased)
        pace = self._paces[leased.claimed.destination]
        if outcome is None:  # the lease ran out before it was sent: whoever claims it next sends it
            pace.handed_back()
            self._overall.handed_back()
            return
        if isinstance(outcome, KeptBack):
            pace.handed_back()
            self._overall.handed_back()
        else:
            well = isinstance(outcome, (Accepted, Rejected))
            if pace.came_back(self._ticks(), well=well, wait=_wait_for_all(outcome)):
                self._recovered.add(leased.claimed.destination)
            self._overall.came_back(self._ticks(), well=True)
        self._ended.append(Tried(leased.claimed, self._worker, started_at, self._clock(), outcome))
        self._has_ended.set()

    async def _send(self, leased: Leased) -> Outcome | KeptBack | None:
        claimed = leased.claimed
        composed = None
        try:
            composed = NOT_SENT if self._has_given_up else await self._compose(leased)
            if not isinstance(composed, tuple):
                return composed
            return await leased.outlet.channel.send(*composed)
        except asyncio.CancelledError as end:
            if not self._has_given_up:
                raise
            if isinstance(end, Interrupted):
                return end.outcome
            return NOT_SENT if composed is None else NO_ANSWER
        except StoreUnavailableError as fault:
            return Retry(Fault.OTHER, f"the database is unavailable: {fault}")
        except Exception as fault:
            log.exception("delivery %s to %s failed in this service", claimed.id, claimed.destination)
            return Retry(Fault.OTHER, f"{type(fault).__name__} in this service; see its log")

    async def _compose(self, leased: Leased) -> Composed | Rejected | None:
        """What to say, or why not to say it; None when its lease has run out meanwhile."""
        claimed = leased.claimed
        read = partial(compose_for, self._outlets(), claimed, self._clock())
        composed = leased.composed or await self._database.snapshot(read)
        if composed is None:
            return Rejected(Fault.OTHER, "what it was about is gone")
        failpoints.reach("send.composed")
        if self._ticks() >= leased.send_before:
            log.warning("delivery %s: its lease ran out before it could be sent", claimed.id)
            return None
        failpoints.reach("send.checked")
        return composed

    async def _record_endings(self) -> None:
        """Write down what ended, many at a time while a transaction runs."""
        while self._ended or not self._all_have_ended:
            await self._has_ended.wait()
            self._has_ended.clear()
            group, self._ended = self._ended, []
            if group:
                await self._settle(group)

    async def _settle(self, group: list[Tried]) -> None:
        recovered = frozenset(self._recovered)
        try:
            settled = await self._database.transaction(partial(self._settle_in, group, recovered))
        except StoreUnavailableError as fault:
            log.warning("delivery: %d endings wait for the database: %s", len(group), fault)
            await self._settle_later(group)
        except Exception:
            log.exception("delivery: %d endings could not be recorded", len(group))
            await self._settle_alone(group)
        else:
            failpoints.reach("settle.committed")
            self._recovered -= recovered
            for each in settled:
                self._settled(each)
            await self._reconsider([each for each in settled if each.is_to_be_reconsidered])
            self._wake.set()

    async def _reconsider(self, doubtful: list[Settled]) -> None:
        try:
            if doubtful:
                await self._database.transaction(partial(self._reconsider_in, doubtful))
                failpoints.reach("reconsider.committed")
        except StoreUnavailableError as fault:
            log.warning("delivery: what is out of date is sent all the same, the database is unavailable: %s", fault)
        except Exception:
            log.exception("delivery: what is out of date is sent all the same")

    async def _settle_later(self, group: list[Tried]) -> None:
        """Until it is recorded a message counts as not sent: its lease will end, and it may be sent twice."""
        await asyncio.sleep(SETTLE_AGAIN_SECONDS)
        self._ended = group + self._ended
        self._has_ended.set()

    async def _settle_alone(self, group: list[Tried]) -> None:
        """One ending that cannot be stored must not keep others from it, nor have its message sent for ever."""
        if len(group) > 1:
            for each in group:
                await self._settle([each])
        elif group[0].outcome.detail != UNSTORABLE:
            await self._settle([_without_answer(group[0])])

    def _settle_in(self, group: list[Tried], recovered: Collection[str], conn: Connection) -> list[Settled]:
        moment = Moment(self._outlets().rules, self._clock(), self._new_id)
        settled = settle(conn, group, moment)
        outbox.hasten(conn, recovered, moment.now)
        failpoints.reach("settle.written")
        return settled

    def _reconsider_in(self, doubtful: list[Settled], conn: Connection) -> None:
        reconsider(conn, doubtful, Moment(self._outlets().rules, self._clock(), self._new_id))
        failpoints.reach("reconsider.written")


def _claim(ride: Ride, disowned: Sequence[Claimed], now: datetime, conn: Connection) -> None:
    for each in disowned:
        outbox.put_back(conn, each, each.due_at, unknown=False)
    ride.claim(now, conn)


def _without_answer(tried: Tried) -> Tried:
    """The same ending, without what came from outside: that may be what cannot be stored."""
    match tried.outcome:
        case Accepted() as outcome:
            return replace(tried, outcome=replace(outcome, detail=UNSTORABLE, anchor=None))
        case Rejected() as outcome:
            return replace(tried, outcome=replace(outcome, detail=UNSTORABLE))
        case Retry() | Unknown() as outcome:
            return replace(tried, outcome=replace(outcome, detail=UNSTORABLE, progress=None))
        case KeptBack():
            return tried


def _rehearse(now: datetime, conn: Connection) -> None:
    rehearse(conn, now)


def _wait_for_all(outcome: Outcome) -> float | None:
    """How long, in seconds, a provider asked everything for it to wait."""
    if isinstance(outcome, Retry) and outcome.whole_destination and outcome.after is not None:
        return outcome.after.total_seconds()
    return None
