"""A control chart for a series of scores, such as one a day: EWMA (exponentially weighted moving average), stateless.

The history is the chart's whole memory, so a replayed point is judged as it was, and a late one like any other.
Source: S. W. Roberts (1959), Control chart tests based on geometric moving averages, Technometrics 1 (3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import mul

from alertsvc.core.adaptive.transforms import Scale, Side, Transform, sane

LAMBDA = 0.2
"""The weight of the newest point."""
SPAN = 15
"""How many points the average goes over, the judged one included."""
WINDOW = 100
"""How many points of history are looked at."""
WARM_UP = 15
LEAP = 6.0
"""A point this many standard deviations away alarms by itself, and counts in the average as one that is no further."""
GRAVE = 1.5
"""A judgement is grave this many times beyond the limit."""
REFUSAL = (
    "a p-value has no usual level: without drift it is anywhere between 0 and 1; "
    "send the statistic, or set a threshold such as 0.05"
)
NO_VALUE = "the value is no number, or too large to be one"


class State(StrEnum):
    """What the chart says. `warming` and `refused`: nothing yet, and nothing ever; the reason says why."""

    WARMING = "warming"
    REFUSED = "refused"
    FINE = "fine"
    ALARM = "alarm"
    GRAVE = "grave"


@dataclass(frozen=True, slots=True)
class Chart:
    """How a series is judged.

    `sensitivity` is the limit in standard deviations of the average: more of it means fewer alarms. `floor` is the
    least standard deviation that is believed, in the metric's own units; changes far below it are noise. `transform`
    is None for p-values.
    """

    side: Side
    transform: Transform | None = Transform.NONE
    sensitivity: float = 3.0
    floor: float = 0.0
    warm_up: int = WARM_UP


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the chart says of one point, and with which numbers.

    `m` and `sd` describe the history, and `e` is the average of the standardised points, which alarms beyond `limit`:
    these four are on the chart's own scale. `smoothed` is that average in the metric's units, and `lower` and `upper`
    the limits to it on the sides that are bad. A value that stays beyond one of them alarms. Where the point alarms by
    itself (`is_leap`), `e` and `smoothed` are the point, and the limits those to a single one. `point_count` says how
    much history there was, and `reason` why nothing was judged.
    """

    state: State
    m: float = 0.0
    sd: float = 0.0
    e: float = 0.0
    limit: float = 0.0
    smoothed: float | None = None
    lower: float | None = None
    upper: float | None = None
    point_count: int = 0
    is_leap: bool = False
    reason: str = ""

    @property
    def is_alarm(self) -> bool:
        """Whether something is wrong."""
        return self.state in (State.ALARM, State.GRAVE)

    @property
    def threshold(self) -> float | None:
        """The limit to show beside the value: the one on the side where the average is, if that side is bad."""
        if self.lower is None or self.upper is None:
            return self.upper if self.lower is None else self.lower
        return self.upper if self.e > 0 else self.lower


def judge(history: Sequence[float], value: float, chart: Chart, since: Sequence[float] = ()) -> Judgement:
    """Say whether `value` is unlike its history.

    Args:
        history: Earlier points that were fine, oldest first; the last hundred count. What is not finite is left out.
        value: The point to judge.
        chart: How.
        since: Points between the history and `value` that are no part of what is usual, such as those while the alert
            fires; oldest first. They count in the average alone, until one of them or `value` is on the other side of
            what is usual: the trouble is over, and the average begins anew.
    """
    if chart.transform is None:
        return Judgement(State.REFUSED, reason=REFUSAL)
    known, recent = sane(history[-WINDOW:]), sane([*since[1 - SPAN :], value])
    if not sane([value]):
        return Judgement(State.REFUSED, reason=NO_VALUE)
    if len(known) < max(2, chart.warm_up):
        return warming(len(known), chart)
    scale = Scale(chart.transform, known, recent)
    return judged(scale.of(known), scale.of(recent), chart, scale)


def warming(point_count: int, chart: Chart) -> Judgement:
    """There is too little history as yet."""
    return Judgement(
        State.WARMING, point_count=point_count, reason=f"warming up ({point_count}/{max(2, chart.warm_up)})"
    )


def judged(
    known: Sequence[float], recent: Sequence[float], chart: Chart, scale: Scale, shift: float = 0.0
) -> Judgement:
    """Judge the last of `recent` points by the history `known`, both on the scale.

    `shift` is what was subtracted from the judged point before, and belongs to the limits again.
    """
    count = len(known)
    m = math.fsum(known) / count
    away = [each - m for each in known]
    sd = math.sqrt(sum(map(mul, away, away)) / (count - 1))
    sd = max(sd, scale.least_sd(m + shift, chart.floor))
    taken = [*known[len(recent) - SPAN :], *recent] if len(recent) < SPAN else recent[-SPAN:]
    places = [(each - m) / sd for each in taken]
    e, z = _average(places, len(recent), chart.side), places[-1]
    rest = (1 - LAMBDA) ** len(taken)
    limit = chart.sensitivity * math.sqrt(LAMBDA / (2 - LAMBDA) * (1 - rest * rest))
    state = _state(e, limit, chart.side)
    is_leap = state is State.FINE and _beyond(z, chart.side) > LEAP
    if is_leap:
        state, e, limit, held = State.ALARM, z, LEAP, sd
    else:
        held = sd / (1 - rest)  # a value that stays moves the average so much less
    base = m + shift
    return Judgement(
        state,
        m,
        sd,
        e,
        limit,
        scale.back(base + e * held),
        None if chart.side is Side.ABOVE else scale.back(base - limit * held),
        None if chart.side is Side.BELOW else scale.back(base + limit * held),
        count,
        is_leap,
    )


def _average(places: Sequence[float], recent_count: int, side: Side) -> float:
    """The average of standardised points, of which so many last ones are recent."""
    recent_from = len(places) - recent_count if recent_count > 1 else len(places)
    e = 0.0
    for number, z in enumerate(places):
        if number >= recent_from and z * e < 0 and _beyond(e, side) > 0:
            e = 0.0
        else:
            e += LAMBDA * ((LEAP if z > LEAP else max(z, -LEAP)) - e)
    return e


def _beyond(e: float, side: Side) -> float:
    """How far `e` is to the bad side."""
    return abs(e) if side is Side.OUTSIDE else e if side is Side.ABOVE else -e


def _state(e: float, limit: float, side: Side) -> State:
    beyond = _beyond(e, side)
    if beyond > GRAVE * limit:
        return State.GRAVE
    return State.ALARM if beyond > limit else State.FINE
