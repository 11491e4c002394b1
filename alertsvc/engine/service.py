"""The running service: its loops, started and stopped in order. What the doors are given to work with."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import Connection

from alertsvc import __version__
from alertsvc.channels.outcome import Accepted, Outcome
from alertsvc.clock import Clock, NewId, new_id, utc_now
from alertsvc.core.rules import Moment, Rules
from alertsvc.engine.audit import Auditor
from alertsvc.engine.counting import Counting
from alertsvc.engine.deliver import Sender
from alertsvc.engine.ending import Countdown, Ending, cut_short, ended_within
from alertsvc.engine.lag import watch_lag
from alertsvc.engine.metronome import Metronome
from alertsvc.engine.muting import KeptBack
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.readings import Gauging, Reader
from alertsvc.engine.receive import Bounds, Committer
from alertsvc.engine.settle import Settled
from alertsvc.engine.tick import Ticker
from alertsvc.engine.tuning import Tuning
from alertsvc.observe.metrics import Metrics
from alertsvc.store import outbox
from alertsvc.store.database import Database

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1
MEND_SECONDS = 60
AUDIT_SECONDS = 60
FORGET_SECONDS = 3600
JOB_SECONDS = 5.0


def worker_name() -> str:
    """A name that no other process ever has: a restarted one is another worker."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of. Tests give their own clock, and an end that is sooner."""

    database: Database
    outlets: Outlets
    metrics: Metrics
    tuning: Tuning = field(default_factory=Tuning)
    clock: Clock = utc_now
    new_id: NewId = new_id
    ending: Ending = field(default_factory=Ending)


class Service:
    """Receives, decides, sends and ticks between `start` and `stop`."""

    def __init__(self, parts: Parts) -> None:
        self.database = parts.database
        self.metrics = parts.metrics
        self._counting = Counting(parts.metrics)
        self._counting.follow(parts.outlets.by_destination)
        self.database.listener = self._counting.listener
        self.clock = parts.clock
        self.new_id = parts.new_id
        self.tuning = parts.tuning
        self.started_at = parts.clock()
        self._outlets = parts.outlets
        self._worker = worker_name()
        self.sender = Sender(
            parts.database,
            lambda: self._outlets,
            parts.clock,
            parts.new_id,
            worker=self._worker,
            pace=parts.tuning.pace,
            settled=self._note_settled,
        )
        self.committer = Committer(
            parts.database,
            lambda: self._outlets.rules,
            parts.clock,
            parts.new_id,
            bounds=Bounds(writers=2 if parts.database.dialect == "postgresql" else 1),
            passenger=self.sender.ride,
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
        self.auditor = Auditor(parts.database, parts.clock, lambda: self.tuning.retention, self._counting.audited)
        self.gauging = Gauging(
            Reader(parts.database, self.committer, self.sender, lambda: self._outlets.by_destination, parts.clock)
        )
        self._metronome = Metronome()
        self._lag: asyncio.Task[None] | None = None
        self._loops: list[asyncio.Task[None]] = []
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
        return [loop.get_name() for loop in self._loops if loop.done()] if not self.is_draining else []

    async def start(self) -> None:
        """Begin to work."""
        if self.database.dialect == "sqlite":
            freed = await self.database.transaction(self._take_over)
            if freed:
                log.warning("delivery: %d messages were on their way when the last process ended", freed)
        self._loops = [
            asyncio.create_task(self.committer.run(), name="committer"),
            asyncio.create_task(self.sender.run(), name="sender"),
        ]
        self._metronome.every(SWEEP_SECONDS, "sweep", self.ticker.sweep)
        self._metronome.every(MEND_SECONDS, "mend", self.ticker.mend)
        self._metronome.every(AUDIT_SECONDS, "audit", self.auditor.audit)
        self._metronome.every(FORGET_SECONDS, "forget", lambda: self.ticker.forget(self.tuning.retention))
        self._metronome.start()
        self._lag = asyncio.create_task(watch_lag(self.metrics.loop_lag.observe), name="lag")
        log.info("alertsvc %s is ready on %s", __version__, self.database.dialect)

    def adopt(self, outlets: Outlets, tuning: Tuning) -> None:
        """Put another configuration in force, in one step for all that decides and sends. Call it in the loop.

        Channels that are in force no longer are closed once nothing sends through them.
        """
        before, self._outlets, self.tuning = self._outlets, outlets, tuning
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
        self.committer.close()
        if self._lag is not None:
            self._lag.cancel()
        jobs = asyncio.create_task(self._metronome.stop(JOB_SECONDS), name="metronome")
        working = [jobs, *self._loops, *self._retiring]
        await ended_within(draining.left(self._ending.sends), working)
        await self._give_up(working)
        database = asyncio.create_task(self.database.close(), name="database")
        await ended_within(self._ending.closing, [database])
        await cut_short(0, [database])

    async def _give_up(self, working: Collection[asyncio.Task[None]]) -> None:
        """End what is still on its way, and have it recorded that nobody knows. Channels close meanwhile."""
        await self.sender.give_up()
        await cut_short(0, [task for task in working if task.get_name() == "committer"])  # it may hold up the sender
        channels = asyncio.create_task(self._outlets.close(), name="channels")
        await ended_within(self._ending.records, [channels, *working])
        await cut_short(self._ending.closing, [channels, *working])

    def _take_over(self, conn: Connection) -> int:
        return outbox.free_of_other_workers(conn, self._worker)

    def _note_settled(self, settled: Settled) -> None:
        """Count how a try ended, and log it where somebody should know."""
        self._counting.settled(settled)
        outcome = settled.tried.outcome
        if not isinstance(outcome, KeptBack):
            self._log_trouble(settled, outcome)

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
            log.error("delivery %s to %s failed for good: %s: %s", claimed.id, name, outcome.fault, outcome.detail)
        elif name not in self._in_trouble:
            log.warning("delivery: %s fails, messages wait for it: %s: %s", name, outcome.fault, outcome.detail)
        self._in_trouble.add(name)
