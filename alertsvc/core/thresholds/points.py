"""The earlier values of a series, as far as they have a say in what a new one comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_POINTS = 400
"""More are not remembered of a series while a transaction judges it: no method looks further back."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A value that was observed, or without one its sender's verdict. `is_bad` is what it was by itself, None: nobody
    could say.
    """

    observed_at: datetime
    value: float | None
    is_bad: bool | None = None
    is_baseline: bool = True
    model_version: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The points of a series, the newest first: the latest ones, and the latest of those that count as usual.

    Nothing from before `baseline_from` is compared with.
    """

    recent: Sequence[Point] = ()
    usual: Sequence[Point] = ()
    baseline_from: datetime | None = None

    @property
    def measured(self) -> "History":
        """The same without what has no value: where numbers are compared, a verdict alone is none."""
        return replace(self, recent=[each for each in self.recent if each.value is not None])

    @property
    def newest_at(self) -> datetime | None:
        """When the newest point was observed."""
        return self.recent[0].observed_at if self.recent else None

    def is_late(self, observed_at: datetime, received_at: datetime) -> bool:
        """Whether something newer is there. What was observed as it arrived is never late, whatever the clock did."""
        return self.newest_at is not None and observed_at < self.newest_at and observed_at < received_at

    def before(self, observed_at: datetime, received_at: datetime, model_version: str | None) -> "History":
        """What a value of `model_version` is judged by, that was observed then: what was before it, of its version.

        Two values of one instant are one observation, told twice.
        """
        newest = self.newest_at
        until = observed_at if newest is None or observed_at < received_at else max(observed_at, newest + _INSTANT)
        return replace(
            self,
            recent=self._cut(self.recent, until, model_version),
            usual=self._cut(self.usual, until, model_version),
        )

    def _cut(self, points: Sequence[Point], until: datetime, model_version: str | None) -> list[Point]:
        kept: list[Point] = []
        for point in points:
            if point.observed_at >= until:
                continue
            if self.baseline_from is not None and point.observed_at < self.baseline_from:
                break
            if model_version is not None and point.model_version not in {None, model_version}:
                break
            kept.append(point)
            until = point.observed_at
        return kept

    def with_point(self, point: Point) -> "History":
        """The same with one point more."""
        usual = _put(self.usual, point) if point.is_baseline else self.usual
        return replace(self, recent=_put(self.recent, point), usual=usual)


def values_of(points: Iterable[Point]) -> list[float]:
    """The values of points that have one."""
    return [each.value for each in points if each.value is not None]


def _put(points: Sequence[Point], point: Point) -> Sequence[Point]:
    """Among points of one instant the last that came is the first."""
    place = next((place for place, each in enumerate(points) if each.observed_at <= point.observed_at), len(points))
    return [*points[:place], point, *points[place:MOST_POINTS]]
