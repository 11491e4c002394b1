"""Times by the clock on the wall: when a named interval holds, and when that changes. Alertmanager's rules, and more.

What it has more: times over midnight, and days by their date.

Source: https://github.com/prometheus/alertmanager/blob/main/timeinterval/timeinterval.go
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from alertsvc.core.wall_clock import instants_of, shift_on

FURTHEST = timedelta(days=400)
"""How far ahead a change is looked for."""

_DAY = timedelta(days=1)
_MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of the day in minutes since midnight, without the minute `end`. Not `start` < `end`: over midnight."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days of a month, both ends included. Negative ones count from its end: -1 is the last."""

    first: int
    last: int

    def fits(self, day: date) -> bool:
        length = monthrange(day.year, day.month)[1]
        first, last = (n + length + 1 if n < 0 else n for n in (self.first, self.last))
        return first <= day.day <= last


@dataclass(frozen=True, slots=True)
class YearRange:
    """Years, both ends included."""

    first: int
    last: int

    def fits(self, day: date) -> bool:
        return self.first <= day.year <= self.last


@dataclass(frozen=True, slots=True)
class DateRange:
    """Dates, both ends included."""

    first: date
    last: date

    def fits(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class YearlyRange:
    """Dates of every year as (month, day), both ends included. `first` > `last`: over the new year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def fits(self, day: date) -> bool:
        here = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= here <= self.last
        return here >= self.first or here <= self.last


@dataclass(frozen=True, slots=True)
class IntervalEntry:
    """One entry of an interval: every field must fit, and of a field any one value. An empty field fits always.

    `weekdays` are ISO's, 1 for Monday to 7; `months` 1 to 12. All of them are read off a clock in `zone`. A time over
    midnight belongs to the day on which it starts.
    """

    times: tuple[TimeRange, ...] = ()
    weekdays: frozenset[int] = frozenset()
    days_of_month: tuple[DayRange, ...] = ()
    months: frozenset[int] = frozenset()
    years: tuple[YearRange, ...] = ()
    dates: tuple[DateRange | YearlyRange, ...] = ()
    zone: tzinfo = UTC

    def contains(self, instant: datetime) -> bool:
        """Whether a clock in `zone` shows a time of this entry at `instant` (aware)."""
        wall = instant.astimezone(self.zone)
        day, minute = wall.date(), wall.hour * 60 + wall.minute
        if not self.times:
            return self.fits_day(day)
        today = any(_since_midnight(times, minute) for times in self.times)
        since_yesterday = any(times.end <= times.start and minute < times.end for times in self.times)
        return (today and self.fits_day(day)) or (since_yesterday and self.fits_day(day - _DAY))

    def fits_day(self, day: date) -> bool:
        """Whether what starts on `day` belongs to this entry."""
        return (
            (not self.weekdays or day.isoweekday() in self.weekdays)
            and (not self.months or day.month in self.months)
            and all(
                not ranges or any(each.fits(day) for each in ranges)
                for ranges in (self.days_of_month, self.years, self.dates)
            )
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A name for times: those of any of its entries. Without entries it never holds."""

    name: str
    entries: tuple[IntervalEntry, ...]

    def contains(self, instant: datetime) -> bool:
        """Whether it holds at `instant` (aware)."""
        return any(entry.contains(instant) for entry in self.entries)

    def next_change(self, instant: datetime) -> datetime | None:
        """The first instant after `instant` at which `contains` is different, in UTC. None: not within `FURTHEST`."""
        return _first_change(self.entries, self.contains, instant)


class Muting(NamedTuple):
    """Why there is quiet: the interval `name`. `until` is when it ends (in UTC); None when not within `FURTHEST`."""

    name: str
    until: datetime | None


def muted_by(
    mute_names: Sequence[str], active_names: Sequence[str], intervals: Mapping[str, Interval], instant: datetime
) -> Muting | None:
    """What keeps a route quiet at `instant`: a mute interval that holds, else active ones of which none does.

    In the second case the name is that of the first active interval. `until` is when the route may speak again: an
    interval that takes over from another one is waited for as well. Every name is a key of `intervals`.
    """

    def name_at(instant: datetime) -> str | None:
        for name in mute_names:
            if intervals[name].contains(instant):
                return name
        if active_names and not any(intervals[name].contains(instant) for name in active_names):
            return active_names[0]
        return None

    name = name_at(instant)
    if name is None:
        return None
    entries = [entry for each in (*mute_names, *active_names) for entry in intervals[each].entries]
    return Muting(name, _first_change(entries, lambda at: name_at(at) is not None, instant))


def _since_midnight(times: TimeRange, minute: int) -> bool:
    """Whether `minute` is in the part of `times` that lies on the day on which they start."""
    return times.start <= minute < (times.end if times.start < times.end else _MINUTES_OF_A_DAY)


def _first_change(
    entries: Sequence[IntervalEntry], holds: Callable[[datetime], bool], instant: datetime
) -> datetime | None:
    """The first instant after `instant` at which `holds`, that depends on nothing but `entries`, is different.

    It is looked for in windows that grow: most changes are near, and no change at all must not cost much either.
    """
    now = holds(instant)
    start, furthest = instant.astimezone(UTC), instant.astimezone(UTC) + FURTHEST
    length = _DAY
    while start < furthest:
        end = min(start + length, furthest)
        places = {at for entry in entries for at in _boundaries(entry, start, end) if start < at <= end}
        for at in sorted(places):
            if holds(at) != now:
                return at
        start, length = end, length * 2
    return None


def _boundaries(entry: IntervalEntry, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every instant from `start` to `end` at which `entry` may begin or cease to contain; and others.

    That is: where a clock on the wall comes to a midnight or a time of the entry, on a day that fits or the day after,
    and where the clock is put forward or back.
    """
    zone, day, last = entry.zone, start.date() - 2 * _DAY, end.date() + _DAY
    minutes = sorted({0, *(each for times in entry.times for each in (times.start, times.end % _MINUTES_OF_A_DAY))})
    fits = False
    while day <= last:
        shift = shift_on(zone, day)
        if shift is not None:
            yield shift
        fitted_before, fits = fits, entry.fits_day(day)
        if fits or fitted_before:
            for minute in minutes:
                yield from instants_of(zone, day, minute)
        day += _DAY
