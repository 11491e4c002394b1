"""What is foreseen is what live traffic decides, and the reasoning about the routes leads to the same."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.core.decide import Batch
from alertsvc.core.effects import digest_id
from alertsvc.core.explain import explain
from alertsvc.core.foresee import Known, Way, foresee
from alertsvc.core.inhibition import InhibitRule, places_for, sources_of
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.model import Deliver, IncidentStatus, Reason, Severity
from alertsvc.core.mutes import Mutes, timed_by
from alertsvc.core.route import Destination
from alertsvc.core.silences import Silence
from alertsvc.core.subscribers import event_labels
from alertsvc.matchers import parse_matchers
from tests.core.builders import (
    ALL,
    CHAT,
    CRITICAL,
    HOUR,
    MAIL,
    MINUTE,
    NOW,
    RESOLVED,
    WARNING,
    alert,
    believer,
    covered,
    event,
    incident,
    live,
    moment,
    route,
    rules,
    situation,
    uid,
)
from tests.core.trees import LABEL_SETS, MATCHERS, TREES

PAGER = Destination("other/pager", "other", "pager", ALL)
ALWAYS, NEVER = Interval("always", (IntervalEntry(),)), Interval("never", (IntervalEntry(times=(TimeRange(0, 1),)),))
INTERVALS = {each.name: each for each in (ALWAYS, NEVER)}

# Whatever the rules are


@st.composite
def worlds(draw):
    """Rules over a random tree, an alert, and what keeps news back."""

    def dressed(tree):
        return replace(
            tree,
            receiver=draw(st.sampled_from(["team", "other"])),
            deliver={each: draw(st.sampled_from(Deliver)) for each in Severity},
            timing=replace(tree.timing, group_wait=draw(st.sampled_from([timedelta(0), MINUTE]))),
            mute_intervals=draw(st.sampled_from([(), (), ("always",), ("never",)])),
            active_intervals=draw(st.sampled_from([(), (), ("always",), ("never",)])),
            routes=tuple(map(dressed, tree.routes)),
        )

    inhibit = draw(st.lists(st.builds(lambda each: InhibitRule("r", (), (each,), ("team",)), MATCHERS), max_size=1))
    known = rules(
        root=dressed(draw(TREES)),
        receivers={"team": (CHAT, MAIL), "other": (PAGER,)},
        inhibit=tuple(inhibit),
        intervals=INTERVALS,
    )
    about = event(labels=dict(draw(st.sampled_from(LABEL_SETS))), severity=draw(st.sampled_from(Severity)))
    silences = draw(st.lists(st.tuples(MATCHERS), max_size=1))
    found = [Silence(uid(9), each, NOW - HOUR, NOW + HOUR, "ann", "we know") for each in silences]
    places = [place for _, place in places_for(known.inhibit, event_labels(about))]
    others = sources_of(known.inhibit, "other", event_labels(about)) if draw(st.booleans()) else []
    sources = {place: tuple(replace(each, two_sided=False) for each in others) for place in places}
    return known, about, Mutes(NOW, found, known.inhibit, sources, timed_by(known.intervals))


def decided(known, about, mutes):
    """By destination: how live traffic treats the first alert of an incident, read from what it would write."""
    batch = Batch(moment(known), {}, [])
    batch.arrive(about, UUID(int=7), NOW)
    effects = batch.finish(mutes).effects
    leaves = {each.id: each.due_at for each in effects.deliveries}
    closes = {each.id: each.due_at for each in effects.digests}
    found = {}
    for note in effects.notifications:
        if note.state == "pending":
            found[note.destination] = (
                ("sent", leaves[note.delivery_id]) if note.delivery_id else ("digest", closes[note.digest_id])
            )
    for note in effects.notifications:
        if note.muted_by:
            found.setdefault(note.destination, ("muted", None))
    for note in effects.notifications:
        found.setdefault(note.destination, ("not told", None))
    return found


def reasoned(explanation):
    """By destination: what the reasoning about the routes leads to."""
    found = {}
    for destination, taking in explanation.told.items():
        wait = timedelta(0) if explanation.severity is CRITICAL else taking.route.timing.group_wait
        if taking.deliver is Deliver.NONE:
            found[destination] = ("not told", None)
        elif taking.mutes:
            found[destination] = ("muted", None)
        elif taking.deliver is Deliver.DIGEST:
            found[destination] = ("digest", NOW + HOUR)
        else:
            found[destination] = ("sent", NOW + wait)
    return found


@settings(max_examples=100, deadline=None)
@given(world=worlds())
def test_what_is_foreseen_of_a_first_alert_is_what_live_traffic_decides(world):
    known, about, mutes = world
    words = {Way.NOW: "sent", Way.LATER: "sent"}
    foreseen = foresee(moment(known), about, mutes, Known())
    ways = {each.destination: (words.get(each.way, str(each.way)), each.due_at) for each in foreseen}
    assert ways == decided(known, about, mutes)
    assert all((each.way is Way.NOW) is (each.due_at == NOW) for each in foreseen)


@settings(max_examples=100, deadline=None)
@given(world=worlds())
def test_the_reasoning_leads_to_what_live_traffic_decides(world):
    known, about, mutes = world
    assert reasoned(explain(known, about.labels, about.severity, mutes)) == decided(known, about, mutes)


# Case by case


def foreseen(known=None, about=None, mutes=None, **given):
    return foresee(moment(known or rules()), about or event(), mutes or Mutes(NOW), Known(**given))


def said(each):
    return (each.way, each.reason, each.due_at, each.why)


OPEN = incident()
OTHER = event(fingerprint="f2", labels={"alertname": "Slow", "model": "churn"})
MESSAGE_UNSENT = live(Reason.OPENED, due_at=NOW + MINUTE)
WINDOW = digest_id("hourly", "team", NOW + HOUR)


def stands(*known, **changes):
    about = situation(incident(correlation_key=_key(), **changes), *known)
    return [about]


def _key():
    return explain(rules(), OTHER.labels).correlation.key


@pytest.mark.parametrize(
    ("known", "way", "reason", "due_at"),
    [
        pytest.param(stands(believer()), Way.LATER, Reason.UPDATED, NOW + 5 * MINUTE, id="told-of-the-incident"),
        pytest.param(stands(), Way.NOW, Reason.OPENED, NOW, id="never-told-of-it"),
        pytest.param(
            stands(believer("pending"), MESSAGE_UNSENT),
            Way.ALONG,
            Reason.OPENED,
            NOW + MINUTE,
            id="a-message-is-on-its-way",
        ),
        pytest.param(
            stands(believer(), status=IncidentStatus.ACKNOWLEDGED),
            Way.NOT_TOLD,
            Reason.UPDATED,
            None,
            id="somebody-has-it",
        ),
        pytest.param(
            stands(believer("told", severity=WARNING), severity=WARNING),
            Way.NOW,
            Reason.RAISED,
            NOW,
            id="it-is-worse",
        ),
    ],
)
def test_what_is_told_depends_on_what_was(known, way, reason, due_at):
    (each,) = foreseen(about=OTHER, situations=known)
    assert (each.destination, each.way, each.reason, each.due_at) == (CHAT.id, way, reason, due_at)


@pytest.mark.parametrize(
    ("window", "due_at"),
    [
        pytest.param(WINDOW, NOW + HOUR, id="the-window-that-is-open"),
        pytest.param(uid(77), None, id="an-earlier-one"),
    ],
)
def test_what_waits_for_a_digest_says_it_too(window, due_at):
    known = stands(
        believer("pending", Deliver.DIGEST, severity=WARNING),
        covered(Reason.OPENED, digest_id=window),
        severity=WARNING,
    )
    (each,) = foreseen(about=replace(OTHER, severity=WARNING), situations=known)
    assert (each.way, each.digest, each.due_at) == (Way.ALONG, "hourly", due_at)


def test_one_that_fires_already_is_looked_at_as_if_it_were_new():
    assert foreseen(alert=alert()) == foreseen()


def test_who_was_told_that_it_fires_would_be_told_that_it_ended():
    (each,) = foreseen(about=event(RESOLVED), situations=[situation(incident(), believer())], alert=alert())
    assert said(each) == (Way.NOW, Reason.RESOLVED, NOW, "its last alert ended at its source")


def test_the_end_of_what_never_fired_is_told_to_nobody():
    (each,) = foreseen(about=event(RESOLVED))
    assert said(each) == (Way.NOT_TOLD, None, None, "nothing that it has not heard, or has to hear")


def test_a_destination_outside_the_routes_of_today_is_listed_too():
    gone = believer(destination="old/chat")
    listed = foreseen(about=event(RESOLVED), situations=[situation(incident(), gone)], alert=alert())
    assert [(each.destination, each.way) for each in listed] == [
        (CHAT.id, Way.NOT_TOLD),
        ("old/chat", Way.NOW),
    ]


# What is said of mutes


def test_every_mute_of_a_route_is_listed_with_its_end():
    quiet = route(mute_intervals=("always",))
    silence = Silence(uid(9), parse_matchers('model="churn"'), NOW - HOUR, NOW + HOUR, "ann", "we know")
    known = rules(root=quiet, intervals=INTERVALS)
    explanation = explain(known, event().labels, CRITICAL, Mutes(NOW, [silence], timed=timed_by(INTERVALS)))
    (taking,) = explanation.taken
    assert explanation.at == NOW
    assert explanation.mutes == taking.mutes
    assert [(mute.ref, mute.until) for mute in taking.mutes] == [
        ("interval:always", None),
        (f"silence:{uid(9)}", NOW + HOUR),
    ]


def test_without_an_instant_nothing_is_said_of_mutes():
    explanation = explain(rules(root=route(mute_intervals=("always",)), intervals=INTERVALS), {})
    assert (explanation.at, explanation.mutes) == (None, ())
