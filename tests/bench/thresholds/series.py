"""Made series of scores as monitors of models send them, of which the truth is known: where the trouble begins."""

import math
import random
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from statistics import NormalDist

from alertsvc.core.adaptive.transforms import Side, Transform

SHIFT_AT = 200
"""The point from which on something is wrong."""
AFTER = 14
"""How many points there are to find it."""
FIRST_DAY = date(2026, 1, 5)
"""A Monday."""
NORMAL = NormalDist()
DECILES = [NORMAL.inv_cdf(each / 10) for each in range(1, 10)]


@dataclass(frozen=True)
class Scores:
    """A kind of series. `static` is the threshold that a person would set."""

    name: str
    side: Side
    transform: Transform
    static: float
    make: Callable[[random.Random], list[float]]
    is_weekly: bool = False


def day(number: int) -> date:
    """Which day a point is of."""
    return FIRST_DAY + timedelta(days=number)


def is_shifted(number: int) -> bool:
    """Whether the trouble is there."""
    return number >= SHIFT_AT


def psi(chance: random.Random, mean: float, rows: int = 500) -> float:
    """The stability index over the deciles of a standard normal, of so many rows whose mean has moved."""
    upto = [NORMAL.cdf(each - mean) for each in DECILES]
    counts = [0.5] * 10
    for _ in range(rows):
        counts[bisect(upto, chance.random())] += 1
    whole = sum(counts)
    return sum((each / whole - 0.1) * math.log(each / whole / 0.1) for each in counts)


def _psi(chance: random.Random) -> list[float]:
    return [psi(chance, 0.2 * is_shifted(each)) for each in range(SHIFT_AT + AFTER)]


def _wandering_psi(chance: random.Random) -> list[float]:
    """The mean wanders by itself, a day's remaining by nine tenths on the next."""
    steps = (chance.gauss(0, 0.036) for _ in range(SHIFT_AT + AFTER))
    means = accumulate(steps, lambda mean, step: 0.9 * mean + step)
    return [psi(chance, mean + 0.3 * is_shifted(each)) for each, mean in enumerate(means)]


def _share(chance: random.Random, expected: float, rows: int = 400) -> float:
    return sum(chance.random() < expected for _ in range(rows)) / rows


def _accuracy(chance: random.Random) -> list[float]:
    return [_share(chance, 0.90 - 0.03 * is_shifted(each)) for each in range(SHIFT_AT + AFTER)]


def _weekly_accuracy(chance: random.Random) -> list[float]:
    """Lower at weekends."""
    expected = (0.90 - 0.03 * is_shifted(each) - 0.03 * (day(each).weekday() >= 5) for each in range(SHIFT_AT + AFTER))
    return [_share(chance, each) for each in expected]


def _latency(chance: random.Random) -> list[float]:
    return [math.exp(chance.gauss(math.log(1.7) * is_shifted(each), 0.35)) for each in range(SHIFT_AT + AFTER)]


KINDS = (
    Scores("PSI of 500 rows, +0.2 sd", Side.ABOVE, Transform.LOG, 0.1, _psi),
    Scores("PSI of a wandering mean, +0.3 sd", Side.ABOVE, Transform.LOG, 0.1, _wandering_psi),
    Scores("accuracy of 400 rows, .90 to .87", Side.BELOW, Transform.LOGIT, 0.87, _accuracy),
    Scores("accuracy, lower at weekends", Side.BELOW, Transform.LOGIT, 0.87, _weekly_accuracy, is_weekly=True),
    Scores("log-normal latency, x 1.7", Side.ABOVE, Transform.LOG, 2.0, _latency),
)
