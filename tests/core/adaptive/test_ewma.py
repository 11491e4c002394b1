"""When the control chart of a series of scores alarms, and when it says nothing."""

import math
import random
from statistics import fmean, stdev

import pytest

from alertsvc.core.adaptive.ewma import GRAVE, LAMBDA, LEAP, SPAN, WINDOW, Chart, Judgement, State, judge
from alertsvc.core.adaptive.transforms import Side, Transform, transform_for

WAVE = [0.9 + 0.01 * math.sin(7 * each) for each in range(40)]
PSI = Chart(Side.ABOVE, Transform.LOG)
ACCURACY = Chart(Side.BELOW, Transform.LOGIT)
PLAIN = Chart(Side.OUTSIDE)


def noise(seed: int, count: int, mean: float = -3.0, sd: float = 0.5) -> list[float]:
    """Positive scores as PSI has them."""
    chance = random.Random(seed)
    return [math.exp(chance.gauss(mean, sd)) for _ in range(count)]


def episodes(points: list[float], chart: Chart) -> list[int]:
    """Where alarms begin when the points come one by one, and those that alarm are left out of the history."""
    history: list[float] = []
    since: list[float] = []
    begun: list[int] = []
    for number, value in enumerate(points):
        if judge(history, value, chart, since).is_alarm:
            if not since:
                begun.append(number)
            since.append(value)
        else:
            history.append(value)
            since.clear()
    return begun


@pytest.mark.parametrize(
    ("history", "value", "chart", "state"),
    [
        pytest.param([], 0.9, PLAIN, State.WARMING, id="nothing-before-it"),
        pytest.param(WAVE[:14], 0.1, PLAIN, State.WARMING, id="one-short-of-the-warm-up"),
        pytest.param(WAVE[:15], 0.9, PLAIN, State.FINE, id="just-warm"),
        pytest.param(WAVE, 0.9, PLAIN, State.FINE, id="as-usual"),
        pytest.param(WAVE, 0.1, PLAIN, State.ALARM, id="far-below-where-both-sides-are-bad"),
        pytest.param(WAVE, 2.0, PLAIN, State.ALARM, id="far-above-where-both-sides-are-bad"),
        pytest.param(WAVE, 0.1, Chart(Side.BELOW), State.ALARM, id="below-where-below-is-bad"),
        pytest.param(WAVE, 2.0, Chart(Side.BELOW), State.FINE, id="above-where-below-is-bad"),
        pytest.param(WAVE, 2.0, Chart(Side.ABOVE), State.ALARM, id="above-where-above-is-bad"),
        pytest.param(WAVE, 0.1, Chart(Side.ABOVE), State.FINE, id="below-where-above-is-bad"),
        pytest.param(WAVE, 1e90, Chart(Side.ABOVE), State.ALARM, id="no-single-point-is-grave"),
        pytest.param([*WAVE, 0.92, 0.92, 0.92], 0.92, Chart(Side.ABOVE), State.ALARM, id="what-lasts-alarms"),
        pytest.param(WAVE, 0.92, Chart(Side.ABOVE), State.FINE, id="what-does-not-last-is-fine"),
        pytest.param(WAVE, 0.80, ACCURACY, State.ALARM, id="accuracy-drops"),
        pytest.param(WAVE, 0.99, ACCURACY, State.FINE, id="accuracy-rises"),
        pytest.param(WAVE, math.nan, PLAIN, State.REFUSED, id="not-a-number"),
        pytest.param(WAVE, math.inf, PLAIN, State.REFUSED, id="infinite"),
        pytest.param(WAVE, 1e300, PLAIN, State.REFUSED, id="larger-than-anything"),
        pytest.param([*WAVE, math.nan, math.inf, 1e300], 0.9, PLAIN, State.FINE, id="history-with-no-numbers"),
        pytest.param([math.nan] * 100, 0.9, PLAIN, State.WARMING, id="history-of-no-numbers"),
        pytest.param(WAVE, 0.001, Chart(Side.BELOW, None), State.REFUSED, id="a-p-value"),
        pytest.param([5.0] * 30, 5.0, PLAIN, State.FINE, id="constant"),
        pytest.param([5.0] * 30, 5.0001, PLAIN, State.FINE, id="constant-then-a-tiny-change"),
        pytest.param([0.9] * 30, 0.8999, ACCURACY, State.FINE, id="constant-share-then-a-tiny-change"),
        pytest.param([0.03] * 30, 0.0301, PSI, State.FINE, id="constant-distance-then-a-tiny-change"),
        pytest.param([0.0] * 30, 0.0, PSI, State.FINE, id="constant-zero"),
        pytest.param([0.0] * 30, 1e-10, PLAIN, State.FINE, id="constant-zero-then-a-tiny-change"),
        pytest.param([5.0] * 30, 6.0, PLAIN, State.ALARM, id="constant-then-a-leap"),
        pytest.param([0.0] * 30, 1.0, PLAIN, State.ALARM, id="constant-zero-then-a-leap"),
        pytest.param([5.0] * 30, 6.0, Chart(Side.ABOVE, floor=0.5), State.FINE, id="a-leap-within-the-floor"),
        pytest.param(
            [0.9] * 30, 0.85, Chart(Side.BELOW, Transform.LOGIT, floor=0.05), State.FINE, id="a-floor-of-a-share"
        ),
        pytest.param(WAVE, 0.86, Chart(Side.BELOW, sensitivity=5), State.FINE, id="less-sensitive"),
    ],
)
def test_a_point_is(history, value, chart, state):
    assert judge(history, value, chart).state is state


