"""Time intervals as Alertmanager writes them. Ours can be more: times over midnight, and days by their date.

Source: https://prometheus.io/docs/alerting/latest/configuration/#time_interval
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any

from alertsvc.core.intervals import DateRange, DayRange, IntervalEntry, TimeRange, YearlyRange, YearRange

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_MONTHS = 24
"""So many months one stretch of dates is spelt out for. A longer one is not shown."""
_END_OF_DAY = 24 * 60
_SHORTEST_MONTH = 28


class NotSayableError(ValueError):
    """Alertmanager has no way to write this."""


def as_entries(entry: IntervalEntry) -> list[dict[str, Any]]:
    """The entries of an Alertmanager interval that together hold exactly when `entry` does.

    Raises:
        NotSayableError: There are none such.
    """
    return [_fields(part) for dated in _without_dates(entry) for part in _without_midnights(dated)]


def _without_dates(entry: IntervalEntry) -> Iterator[IntervalEntry]:
    """By months and their days; Alertmanager knows no dates."""
    if not entry.dates:
        yield entry
        return
    if entry.days_of_month or entry.months or entry.years:
        raise NotSayableError("dates beside days_of_month, months or years")
    plain = replace(entry, dates=())
    for stretch in entry.dates:
        for year, month, days in _months_of(stretch):
            years = () if year is None else (YearRange(year, year),)
            yield replace(plain, years=years, months=frozenset({month}), days_of_month=(days,))


def _months_of(stretch: DateRange | YearlyRange) -> Iterator[tuple[int | None, int, DayRange]]:
    """By month: its year (None: every year), and those of its days that are in the stretch."""
    if isinstance(stretch, DateRange):
        year, years_after = stretch.first.year, stretch.last.year - stretch.first.year
        first, last = (stretch.first.month, stretch.first.day), (stretch.last.month, stretch.last.day)
    else:
        year, years_after = None, int(stretch.first > stretch.last)
        first, last = stretch.first, stretch.last
    end = last[0] + 12 * years_after
    if end - first[0] >= MOST_MONTHS:
        raise NotSayableError(f"dates over more than {MOST_MONTHS} months")
    for number in range(first[0], end + 1):
        days = DayRange(first[1] if number == first[0] else 1, last[1] if number == end else -1)
        yield None if year is None else year + (number - 1) // 12, (number - 1) % 12 + 1, days


def _without_midnights(entry: IntervalEntry) -> Iterator[IntervalEntry]:
    """What lies before midnight, and what lies after it, which is on the day after."""
    over = [times for times in entry.times if times.end <= times.start]
    here = [times for times in entry.times if times.end > times.start]
    until = [TimeRange(times.start, _END_OF_DAY) for times in over]
    yield replace(entry, times=(*here, *until))
    after = tuple(TimeRange(0, times.end) for times in over if times.end > 0)
    if after:
        if entry.days_of_month or entry.months or entry.years:
            raise NotSayableError("times over midnight on days of a month or a year")
        yield replace(entry, times=after, weekdays=frozenset(day % 7 + 1 for day in entry.weekdays))


def _fields(entry: IntervalEntry) -> dict[str, Any]:
    """An entry without dates and midnights. What fits always is left out."""
    found: dict[str, Any] = {
        "times": [{"start_time": _clock(each.start), "end_time": _clock(each.end)} for each in entry.times],
        "weekdays": [WEEKDAYS[day - 1] for day in sorted(entry.weekdays)],
        "days_of_month": [_days(each) for each in entry.days_of_month],
        "months": [str(month) for month in sorted(entry.months)],
        "years": [f"{each.first}:{each.last}" for each in entry.years],
    }
    zone = "UTC" if entry.zone is UTC else str(entry.zone)
    return {name: values for name, values in found.items() if values} | {"location": zone}


def _days(days: DayRange) -> str:
    """As a range that Alertmanager takes: it judges one such as `28:-1` in a month of 28 days, and refuses it.

    The end of a month is its 31st there too, the last day that there is; and in a month that ends before the first day
    of a range nothing fits.

    Raises:
        NotSayableError: Of a range to the last day but one, or before that, it knows no other form.
    """
    if days.first <= 0 or days.last > 0 or days.first <= _SHORTEST_MONTH + days.last:
        return f"{days.first}:{days.last}"
    if days.last == -1:
        return f"{days.first}:31"
    raise NotSayableError(f"days of the month {days.first}:{days.last}, which Alertmanager refuses")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
