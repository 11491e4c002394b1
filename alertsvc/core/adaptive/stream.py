"""Finds what is new in a series at the pace of minutes, such as a load or a latency: where it has never been lately.

A series is looked at as pairs: a value, and the one some points before. Pairs that are close to each other are one
pattern, and a pair that is close to no pattern of the last days is new. It alarms, and is a pattern from then on. So a
daily rhythm is learned in days, and a fault of yesterday is no news today, but is again once it is forgotten.

An alarm is one point. The trouble that it began with goes on until the points are back in patterns that were known
before it: what was learned since then is the trouble itself.

The lags are short, with three opinions of which two must agree; a fourth looks at averages and finds what creeps.
The numbers were chosen on the Numenta Anomaly Benchmark (`tests/bench/thresholds`), and their neighbours do as well.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alertsvc.core.adaptive.transforms import MOST_EVER, Side

SHORT_LAGS = (5, 7, 9)
SHORT_RADIUS = 0.11
"""What is closer to a pattern than this part of the whole range belongs to it."""
LONG_LAG = 20
LONG_RADIUS = 0.175
REMEMBERED = 10_000
"""For how many points a pattern is known that does not come again: a week of minutes."""
MOST_PATTERNS = 100
HOLD = 100
"""After an alarm so many points stay quiet, unless it gets much worse."""
MUCH_WORSE = 3.0
WARM_UP = 150
"""How many points are learned from before anything alarms."""
LEAST_RANGE = 1e-3
"""The least range that is believed, as a part of the greatest value: what was constant may tremble."""


_Pattern = tuple[float, float, int, int]
"""A value, the one before it, when they were met last, and when first: as the number of the point."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """How new a point is: from 1 on it is no known pattern, and more is further from all of them.

    `value` and `before` are the pair that says so: with `is_average` averages of the last `LONG_LAG` points, and else
    the value and the middle one of those `SHORT_LAGS` before. `is_trouble`: an alarm, or a point of the trouble that
    one began with.
    """

    score: float
    is_alarm: bool
    is_trouble: bool = False
    value: float = 0.0
    before: float = 0.0
    is_average: bool = False


QUIET = Novelty(0.0, is_alarm=False)


@dataclass(slots=True)
class _Trouble:
    """What an alarm began with, at the point `since`; `calm_count` points in a row were as before it by now.

    `width` is the range before it: what is as before is measured by that, not by what the trouble made of it.
    """

    since: int
    is_average: bool
    width: float
    calm_count: int = 0


class _Range:
    """Between which values a series has been lately: in this span of `REMEMBERED` points and the one before."""

    def __init__(self, state: tuple[float, float, float, float, int] | None = None) -> None:
        self.low, self.high, self.low_before, self.high_before, self.count = state or (0.0, 0.0, 0.0, 0.0, 0)

    def widths(self, value: float) -> tuple[float, float]:
        """How wide it was, and is with `value`."""
        before = self._width()
        if self.count % REMEMBERED == 0:
            is_first = self.count == 0
            self.low_before, self.high_before = (value, value) if is_first else (self.low, self.high)
            self.low = self.high = value
        elif value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        self.count += 1
        return before, self._width()

    def ends(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return min(self.low, self.low_before), max(self.high, self.high_before)

    def _width(self) -> float:
        low, high = self.ends()
        return max(high - low, LEAST_RANGE * max(high, -low), 1e-9)


class _Patterns:
    """The known pairs, the latest met first."""

    def __init__(self, radius: float, known: list[_Pattern] | None = None) -> None:
        self.known = known or []
        self._radius = radius

    def knew(self, value: float, before: float, width: float, since: int) -> bool:
        """Whether a pair is one of those that were known before the point `since`."""
        reach = self._radius * width
        return any(
            born < since and abs(value - there) <= reach and abs(before - there_before) <= reach
            for there, there_before, _, born in self.known
        )

    def novelty(self, value: float, before: float, widths: tuple[float, float], now: int) -> float:
        """How far a pair is from all that are known, in radii: 0 when it is one of them. It is known from now on."""
        known, reach = self.known, self._radius * widths[1]
        nearest = -1.0
        while known and now - known[-1][2] > REMEMBERED:
            known.pop()
        for place, (there, there_before, _, born) in enumerate(known):
            away, away_before = abs(value - there), abs(before - there_before)
            if away <= reach and away_before <= reach:
                del known[place]
                known.insert(0, (there, there_before, now, born))
                return 0.0
            farther = max(away, away_before)
            if nearest < 0 or farther < nearest:
                nearest = farther
        known.insert(0, (value, before, now, now))
        del known[MOST_PATTERNS:]
        return nearest / (self._radius * min(widths)) if nearest > 0 else 0.0


class Stream:
    """What is known of one series. `state` and `restored` carry it through a restart."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet_until = 0
        self._worst = 0.0
        self._trouble: _Trouble | None = None
        self._values: deque[float] = deque(maxlen=LONG_LAG)
        self._averages: deque[float] = deque(maxlen=LONG_LAG + 1)
        self._range, self._range_of_averages = _Range(), _Range()
        self._short = [_Patterns(SHORT_RADIUS) for _ in SHORT_LAGS]
        self._long = _Patterns(LONG_RADIUS)

    @property
    def count(self) -> int:
        """How many points it has taken in."""
        return self._count

    @property
    def range(self) -> tuple[float, float]:
        """Between which values the series has been lately."""
        return self._range.ends()

    @property
    def in_trouble(self) -> bool:
        """Whether what an alarm began with goes on."""
        return self._trouble is not None

    def observe(self, value: float, side: Side = Side.OUTSIDE, calm_after: int = 1) -> Novelty:
        """Take in the next point. One that is not a finite number is as if it had not been.

        What is new while the series moves away from the bad `side` is learned, and is no alarm. A trouble is over after
        `calm_after` points in a row that are as before it.
        """
        if not -MOST_EVER < value < MOST_EVER:
            return QUIET
        values, averages = self._values, self._averages
        values.append(value)
        average = sum(values) / len(values)
        averages.append(average)
        widths, widths_of_averages = self._range.widths(value), self._range_of_averages.widths(average)
        now = self._count
        self._count += 1
        if now < SHORT_LAGS[-1]:
            return QUIET
        lagged = [values[-1 - lag] for lag in SHORT_LAGS]
        goes_on = self._goes_on(value, lagged, calm_after)
        opinions = [each.novelty(value, before, widths, now) for before, each in zip(lagged, self._short, strict=True)]
        score, of_average = sorted(opinions)[-2], 0.0
        if now >= LONG_LAG:
            of_average = self._long.novelty(average, averages[0], widths_of_averages, now)
        is_average = of_average > score
        pair = (average, averages[0]) if is_average else (value, sorted(lagged)[1])
        score = max(score, of_average)
        is_alarm = score >= 1 and is_towards(pair[0] - pair[1], side) and self._alarms(score, now)
        if is_alarm and self._trouble is None:
            self._trouble = _Trouble(now, is_average, (widths_of_averages if is_average else widths)[0])
        if goes_on and not is_alarm and self._trouble is not None and self._trouble.is_average:
            pair, is_average = (average, averages[0]), True
        return Novelty(score, is_alarm, is_alarm or goes_on, *pair, is_average)

    def _goes_on(self, value: float, lagged: Sequence[float], calm_after: int) -> bool:
        """Whether the trouble does that there is, if there is one, by what was known before it."""
        trouble = self._trouble
        if trouble is None or self._count - trouble.since > REMEMBERED:  # what was before it is forgotten
            self._trouble = None
            return False
        if trouble.is_average:
            average, before = self._averages[-1], self._averages[0]
            is_strange = not self._long.knew(average, before, trouble.width, trouble.since)
        else:
            pairs = zip(lagged, self._short, strict=True)
            is_strange = sum(not each.knew(value, before, trouble.width, trouble.since) for before, each in pairs) > 1
        trouble.calm_count = 0 if is_strange else trouble.calm_count + 1
        if trouble.calm_count >= calm_after:
            self._trouble = None
        return is_strange

    def calm_down(self) -> None:
        """End the trouble that there is: what it came with is as usual as the rest."""
        self._trouble = None

    def _alarms(self, score: float, now: int) -> bool:
        if now < self._quiet_until and score < MUCH_WORSE * self._worst:
            self._worst = max(self._worst, score)
            return False
        self._quiet_until, self._worst = now + HOLD + 1, score
        return now >= WARM_UP

    def state(self) -> dict[str, Any]:
        """All that is known, as JSON can carry it. Patterns stand there in columns, which are shorter than rows."""
        trouble = self._trouble
        ranges = [
            (each.low, each.high, each.low_before, each.high_before, each.count)
            for each in (self._range, self._range_of_averages)
        ]
        return {
            "count": self._count,
            "quiet_until": self._quiet_until,
            "worst": self._worst,
            "trouble": trouble and (trouble.since, trouble.is_average, trouble.width, trouble.calm_count),
            "values": list(self._values),
            "averages": list(self._averages),
            "ranges": ranges,
            "patterns": [list(zip(*each.known, strict=True)) for each in (*self._short, self._long)],
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Stream":
        """One that goes on where `state` was taken.

        Raises:
            KeyError, TypeError, ValueError: It is no such state.
        """
        stream = cls()
        stream._count, stream._quiet_until = int(state["count"]), int(state["quiet_until"])
        stream._worst = float(state["worst"])
        stream._values.extend(state["values"])
        stream._averages.extend(state["averages"])
        of_values, of_averages = state["ranges"]
        stream._range, stream._range_of_averages = _Range(tuple(of_values)), _Range(tuple(of_averages))
        if state["trouble"] is not None:
            since, is_average, width, calm_count = state["trouble"]
            stream._trouble = _Trouble(since, is_average, width, calm_count)
        first, second, third, long = (list(zip(*_columns(each), strict=True)) for each in state["patterns"])
        stream._short = [_Patterns(SHORT_RADIUS, known) for known in (first, second, third)]
        stream._long = _Patterns(LONG_RADIUS, long)
        return stream


def _columns(known: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Those of patterns, none if there are no patterns."""
    if len(known) not in {0, 4}:
        raise ValueError("a pattern has four numbers")
    return known


def is_towards(move: float, side: Side) -> bool:
    """Whether a series that moved by so much did so towards `side`. One that stays is on either."""
    return side is Side.OUTSIDE or (move >= 0 if side is Side.ABOVE else move <= 0)
