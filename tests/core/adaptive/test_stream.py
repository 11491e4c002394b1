"""What is new in a series at the pace of minutes."""

import json
import math
import random

import pytest

from alertsvc.core.adaptive.stream import HOLD, MOST_PATTERNS, QUIET, REMEMBERED, WARM_UP, Stream

DAY = 288


def load(days: float, seed: int = 1) -> list[float]:
    """A load with a daily rhythm, every five minutes, between about 20 and 80."""
    chance = random.Random(seed)
    return [50 + 30 * math.sin(2 * math.pi * each / DAY) + chance.gauss(0, 1) for each in range(int(days * DAY))]


def alarms(values: list[float], stream: Stream | None = None) -> list[int]:
    stream = stream or Stream()
    return [number for number, value in enumerate(values) if stream.observe(value).is_alarm]


def test_a_rhythm_is_learned_within_days():
    assert [each for each in alarms(load(14)) if each > 2 * DAY] == []


@pytest.mark.parametrize(
    ("trouble", "within"),
    [
        pytest.param([95.0], 1, id="one-value-above-all"),
        pytest.param([5.0], 1, id="one-value-below-all"),
        pytest.param([75.0] * 10, 10, id="a-leap-to-a-usual-level-at-the-wrong-time"),
        pytest.param([20.0 - 0.2 * each for each in range(120)], 110, id="it-creeps-below-all"),
    ],
)
def test_something_new_alarms(trouble, within):
    known = load(6.75)  # until the lowest of a day
    found = [each - len(known) for each in alarms(known + trouble) if each >= len(known)]
    assert len(found) == 1
    assert found[0] < within


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.0] * 2000, id="always-zero"),
        pytest.param([7.5] * 1000 + [7.5003, 7.4997] * 500, id="constant-that-begins-to-tremble"),
        pytest.param([1.0, 2.0] * 1000, id="a-square-wave"),
        pytest.param([float(each % 60) for each in range(3000)], id="a-saw"),
    ],
)
def test_nothing_new_is_no_alarm(values):
    assert alarms(values) == []


def test_nothing_alarms_before_it_has_learned():
    assert alarms([1.0] * (WARM_UP - 1) + [100.0]) == []
    assert alarms([1.0] * WARM_UP + [100.0]) == [WARM_UP]


def test_an_alarm_is_followed_by_quiet_unless_it_gets_much_worse():
    known = [10.0, 11.0] * 200
    first = len(known)
    assert alarms([*known, 20.0, *known[:8], 28.0, *known]) == [first]
    assert alarms([*known, 20.0, *known[:8], 20000.0, *known]) == [first, first + 9]
    later = [*known, 20.0, *known[: HOLD + 20], -20.0]
    assert alarms(later) == [first, len(later) - 1]


def test_what_was_told_is_no_news_until_it_is_forgotten():
    known = [10.0, 11.0] * 200
    fault = [30.0] * 20
    once = [*known, *fault, *known]
    assert alarms([*once, *fault]) == [len(known)]
    forgotten = [*once, *[10.0, 11.0] * (REMEMBERED // 2), *fault]
    assert alarms(forgotten) == [len(known), len(forgotten) - len(fault)]


def test_one_giant_does_not_blind_it_for_ever():
    known = [10.0, 11.0] * (REMEMBERED // 2)
    values = [*known, 1e6, *known, *known, 30.0]
    assert alarms(values) == [len(known), len(values) - 1]


def test_the_unit_of_a_series_does_not_matter():
    values = [*load(5), 95.0, *load(2, seed=2)]
    assert alarms(values) == alarms([each * 1024 for each in values]) == alarms([-each / 64 for each in values])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_number_is_as_if_it_had_not_been(value):
    stream, other = Stream(), Stream()
    for each in load(2):
        stream.observe(each)
        other.observe(each)
    assert stream.observe(value) is QUIET
    assert stream.state() == other.state()


@pytest.mark.parametrize("cut", [0, 3, 25, 700, 1441])
def test_it_goes_on_after_a_restart_as_if_there_had_been_none(cut):
    values = [*load(5), 95.0, *load(1, seed=3)]
    whole, first = Stream(), Stream()
    expected = [whole.observe(each) for each in values]
    got = [first.observe(each) for each in values[:cut]]
    second = Stream.restored(json.loads(json.dumps(first.state())))
    got += [second.observe(each) for each in values[cut:]]
    assert got == expected
    assert json.loads(json.dumps(second.state())) == json.loads(json.dumps(whole.state()))


@pytest.mark.parametrize(
    "state", [{}, {"count": 1}, {**Stream().state(), "ranges": [1]}, {**Stream().state(), "patterns": [[[1]]]}]
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Stream.restored(state)


def test_it_stays_small_whatever_comes():
    chance = random.Random(1)
    stream = Stream()
    for each in range(5000):
        stream.observe(chance.gauss(0, 1.001**each))
    assert all(len(known) <= MOST_PATTERNS for known in stream.state()["patterns"])
    assert len(json.dumps(stream.state())) < 40_000
