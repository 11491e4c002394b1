"""What keeps news back at one instant, how it is named, and what may be told once mutes have ended."""

from dataclasses import replace

import pytest

from alertsvc.core.inhibition import InhibitRule, sources_of
from alertsvc.core.intervals import Interval, IntervalEntry, TimeRange
from alertsvc.core.mutes import Ended, MuteKind, Mutes, interval_ref, kind_of, place_ref, silence_ref, timed_by
from alertsvc.core.silences import Silence
from tests.core.builders import HOUR, MINUTE, NOW, matcher, route, uid

LABELS = {"team": "a", "model": "churn", "severity": "warning"}
SILENCE = Silence(uid(1), (matcher("team", "a"),), NOW - HOUR, NOW + HOUR, "ann", "we know")
RULE = InhibitRule("down", (matcher("alertname", "Down"),), (matcher("severity", "warning"),), ("model",))
(SOURCE,) = sources_of([RULE], "d0wn", {"alertname": "Down", "model": "churn"})
MORNING = Interval("morning", (IntervalEntry(times=(TimeRange(8 * 60, 10 * 60),)),))
EVENING = Interval("evening", (IntervalEntry(times=(TimeRange(18 * 60, 20 * 60),)),))
INTERVALS = {"morning": MORNING, "evening": EVENING}


def in_force(**changes):
    """All that can mute, at nine in the morning."""
    known = {"silences": (SILENCE,), "rules": (RULE,), "sources": {SOURCE.place: (SOURCE,)}}
    return Mutes(NOW, **{**known, "timed": timed_by(INTERVALS), **changes})


def said(mutes, labels=LABELS, by=None):
    return [(mute.kind, mute.ref, mute.said, mute.until) for mute in mutes.on(labels, by or route())]


INHIBITED = (MuteKind.INHIBITION, place_ref(SOURCE.place), "inhibited by the alert d0wn (rule down)", None)
SILENCED = (
    MuteKind.SILENCE,
    silence_ref(SILENCE),
    "silenced by ann until 2026-03-02 10:00 UTC: we know",
    NOW + HOUR,
)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param(route(), [], id="a-route-without-intervals"),
        pytest.param(
            route(mute_intervals=("evening", "morning")),
            [(MuteKind.INTERVAL, "interval:morning", "muted by the time interval morning", NOW + HOUR)],
            id="within-one-that-mutes",
        ),
        pytest.param(route(mute_intervals=("evening",)), [], id="outside-the-one-that-mutes"),
        pytest.param(route(active_intervals=("evening", "morning")), [], id="within-one-of-the-active-ones"),
        pytest.param(
            route(active_intervals=("evening",)),
            [(MuteKind.INTERVAL, "interval:evening", "outside the time interval evening", NOW + 9 * HOUR)],
            id="outside-the-active-ones",
        ),
    ],
)
def test_the_clock_keeps_back_what_goes_by_a_route(by, expected):
    assert said(in_force(silences=(), rules=(), sources={}), by=by) == expected


def test_all_that_mutes_is_named_in_alertmanagers_order():
    found = said(in_force(), by=route(mute_intervals=("morning",)))
    assert [kind for kind, *_ in found] == [MuteKind.INHIBITION, MuteKind.INTERVAL, MuteKind.SILENCE]
    assert (found[0], found[2]) == (INHIBITED, SILENCED)


@pytest.mark.parametrize(
    ("changes", "labels", "expected"),
    [
        pytest.param({}, LABELS, [INHIBITED, SILENCED], id="both"),
        pytest.param({"sources": {}}, LABELS, [SILENCED], id="no-source-fires"),
        pytest.param({"silences": ()}, LABELS, [INHIBITED], id="no-silence"),
        pytest.param({"silences": (replace(SILENCE, ends_at=NOW),)}, LABELS, [INHIBITED], id="a-silence-that-ended"),
        pytest.param({}, {**LABELS, "team": "b"}, [INHIBITED], id="of-another-team"),
        pytest.param({}, {**LABELS, "severity": "critical"}, [SILENCED], id="not-a-target"),
        pytest.param({}, {"team": "b", "severity": "critical"}, [], id="free"),
    ],
)
def test_what_keeps_an_alert_back(changes, labels, expected):
    assert said(in_force(**changes), labels) == expected


