"""Methods judge made series point by point: how often they cry wolf, what they find, and how soon."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import Any

from alertsvc.core.adaptive.ewma import WINDOW, Chart, judge
from alertsvc.core.adaptive.seasonal import Dated, judge_by_weekday
from alertsvc.core.adaptive.transforms import Side
from tests.bench.thresholds.series import KINDS, SHIFT_AT, Scores, day

COUNTED_FROM = 30
"""No alarm before this point counts, for any method."""
Method = Callable[[Scores, Sequence[float]], list[bool]]


@dataclass(frozen=True)
class Outcome:
    """False alarms per 1000 points in order, the share of the troubles that was found, and after how many points."""

    false_alarms: float
    found: float
    delay: float


def is_beyond(side: Side, value: float, limit: float) -> bool:
    """Whether a value is at a limit or on its bad side."""
    return value >= limit if side is Side.ABOVE else value <= limit


def static(kind: Scores, values: Sequence[float]) -> list[bool]:
    """A threshold set by a person."""
    return [is_beyond(kind.side, each, kind.static) for each in values]


def three_sigma(kind: Scores, values: Sequence[float]) -> list[bool]:
    """Three standard deviations from the mean of the last hundred points."""
    alarms = [False] * COUNTED_FROM
    for number in range(COUNTED_FROM, len(values)):
        before = values[max(0, number - WINDOW) : number]
        reach = 3 * stdev(before) * (1 if kind.side is Side.ABOVE else -1)
        alarms.append(is_beyond(kind.side, values[number], fmean(before) + reach))
    return alarms


def control_chart(kind: Scores, values: Sequence[float]) -> list[bool]:
    """Ours; points that alarm are no part of what is usual."""
    chart = Chart(kind.side, kind.transform)
    history: list[float] = []
    since: list[float] = []
    alarms: list[bool] = []
    for value in values:
        alarms.append(judge(history, value, chart, since).is_alarm)
        _remember(history, since, value, alarms[-1])
    return alarms


def weekday_chart(kind: Scores, values: Sequence[float]) -> list[bool]:
    """Ours, by weekday."""
    chart = Chart(kind.side, kind.transform)
    history: list[Dated] = []
    since: list[Dated] = []
    alarms: list[bool] = []
    for number, value in enumerate(values):
        point = Dated(day(number), value)
        alarms.append(judge_by_weekday(history[-160:], point, chart, since).is_alarm)
        _remember(history, since, point, alarms[-1])
    return alarms


def _remember(history: list[Any], since: list[Any], point: Any, is_alarm: bool) -> None:
    if is_alarm:
        since.append(point)
    else:
        history.append(point)
        since.clear()


METHODS: tuple[tuple[str, Method], ...] = (
    ("a static threshold", static),
    ("mean + 3 sd", three_sigma),
    ("control chart (default)", control_chart),
)
BY_WEEKDAY = ("control chart by weekday", weekday_chart)


def outcome(kind: Scores, method: Method, runs: Iterable[Sequence[float]]) -> Outcome:
    """How `method` does on these series."""
    false, points, delays, count = 0, 0, list[int](), 0
    for values in runs:
        alarms = method(kind, values)
        before = alarms[COUNTED_FROM - 1 : SHIFT_AT]
        false += sum(now and not then for then, now in pairwise(before))
        points += len(before) - 1
        count += 1
        if True in alarms[SHIFT_AT:]:
            delays.append(alarms[SHIFT_AT:].index(True) + 1)
    return Outcome(1000 * false / points, len(delays) / count, median(delays) if delays else 0.0)


def table(run_count: int) -> list[tuple[str, str, Outcome]]:
    """All methods on the same series of each kind."""
    rows: list[tuple[str, str, Outcome]] = []
    for kind in KINDS:
        runs = [kind.make(random.Random(f"{kind.name} {number}")) for number in range(run_count)]
        methods = (*METHODS, BY_WEEKDAY) if kind.is_weekly else METHODS
        rows += [(kind.name, name, outcome(kind, method, runs)) for name, method in methods]
    return rows
