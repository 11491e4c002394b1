"""The control chart that compares each day with its own weekday."""

import random
from datetime import date, timedelta

import pytest

from alertsvc.core.adaptive.ewma import Chart, State, judge
from alertsvc.core.adaptive.seasonal import Dated, judge_by_weekday
from alertsvc.core.adaptive.transforms import Side, Transform

MONDAY = date(2026, 1, 5)
CHART = Chart(Side.BELOW, Transform.LOGIT)


def days(count: int, seed: int = 1, level: float = 0.9) -> list[Dated]:
    """An accuracy that is 0.06 lower at weekends."""
    chance = random.Random(seed)
    all_days = [MONDAY + timedelta(days=each) for each in range(count)]
    return [Dated(on, level - 0.06 * (on.weekday() >= 5) + chance.gauss(0, 0.005)) for on in all_days]


def at(day: int, value: float) -> Dated:
    return Dated(MONDAY + timedelta(days=day), value)


@pytest.mark.parametrize(
    ("point", "state"),
    [
        pytest.param(at(98, 0.90), State.FINE, id="a-usual-monday"),
        pytest.param(at(103, 0.84), State.FINE, id="a-usual-saturday"),
        pytest.param(at(98, 0.84), State.ALARM, id="a-monday-like-a-saturday"),
        pytest.param(at(103, 0.78), State.ALARM, id="a-bad-saturday"),
        pytest.param(at(98, float("nan")), State.REFUSED, id="not-a-number"),
    ],
)
def test_a_day_is(point, state):
    assert judge_by_weekday(days(98), point, CHART).state is state


def test_the_chart_without_weekdays_does_not_see_a_monday_like_a_saturday():
    assert judge([each.value for each in days(98)], 0.84, CHART).state is State.FINE


def test_the_shown_limit_is_that_of_the_weekday():
    monday, saturday = (judge_by_weekday(days(98), at(day, 0.87), CHART).lower for day in (98, 103))
    assert monday == pytest.approx(0.896, abs=0.004)
    assert saturday == pytest.approx(0.834, abs=0.006)


def test_a_value_that_stays_just_beyond_the_shown_limit_alarms():
    mondays = [at(98 + 7 * each, 0.0) for each in range(1)]
    limit = judge_by_weekday(days(98), mondays[0], CHART).lower
    assert limit is not None
    for nudge, alarm in ((-1e-4, True), (1e-4, False)):
        held = [at(98, limit + nudge)] * 16
        assert judge_by_weekday(days(98), held[-1], CHART, since=held[:-1]).is_alarm is alarm


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        pytest.param(0, "warming up (0/15)", id="nothing"),
        pytest.param(14, "warming up (0/15)", id="each-weekday-is-compared-with-two"),
        pytest.param(28, "warming up (14/15)", id="two-weeks-later"),
        pytest.param(29, "", id="warm"),
    ],
)
def test_it_warms_up(count, reason):
    assert judge_by_weekday(days(count), at(count, 0.9), CHART).reason == reason


def test_what_is_older_than_eight_weeks_is_not_what_is_usual():
    old, new = days(98, level=0.7), days(98, level=0.9)
    mixed = [*old[:42], *new[42:]]
    assert judge_by_weekday(mixed, at(98, 0.9), CHART).state is State.FINE
    assert judge_by_weekday(old[:42], at(142, 0.7), CHART).state is State.WARMING


def test_a_p_value_is_refused():
    assert judge_by_weekday(days(98), at(98, 0.9), Chart(Side.BELOW, None)).state is State.REFUSED
