"""Random events, acts, answers and time against a service in memory. After every step the promise holds."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alertsvc.core.alerts import Alert
from alertsvc.core.incidents import NONE_FIRING, counted
from alertsvc.core.model import Event, IncidentStatus, Reason, Severity
from alertsvc.core.outgoing import FIRING_NEWS
from alertsvc.core.route import Destination, Route, Timing
from alertsvc.core.rules import Rules
from alertsvc.core.storm import BREAK_THROUGH_A_STORM, StormRule
from alertsvc.core.subscribers import event_labels
from tests.core.builders import (
    CHAT,
    CRITICAL,
    FIRING,
    HOUR,
    MAIL,
    MINUTE,
    RESOLVED,
    SAME_MODEL,
    SECOND,
    SILENT,
    event,
    matcher,
    route,
    rules,
)
from tests.core.memory import CLOSING_DELAY, TERMINAL, Answer, Memory, Try
from tests.core.naive import routes_for

PAGER = Destination("oncall/pager", "oncall", "pager", CHAT.hears)
NOT_TOLD_OF_ENDS = {SILENT.id}
SLOW = Timing(30 * SECOND, 5 * MINUTE, 4 * HOUR)
RECEIVERS = {"team": (CHAT, MAIL), "oncall": (PAGER, replace(SILENT, receiver="oncall"))}

ALERTS = {
    "f1": {"alertname": "Drift", "model": "churn", "team": "a"},
    "f2": {"alertname": "Drift", "model": "churn", "team": "b"},
    "f3": {"alertname": "Accuracy", "model": "churn", "team": "a"},
    "f4": {"alertname": "Drift", "model": "fraud", "team": "b"},
}


def _rules(*below: Route, **changes: object) -> Rules:
    return rules(root=route(routes=below), **{"receivers": RECEIVERS, **changes})


TEAM_A = matcher("team", "a")
CONFIGURATIONS = [
    _rules(route("root/a", receiver="oncall", matchers=(TEAM_A,), goes_on=True), route("root/all")),
    _rules(
        route("root/a", receiver="oncall", matchers=(TEAM_A,), timing=SLOW),
        correlate=(replace(SAME_MODEL, reopen_within=30 * MINUTE),),
    ),
    _rules(receivers={"team": (MAIL,)}),
]
STORMY = _rules(
    route("root/a", receiver="oncall", matchers=(TEAM_A,), goes_on=True),
    route("root/all"),
    receivers={
        "team": (replace(CHAT, storm=StormRule(3, MINUTE)), MAIL),
        "oncall": (replace(PAGER, storm=StormRule(2, MINUTE, ends_singly=True)),),
    },
)
FLOOD = {
    f"s{number}": {"alertname": f"Down{number % 3}", "model": f"host-{number}", "team": "ab"[number % 2]}
    for number in range(12)
}
ALERTS |= FLOOD


class Service(RuleBasedStateMachine):
    configurations = tuple(CONFIGURATIONS)

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(self.configurations[0], remembers_deliveries=frozenset({MAIL.id}))
        self.due: dict[str, tuple[object, set[str]]] = {}
        """Critical alerts: since when, and who subscribed to be told at once."""
        self.covered_by_ack: set[str] = set()

    # What happens

    @initialize()
    def begin(self) -> None:
        self.memory.rules = self.configurations[0]

    @rule(which=st.integers(0, 5))
    def reload(self, which: int) -> None:
        self.memory.rules = self.configurations[which % len(self.configurations)]

    @rule(
        batch=st.lists(
            st.tuples(
                st.sampled_from(sorted(ALERTS.keys() - FLOOD.keys())),
                st.sampled_from([FIRING, FIRING, RESOLVED]),
                st.sampled_from([CRITICAL, CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO]),
                st.sampled_from(["same", "new", "older", "observed"]),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def post(self, batch) -> None:
        memory = self.memory
        before = dict(memory.alerts)
        memory.post(*(self._event(*each) for each in batch))
        for name, alert in memory.alerts.items():
            known = before.get(name)
            was_critical = known is not None and known.state is FIRING and known.severity is CRITICAL
            if alert.state is FIRING and alert.severity is CRITICAL and not was_critical:
                self._is_due(alert)

    @rule(
        names=st.sets(st.sampled_from(sorted(FLOOD)), min_size=5),
        state=st.sampled_from([FIRING, FIRING, RESOLVED]),
        severity=st.sampled_from([CRITICAL, CRITICAL, Severity.ERROR]),
    )
    def flood(self, names, state, severity) -> None:
        """Much at once, each an incident of its own."""
        self.post([(name, state, severity, "new" if state is FIRING else "same") for name in sorted(names)])

    def _event(self, name, state, severity, start) -> Event:
        known = self.memory.alerts.get(name)
        now = self.memory.now
        same = known.starts_at if known else now
        starts_at = {"same": same, "new": now, "older": same - HOUR, "observed": None}[start]
        observed_at = now if start == "observed" else None
        return event(
            state, severity, fingerprint=name, labels=ALERTS[name], starts_at=starts_at, observed_at=observed_at
        )

    def _is_due(self, alert: Alert) -> None:
        labels = event_labels(event(severity=CRITICAL, labels=ALERTS[alert.fingerprint]))
        told = {
            each.id
            for found in routes_for(self.memory.rules.root, labels)
            for each in self.memory.rules.receivers[found.receiver]
        }
        self.due[alert.fingerprint] = (self.memory.now, told)
        acked = self.memory.incidents[alert.incident_id].status is IncidentStatus.ACKNOWLEDGED
        (self.covered_by_ack.add if acked else self.covered_by_ack.discard)(alert.fingerprint)

    @precondition(lambda self: self.memory.incidents)
    @rule(which=st.integers(0, 9), act=st.sampled_from(["acknowledge", "unacknowledge", "resolve", "reopen"]))
    def act(self, which: int, act: str) -> None:
        memory = self.memory
        listed = sorted(memory.incidents.values(), key=lambda each: -each.updated_at.timestamp())
        incident = listed[which % len(listed)]
        if incident.is_open is (act == "reopen"):
            return
        getattr(memory, act)(incident.id)
        if act == "acknowledge":
            covered = (each for each in memory.alerts.values() if each.incident_id == incident.id)
            self.covered_by_ack |= {each.fingerprint for each in covered}

    @rule(span=st.sampled_from([SECOND, MINUTE, 6 * MINUTE, 61 * MINUTE, 5 * HOUR]))
    def time_passes(self, span: timedelta) -> None:
        self.memory.pass_time(span)

    @rule()
    def claim(self) -> None:
        for attempt in self.memory.claim():
            assert not self.memory.makes_noise(attempt.row), "reminds people of what somebody has taken"
            self._may_say(attempt)

    @rule(answers=st.lists(st.sampled_from([Answer.ACCEPTED, Answer.ACCEPTED, *Answer]), min_size=1, max_size=4))
    def deliver(self, answers: list[Answer]) -> None:
        self.claim()
        for answer in answers:
            if self.memory.flying:
                self.memory.land(0, answer)

    @precondition(lambda self: self.memory.flying)
    @rule(position=st.integers(0, 9), answer=st.sampled_from(list(Answer)))
    def land(self, position: int, answer: Answer) -> None:
        self.memory.land(position, answer)

    @rule()
    def calm_down(self) -> None:
        self.memory.calm()
        while any(each.due_at <= self.memory.now - CLOSING_DELAY for each in self.memory.windows.values()):
            self.memory.sweep()
            self.memory.calm()
        self._nothing_waits_but_for_a_digest()
        self._belief_is_true()
        self._criticals_are_told()
        self._reminders_are_set()

    # What must be true

    def _may_say(self, attempt: Try) -> None:
        """Nobody hears how it went on who surely does not know that it fires."""
        row = attempt.row
        if row.made.incident_id is None:
            return
        about = (row.made.incident_id, row.made.destination)
        missed_the_end = about[1] in NOT_TOLD_OF_ENDS or row.lane in self.memory.troubled
        if row.reason is Reason.OPENED and not missed_the_end and about not in self.memory.digested:
            assert about not in self.memory.surely_believes, "opened again to who knows"
        if row.reason in FIRING_NEWS:
            return
        assert about in self.memory.may_believe or about in self.memory.digested, f"{row.reason} to who knows nothing"

    @invariant()
    def a_notification_ends_once_or_waits_for_something(self) -> None:
        for note in self.memory.notes.values():
            if note.state != "pending":
                assert note.state in TERMINAL
                assert note.superseded_by is None or note.superseded_by in self.memory.notes
            elif note.delivery_id is not None:
                assert note.delivery_id in self.memory.outbox
            else:
                assert note.made.digest_id in self.memory.windows

    @invariant()
    def what_ended_is_covered_exactly_once(self) -> None:
        """By the one message it left with, alone or in a summary; by none where it was suppressed or superseded."""
        memory = self.memory
        for key, note in memory.notes.items():
            told = memory.told_in.get(key, [])
            assert told == ([note.delivery_id] if note.state == "delivered" else []), note.state

    @invariant()
    def in_a_storm_few_leave_by_themselves(self) -> None:
        memory = self.memory
        for name, state in memory.storms.items():
            if state.since is None or name not in memory.rules.storm_rules:
                continue
            alone = [
                each
                for each in memory.singles
                if each.destination == name and each.reason in FIRING_NEWS and each.created_at > state.since
            ]
            assert len(alone) <= BREAK_THROUGH_A_STORM, f"{name} was told {len(alone)} by themselves"

    @invariant()
    def the_end_of_a_storm_is_told_once(self) -> None:
        assert len(set(self.memory.storms_over)) == len(self.memory.storms_over)

    @invariant()
    def a_lane_has_one_head(self) -> None:
        lanes = {row.lane for row in self.memory.outbox.values()}
        heads = sorted(row.lane for row in self.memory.outbox.values() if row.state != "waiting")
        assert heads == sorted(lanes)

    @invariant()
    def messages_are_taken_in_order(self) -> None:
        for taken in self.memory.taken.values():
            assert taken == sorted(taken)

    @invariant()
    def counts_are_true(self) -> None:
        for incident in self.memory.incidents.values():
            truth = NONE_FIRING
            for alert in self.memory.alerts.values():
                if alert.incident_id == incident.id and alert.state is FIRING:
                    truth = counted(truth, alert.severity, 1)
            assert incident.firing == truth
            assert incident.is_open or truth == NONE_FIRING

    def _nothing_waits_but_for_a_digest(self) -> None:
        assert not self.memory.outbox
        for note in self.memory.waiting():
            assert self.memory.windows[note.made.digest_id].due_at > self.memory.now - 2 * SECOND

    def _belief_is_true(self) -> None:
        memory = self.memory
        waiting = {(note.made.incident_id, note.made.destination) for note in memory.waiting()}
        for key, known in memory.believers.items():
            heard = [each for each in memory.heard_of(*key) if each != "changed hands"]
            ended = not memory.incidents[key[0]].is_open
            if (
                ended
                and known.destination not in NOT_TOLD_OF_ENDS
                and key not in waiting
                and (*key, True) not in memory.failed
            ):
                assert not heard or heard[-1] == "ended", "believes that it still fires"

    def _criticals_are_told(self) -> None:
        memory = self.memory
        for name, (since, destinations) in self.due.items():
            alert = memory.alerts[name]
            incident = memory.incidents[alert.incident_id]
            if (
                alert.state is not FIRING
                or alert.severity is not CRITICAL
                or incident.status is not IncidentStatus.FIRING
            ):
                continue
            for destination in destinations:
                if (incident.id, destination, False) in memory.failed or name in self.covered_by_ack:
                    continue
                about = (incident.id, destination)
                if memory.waits_in_summary(about, FIRING_NEWS):
                    continue
                told = [
                    each
                    for each in memory.heard
                    if (each.incident_id, each.destination) == about and each.says != "changed hands"
                ]
                assert told, f"{destination} was told nothing"
                assert told[-1].says == "fires", f"{destination} was not told that it fires again"
                assert told[-1].written_at >= since, f"{destination} was told of less"

    def _reminders_are_set(self) -> None:
        memory = self.memory
        waiting = {(note.made.incident_id, note.made.destination) for note in memory.waiting()}
        for key, known in memory.believers.items():
            if memory.incidents[key[0]].status is IncidentStatus.FIRING and known.state != "ended":
                assert key in memory.timers or key in waiting, f"{key} is never reminded"

    def teardown(self) -> None:
        self.calm_down()
        waited = self.memory.waiting()
        for _ in range(2):
            self.memory.pass_time(HOUR)
            self.calm_down()
        assert all(note.state != "pending" for note in waited), "waits longer than any digest"
        self.covered_by_ack.clear()
        self.memory.failed = {key for key in self.memory.failed if key[2]}
        self.memory.pass_time(4 * HOUR)
        self.calm_down()
        for _ in range(8):  # with every summary that is due
            self.memory.pass_time(6 * MINUTE)
            self.calm_down()
        assert not [name for name, state in self.memory.storms.items() if state.since is not None], "never ends"


class InStorms(Service):
    """The same with more at once than people can read, where as a rule that is summed up."""

    configurations = (STORMY, STORMY, CONFIGURATIONS[1])

    @rule(names=st.sets(st.sampled_from(sorted(FLOOD)), min_size=5), again=st.booleans())
    def flood_of_criticals(self, names, again) -> None:
        self.post([(name, FIRING, CRITICAL, "new") for name in sorted(names)])
        if again:
            self.time_passes(MINUTE)

    @rule(span=st.sampled_from([SECOND, 33 * SECOND, 63 * SECOND]))
    def a_summary_comes(self, span: timedelta) -> None:
        self.memory.pass_time(span)


EXAMPLES = int(os.environ.get("ALERTSVC_EXAMPLES", "150"))
"""More of them look longer: an hour of them before a change of the rules is released."""

CHOSEN = settings(
    max_examples=EXAMPLES,
    report_multiple_bugs=False,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestService = pytest.mark.timeout(60 + EXAMPLES)(Service.TestCase)
TestService.settings = CHOSEN
TestInStorms = pytest.mark.timeout(60 + EXAMPLES)(InStorms.TestCase)
TestInStorms.settings = CHOSEN
