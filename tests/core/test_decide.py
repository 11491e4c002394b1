"""A batch of events: which incident each goes to, what becomes of it, and who hears of it.

It is 09:01. What was there before was opened and told at 09:00.
"""

from dataclasses import replace
from uuid import UUID

import pytest

from alertsvc.core.alerts import Change
from alertsvc.core.correlate import CorrelateRule, correlation_of
from alertsvc.core.decide import Batch
from alertsvc.core.model import Deliver, IncidentStatus
from alertsvc.core.route import Destination
from tests.core.builders import (
    ALL,
    CHAT,
    CRITICAL,
    DELIVER,
    ERROR,
    HOUR,
    INFO,
    MAIL,
    MINUTE,
    NOW,
    RESOLVED,
    SAME_MODEL,
    WARNING,
    alert,
    believer,
    event,
    incident,
    matcher,
    moment,
    route,
    rules,
    situation,
    uid,
)
from tests.core.reading import told

AT = NOW + MINUTE
ARRIVAL = uid(90)
KEY = correlation_of(SAME_MODEL, {"model": "churn"}).key
ACKNOWLEDGED, OVER = IncidentStatus.ACKNOWLEDGED, IncidentStatus.RESOLVED
PAGER = Destination("oncall/pager", "oncall", "pager", ALL)

AT_ONCE = "route root: critical is delivered immediately"
LATER = "bundled by group_interval 0:05:00"


def fires(name: str = "Drift", severity=CRITICAL, state=None, *, start=AT, **labels):
    """An alert of the model that begins now."""
    known = {"alertname": name, "model": "churn", **labels}
    found = event(severity=severity, fingerprint=name, labels=known, starts_at=start)
    return found if state is None else replace(found, state=state)


def ends(name: str = "Drift", severity=CRITICAL, **labels):
    """The same alert ends."""
    return fires(name, severity, RESOLVED, **labels)


def known_alert(name: str = "Drift", **changes):
    """An alert that fires since 09:00 in the incident of the model."""
    return alert(fingerprint=name, **changes)


def open_incident(status=IncidentStatus.FIRING, severity=CRITICAL, **changes):
    """The incident of the model."""
    return incident(status, severity, correlation_key=KEY, **changes)


class Decided:
    """What a batch came to."""

    def __init__(self, events, alerts=(), situations=(), chosen=None) -> None:
        batch = Batch(moment(chosen or rules(CHAT), AT), {each.fingerprint: each for each in alerts}, situations)
        self.changes = [batch.arrive(each, ARRIVAL, AT) for each in events]
        self.homes = [batch.incident_of(each.fingerprint) for each in events]
        self.verdict = batch.finish()
        self.effects = self.verdict.effects
        self.lines = told(self.effects, *situations)
        self.touched = batch.touched()

    @property
    def incident(self):
        """The only incident that is to be written."""
        (only,) = (*self.effects.opened, *self.effects.changed)
        return only


# Which incident


def test_alerts_that_belong_together_open_one_incident():
    decided = Decided([fires("A"), fires("B", ERROR), fires("C")])
    (opened,) = decided.effects.opened
    assert decided.homes == [opened.id] * 3
    assert (opened.correlation_key, opened.alert_count, opened.firing) == (KEY, 3, (0, 0, 1, 2))
    assert (opened.status, opened.opened_at, opened.version) == (IncidentStatus.FIRING, AT, 1)
    assert decided.lines == [f"team/chat | opened | now | {AT_ONCE}"]


def test_alerts_that_do_not_belong_together_open_one_each():
    decided = Decided([fires("A"), fires("B", model="fraud")])
    assert [each.labels for each in decided.effects.opened] == [{"model": "churn"}, {"model": "fraud"}]
    assert decided.lines == [f"team/chat | opened | now | {AT_ONCE}"] * 2


def test_an_alert_joins_the_open_incident_of_its_key():
    decided = Decided([fires("B")], [known_alert()], [situation(open_incident(), believer())])
    assert decided.effects.opened == []
    assert (decided.incident.id, decided.incident.alert_count, decided.incident.firing) == (uid(2), 2, (0, 0, 0, 2))
    assert decided.incident.version == 2
    assert decided.lines == [f"team/chat | updated | at 09:05 | {LATER}"]


def test_an_alert_stays_in_its_incident_whatever_the_rules_say_now():
    elsewhere = rules(CHAT, correlate=(CorrelateRule("other", ("alertname",)),))
    decided = Decided([ends()], [known_alert()], [situation(open_incident(), believer())], elsewhere)
    assert decided.homes == [uid(2)]
    assert decided.incident.status is OVER


