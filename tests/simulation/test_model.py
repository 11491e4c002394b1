"""The service on a real database does what the model says, after every step that hypothesis thinks of."""

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import IncidentMessage, Message
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Retry, Unknown
from alertsvc.clock import new_id
from alertsvc.core.acts import NotPossibleError
from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.model import AlertState, Event, IncidentStatus, Reason, Severity
from alertsvc.core.route import Matcher, Op
from alertsvc.core.rules import Rules
from alertsvc.engine import commands, silencing
from alertsvc.engine.silencing import Wanted
from alertsvc.matchers import parse_matchers
from alertsvc.store.connect import open_database
from alertsvc.store.silences import SilenceRecord
from tests import ledger
from tests.postgres import Server
from tests.simulation.model import CRITICAL, ERROR, WARNING, Configuration, Labels, Model, Said, Silence
from tests.simulation.wire import Sending, Taken
from tests.world import START, Recorder, World, destination, rules

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ALERTS = {
    "a": {"alertname": "Drift", "model": "churn", "team": "x"},
    "b": {"alertname": "Accuracy", "model": "churn", "team": "y"},
    "c": {"alertname": "Drift", "model": "fraud", "team": "x"},
}
NOISE = {Reason.UPDATED, Reason.REPEATED, Reason.UNMUTED}
MODEL = Matcher("model", Op.NOT_EQUAL, "", lambda value: value != "")


def _rules(*matchers_of_pager: str, reopen: timedelta = timedelta(0)) -> Rules:
    made = rules(
        destination("chat"), destination("mail"), correlate=(CorrelateRule("model", ("model",), (MODEL,), reopen),)
    )
    below = replace(made.root, path="root/pager", receiver="oncall", goes_on=True)
    paged = tuple(
        replace(below, path=f"root/pager{place}", matchers=tuple(parse_matchers(each)))
        for place, each in enumerate(matchers_of_pager)
    )
    receivers = {**made.receivers, "oncall": (destination("pager", receiver="oncall"),)}
    everything = replace(made.root, path="root/all")
    return replace(made, receivers=receivers, root=replace(made.root, routes=(*paged, everything)))


def _told(pager: Callable[[Labels], bool]) -> Callable[[Labels, int], set[str]]:
    def hearers(labels: Labels, severity: int) -> set[str]:
        if severity < WARNING:
            return set()
        return {"team/chat", "team/mail"} | ({"oncall/pager"} if pager(labels) else set())

    return hearers


CONFIGURATIONS = [
    (_rules(), Configuration(_told(lambda _: False))),
    (
        _rules('team="x"', reopen=10 * MINUTE),
        Configuration(_told(lambda labels: labels["team"] == "x"), 10 * MINUTE),
    ),
    (_rules('model="churn"'), Configuration(_told(lambda labels: labels["model"] == "churn"))),
]


@dataclass
class Reader(Recorder):
    """A destination that remembers what reached it, whether or not its sender knows."""

    name: str = ""
    mood: str = "up"
    read: list[Taken] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    async def send(self, message: Message, envelope: Envelope) -> Outcome:
        """See `Channel`."""
        is_noise = isinstance(message, IncidentMessage) and message.reason in NOISE
        if is_noise and message.status is IncidentStatus.ACKNOWLEDGED:
            self.noise.append(f"{message.reason} about #{message.number}, which somebody has")
        if self.mood in {"up", "taken, but no answer"}:
            self.read.append(Taken(0.0, Sending(self.name, message, envelope), ""))
        match self.mood:
            case "up":
                return Accepted()
            case "down":
                return Retry(Fault.SERVER_ERROR, "later")
            case "limited":
                return Retry(Fault.RATE_LIMITED, "slowly", 20 * SECOND, whole_destination=True)
            case _:
                return Unknown("no answer")


