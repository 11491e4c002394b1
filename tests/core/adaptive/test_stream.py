"""What is new in a series at the pace of minutes."""

import json
import math
import random

import pytest

from alertsvc.core.adaptive.stream import HOLD, MOST_PATTERNS, QUIET, REMEMBERED, WARM_UP, Stream
from alertsvc.core.adaptive.transforms import Side

DAY = 288
MOST_BYTES = 30_000
"""What is kept of a series is never more: four times a hundred patterns of two numbers and two counts."""


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


def troubled(values: list[float], stream: Stream | None = None, calm_after: int = 1) -> list[int]:
    stream = stream or Stream()
    return [n for n, value in enumerate(values) if stream.observe(value, calm_after=calm_after).is_trouble]


USUAL = [10.0, 11.0] * 200


@pytest.mark.parametrize(
    ("trouble", "begins", "ends"),
    [
        pytest.param([20.0], 0, 1, id="one-value"),
        pytest.param([20.0] * 50, 0, 50, id="a-level-for-as-long-as-it-stays"),
        pytest.param([20.0, 30.0, 25.0, 5.0] * 10, 0, 40, id="whatever-else-is-new-meanwhile"),
    ],
)
def test_trouble_goes_on_until_it_is_as_before_it(trouble: list[float], begins: int, ends: int) -> None:
    found = [each - len(USUAL) for each in troubled([*USUAL, *trouble, *USUAL])]
    assert found[: ends - begins] == list(range(begins, ends))
    assert len(found) <= ends - begins + 7  # what it went back from is new, as long as two lags reach into it


def test_trouble_is_over_when_it_has_been_calm_for_long_enough() -> None:
    stream = Stream()
    troubled([*USUAL, 20.0, 20.0, 20.0], stream, calm_after=3)
    seen: list[bool] = []
    for value in USUAL[:20]:
        stream.observe(value, calm_after=3)
        seen.append(stream.in_trouble)
    assert seen == [True] * seen.index(False) + [False] * (20 - seen.index(False))
    assert 3 <= seen.index(False) + 1 <= 3 + 7
    assert troubled([20.0] * 3, stream) == []  # what was told is no news


def test_what_creeps_is_trouble_by_its_average_until_that_is_back() -> None:
    known = load(6.75)
    creeps = [20.0 - 0.2 * each for each in range(120)]
    values = [*known, *creeps, *load(1)[int(0.75 * DAY) :]]
    after = [each - len(known) for each in troubled(values) if each >= len(known)]
    assert 50 < after[0] < 110
    assert after[: 120 - after[0]] == list(range(after[0], 120))
    assert after[-1] < 120 + 40


def test_trouble_that_lasts_is_usual_once_what_was_before_it_is_forgotten() -> None:
    found = troubled([*USUAL, *[20.0] * (REMEMBERED + 10)])
    assert found == list(range(len(USUAL), len(USUAL) + REMEMBERED))


def test_it_may_be_told_that_the_trouble_is_over() -> None:
    stream = Stream()
    assert troubled([*USUAL, 20.0, 20.0], stream) == [len(USUAL), len(USUAL) + 1]
    stream.calm_down()
    assert troubled([20.0] * 20, stream) == []


@pytest.mark.parametrize(
    ("side", "moved", "expected"),
    [
        pytest.param(Side.ABOVE, 20.0, True, id="up-where-that-is-bad"),
        pytest.param(Side.BELOW, 20.0, False, id="up-where-that-is-good"),
        pytest.param(Side.BELOW, 1.0, True, id="down-where-that-is-bad"),
        pytest.param(Side.ABOVE, 1.0, False, id="down-where-that-is-good"),
    ],
)
def test_what_moves_to_its_good_side_is_learned_and_keeps_nothing_quiet(
    side: Side, moved: float, expected: bool
) -> None:
    stream = Stream()
    for value in USUAL:
        stream.observe(value, side)
    found = stream.observe(moved, side)
    assert (found.is_alarm, found.score > 1) == (expected, True)
    if not expected:
        for value in USUAL[:9]:
            stream.observe(value, side)
        assert stream.observe(21.0 - moved + (10 if moved < 10 else -10), side).is_alarm


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


@pytest.mark.parametrize("cut", [0, 3, 25, 700, 1441, 1445])
def test_it_goes_on_after_a_restart_as_if_there_had_been_none(cut):
    values = [*load(5), *[95.0] * 8, *load(1, seed=3)]
    whole, first = Stream(), Stream()
    expected = [whole.observe(each) for each in values]
    got = [first.observe(each) for each in values[:cut]]
    second = Stream.restored(json.loads(json.dumps(first.state())))
    got += [second.observe(each) for each in values[cut:]]
    assert got == expected
    assert json.loads(json.dumps(second.state())) == json.loads(json.dumps(whole.state()))


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"count": 1},
        {**Stream().state(), "ranges": [1]},
        {**Stream().state(), "patterns": [[[1]]]},
        {**Stream().state(), "patterns": [[], [], [], [[1.0], [1.0], [1], [1, 2]]]},
        {**Stream().state(), "trouble": [1]},
    ],
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Stream.restored(state)


def test_it_stays_small_whatever_comes():
    chance = random.Random(1)
    stream = Stream()
    for each in range(5000):
        stream.observe(1e90 * chance.gauss(0, 1.001**each))  # numbers that take many digits
        stream._count += 10_000_000 if each == 1000 else 0  # years of minutes
    patterns = stream.state()["patterns"]
    assert max(len(known) for each in patterns for known in each) == MOST_PATTERNS
    assert 0.9 * MOST_BYTES < len(json.dumps(stream.state())) < MOST_BYTES