def test_where_nothing_can_be_muted_nothing_is_looked_at():
    assert Mutes(NOW).are_none
    assert not in_force(silences=(), sources={}).are_none
    assert not Mutes(NOW, timed=timed_by(INTERVALS)).are_none
    assert Mutes(NOW, timed=timed_by({})).are_none


def test_a_mute_says_of_what_kind_it_is():
    refs = (silence_ref(SILENCE), place_ref(SOURCE.place), interval_ref("morning:early"))
    assert [kind_of(ref) for ref in refs] == [MuteKind.SILENCE, MuteKind.INHIBITION, MuteKind.INTERVAL]


@pytest.mark.parametrize(
    ("refs", "by", "held"),
    [
        pytest.param({silence_ref(SILENCE)}, route(), True, id="its-silence"),
        pytest.param({place_ref(SOURCE.place)}, route(), True, id="what-fired-at-its-place"),
        pytest.param({f"inhibition:{RULE.key}:x"}, route(), False, id="what-fired-elsewhere"),
        pytest.param({interval_ref("morning")}, route(mute_intervals=("morning",)), True, id="an-interval-of-it"),
        pytest.param({interval_ref("morning")}, route(active_intervals=("morning",)), True, id="or-an-active-one"),
        pytest.param({interval_ref("morning")}, route(), False, id="an-interval-of-other-routes"),
    ],
)
def test_what_may_be_told_once_mutes_have_ended(refs, by, held):
    ended = Ended(frozenset(refs), {silence_ref(SILENCE): SILENCE}, (RULE,), frozenset({"morning"}))
    assert ended.held(LABELS, by) is held
    assert not ended.held({"team": "b", "severity": "critical"}, route())


@pytest.mark.parametrize("ref", ["silence:forgotten", "inhibition:old:x", interval_ref("night")])
def test_what_came_of_other_rules_may_have_held_anything(ref):
    ended = Ended(frozenset({ref}), {silence_ref(SILENCE): SILENCE}, (RULE,), frozenset({"morning"}))
    assert ended.held({"team": "b", "severity": "critical"}, route())


def test_what_fired_held_only_what_it_may_mute():
    ended = Ended(frozenset({place_ref(SOURCE.place)}), {}, (RULE,))
    assert ended.held(LABELS, route())
    assert not ended.held({**LABELS, "severity": "critical"}, route()), "at the same place, but no target"


def test_alerts_of_the_same_batch_change_nothing_but_the_sources():
    alone = in_force(sources={})
    down = {"alertname": "Down", "model": "churn"}
    by = route(mute_intervals=("morning",))
    assert said(alone.after([("d0wn", down, True)]), by=by) == said(in_force(), by=by)
    assert said(in_force().after([("d0wn", down, False)]), by=by) == said(alone, by=by)
    assert said(in_force().after([("d0wn", {**down, "model": "fraud"}, False)])) == [INHIBITED, SILENCED]


def test_a_mute_by_the_clock_ends_when_no_interval_takes_over():
    shift = Interval("shift", (IntervalEntry(times=(TimeRange(9 * 60 + 30, 11 * 60),)),))
    mutes = in_force(silences=(), rules=(), sources={}, timed=timed_by({**INTERVALS, "shift": shift}))
    (mute,) = mutes.on(LABELS, route(mute_intervals=("morning", "shift")))
    assert mute.until == NOW + 2 * HOUR
    assert mutes.on(LABELS, route(mute_intervals=("shift",))) == ()
    assert replace(mutes, now=NOW + 30 * MINUTE).on(LABELS, route(mute_intervals=("shift",))) != ()
