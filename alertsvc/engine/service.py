"""The running service: its loops, started and stopped in order. What the doors are given to work with."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from alertsvc import __version__, failpoints
from alertsvc.channels.outcome import Accepted, Outcome
from alertsvc.clock import Clock, NewId, new_id, utc_now
from alertsvc.core.model import Severity
from alertsvc.core.rules import Moment, Rules
from alertsvc.engine.audit import Auditor, Subject
from alertsvc.engine.counting import Counting
from alertsvc.engine.deadman import Deadman, Proof
from alertsvc.engine.deliver import Sender
from alertsvc.engine.ending import Countdown, Ending, cut_short, ended_within
from alertsvc.engine.freshness import Freshness
from alertsvc.engine.lag import watch_lag
from alertsvc.engine.lately import Lately
from alertsvc.engine.lookout import Lookout
from alertsvc.engine.metronome import Metronome
from alertsvc.engine.muting import KeptBack
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.readings import Gauging, Reader
from alertsvc.engine.receive import Bounds, Committer
from alertsvc.engine.self_alerts import SelfAlerts
from alertsvc.engine.settle import Settled
from alertsvc.engine.tick import Ticker
from alertsvc.engine.tuning import Tuning
from alertsvc.engine.waking import Bell, Bystander, Ear
from alertsvc.engine.wall import Ticks
from alertsvc.observe.metrics import Metrics
from alertsvc.settings.process import Role
from alertsvc.store import outbox, replicas
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.doorbell import Doorbell
from alertsvc.store.replicas import Itself

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1
LOOK_SECONDS = 2
FRESHNESS_SECONDS = 5
DEPLOYMENTS_SECONDS = 5
MODELS_SECONDS = 30
MEND_SECONDS = 60
AUDIT_SECONDS = 60
FORGET_SECONDS = 3600
DEADMAN_SECONDS = 1
AUDIT_REST = timedelta(seconds=5)
AUDIT_LASTS = timedelta(seconds=2 * AUDIT_SECONDS)
"""A look at the books speaks for the service for so long."""
STUCK_SECONDS = 60.0
"""A loop that has not come round for so long does not work."""
JOB_SECONDS = 5.0
LEAVE_SECONDS = 1.0


def worker_name() -> str:
    """A name that no other process ever has: a restarted one is another worker."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of. Tests give their own clock, and an end that is sooner.

    Without a `doorbell` processes find each other's work when they look for it.
    """

    database: Database
    outlets: Outlets
    metrics: Metrics
    tuning: Tuning = field(default_factory=Tuning)
    clock: Clock = utc_now
    new_id: NewId = new_id
    ticks: Ticks = time.monotonic
    ending: Ending = field(default_factory=Ending)
    role: Role = Role.ALL
    doorbell: Doorbell | None = None


class Service:
    """Receives, decides, sends and ticks between `start` and `stop`, or does the part of it that its role is."""

    def __init__(self, parts: Parts) -> None:
        self.database = parts.database
        self.metrics = parts.metrics
        self._counting = Counting(parts.metrics)
        self._counting.follow(parts.outlets.by_destination)
        self.database.listener = self._counting.listener
        self.clock = parts.clock
        self.new_id = parts.new_id
        self.tuning = parts.tuning
        self.role = parts.role
        self.started_at = parts.clock()
        self._outlets = parts.outlets
        self._worker = worker_name()
        self._bell = Bell(parts.doorbell)
        self._doorbell = parts.doorbell
        self.lately = Lately(parts.database, parts.clock)
        self.sender = Sender(
            parts.database,
            lambda: self._outlets,
            parts.clock,
            parts.new_id,
            worker=self._worker,
            pace=parts.tuning.pace,
            settled=self._note_settled,
            call_others=self._bell.ring,
            deployed=self.lately.told,
        )
        self.committer = Committer(
            parts.database,
            lambda: self._outlets.rules,
            parts.clock,
            parts.new_id,
            bounds=Bounds(writers=2 if parts.database.dialect == "postgresql" else 1),
            passenger=self.sender.ride if self.role.sends else self._stand_by,
        )
        self.ticker = Ticker(
            parts.database,
            lambda: self._outlets.rules,
            parts.clock,
            parts.new_id,
            something_is_due=self.sender.wake,
            summarised=self._counting.summarised,
            resolve_timeout=lambda: self.tuning.resolve_timeout,
            longest_lease=lambda: self._outlets.longest_lease,
        )
        self.freshness = Freshness(
            parts.database,
            lambda: self._outlets.rules,
            parts.clock,
            parts.new_id,
            hears_since=self.ticker.hears_since,
            something_is_due=self.sender.wake,
        )
        self.lookout = Lookout(parts.database)
        self.auditor = Auditor(
            parts.database,
            parts.clock,
            self._subject,
            self._counting.audited,
            say=SelfAlerts(self.committer, parts.new_id).say,
        )
        self.deadman = Deadman(
            lambda: self.tuning.deadman,
            lambda: Proof(self.auditor.last, self.troubles),
            parts.clock,
            longest=AUDIT_LASTS,
            ticks=parts.ticks,
        )
        self.gauging = Gauging(
            Reader(
                parts.database,
                self.committer,
                self.sender,
                lambda: self._outlets.by_destination,
                parts.clock,
                sends=self.role.sends,
                deadman=self.deadman,
            )
        )
        self._configured_at = self.started_at
        self.file_trouble: str | None = None
        """What is wrong with the configuration's file, if the last good configuration is in force because of it."""
        self._metronome = Metronome(parts.ticks)
        self._lag: asyncio.Task[None] | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._waking: list[asyncio.Task[None]] = []
        self._retiring: set[asyncio.Task[None]] = set()
        self._in_trouble: set[str] = set()
        """Destinations whose last try was not taken."""
        self._ending = parts.ending
        self._draining: Countdown | None = None

    @property
    def is_draining(self) -> bool:
        """Whether it takes nothing new, because it is about to end."""
        return self._draining is not None

    @property
    def outlets(self) -> Outlets:
        """The channels in force."""
        return self._outlets

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._outlets.rules

    def moment(self) -> Moment:
        """The rules in force and the present instant, for a decision."""
        return Moment(self.rules, self.clock(), self.new_id)

    @property
    def silent_loops(self) -> list[str]:
        """The names of loops that have ended although they should run."""
        loops = (*self._loops, *self._waking)
        return [loop.get_name() for loop in loops if loop.done()] if not self.is_draining else []

    @property
    def write_trouble(self) -> str | None:
        """Why the database took no write when something was last to be written, whatever came."""
        return self.ticker.trouble if self.role.sends else self.lookout.trouble

    @property
    def troubles(self) -> list[str]:
        """What does not work in this process. It does not ask the database."""
        found = [f"the {name} has ended" for name in self.silent_loops]
        found += [f"the job {name} does not come round" for name in self._metronome.overdue()]
        if self.role.sends and self.sender.is_stuck(STUCK_SECONDS):
            found.append("the sender does not come round")
        oldest = self.committer.oldest_received_at
        if oldest is not None and (self.clock() - oldest).total_seconds() > STUCK_SECONDS:
            found.append("the committer does not come round")
        return found

    def _subject(self) -> Subject:
        itself = Itself(
            name=self._worker,
            version=__version__,
            started_at=self.started_at,
            configuration=self.rules.fingerprint,
            configured_at=self._configured_at,
            busy=sorted(self.sender.busy()),
            troubles=self.troubles,
            file_trouble=self.file_trouble,
            role=str(self.role),
        )
        return Subject(self.rules, self.tuning.retention, itself, self.tuning.self_alerts)

    async def start(self) -> None:
        """Begin to work."""
        if self.database.dialect == "sqlite":
            freed = await self.database.transaction(self._take_over)
            if freed:
                log.warning("delivery: %d messages were on their way when the last process ended", freed)
        self._loops.append(asyncio.create_task(self.committer.run(), name="committer"))
        if self.role.sends:
            self._loops.append(asyncio.create_task(self.sender.run(), name="sender"))
            self._metronome.every(SWEEP_SECONDS, "sweep", self.ticker.sweep)
            self._metronome.every(FRESHNESS_SECONDS, "freshness", self.freshness.look)
            self._metronome.every(DEPLOYMENTS_SECONDS, "deployments", self.lately.refresh)
            self._metronome.every(MODELS_SECONDS, "models", self.freshness.look_at_models)
            self._metronome.every(MODELS_SECONDS, "watchdogs", self.freshness.look_at_watchdogs)
            self._metronome.every(MEND_SECONDS, "mend", self.ticker.mend)
            self._metronome.every(FORGET_SECONDS, "forget", lambda: self.ticker.forget(self.tuning.retention))
        else:
            self._metronome.every(LOOK_SECONDS, "lookout", self.lookout.look)
        self._metronome.every(AUDIT_SECONDS, "audit", self.auditor.audit)
        self._metronome.every(DEADMAN_SECONDS, "deadman", self.deadman.tick)
        if self._doorbell is not None:
            self._wake_each_other(self._doorbell)
        self._metronome.start()
        if self.role.sends:
            self._metronome.soon("deployments")
        self._lag = asyncio.create_task(watch_lag(self.metrics.loop_lag.observe), name="lag")
        log.info("alertsvc %s is ready on %s, role %s", __version__, self.database.dialect, self.role)

    def _wake_each_other(self, doorbell: Doorbell) -> None:
        self._waking = [asyncio.create_task(self._bell.run(), name="bell")]
        if self.role.sends:
            self._waking.append(asyncio.create_task(Ear(doorbell, self.sender.wake).run(), name="ear"))

    def something_is_due(self) -> None:
        """Whoever sends is to look for work: this process, or another where this one does not."""
        if self.role.sends:
            self.sender.wake()
        else:
            self._bell.ring()

    def _stand_by(self) -> AbstractContextManager[Bystander]:
        return nullcontext(Bystander(self._bell.ring))

    def adopt(self, outlets: Outlets, tuning: Tuning) -> None:
        """Put another configuration in force, in one step for all that decides and sends. Call it in the loop.

        Channels that are in force no longer are closed once nothing sends through them.
        """
        before, self._outlets, self.tuning = self._outlets, outlets, tuning
        if outlets.rules.fingerprint != before.rules.fingerprint:
            self._configured_at = self.clock()
        self._counting.follow(outlets.by_destination)
        self.sender.adopt(tuning.pace, outlets.not_in(before))
        retiring = asyncio.create_task(self._retire(before.not_in(outlets)))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _retire(self, outlets: Collection[Outlet]) -> None:
        await self.sender.let_go(outlets)
        for outlet in outlets:
            await outlet.close()

    def drain(self) -> Countdown:
        """Take nothing new and claim nothing more; what is under way goes on. Returns the countdown that began then."""
        if self._draining is None:
            self._draining = Countdown()
            self.sender.close()
        return self._draining

    async def stop(self) -> None:
        """End in order: nothing new, then what is under way, then what is left of it, then the connections."""
        draining = self.drain()
        failpoints.reach("drain.begun")
        self.committer.close()
        if self._lag is not None:
            self._lag.cancel()
        jobs = asyncio.create_task(self._end_jobs(), name="metronome")
        working = [jobs, *self._loops, *self._retiring]
        await ended_within(draining.left(self._ending.sends), working)
        failpoints.reach("drain.sent")
        await self._give_up(working)
        await cut_short(self._ending.closing, self._waking, quietly=True)
        self._bell.close()
        database = asyncio.create_task(self.database.close(), name="database")
        await ended_within(self._ending.closing, [database])
        await cut_short(0, [database])
        failpoints.reach("drain.closed")

    async def _end_jobs(self) -> None:
        await asyncio.gather(self._metronome.stop(JOB_SECONDS), self.deadman.close())
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.database.transaction(lambda conn: replicas.leave(conn, self._worker))
        except (StoreUnavailableError, TimeoutError):
            log.warning("the other replicas will miss this one for a while: the database does not answer")

    async def _give_up(self, working: Collection[asyncio.Task[None]]) -> None:
        """End what is still on its way, and have it recorded that nobody knows. Channels close meanwhile."""
        await self.sender.give_up()
        await cut_short(0, [task for task in working if task.get_name() == "committer"])  # it may hold up the sender
        channels = asyncio.create_task(self._outlets.close(), name="channels")
        await ended_within(self._ending.records, [channels, *working])
        await cut_short(self._ending.closing, [channels, *working])

    def _take_over(self, conn: Connection) -> int:
        replicas.forget_others(conn, self._worker)
        return outbox.free_of_other_workers(conn, self._worker)

    def _note_settled(self, settled: Settled) -> None:
        """Count how a try ended, and log it where somebody should know."""
        self._counting.settled(settled)
        outcome = settled.tried.outcome
        if not isinstance(outcome, KeptBack):
            self._log_trouble(settled, outcome)

    def _look_soon(self) -> None:
        """Look at the books now, unless that was just done: where everything fails, it fails a thousand times."""
        last = self.auditor.last
        if last is None or self.clock() - last.at >= AUDIT_REST:
            self._metronome.soon("audit")

    def _log_trouble(self, settled: Settled, outcome: Outcome) -> None:
        """One line when a destination begins to fail and when it takes messages again, and one for each that is lost.

        What a provider said was cleaned of secrets where it came in.
        """
        claimed = settled.tried.claimed
        name = claimed.destination
        if isinstance(outcome, Accepted):
            if name in self._in_trouble:
                self._in_trouble.discard(name)
                log.warning("delivery: %s takes messages again", name)
            return
        if settled.state == "failed":
            if claimed.severity is Severity.CRITICAL:  # who was to be told was not: that is to be known at once
                self._look_soon()
            log.error("delivery %s to %s failed for good: %s: %s", claimed.id, name, outcome.fault, outcome.detail)
        elif name not in self._in_trouble:
            log.warning("delivery: %s fails, messages wait for it: %s: %s", name, outcome.fault, outcome.detail)
        self._in_trouble.add(name)