def test_the_same_episode_that_fires_again_goes_back_into_its_open_incident():
    elsewhere = rules(CHAT, correlate=(CorrelateRule("other", ("alertname",)),))
    ended = known_alert(state=RESOLVED)
    before = situation(open_incident(firing=(0, 0, 0, 1), alert_count=2), believer())
    decided = Decided([fires(start=NOW)], [ended], [before], elsewhere)
    assert (decided.changes, decided.homes) == ([Change.REOPENED], [uid(2)])
    assert (decided.incident.firing, decided.incident.alert_count) == ((0, 0, 0, 2), 2)


@pytest.mark.parametrize(
    ("ago", "within", "again"),
    [
        pytest.param(10 * MINUTE, HOUR, True, id="recently"),
        pytest.param(HOUR, HOUR, False, id="exactly-as-long-ago"),
        pytest.param(2 * HOUR, HOUR, False, id="too-long-ago"),
        pytest.param(MINUTE, 0 * HOUR, False, id="never-when-the-rule-does-not-say-so"),
    ],
)
def test_what_was_resolved_is_opened_again_within_reopen_within(ago, within, again):
    chosen = rules(CHAT, correlate=(replace(SAME_MODEL, reopen_within=within),))
    over = open_incident(OVER, resolved_at=AT - ago, acknowledged_by="ann", acknowledged_at=NOW)
    decided = Decided([fires("B")], [], [situation(over, believer("ended"))], chosen)
    assert (decided.incident.id == over.id) is again
    assert decided.incident.status is IncidentStatus.FIRING
    assert (decided.incident.resolved_at, decided.incident.resolved_by) == (None, None)
    assert decided.incident.acknowledged_by is None
    assert decided.lines == [f"team/chat | opened | now | {AT_ONCE}"]
    assert decided.effects.history[0].kind == ("reopened" if again else "opened")


@pytest.mark.parametrize("turn", [1, -1], ids=["in-this-order", "in-the-other"])
def test_the_open_incident_of_a_key_is_nearer_than_a_resolved_one(turn):
    chosen = rules(CHAT, correlate=(replace(SAME_MODEL, reopen_within=HOUR),))
    over, other = open_incident(OVER, resolved_at=AT), open_incident(id=uid(3))
    decided = Decided([fires("B")], [], [situation(over), situation(other)][::turn], chosen)
    assert decided.homes == [other.id]


@pytest.mark.parametrize("turn", [1, -1], ids=["in-this-order", "in-the-other"])
def test_the_latest_of_resolved_incidents_is_opened_again(turn):
    chosen = rules(CHAT, correlate=(replace(SAME_MODEL, reopen_within=HOUR),))
    earlier = open_incident(OVER, resolved_at=NOW)
    later = open_incident(OVER, resolved_at=NOW + MINUTE / 2, id=uid(3))
    decided = Decided([fires("B")], [], [situation(earlier), situation(later)][::turn], chosen)
    assert decided.homes == [later.id]


# What it comes to


def test_the_incident_ends_when_the_last_of_its_alerts_does():
    before = situation(open_incident(firing=(0, 0, 0, 2), alert_count=2), believer())
    known = [known_alert("A"), known_alert("B")]
    one = Decided([ends("A")], known, [before])
    assert (one.incident.status, one.incident.firing) == (IncidentStatus.FIRING, (0, 0, 0, 1))
    assert one.lines == [f"team/chat | updated | at 09:05 | {LATER}"]
    both = Decided([ends("A"), ends("B")], known, [before])
    assert (both.incident.status, both.incident.resolved_at, both.incident.resolved_by) == (OVER, AT, "source")
    assert both.lines == ["team/chat | resolved | now | its last alert ended at its source", "nobody is reminded"]


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        pytest.param(
            [fires(), ends()],
            [
                "team/chat | resolved | never | its last alert ended at its source; "
                "the opening had not left: both cancel",
                "team/chat | opened | taken back for resolved | ended before it left",
                "nobody is reminded",
            ],
            id="critical",
        ),
        pytest.param(
            [fires(severity=WARNING), ends(severity=WARNING)],
            [
                "team/chat | opened | in the digest of 10:00 | route root: warning is delivered in a digest",
                "team/chat | resolved | in the digest of 10:00 | its last alert ended at its source",
                "nobody is reminded",
            ],
            id="warning",
        ),
    ],
)
def test_what_opened_and_ended_within_a_batch_is_in_the_books(events, lines):
    decided = Decided(events)
    (opened,) = decided.effects.opened
    assert (opened.status, opened.firing, opened.alert_count) == (OVER, (0, 0, 0, 0), 1)
    assert sorted(decided.lines) == sorted(lines)
    kinds = [each.kind for each in decided.effects.history]
    assert (kinds[0], kinds[-1]) == ("opened", "resolved")


