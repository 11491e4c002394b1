"""Finds what is new in a series at the pace of minutes, such as a load or a latency: where it has never been lately.

A series is looked at as pairs: a value, and the one some points before. Pairs that are close to each other are one
pattern, and a pair that is close to no pattern of the last days is new. It alarms, and is a pattern from then on. So a
daily rhythm is learned in days, and a fault of yesterday is no news today, but is again once it is forgotten.

The lags are short, with three opinions of which two must agree; a fourth looks at averages and finds what creeps.
The numbers were chosen on the Numenta Anomaly Benchmark (`tests/bench/thresholds`), and their neighbours do as well.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Novelty:
    """How new a point is: from 1 on it is no known pattern, and more is further from all of them."""

    score: float
    is_alarm: bool


QUIET = Novelty(0.0, is_alarm=False)


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

    def _width(self) -> float:
        low = min(self.low, self.low_before)
        high = max(self.high, self.high_before)
        return max(high - low, LEAST_RANGE * max(high, -low), 1e-9)


class _Patterns:
    """The known pairs, the latest met first."""

    def __init__(self, radius: float, known: list[tuple[float, float, int]] | None = None) -> None:
        self.known = known or []
        self._radius = radius

    def novelty(self, value: float, before: float, widths: tuple[float, float], now: int) -> float:
        """How far a pair is from all that are known, in radii: 0 when it is one of them. It is known from now on."""
        known, reach = self.known, self._radius * widths[1]
        nearest = -1.0
        while known and now - known[-1][2] > REMEMBERED:
            known.pop()
        for place, (there, there_before, _) in enumerate(known):
            away, away_before = abs(value - there), abs(before - there_before)
            if away <= reach and away_before <= reach:
                del known[place]
                known.insert(0, (there, there_before, now))
                return 0.0
            farther = max(away, away_before)
            if nearest < 0 or farther < nearest:
                nearest = farther
        known.insert(0, (value, before, now))
        del known[MOST_PATTERNS:]
        return nearest / (self._radius * min(widths)) if nearest > 0 else 0.0


class Stream:
    """What is known of one series. `state` and `restored` carry it through a restart."""

    def __init__(self) -> None:
        self._count = 0
        self._quiet_until = 0
        self._worst = 0.0
        self._values: deque[float] = deque(maxlen=LONG_LAG)
        self._averages: deque[float] = deque(maxlen=LONG_LAG + 1)
        self._range, self._range_of_averages = _Range(), _Range()
        self._short = [_Patterns(SHORT_RADIUS) for _ in SHORT_LAGS]
        self._long = _Patterns(LONG_RADIUS)

    def observe(self, value: float) -> Novelty:
        """Take in the next point. One that is not a finite number is as if it had not been."""
        if not -1e100 < value < 1e100:
            return QUIET
        values, averages = self._values, self._averages
        values.append(value)
        average = sum(values) / len(values)
        averages.append(average)
        widths, widths_of_averages = self._range.widths(value), self._range_of_averages.widths(average)
        now = self._count
        self._count += 1
        score = 0.0
        if now >= SHORT_LAGS[-1]:
            opinions = [
                each.novelty(value, values[-1 - lag], widths, now)
                for lag, each in zip(SHORT_LAGS, self._short, strict=True)
            ]
            score = sorted(opinions)[-2]
        if now >= LONG_LAG:
            score = max(score, self._long.novelty(average, averages[0], widths_of_averages, now))
        return Novelty(score, self._alarms(score, now)) if score >= 1 else Novelty(score, is_alarm=False)

    def _alarms(self, score: float, now: int) -> bool:
        if now < self._quiet_until and score < MUCH_WORSE * self._worst:
            self._worst = max(self._worst, score)
            return False
        self._quiet_until, self._worst = now + HOLD + 1, score
        return now >= WARM_UP

    def state(self) -> dict[str, Any]:
        """All that is known, as JSON can carry it."""
        ranges = [
            (each.low, each.high, each.low_before, each.high_before, each.count)
            for each in (self._range, self._range_of_averages)
        ]
        return {
            "count": self._count,
            "quiet_until": self._quiet_until,
            "worst": self._worst,
            "values": list(self._values),
            "averages": list(self._averages),
            "ranges": ranges,
            "patterns": [each.known for each in (*self._short, self._long)],
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
        *short, long = ([(a, b, now) for a, b, now in known] for known in state["patterns"])
        stream._short = [_Patterns(SHORT_RADIUS, known) for known in short]
        stream._long = _Patterns(LONG_RADIUS, long)
        return stream
