"""The sections that name times: `time_intervals`, and `mute_time_intervals` as older files of Alertmanager have it."""

from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Annotated, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator

from alertsvc.core.intervals import DateRange, DayRange, Interval, IntervalEntry, TimeRange, YearlyRange, YearRange
from alertsvc.settings.calendar import (
    read_dates,
    read_days_of_month,
    read_months,
    read_time,
    read_weekdays,
    read_years,
)
from alertsvc.settings.local_zone import read_local_zone
from alertsvc.settings.process import Section
from alertsvc.settings.words import IntervalName, check_timezone

ItemT = TypeVar("ItemT")

LOCAL = "Local"
"""The location that means the zone of this machine."""

_WRITTEN = WithJsonSchema({"type": ["string", "integer"]})
_END_OF_DAY = 24 * 60


def _location(text: str) -> str:
    return text if text in {"", LOCAL} else check_timezone(text, LOCAL)


ClockTime = Annotated[
    int,
    PlainValidator(read_time),
    WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]
"""Minutes since midnight."""

Weekdays = Annotated[frozenset[int], PlainValidator(read_weekdays), WithJsonSchema({"type": "string"})]
DaysOfMonth = Annotated[DayRange, PlainValidator(read_days_of_month), _WRITTEN]
Months = Annotated[frozenset[int], PlainValidator(read_months), _WRITTEN]
Years = Annotated[YearRange, PlainValidator(read_years), _WRITTEN]
Dates = Annotated[DateRange | YearlyRange, PlainValidator(read_dates), WithJsonSchema({"type": "string"})]
Location = Annotated[str, AfterValidator(_location)]
"""An IANA name or `Local`. Empty is UTC, as in Go."""


class TimesSection(Section):
    """A stretch of the day, without its last minute. One that ends before it starts goes over midnight."""

    start_time: ClockTime
    end_time: ClockTime

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.start_time == _END_OF_DAY:
            raise ValueError("24:00 is where a day ends: start at 00:00")
        if self.start_time == self.end_time:
            raise ValueError("start_time and end_time are the same: the whole day is 00:00 to 24:00")
        return self


def _some(listed: tuple[ItemT, ...]) -> tuple[ItemT, ...]:
    if not listed:
        raise ValueError("an empty list fits no time at all: leave the key out to mean any")
    return listed


class IntervalFields(Section):
    """One entry of an interval: every field that is given must fit, and of a field any one value."""

    times: Annotated[tuple[TimesSection, ...], AfterValidator(_some)] = ()
    weekdays: Annotated[tuple[Weekdays, ...], AfterValidator(_some)] = ()
    days_of_month: Annotated[tuple[DaysOfMonth, ...], AfterValidator(_some)] = ()
    months: Annotated[tuple[Months, ...], AfterValidator(_some)] = ()
    years: Annotated[tuple[Years, ...], AfterValidator(_some)] = ()
    dates: Annotated[tuple[Dates, ...], AfterValidator(_some)] = ()
    location: Location = "UTC"


class IntervalSection(Section):
    """A name for times. Without entries it never holds: a list of holidays may be empty."""

    name: IntervalName
    time_intervals: tuple[IntervalFields, ...] = ()


def build_intervals(sections: Iterable[IntervalSection]) -> dict[str, Interval]:
    """The intervals by their names."""
    return {
        section.name: Interval(section.name, tuple(_entry(fields) for fields in section.time_intervals))
        for section in sections
    }


def _entry(fields: IntervalFields) -> IntervalEntry:
    return IntervalEntry(
        times=tuple(TimeRange(each.start_time, each.end_time) for each in fields.times),
        weekdays=frozenset[int]().union(*fields.weekdays),
        days_of_month=fields.days_of_month,
        months=frozenset[int]().union(*fields.months),
        years=fields.years,
        dates=fields.dates,
        zone=_zone(fields.location),
    )


def _zone(location: str) -> tzinfo:
    if location == LOCAL:
        return read_local_zone()
    return UTC if location in {"", "UTC"} else ZoneInfo(location)