def test_it_says_how_far_the_warm_up_is():
    assert judge(WAVE[:7], 0.9, PLAIN).reason == "warming up (7/15)"
    assert judge(WAVE[:7], 0.9, Chart(Side.BELOW, warm_up=7)).state is State.FINE
    assert judge(WAVE[:1], 0.9, Chart(Side.BELOW, warm_up=0)).reason == "warming up (1/2)"


def test_a_p_value_is_refused_with_the_reason_whatever_the_history():
    for history in ([], WAVE):
        refused = judge(history, 0.9, Chart(Side.BELOW, transform_for("ks_pvalue", None, "data_drift")))
        assert refused.state is State.REFUSED
        assert "p-value" in refused.reason


@pytest.mark.parametrize("count", [15, 40, WINDOW])
def test_its_numbers_are_those_of_a_textbook(count):
    history, value = noise(3, count), 0.2
    logs = [math.log(each) for each in history]
    m, sd = fmean(logs), stdev(logs)
    e = 0.0
    for each in [*logs[-(SPAN - 1) :], math.log(value)]:
        e = LAMBDA * max(-LEAP, min(LEAP, (each - m) / sd)) + (1 - LAMBDA) * e
    limit = 3 * math.sqrt(LAMBDA / (2 - LAMBDA) * (1 - (1 - LAMBDA) ** (2 * SPAN)))
    got = judge(history, value, PSI)
    assert (got.m, got.sd, got.e, got.limit) == pytest.approx((m, sd, e, limit), rel=1e-9)
    assert got.point_count == count


def test_only_the_last_hundred_points_count():
    assert judge([*noise(1, 500, mean=2.0), *noise(2, WINDOW)], 0.1, PSI) == judge(noise(2, WINDOW), 0.1, PSI)


def test_a_replay_says_the_same():
    points = [*noise(5, 80), *noise(6, 20, mean=-2.0)]
    said: dict[int, Judgement] = {number: judge(points[:number], points[number], PSI) for number in range(100)}
    assert {number: judge(points[:number], points[number], PSI) for number in reversed(range(100))} == said


@pytest.mark.parametrize("chart", [PSI, ACCURACY, PLAIN], ids=["log", "logit", "plain"])
@pytest.mark.parametrize("nudge", [0.999, 1.001])
def test_a_value_that_stays_just_beyond_the_shown_limit_alarms_and_one_just_within_does_not(chart, nudge):
    history = noise(8, WINDOW) if chart is PSI else WAVE
    shown = judge(history, history[0], chart)
    usual = shown.smoothed
    assert usual is not None
    for limit in (shown.lower, shown.upper):
        if limit is None:
            continue
        middle = math.exp(shown.m) if chart is PSI else 0.9
        held = middle + (limit - middle) * nudge
        got = judge(history, held, chart, since=[held] * SPAN)
        assert got.is_alarm is (nudge > 1)
        assert (got.lower, got.upper) == (shown.lower, shown.upper)
        assert got.threshold == limit
        assert got.smoothed == pytest.approx(held)


