"""One play: sources, people and an operator on one side, everything that goes wrong on the other, by one seed."""

import asyncio
import hashlib
import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.exc import OperationalError

from alertsvc.core.acts import Actor, NotPossibleError
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.engine import commands, silencing
from alertsvc.engine.commands import Decide, Order
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.receive import OverloadedError
from alertsvc.engine.silencing import Wanted
from alertsvc.engine.submissions import Submission
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import StoreUnavailableError
from alertsvc.store.silences import SilenceRecord
from alertsvc.store.tables import incident, notification, outbox, silence
from tests.fakes.provider import Mood
from tests.simulation.loop import VirtualLoop
from tests.simulation.replica import START, Replica, World
from tests.simulation.setting import ALERTS, CONFIGURATIONS, EVERYBODY
from tests.simulation.wire import Journal, Providers

BUSY_SECONDS = 420.0
CALM_SECONDS = 3600.0
PATIENCE = 30.0
"""How long who asks something waits for the answer: longer than any that is on its way can take."""
MOODS = (Mood.ERROR, Mood.RATE_LIMITED, Mood.HANG, Mood.RESET, Mood.DROP_ANSWER, Mood.SLOW)
ANN = Actor("ann", "api")


@dataclass(frozen=True)
class Plan:
    """What a seed plays: how many replicas, and which kinds of trouble there are."""

    seed: int
    replicas: int
    moods: bool
    crashes: bool
    database: bool
    reloads: bool
    people: bool
    busy_seconds: float

    @classmethod
    def of(cls, seed: int, busy_seconds: float = BUSY_SECONDS) -> "Plan":
        """Every eighth play is without a fault, so that nothing may arrive twice there."""
        chance = Random(seed)
        faulty = seed % 8 != 0
        return cls(
            seed=seed,
            replicas=chance.choice((1, 1, 2, 3)),
            moods=faulty and chance.random() < 0.8,
            crashes=faulty and chance.random() < 0.7,
            database=faulty and chance.random() < 0.5,
            reloads=chance.random() < 0.5,
            people=chance.random() < 0.7,
            busy_seconds=busy_seconds,
        )

    @property
    def is_faultless(self) -> bool:
        return not (self.moods or self.crashes or self.database)


@dataclass
class Truth:
    """What a source knows of its alert: what it said last and was told is durable. `said_at`: when that was."""

    state: AlertState
    severity: Severity
    starts_at: datetime
    said_at: float


@dataclass
class Figures:
    """What a play came to."""

    steps: int = 0
    virtual_seconds: float = 0.0
    requests: int = 0
    repeated_requests: int = 0
    sent: int = 0
    taken: int = 0
    twice: int = 0
    crashes: int = 0
    incidents: int = 0
    notifications: int = 0
    trace: str = ""
    failures: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)