def test_what_ended_and_began_anew_within_a_batch_goes_on():
    before = situation(open_incident(), believer())
    decided = Decided([ends(), fires(start=AT + MINUTE)], [known_alert()], [before])
    assert decided.changes == [Change.ENDED, Change.REFIRED]
    assert (decided.incident.id, decided.incident.status, decided.incident.firing) == (
        uid(2),
        IncidentStatus.FIRING,
        (0, 0, 0, 1),
    )
    assert decided.lines == [f"team/chat | updated | at 09:05 | {LATER}"]


def test_an_end_that_nobody_heard_the_beginning_of_makes_no_incident():
    decided = Decided([ends()])
    assert decided.changes == [Change.ENDED_UNSEEN]
    assert (decided.effects.opened, decided.lines, decided.homes) == ([], [], [None])
    ((saved, _, is_new),) = decided.verdict.alerts
    assert (saved.state, saved.incident_id, is_new) == (RESOLVED, None, True)


def test_duplicates_change_no_incident_and_are_only_touched():
    same = fires("f1", start=NOW, feature="age")
    known = known_alert("f1", last_seen_at=NOW)
    decided = Decided([same], [known], [situation(open_incident(), believer())])
    assert decided.changes == [Change.DUPLICATE]
    assert (decided.effects.changed, decided.lines, decided.verdict.happenings) == ([], [], [])
    assert [each.last_seen_at for each in decided.touched] == [AT]


def test_each_alert_is_saved_once_as_it_is_in_the_end_and_every_change_is_kept():
    decided = Decided([fires(severity=WARNING), fires(severity=CRITICAL), ends(), fires("A")])
    saved = {each.fingerprint: (each.state, is_new) for each, _, is_new in decided.verdict.alerts}
    assert saved == {"Drift": (RESOLVED, True), "A": ("firing", True)}
    happened = [(each.event.fingerprint, each.step.change) for each in decided.verdict.happenings]
    assert happened == [
        ("Drift", Change.OPENED),
        ("Drift", Change.RAISED),
        ("Drift", Change.ENDED),
        ("A", Change.OPENED),
    ]
    assert {each.incident_id for each in decided.verdict.happenings} == {decided.incident.id}
    assert {each.arrival_id for each in decided.verdict.happenings} == {ARRIVAL}


@pytest.mark.parametrize(
    ("events", "severity", "peak"),
    [
        pytest.param([fires("A", INFO), fires("B", ERROR), fires("C", WARNING)], ERROR, ERROR, id="the-gravest"),
        pytest.param(
            [fires("A", WARNING), fires("B", CRITICAL), ends("B")], WARNING, CRITICAL, id="the-peak-is-remembered"
        ),
        pytest.param([fires("A", CRITICAL), fires("A", WARNING)], WARNING, CRITICAL, id="one-that-eased"),
    ],
)
def test_the_gravest_alert_that_fires_is_the_severity_of_the_whole(events, severity, peak):
    decided = Decided(events)
    assert (decided.incident.severity, decided.incident.peak_severity) == (severity, peak)


# An acknowledgement


@pytest.mark.parametrize(
    ("severity", "status", "lines"),
    [
        pytest.param(
            ERROR, ACKNOWLEDGED, ["team/chat | updated | never | acknowledged by ann"], id="covers-as-much-as-it-was"
        ),
        pytest.param(
            WARNING, ACKNOWLEDGED, ["team/chat | updated | never | acknowledged by ann"], id="covers-less-than-it-was"
        ),
        pytest.param(
            CRITICAL,
            IncidentStatus.FIRING,
            [
                "team/chat | raised | now | raised from error; " + AT_ONCE,
                "team/chat | repeat | at 13:00",
            ],
            id="does-not-cover-worse",
        ),
    ],
)
def test_an_acknowledgement_covers_what_it_was_given_for(severity, status, lines):
    taken = open_incident(ACKNOWLEDGED, ERROR)
    before = situation(taken, replace(believer(), severity=ERROR))
    decided = Decided([fires("B", severity)], [known_alert(severity=ERROR)], [before])
    assert decided.incident.status is status
    assert decided.incident.acknowledged_by == ("ann" if status is ACKNOWLEDGED else None)
    assert decided.lines == lines


