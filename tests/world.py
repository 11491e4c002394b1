"""A small world for tests: rules, a clock that is moved by hand, channels that remember, on a real database."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import DigestMessage, IncidentMessage, Message
from alertsvc.channels.outcome import Accepted, Outcome
from alertsvc.clock import new_id
from alertsvc.core.acts import Actor
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.decide import Verdict
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.model import AlertState, Deliver, Event, Reason, Severity
from alertsvc.core.route import Destination, Matcher, Op, Route, Timing
from alertsvc.core.rules import Moment, Rules
from alertsvc.engine import commands
from alertsvc.engine.admit import admit
from alertsvc.engine.apply import NobodyBoards
from alertsvc.engine.attempt import Attempt
from alertsvc.engine.audit import CHECKS, Asked, look
from alertsvc.engine.commands import Decide, Order
from alertsvc.engine.compose import compose
from alertsvc.engine.lately import Lately
from alertsvc.engine.muting import KeptBack
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.ride import briefs_of_new
from alertsvc.engine.settle import Settled, Tried, reconsider, settle
from alertsvc.engine.submissions import Submission
from alertsvc.engine.tick import Ticker
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import briefs, incidents, outbox, tables
from alertsvc.store.database import Database
from alertsvc.store.outbox import Claimed
from alertsvc.store.recall import Recall
from tests import ledger

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALL = frozenset(Reason)
QUIET = ALL - {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}

DELIVER = {
    Severity.INFO: Deliver.NONE,
    Severity.WARNING: Deliver.DIGEST,
    Severity.ERROR: Deliver.IMMEDIATE,
    Severity.CRITICAL: Deliver.IMMEDIATE,
}
TIMING = Timing(timedelta(0), timedelta(minutes=5), timedelta(hours=4))


def present(name: str) -> Matcher:
    """The label is there."""
    return Matcher(name, Op.NOT_EQUAL, "", lambda value: value != "")


def destination(name: str, hears: frozenset[Reason] = ALL, receiver: str = "team") -> Destination:
    """A destination of a receiver."""
    return Destination(f"{receiver}/{name}", receiver, name.partition(":")[0], hears)


def rules(*destinations: Destination, **changes: Any) -> Rules:
    """Rules with one receiver, hourly digests, and one incident for each model."""
    listed = destinations or (destination("chat"),)
    root = Route("root", "team", TIMING, DELIVER, "hourly")
    made = Rules(
        root=root,
        receivers={"team": listed},
        digests={"hourly": DigestRule("hourly", Every(timedelta(hours=1)))},
        correlate=(CorrelateRule("model", ("model",), (present("model"),)), CorrelateRule("alert", ("alertname",))),
    )
    return replace(made, **changes)


def event(
    severity: Severity = Severity.CRITICAL,
    state: AlertState | None = AlertState.FIRING,
    *,
    start: datetime | None = START,
    **labels: str,
) -> Event:
    """An event of Alertmanager's kind."""
    known = {"alertname": "Drift", "model": "churn", **labels}
    return Event("alertmanager", fingerprint(known), state, severity, known, {"summary": "s"}, starts_at=start)


@dataclass
class Recorder:
    """A channel that remembers what it was given, and answers as it is told."""

    budget: timedelta = timedelta(seconds=10)
    rate: float = 1000.0
    burst: int = 1000
    concurrency: int = 8
    sent: list[Message] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    otherwise: Outcome = field(default_factory=Accepted)
    delay: float = 0.0

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """See `Channel`."""
        await asyncio.sleep(self.delay)
        outcome = self.answers.pop(0) if self.answers else self.otherwise
        if isinstance(outcome, Accepted):
            self.sent.append(message)
        return outcome

    async def close(self) -> None:
        """See `Channel`."""

    @property
    def reasons(self) -> list[str]:
        """Why it was told what it was told, in order."""
        return [message.reason if isinstance(message, IncidentMessage) else "digest" for message in self.sent]

    @property
    def digests(self) -> list[DigestMessage]:
        """The digests it was given."""
        return [message for message in self.sent if isinstance(message, DigestMessage)]


class _Compares(NobodyBoards):
    """Takes nobody aboard, and sees that what would be said of new incidents is what stands in the database."""

    def __init__(self) -> None:
        self._decided: list[tuple[Verdict, Mapping[UUID, int]]] = []

    def decided(self, verdict: Verdict, numbers: Mapping[UUID, int]) -> None:
        """See `Boarding`."""
        self._decided.append((verdict, numbers))

    def compare(self, conn: Connection) -> None:
        """Once it is written."""
        for verdict, numbers in self._decided:
            lanes = [(key, each.destination) for key, each in verdict.effects.new_believers]
            for (key, name), brief in briefs_of_new(verdict, numbers, lanes).items():
                assert brief == briefs.incident_brief(conn, key, name)


