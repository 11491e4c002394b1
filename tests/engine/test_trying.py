"""Runs of values under limits that follow them: what is unlike a series is told, and what is like it is not."""

import random

import pytest

from alertsvc.engine.trying import Series, Tried, try_values
from alertsvc.settings.thresholds_file import parse_thresholds


def states(metric: str, said: str, values: list[float], **about: str) -> list[Tried]:
    known = parse_thresholds(f"metrics: {{{metric}: {{adaptive: {said}}}}}", "thresholds.yaml")
    return try_values(Series("m", metric, **about), [], values, known)  # type: ignore[arg-type]


def noise(count: int, level: float, spread: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(level, spread) for _ in range(count)]


@pytest.mark.parametrize("metric", ["accuracy", "psi"])
def test_what_stays_as_it_is_is_hardly_ever_told_of(metric: str) -> None:
    level, spread = (0.9, 0.01) if metric == "accuracy" else (0.05, 0.01)
    found = states(metric, "ewma", noise(300, level, spread))
    assert sum(each.state == "firing" for each in found) <= 3


@pytest.mark.parametrize(("metric", "level", "after"), [("accuracy", 0.9, 0.87), ("psi", 0.05, 0.08)])
def test_what_moves_to_its_bad_side_is_a_warning_soon(metric: str, level: float, after: float) -> None:
    found = states(metric, "ewma", [*noise(60, level, 0.01), *noise(10, after, 0.01)])
    (first, *_) = [place for place, each in enumerate(found) if each.state == "firing" and place >= 60]
    assert first <= 66
    assert (found[first].severity, found[first].rule) == ("warning", f"metrics.{metric}.adaptive")


@pytest.mark.parametrize(("metric", "level", "after"), [("accuracy", 0.9, 0.93), ("psi", 0.05, 0.02)])
def test_what_moves_to_its_good_side_is_no_news(metric: str, level: float, after: float) -> None:
    found = states(metric, "ewma", [*noise(60, level, 0.01), *noise(10, after, 0.005)])
    assert {each.state for each in found[60:]} == {"ok"}


def test_what_is_far_beyond_twice_in_a_row_is_critical() -> None:
    found = states("accuracy", "ewma", [*noise(60, 0.9, 0.01), 0.5, 0.5, 0.5])
    assert [each.severity for each in found[-3:]] == ["warning", "warning", "critical"]


def test_a_weekly_rhythm_is_usual_where_weekdays_are_compared() -> None:
    weeks = noise(26 * 7, 0.9, 0.004)
    rhythm = [value - (0.08 if day % 7 in {2, 3} else 0) for day, value in enumerate(weeks)]
    drops = [*rhythm, *(value - 0.03 for value in rhythm[:7])]
    found = states("accuracy", "weekday", drops)
    assert sum(each.state == "firing" for each in found[:-7]) <= 2
    assert found[-1].state == "firing"


def test_a_p_value_is_refused_with_the_reason() -> None:
    found = states("drift", "{sensitivity: 3}, direction: above", [0.5], score_type="p_value")
    assert (found[0].state, found[0].because is not None and found[0].because[:11]) == ("recorded", "a p-value h")