class _Errors(logging.Handler):
    """Whatever the engine calls an error is one: the faults of a play are trouble, and it has words for those."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            said += f": {record.exc_info[1]!r}"
        self.found.append(said)


class Play:
    """Plays a plan. `run` is its whole life."""

    def __init__(self, plan: Plan, template: Path, folder: Path) -> None:
        self.plan = plan
        self.chance = Random(f"play {plan.seed}")
        self.loop = VirtualLoop(Random(f"loop {plan.seed}"))
        self.loop.execute = self._execute
        self._trace = hashlib.blake2b(digest_size=8)
        self.story: list[str] = []
        self.journal = Journal(self.note)
        self.providers = Providers(Random(f"wire {plan.seed}"), self.journal)
        file = folder / f"{plan.seed}.db"
        shutil.copy(template, file)
        self.world = World(file, self.providers, self.chance, self._identities(), self.loop.time)
        self.engine = create_engine(f"sqlite:///{file}")
        self.replicas: list[Replica] = []
        self.graveyard: list[Replica] = []
        self.rules = EVERYBODY
        self.truth: dict[str, Truth] = {}
        self.receipts: dict[UUID, Receipt] = {}
        self.resolved_by_people: dict[UUID, float] = {}
        self.reopened_by_people: dict[UUID, float] = {}
        self.crashed_tries = 0
        self.figures = Figures()
        self._database_trouble = 0.0
        self._names = count(1)

    def _identities(self) -> Callable[[], UUID]:
        numbers = count(1)

        def new_id() -> UUID:
            milliseconds = int((START.timestamp() + self.loop.time()) * 1000)
            return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | next(numbers))

        return new_id

    def note(self, what: str) -> None:
        """A line of the story. Two plays of a seed tell the same one."""
        line = f"{self.loop.time():10.3f} {what}"
        self.story.append(line)
        self._trace.update(f"{self.loop.steps} {line}\n".encode())

    def _execute(self, work: Callable[[], Any]) -> Any:
        """Sometimes the database is locked, and sometimes nobody knows what has become of a commit."""
        draw = self.chance.random()
        if draw < self._database_trouble / 2:
            raise OperationalError(None, None, sqlite3.OperationalError("database is locked"))
        result = work()
        if draw < self._database_trouble:
            raise OperationalError(None, None, sqlite3.OperationalError("disk I/O error"))
        return result

    # Its life

    def run(self) -> Figures:
        """Play it, and say what it came to."""
        errors = _Errors()
        logger = logging.getLogger("alertsvc")
        before = logger.level, logger.propagate
        logger.addHandler(errors)
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        random.seed(self.plan.seed)
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._live())
        finally:
            asyncio.set_event_loop(None)
            logger.removeHandler(errors)
            logger.level, logger.propagate = before
        self.figures.failures += [f"the engine logged an error: {each}" for each in errors.found]
        self._close()
        return self.figures

    async def _live(self) -> None:
        self.loop.set_exception_handler(self._unhandled)
        for _ in range(self.plan.replicas):
            self._begin()
        acting = [asyncio.create_task(self._source(labels)) for labels in ALERTS]
        if self.plan.people:
            acting += [asyncio.create_task(self._people()), asyncio.create_task(self._silencers())]
        if self.plan.reloads:
            acting.append(asyncio.create_task(self._operator()))
        for is_played, trouble in (
            (self.plan.moods, self._moods()),
            (self.plan.crashes, self._crashes()),
            (self.plan.database, self._locks()),
        ):
            if is_played:
                acting.append(asyncio.create_task(trouble))
            else:
                trouble.close()
        await asyncio.gather(*acting)
        self.note("calm")
        self._adopt(EVERYBODY)
        await self._calm()

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.figures.failures.append(f"unhandled: {context.get('message')} {context.get('exception')!r}")

    def _begin(self) -> None:
        name = f"replica-{next(self._names)}"
        ahead = timedelta(seconds=self.chance.uniform(-0.5, 0.5)) if self.plan.replicas > 1 else timedelta(0)
        replica = Replica(self.world, name, self.rules, ahead=ahead, alone=self.plan.replicas == 1)
        self.replicas.append(replica)
        replica.start()
        self.note(f"{name} starts")

    def _close(self) -> None:
        self.figures.steps = self.loop.steps
        self.figures.virtual_seconds = self.loop.time()
        self.figures.sent = len(self.journal.left)
        self.figures.taken = len(self.journal.taken)
        self.figures.trace = self._trace.hexdigest()
        self.figures.story = self.story

    def dispose(self) -> None:
        """Close what is open. Nothing can be asked afterwards."""
        self.loop.close()
        self.engine.dispose()
        for each in (*self.replicas, *self.graveyard):
            each.database._writer.dispose()  # pyright: ignore
            each.database._reader.dispose()  # pyright: ignore
        for file in self.world.file.parent.glob(f"{self.plan.seed}.db*"):
            file.unlink()

    def read(self, work: Callable[[Connection], Any]) -> Any:
        """What the database says, past the service."""
        with self.engine.connect() as conn:
            return work(conn)

    # Sources

    async def _source(self, labels: dict[str, str]) -> None:
        """An Alertmanager with one alert: it repeats, and sends again what it got no answer to."""
        name = fingerprint(labels)
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 40))
            known = self.truth.get(name)
            event = self._next(labels, known)
            is_stale = known is not None and event.starts_at is not None and event.starts_at < known.starts_at
            await self._post([event])
            if not is_stale and event.starts_at is not None and (known or event.state is AlertState.FIRING):
                severity = event.severity
                self.truth[name] = Truth(event.state or AlertState.FIRING, severity, event.starts_at, self.loop.time())

    def _next(self, labels: dict[str, str], known: Truth | None) -> Event:
        now = START + timedelta(seconds=self.loop.time())
        severity = self.chance.choice((Severity.INFO, Severity.WARNING, Severity.ERROR, *[Severity.CRITICAL] * 2))
        if known is None or known.state is AlertState.RESOLVED:
            again = known is not None and self.chance.random() < 0.2
            state, start = (AlertState.RESOLVED, known.starts_at) if again and known else (AlertState.FIRING, now)
        else:
            start = known.starts_at
            what = self.chance.choice(("repeat", "severity", "resolve", "resolve", "resolve", "late"))
            state = AlertState.RESOLVED if what in {"resolve", "late"} else AlertState.FIRING
            severity = severity if what == "severity" else known.severity
            start = start - timedelta(minutes=30) if what == "late" else start
        annotations = {"summary": f"{labels['alertname']} of {labels['model']}"}
        return Event("events", fingerprint(labels), state, severity, labels, annotations, starts_at=start)

    async def _post(self, events: Sequence[Event]) -> None:
        """Until it is durable. A request whose answer is lost is sent again, maybe to another replica."""
        while True:
            replica = await self._somebody()
            key = self.world.new_id()
            submission = Submission(key, "events", replica.clock(), events, b"{}")
            self.figures.requests += 1
            receipt = await self._ask(replica, replica.committer.submit(submission))
            if isinstance(receipt, Receipt):
                said = ", ".join(
                    f"{each.fingerprint[:6]} {each.state} {each.severity}: {each.change}" for each in receipt.items
                )
                self.note(f"{replica.process.name} took {said}")
                self.receipts[receipt.arrival_id] = receipt
                return
            self.figures.repeated_requests += 1
            await asyncio.sleep(self.chance.uniform(0.5, 3))

    async def _somebody(self) -> Replica:
        while not (up := [each for each in self.replicas if each.is_up]):
            await asyncio.sleep(1)
        return self.chance.choice(up)

    async def _ask(self, replica: Replica, coroutine: Any) -> Any:
        """The answer, or None without one: refused, unavailable, or dead."""
        task = replica.ask(coroutine)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if not done:
            task.cancel()
            return None
        try:
            return task.result()
        except (StoreUnavailableError, OverloadedError, NotPossibleError) as fault:
            return fault

    # People

    async def _people(self) -> None:
        acts: dict[str, Decide] = {
            "acknowledge": commands.acknowledge,
            "unacknowledge": commands.unacknowledge,
            "resolve": commands.resolve,
            "reopen": commands.reopen,
            "comment": commands.comment,
        }
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 20))
            chosen = select(incident.c.id, incident.c.number).order_by(incident.c.number)
            listed = self.read(lambda conn, chosen=chosen: conn.execute(chosen).all())
            if not listed:
                continue
            about = self.chance.choice(listed[-4:])
            act = self.chance.choice(("acknowledge", "acknowledge", "unacknowledge", "resolve", "reopen", "comment"))
            replica = await self._somebody()
            order = Order(about.id, ANN)
            done = await self._ask(replica, commands.carry_out(replica.database, order, acts[act], replica.moment()))
            self.note(f"ann {act} #{about.number}: {getattr(done, 'status', type(done).__name__)}")
            if act == "resolve":
                self.resolved_by_people[about.id] = self.loop.time()
            if act == "reopen":
                self.reopened_by_people[about.id] = self.loop.time()

    async def _silencers(self) -> None:
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 90))
            replica = await self._somebody()
            matchers = self.chance.choice(('model="churn"', 'alertname="Drift"', 'severity="warning"', 'team="b"'))
            found = tuple((each.name, str(each.op), each.value) for each in parse_matchers(matchers))
            now = replica.clock()
            lasts = timedelta(seconds=self.chance.uniform(20, 120))
            record = SilenceRecord(self.world.new_id(), found, now, now + lasts, "ann", "we know", now, now)
            make = partial(silencing.make, Wanted(record), replica.moment())
            made = await self._ask(replica, replica.database.transaction(make))
            self.note(f"ann silences {matchers}: {type(made).__name__}")
            if isinstance(made, SilenceRecord) and self.chance.random() < 0.3:
                await asyncio.sleep(10)
                another = await self._somebody()
                end = partial(silencing.expire, made.id, another.moment())
                ended = await self._ask(another, another.database.transaction(end))
                self.note(f"ann ends the silence: {type(ended).__name__}")

    async def _operator(self) -> None:
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 100))
            self._adopt(self.chance.choice(CONFIGURATIONS))

    def _adopt(self, rules: Any) -> None:
        self.rules = rules
        self.note(f"configuration {CONFIGURATIONS.index(rules)} is written")
        for each in self.replicas:
            self.loop.call_later(self.chance.uniform(0, 3), self._reload, each)

    def _reload(self, replica: Replica) -> None:
        """The file is read: it says what it says by now."""
        if replica.is_up:
            replica.adopt(self.rules)

    # Trouble

    async def _moods(self) -> None:
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 15))
            name = self.chance.choice(sorted(self.providers.lines))
            line = self.providers.lines[name]
            if line.mood is Mood.NORMAL:
                line.mood = self.chance.choice(MOODS)
                self.note(f"{name} is in the mood {line.mood}")
                self.loop.call_later(self.chance.expovariate(1 / 20), self._cheer, name)

    def _cheer(self, name: str) -> None:
        self.providers.lines[name].mood = Mood.NORMAL
        self.note(f"{name} is well")

    async def _crashes(self) -> None:
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 40))
            up = [each for each in self.replicas if each.is_up]
            if not up:
                continue
            replica = self.chance.choice(up)
            if self.chance.random() < 0.25:
                await self._stop(replica)
            else:
                at = self.loop.steps + self.chance.randrange(1, 300)
                self.loop.alarm = (at, partial(self._crash, replica))

    async def _stop(self, replica: Replica) -> None:
        self.note(f"{replica.process.name} is asked to end")
        await asyncio.wait({asyncio.create_task(replica.stop())}, timeout=60)
        self._is_gone(replica)

    def _crash(self, replica: Replica) -> None:
        if replica.is_up:
            replica.crash()
            self._is_gone(replica)

    def _is_gone(self, replica: Replica) -> None:
        if replica in self.replicas:
            self.figures.crashes += 1
            self.crashed_tries += replica.sender.in_flight_count
            self.note(f"{replica.process.name} is dead, {replica.sender.in_flight_count} on their way")
            self.replicas.remove(replica)
            self.graveyard.append(replica)
            self.loop.call_later(self.chance.uniform(0.5, 20), self._begin)

    async def _locks(self) -> None:
        while self.loop.time() < self.plan.busy_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / 40))
            self._database_trouble = self.chance.choice((0.1, 0.3, 0.9))
            self.note(f"the database fails {self._database_trouble:.0%} of the time")
            await asyncio.sleep(self.chance.uniform(1, 10))
            self._database_trouble = 0.0
            self.note("the database is well")

    # The end

    async def _calm(self) -> None:
        """Until nothing is left that has a time but reminders and digests of what is coming."""
        self._database_trouble = 0.0
        await asyncio.sleep(60)
        await self._until_silences_end()
        until = self.loop.time() + CALM_SECONDS
        for line in self.providers.lines.values():
            line.mood = Mood.NORMAL
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(5)
            quiet = quiet + 1 if self.read(_is_quiet) else 0
            if self.loop.time() > until:
                self.figures.failures.append(f"it never calms down: {self.read(_what_waits)}")
                return

    async def _until_silences_end(self) -> None:
        """Who is not told because of one is to be told then."""
        last: datetime | None = self.read(lambda conn: conn.execute(select(func.max(silence.c.ends_at))).scalar())
        if last is not None:
            await asyncio.sleep(max(0.0, (last - START).total_seconds() - self.loop.time()))


def _is_quiet(conn: Connection) -> bool:
    return not _what_waits(conn)


def _what_waits(conn: Connection) -> list[tuple[Any, ...]]:
    rows = conn.execute(select(outbox.c.lane, outbox.c.reason, outbox.c.state, outbox.c.due_at)).all()
    n = notification.c
    waiting = conn.execute(select(n.id, n.reason, n.destination, n.created_at).where(n.state == "pending")).all()
    return [tuple(row) for row in (*rows, *waiting)]