def test_the_smoothed_value_is_beyond_the_limit_when_it_alarms():
    points = [*noise(11, 60), *noise(12, 15, mean=-1.5)]
    for number in range(20, 75):
        got = judge(points[:number], points[number], PSI)
        assert got.smoothed is not None
        assert got.upper is not None
        assert got.lower is None
        assert got.is_alarm is (got.smoothed > got.upper)


def test_what_lasts_becomes_grave():
    since: list[float] = []
    states = []
    for _ in range(4):
        states.append(judge(WAVE, 0.5, ACCURACY, since).state)
        since.append(0.5)
    assert states == [State.ALARM, State.GRAVE, State.GRAVE, State.GRAVE]
    assert judge(WAVE, 0.5, ACCURACY, since).e < -GRAVE * judge(WAVE, 0.5, ACCURACY, since).limit


def test_a_single_point_that_is_far_away_alarms_by_itself_and_is_shown_by_itself():
    history = [*WAVE, 0.91, 0.91]  # the average is still on the good side with it
    sd = judge(history, 0.9, ACCURACY).sd
    m = judge(history, 0.9, ACCURACY).m
    edge = 1 / (1 + math.exp(-(m - LEAP * sd)))
    beyond, within = judge(history, edge - 1e-6, ACCURACY), judge(history, edge + 1e-6, ACCURACY)
    assert (beyond.state, beyond.is_leap) == (State.ALARM, True)
    assert (within.state, within.is_leap) == (State.FINE, False)
    assert (beyond.smoothed, beyond.threshold) == pytest.approx((edge - 1e-6, edge))
    assert beyond.e < -beyond.limit


def test_points_of_an_alert_change_nothing_in_what_is_usual():
    alone, after = judge(WAVE, 0.86, ACCURACY), judge(WAVE, 0.86, ACCURACY, since=[0.85] * 30)
    assert (alone.m, alone.sd, alone.point_count) == (after.m, after.sd, after.point_count)
    assert after.e < alone.e


@pytest.mark.parametrize(
    ("side", "bad", "back", "after"),
    [
        pytest.param(Side.BELOW, 0.5, [0.905], 1, id="at-once-when-it-is-on-the-good-side"),
        pytest.param(Side.BELOW, 0.5, [0.895, 0.895, 0.905], 3, id="later-when-it-keeps-a-little-low"),
        pytest.param(Side.ABOVE, 1.5, [0.895], 1, id="above"),
        pytest.param(Side.OUTSIDE, 1.5, [0.895], 1, id="outside"),
    ],
)
def test_it_is_over_when_a_point_is_on_the_other_side_of_what_is_usual(side, bad, back, after):
    since = [bad] * 20
    states = []
    for value in back:
        states.append(judge(WAVE, value, Chart(side), since).is_alarm)
        since.append(value)
    assert states == [True] * (after - 1) + [False]
    assert judge(WAVE, bad, Chart(side), since).is_alarm


def test_the_shown_limit_is_on_the_side_where_the_trouble_is():
    high, low = judge(WAVE, 2.0, PLAIN), judge(WAVE, 0.1, PLAIN)
    assert high.threshold == high.upper
    assert low.threshold == low.lower
    assert judge(WAVE, 0.9, ACCURACY).threshold == judge(WAVE, 0.9, ACCURACY).lower
    assert judge([], 0.9, ACCURACY).threshold is None


def test_noise_alone_alarms_hardly_ever_and_a_shift_within_days():
    false, missed = 0, 0
    for seed in range(20):
        shifted = [*noise(seed, 200), *noise(seed + 1000, 14, mean=-2.0)]
        found = episodes(shifted, PSI)
        false += sum(each < 200 for each in found)
        missed += not any(each >= 200 for each in found)
    assert missed == 0
    assert false <= 6


@pytest.mark.parametrize("count", [15, 100])
@pytest.mark.parametrize("transform", list(Transform))
def test_no_number_breaks_it(transform, count):
    extremes = [0.0, -0.0, 5e-324, 1e-300, 1.0, -1.0, 1e99, -1e99, 1e300, math.inf, -math.inf, math.nan]
    chance = random.Random(4)
    for _ in range(300):
        history = [chance.choice(extremes) for _ in range(count * 2)]
        for side in Side:
            got = judge(history, chance.choice(extremes), Chart(side, transform, floor=chance.choice([0.0, 1e99])))
            assert all(each is None or not math.isnan(each) for each in (got.m, got.sd, got.e, got.lower, got.upper))