class Service(RuleBasedStateMachine):
    """Replicas of the service on one database, their destinations, and the model beside them."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.run(_opened(url))
        self.readers = {name: Reader(name=name) for name in ("team/chat", "team/mail", "oncall/pager")}
        self.replicas = [self._replica("one"), self._replica("two")]
        self.model = Model(ALERTS, START, CONFIGURATIONS[0][1])
        self.ids: dict[int, UUID] = {}
        self.silences: list[UUID] = []

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    def _replica(self, name: str) -> World:
        made = World(self.database, CONFIGURATIONS[0][0], getattr(self, "now", START))
        made.worker = f"{name}-{new_id()}"
        made.channels = dict(self.readers)  # type: ignore[arg-type]
        return made

    @property
    def now(self) -> datetime:
        return self.model.now if hasattr(self, "model") else START

    # What happens

    @rule(
        batch=st.lists(
            st.tuples(
                st.sampled_from(sorted(ALERTS)),
                st.sampled_from([True, True, False]),
                st.sampled_from([CRITICAL, CRITICAL, ERROR, WARNING, 1]),
                st.sampled_from(["same", "same", "new", "older"]),
            ),
            min_size=1,
            max_size=4,
        ),
        replica=st.integers(0, 1),
        again=st.booleans(),
    )
    def post(self, batch, replica, again) -> None:
        """A request; `again`: its answer was lost, and it comes to the other replica as well."""
        said = [self._said(*each) for each in batch]
        for each in range(1 + again):
            receipt = self.run(self.replicas[(replica + each) % 2].post(*map(_event, said)))
            expected = self.model.post(said)
            counts = receipt.counts
            assert {name: getattr(counts, name) for name in expected} == expected
        self.check()

    def _said(self, name: str, fires: bool, severity: int, start: str) -> Said:
        known = self.model.alerts.get(name)
        same = known.first if known else self.now
        return Said(name, fires, severity, {"same": same, "new": self.now, "older": same - HOUR}[start])

    @precondition(lambda self: self.model.incidents)
    @rule(
        which=st.integers(0, 3),
        act=st.sampled_from(["acknowledge", "acknowledge", "unacknowledge", "resolve", "reopen"]),
        replica=st.integers(0, 1),
    )
    def act(self, which: int, act: str, replica: int) -> None:
        incident = self.model.incidents[-1 - which % len(self.model.incidents)]
        order = self.replicas[replica].act(self.ids[incident.number], getattr(commands, act))
        if getattr(self.model, act)(incident.number):
            self.run(order)
        else:
            with pytest.raises(NotPossibleError):
                self.run(order)
        self.check()

    @rule(chosen=st.sampled_from([("model", "churn"), ("team", "x"), ("alertname", "Drift")]))
    def silence(self, chosen: tuple[str, str]) -> None:
        name, value = chosen
        until = self.now + 20 * MINUTE
        record = SilenceRecord(new_id(), ((name, "=", value),), self.now, until, "ann", "we know", self.now, self.now)
        self.run(self._ordered(partial(silencing.make, Wanted(record), self.replicas[0].moment())))
        self.silences.append(record.id)
        self.model.silences.append(Silence(name, value, until))
        self.check()

    @precondition(lambda self: self.silences)
    @rule()
    def end_silence(self) -> None:
        self.run(self._ordered(partial(silencing.expire, self.silences.pop(), self.replicas[1].moment())))
        self.model.silences.pop()
        self.check()

    async def _ordered(self, work: Any) -> Any:
        return await self.database.transaction(work)

    @rule(which=st.integers(0, 2))
    def reload(self, which: int) -> None:
        """Both replicas at the same instant: what each decides by rules of its own the simulation plays."""
        self.model.configuration = CONFIGURATIONS[which][1]
        for each in self.replicas:
            each.rules = CONFIGURATIONS[which][0]
        self.check()

    @rule(span=st.sampled_from([SECOND, 40 * SECOND, 6 * MINUTE, 25 * MINUTE, 61 * MINUTE]), replica=st.integers(0, 1))
    def time_passes(self, span: timedelta, replica: int) -> None:
        self._pass(span)
        self.run(self.replicas[replica].ticker.sweep())
        self.check()

    def _pass(self, span: timedelta) -> None:
        self.model.now += span
        for each in self.replicas:
            each.now = self.now

    @rule(
        name=st.sampled_from(["team/chat", "team/mail", "oncall/pager"]),
        mood=st.sampled_from(["up", "down", "limited", "no answer", "taken, but no answer"]),
    )
    def mood(self, name: str, mood: str) -> None:
        self.readers[name].mood = mood

    @rule(replica=st.integers(0, 1))
    def deliver(self, replica: int) -> None:
        self.run(self._deliver(self.replicas[replica]))
        self.check()

    async def _deliver(self, world: World) -> None:
        await world.settle(await world.send(await world.claim()))

    @rule(replica=st.integers(0, 1), sent=st.booleans())
    def crash(self, replica: int, sent: bool) -> None:
        """It dies with what it had leased, sent or not, and another begins with nothing but the database."""
        world = self.replicas[replica]
        claimed = self.run(world.claim())
        if sent:
            self.run(world.send(claimed))
        fresh = self._replica("again")
        fresh.rules, fresh.now = world.rules, self.now
        self.replicas[replica] = fresh
        self.check()

    @rule()
    def calm(self) -> None:
        """Every destination is well, and an hour and a half goes by."""
        for each in self.readers.values():
            each.mood = "up"
        for place in range(8):
            self._pass(12 * MINUTE)
            for _ in range(2):  # what follows from what was delivered may be due only with the next look
                self.run(self.replicas[place % 2].ticker.sweep())
                self.run(self.replicas[place % 2].deliver())
                self._pass(3 * SECOND)
        self.check()
        self._people_know_what_is_so()

    # What must be so

    def check(self) -> None:
        self.run(self._check())

    async def _check(self) -> None:
        await self.database.snapshot(ledger.check)
        found = sorted(await self.replicas[0].rows("incident"), key=lambda row: row.number)
        self.ids = {place: row.id for place, row in enumerate(found, 1)}
        numbers = {row.id: place for place, row in enumerate(found, 1)}
        assert [(row.status, row.peak_severity) for row in found] == [
            (each.status, each.peak) for each in self.model.incidents
        ]
        alerts = {
            row.fingerprint: (row.state == "firing", numbers.get(row.incident_id))
            for row in await self.replicas[0].rows("alert")
        }
        assert alerts == {name: (each.fires, each.incident) for name, each in self.model.alerts.items()}
        for row in found:
            counts = (row.firing_info, row.firing_warning, row.firing_error, row.firing_critical)
            fires = [self.model.alerts[name].severity for name in self.model.firing(numbers[row.id])]
            assert counts == tuple(fires.count(severity) for severity in (1, 2, 3, 4))
        assert [each.noise for each in self.readers.values() if each.noise] == []
        await self._whoever_does_not_know_is_about_to(numbers)

    async def _whoever_does_not_know_is_about_to(self, numbers: dict[UUID, int]) -> None:
        """Of an incident that is over: whoever believes that it fires is being told, or has it from a lost answer."""
        notes = await self.replicas[0].rows("notification")
        open_ends = {(numbers[row.incident_id], row.destination) for row in notes if row.state == "pending"}
        failed = {(numbers[row.incident_id], row.destination) for row in notes if row.state == "failed"}
        for (number, name), word in self._beliefs().items():
            if self.model.incidents[number - 1].status == "resolved" and word == "fires":
                assert (number, name) in open_ends | failed, f"{name} will never hear that #{number} ended"

    def _beliefs(self) -> dict[tuple[int, str], str]:
        """What each destination read last of each incident."""
        numbers = {key: number for number, key in self.ids.items()}
        return {
            (numbers[key], name): word
            for name, reader in self.readers.items()
            for taken in reader.read
            for key, word in taken.says().items()
        }

    def _people_know_what_is_so(self) -> None:
        beliefs = self._beliefs()
        for (number, name), word in beliefs.items():
            assert (
                word == "fires"
                or self.model.incidents[number - 1].status != "firing"
                or (number, name) not in set(self.model.must_know())
            ), f"{name} believes that #{number} is over"
            assert word == "ended" or self.model.incidents[number - 1].status != "resolved", (
                f"{name} believes that #{number} fires"
            )
        for key in self.model.must_know():
            assert beliefs.get(key) == "fires", f"{key[1]} does not know that #{key[0]} fires"

    def teardown(self) -> None:
        try:
            self.calm()
        finally:
            self.run(self.database.close())
            self.runner.close()


async def _opened(url: str) -> Any:
    return open_database(url)


def _event(said: Said) -> Event:
    state = AlertState.FIRING if said.fires else AlertState.RESOLVED
    return Event(
        "alertmanager",
        said.name,
        state,
        Severity(said.severity),
        ALERTS[said.name],
        {"summary": "s"},
        starts_at=said.start,
    )


EXAMPLES = int(os.environ.get("ALERTSVC_MODEL_EXAMPLES", "0"))
"""More of them look longer, at random; without it the same few are looked at each time."""
USUAL = {"sqlite": 14, "postgresql": 2}


@pytest.mark.timeout(120 + 20 * EXAMPLES)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_service_does_what_the_model_says(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    numbers = iter(range(10**9))

    def fresh() -> Service:
        if kind == "postgresql":
            server: Server = request.getfixturevalue("postgres")
            return Service(server.new_database(request.getfixturevalue("migrated_name")))
        file = tmp_path / f"{next(numbers)}.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        return Service(f"sqlite:///{file}")

    chosen = settings(
        max_examples=EXAMPLES or USUAL[kind],
        derandomize=not EXAMPLES,
        database=None,
        stateful_step_count=20,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(fresh, settings=chosen)