class World:
    """One process of the service, taken apart: each step is called, none happens by itself."""

    def __init__(self, database: Database, chosen: Rules, now: datetime = START) -> None:
        self.database = database
        self.rules = chosen
        self.now = now
        listed = [each for group in chosen.receivers.values() for each in group]
        self.channels = {each.id: Recorder() for each in listed}
        self.outlets = Outlets(chosen, {each.id: Outlet(each.id, each.kind, self.channels[each.id]) for each in listed})
        self.clock_was_set_by = timedelta(0)
        self.ticker = Ticker(database, lambda: self.rules, lambda: self.now, new_id, ticks=self._ticks)
        self.worker = "worker-1"
        self.lately = Lately(database, lambda: self.now)
        self._recall = Recall()

    def _ticks(self) -> float:
        return (self.now - self.clock_was_set_by).timestamp()

    def set_clock(self, by: timedelta) -> None:
        """The clock on the wall jumps; no time passes."""
        self.now += by
        self.clock_was_set_by += by

    def moment(self) -> Moment:
        """The rules and the time of this world."""
        return Moment(self.rules, self.now, new_id)

    def channel(self, name: str = "team/chat") -> Recorder:
        """The channel of a destination."""
        return self.channels[name]

    async def post(self, *events: Event, **about: Any) -> Receipt:
        """One request with `events`."""
        submission = Submission(new_id(), "alertmanager", self.now, list(events), b"{}", **about)
        return (await self.post_together(submission))[0]

    async def post_together(self, *submissions: Submission) -> list[Receipt]:
        """Requests that share a transaction."""
        moment, attempt = self.moment(), Attempt(self._recall)

        def take(conn: Connection) -> list[Receipt]:
            compares = _Compares()
            receipts = admit(conn, submissions, moment, attempt, compares)
            compares.compare(conn)
            return receipts

        receipts = await self.database.transaction(take)
        attempt.has_committed()
        return receipts

    async def claim(self, lease: timedelta = timedelta(minutes=1)) -> list[Claimed]:
        """Lease everything that is due."""
        wanted = dict.fromkeys(self.channels, (100, self.now + lease))
        now, worker = self.now, self.worker
        return await self.database.transaction(lambda conn: outbox.claim(conn, wanted, now, worker))

    async def send(self, claimed: Sequence[Claimed]) -> list[Tried]:
        """Send what was leased, without recording it."""
        tried: list[Tried] = []
        for each in claimed:
            read = partial(self._compose, each)
            made = await self.database.snapshot(read)
            assert made is not None
            outcome = made if isinstance(made, KeptBack) else await self.channels[each.destination].send(*made)
            tried.append(Tried(each, self.worker, self.now, self.now, outcome))
        return tried

    def _compose(self, claimed: Claimed, conn: Connection) -> tuple[Message, Envelope] | KeptBack | None:
        return compose(conn, claimed, self.rules, None, self.now)

    async def settle(self, tried: Sequence[Tried]) -> list[Settled]:
        """Record how sending ended."""
        moment = self.moment()
        settled = await self.database.transaction(lambda conn: settle(conn, tried, moment, lambda: 0.5))
        await self.database.transaction(lambda conn: reconsider(conn, settled, moment))
        return settled

    async def deliver(self) -> None:
        """Send everything that is due, until nothing is."""
        while claimed := await self.claim():
            await self.settle(await self.send(claimed))

    async def pass_time(self, span: timedelta, step: timedelta | None = None) -> None:
        """Let time go by: sweep and deliver at each step."""
        end = self.now + span
        while self.now < end:
            self.now = min(end, self.now + (step or span))
            await self.ticker.sweep()
            await self.deliver()

    async def act(self, incident_id: UUID, decide: Decide, by: str = "ann") -> None:
        """A person acts."""
        await commands.carry_out(self.database, Order(incident_id, Actor(by, "api")), decide, self.moment())

    async def incident(self, incident_id: UUID) -> Any:
        """An incident as it is stored."""
        found = await self.database.transaction(lambda conn: incidents.situation(conn, incident_id))
        assert found is not None
        return found.incident

    async def rows(self, table: str) -> list[Any]:
        """All rows of a table, the oldest first."""
        chosen = select(tables.metadata.tables[table])
        rows = await self.database.snapshot(lambda conn: conn.execute(chosen).all())
        return sorted(rows, key=lambda row: str(row[0]))

    async def notifications(self) -> list[tuple[str, str]]:
        """(reason, state) of every notification, in order."""
        return [(row.reason, row.state) for row in await self.rows("notification")]

    async def balance(self) -> None:
        """The books must balance, and whoever looks at them in a running service must see that they do."""
        await self.database.snapshot(ledger.check)
        asked = Asked(self.now, START - timedelta(days=1), self.rules)
        found = await self.database.snapshot(lambda conn: look(conn, asked))
        assert found == {name: [] for name in CHECKS}
