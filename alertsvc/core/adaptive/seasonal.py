"""The control chart for scores that have a weekly rhythm: each point is compared with its own weekday first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from alertsvc.core.adaptive.ewma import (
    NO_VALUE,
    REFUSAL,
    SPAN,
    WINDOW,
    Chart,
    Judgement,
    State,
    judged,
    warming,
)
from alertsvc.core.adaptive.transforms import Scale, sane

REACH = timedelta(weeks=8)
"""How far back a weekday is looked at."""
LEAST_WEEKDAYS = 2
"""How many points of the same weekday a point is compared with at least; one with fewer before it says nothing."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A score, and the day it is of, where its people live."""

    on: date
    value: float


def judge_by_weekday(history: Sequence[Dated], point: Dated, chart: Chart, since: Sequence[Dated] = ()) -> Judgement:
    """Say whether `point` is unlike the same weekdays before it; else as `judge`.

    `history` should reach back further than eight weeks by as much as is to count as usual. Its warm-up counts points
    that have weekdays to be compared with.
    """
    if chart.transform is None:
        return Judgement(State.REFUSED, reason=REFUSAL)
    if not sane([point.value]):
        return Judgement(State.REFUSED, reason=NO_VALUE)
    known = [each for each in history if sane([each.value])]
    if not known:
        return warming(0, chart)
    recent = [*(each for each in since[1 - SPAN :] if sane([each.value])), point]
    scale = Scale(chart.transform, [each.value for each in known], [each.value for each in recent])
    weekdays = _Weekdays(known, scale)
    fit = [each for each in map(weekdays.left_of, known) if each is not None][-WINDOW:]
    left = [weekdays.left_of(each) for each in recent]
    if len(fit) < max(2, chart.warm_up) or left[-1] is None:
        return warming(len(fit), chart)
    usual = scale.place_of(point.value) - left[-1]
    return judged(fit, [each for each in left if each is not None], chart, scale, usual)


class _Weekdays:
    """The history of each weekday, on the scale."""

    def __init__(self, known: Sequence[Dated], scale: Scale) -> None:
        self._scale = scale
        self._by_weekday: dict[int, list[tuple[date, float]]] = {}
        for each in known:
            self._by_weekday.setdefault(each.on.weekday(), []).append((each.on, scale.place_of(each.value)))

    def left_of(self, point: Dated) -> float | None:
        """What is left of a point without the median of its weekday; None if there were too few such days."""
        days = self._by_weekday.get(point.on.weekday(), [])
        earlier = [place for on, place in days if point.on - REACH <= on < point.on]
        return self._scale.place_of(point.value) - median(earlier) if len(earlier) >= LEAST_WEEKDAYS else None