def test_who_has_it_is_told_to_those_who_do_not_hear_of_worse():
    taken = open_incident(ACKNOWLEDGED, ERROR)
    chosen = rules(
        root=route(routes=(route("root/page", receiver="oncall", matchers=(matcher("alertname", "B"),)),)),
        receivers={"team": (CHAT,), "oncall": (PAGER,)},
    )
    before = situation(taken, replace(believer(), severity=ERROR))
    decided = Decided([fires("B")], [known_alert(severity=ERROR)], [before], chosen)
    assert decided.lines == [
        "team/chat | unacknowledged | now | the acknowledgement by ann was of error",
        "oncall/pager | opened | now | route root/page: critical is delivered immediately",
        "team/chat | repeat | at 13:00",
    ]


# Who hears


def tree(*below, **changes):
    receivers = {"team": (CHAT, MAIL), "oncall": (PAGER,)}
    return rules(root=route(routes=below, **changes), receivers=receivers)


def test_every_destination_of_every_route_that_fits_hears():
    on = route("root/a", receiver="oncall", matchers=(matcher("team", "a"),), goes_on=True)
    decided = Decided([fires(team="a")], chosen=tree(on, route("root/all")))
    assert decided.lines == [
        "oncall/pager | opened | now | route root/a: critical is delivered immediately",
        "team/chat | opened | now | route root/all: critical is delivered immediately",
        "team/mail | opened | now | route root/all: critical is delivered immediately",
    ]


def test_of_many_alerts_a_destination_hears_the_most_urgent():
    decided = Decided([fires("A", INFO), fires("B", WARNING), fires("C", ERROR)])
    assert decided.lines == ["team/chat | opened | now | route root: error is delivered immediately"]


def test_of_many_routes_a_destination_hears_by_the_most_urgent():
    quiet = route("root/quiet", goes_on=True, deliver=dict.fromkeys(DELIVER, Deliver.NONE))
    later = route("root/later", goes_on=True, deliver=dict.fromkeys(DELIVER, Deliver.DIGEST))
    decided = Decided([fires()], chosen=rules(CHAT, root=route(routes=(quiet, later, route("root/now")))))
    assert decided.lines == ["team/chat | opened | now | route root/now: critical is delivered immediately"]


def test_what_eased_is_no_news_to_who_hears_of_worse_in_the_same_batch():
    before = situation(open_incident(firing=(0, 0, 0, 1)), believer())
    decided = Decided([ends(), fires("B")], [known_alert()], [before])
    assert decided.lines == [f"team/chat | updated | at 09:05 | {LATER}"]


def test_who_was_never_to_hear_of_an_alert_does_not_hear_that_it_eased():
    before = situation(open_incident(firing=(1, 0, 0, 1), alert_count=2), believer())
    decided = Decided([ends("I", INFO)], [known_alert(), known_alert("I", severity=INFO)], [before])
    assert decided.lines == []
    assert decided.incident.firing == (0, 0, 0, 1)


def test_a_route_may_look_at_a_severity_that_is_stated_in_a_field():
    page = route("root/page", receiver="oncall", matchers=(matcher("severity", "critical"),))
    stated = [replace(each, source="events") for each in (fires("A", WARNING), fires("B", CRITICAL))]
    decided = Decided(stated, chosen=tree(page))
    assert [line.partition(" | ")[0] for line in decided.lines] == ["team/chat", "team/mail", "oncall/pager"]


def test_an_event_of_no_interest_changes_the_alert_and_tells_nobody():
    changed = replace(fires("Drift", start=NOW), annotations={"summary": "other words"})
    decided = Decided([changed], [known_alert()], [situation(open_incident(), believer())])
    assert decided.changes == [Change.UPDATED]
    assert decided.lines == []
    assert decided.incident.version == 2


def test_one_decision_gives_every_row_an_identity_of_its_own():
    decided = Decided([fires("A"), fires("B", model="fraud"), fires("C", WARNING)])
    made = [each.id for each in (*decided.effects.opened, *decided.effects.notifications, *decided.effects.deliveries)]
    assert len(set(made)) == len(made)
    assert all(isinstance(each, UUID) for each in made)
