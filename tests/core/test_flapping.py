"""Alerts that begin and end again and again: when that is too often, and when they are stable again."""

from datetime import timedelta

import pytest

from alertsvc.core.alerts import Alert, Change
from alertsvc.core.due import due_at
from alertsvc.core.flap_rule import FlapRule
from alertsvc.core.flapping import STABLE
from alertsvc.core.judge import judge
from alertsvc.core.model import AlertState
from tests.core.builders import CRITICAL, ERROR, FIRING, HOUR, MINUTE, NOW, RESOLVED, event, numbered, rules

RULE = FlapRule(3, HOUR, 15 * MINUTE)


def play(*minutes_and_states: tuple[int, AlertState], rule: FlapRule | None = RULE, **changes):
    """What each event is to the alert, in order, and the alert at the end."""
    new_id, alert, steps = numbered(), None, []
    for minute, state in minutes_and_states:
        at = NOW + minute * MINUTE
        start = {"starts_at": at} if state is FIRING else {"starts_at": alert.starts_at if alert else at}
        step = judge(alert, event(state, **{**start, **changes}), at, new_id, rules(flapping=rule))
        alert = step.after
        steps.append((str(step.change), step.flaps))
    assert isinstance(alert, Alert)
    return steps, alert


def on_off(count: int, every: int = 5) -> list[tuple[int, AlertState]]:
    return [(every * n, FIRING if n % 2 == 0 else RESOLVED) for n in range(count)]


def test_the_first_sight_is_no_change_and_the_one_beyond_the_limit_flaps():
    steps, alert = play(*on_off(5))
    assert steps == [("opened", False), ("ended", False), ("refired", False), ("ended", False), ("refired", True)]
    assert alert.stable_at == NOW + 35 * MINUTE
    assert due_at(alert) == alert.stable_at


def test_an_end_that_is_one_too_many_is_held_back():
    steps, alert = play(*on_off(6), rule=FlapRule(4, HOUR, 15 * MINUTE))
    assert steps[-1] == ("flapped", True)
    assert (alert.state, alert.end_is_held, alert.closed_at) == (FIRING, True, None)


def test_what_follows_while_it_flaps_is_recorded_and_moves_the_time_of_rest():
    steps, alert = play(*on_off(9))
    assert steps[5:] == [("flapped", False)] * 4
    assert (alert.state, alert.end_is_held) == (FIRING, False)
    assert alert.stable_at == NOW + 55 * MINUTE


def test_the_same_end_again_is_a_duplicate():
    steps, _ = play(*on_off(6), (26, RESOLVED), (27, RESOLVED))
    assert steps[6:] == [("duplicate", False), ("duplicate", False)]


def test_changes_that_lie_far_apart_do_not_count():
    steps, alert = play(*on_off(12, every=25))
    assert not any(flaps for _, flaps in steps)
    assert alert.stable_at is None


def test_without_a_rule_nothing_flaps():
    steps, _ = play(*on_off(40, every=1), rule=None)
    assert {change for change, _ in steps} == {"opened", "ended", "refired"}


def test_worse_news_is_worse_news_while_it_flaps():
    _, alert = play(*on_off(6), severity=ERROR)
    at = NOW + 26 * MINUTE
    step = judge(alert, event(FIRING, CRITICAL, starts_at=at), at, numbered(), rules(flapping=RULE))
    assert (step.change, step.after.severity, step.after.end_is_held) == (Change.RAISED, CRITICAL, False)


@pytest.mark.parametrize(
    ("count", "minute", "change", "state"),
    [
        pytest.param(5, 35, "settled", FIRING, id="it-fires-and-is-stable"),
        pytest.param(6, 40, "ended", RESOLVED, id="it-ended-and-is-stable"),
        pytest.param(5, 34, "stale", FIRING, id="not-yet"),
    ],
)
def test_the_clock_lets_it_rest(count, minute, change, state):
    _, alert = play(*on_off(count))
    at = NOW + minute * MINUTE
    step = judge(alert, event(state, decided_by=STABLE), at, numbered(), rules(flapping=RULE))
    assert (step.change, step.after.state) == (change, state)
    assert (step.after.stable_at is None) is (change != "stale")
    assert (step.after.changes == ()) is (change != "stale")


def test_it_rests_in_peace_when_the_rule_is_taken_away():
    _, alert = play(*on_off(5))
    at = NOW + 21 * MINUTE
    step = judge(alert, event(RESOLVED, starts_at=alert.starts_at), at, numbered(), rules())
    assert (step.change, step.after.stable_at) == (Change.FLAPPED, at)
    settled = judge(step.after, event(RESOLVED, decided_by=STABLE), at + timedelta(seconds=1), numbered(), rules())
    assert settled.change is Change.ENDED
