"""When an interval holds and when that changes: Alertmanager's own rows, and clocks that are read minute by minute."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.core.intervals import (
    FURTHEST,
    DateRange,
    DayRange,
    Interval,
    IntervalEntry,
    TimeRange,
    YearlyRange,
    YearRange,
    muted_by,
)
from tests.core.builders import DAY, HOUR, MINUTE, SECOND

BERLIN, NEW_YORK, LORD_HOWE, CASABLANCA, SYDNEY = (
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Australia/Sydney",
    )
)
MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
NINE_TO_FIVE = TimeRange(540, 1020)
NIGHT = TimeRange(22 * 60, 6 * 60)


def at(text: str) -> datetime:
    """An instant as Alertmanager's tests write it (RFC 822 with the zone as a number), or in ISO 8601."""
    if text[:4].isdigit():
        return datetime.fromisoformat(text)
    return datetime.strptime(text, "%d %b %y %H:%M %z")


def named(*entries: IntervalEntry) -> Interval:
    return Interval("named", entries)


# Alertmanager's own rows: timeinterval/timeinterval_test.go


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        pytest.param(
            IntervalEntry(),
            ["02 Jan 06 15:04 +0000", "03 Jan 07 10:04 +0000", "04 Jan 06 09:04 +0000"],
            [],
            id="nothing-is-always",
        ),
        pytest.param(
            IntervalEntry(times=(NINE_TO_FIVE,), weekdays=MONDAY_TO_FRIDAY),
            ["04 May 20 15:04 +0000", "05 May 20 10:04 +0000", "09 Jun 20 09:04 +0000"],
            ["03 May 20 15:04 +0000", "04 May 20 08:59 +0000", "05 May 20 05:00 +0000"],
            id="office-hours",
        ),
        pytest.param(
            IntervalEntry(days_of_month=(DayRange(4, 6),), months=frozenset({4}), years=(YearRange(2020, 2020),)),
            ["04 Apr 20 15:04 +0000", "05 Apr 20 00:00 +0000", "06 Apr 20 23:05 +0000"],
            [
                "03 May 18 15:04 +0000",
                "03 Apr 20 23:59 +0000",
                "04 Jun 20 23:59 +0000",
                "06 Apr 19 23:59 +0000",
                "07 Apr 20 00:00 +0000",
            ],
            id="easter-2020",
        ),
        pytest.param(
            IntervalEntry(days_of_month=(DayRange(-3, -1),)),
            [
                "31 Jan 20 15:04 +0000",
                "30 Jan 20 15:04 +0000",
                "29 Jan 20 15:04 +0000",
                "30 Jun 20 00:00 +0000",
                "29 Feb 20 23:05 +0000",
            ],
            [
                "03 May 18 15:04 +0000",
                "27 Jan 20 15:04 +0000",
                "03 Apr 20 23:59 +0000",
                "04 Jun 20 23:59 +0000",
                "06 Apr 19 23:59 +0000",
                "07 Apr 20 00:00 +0000",
                "01 Mar 20 00:00 +0000",
            ],
            id="the-last-three-days-of-a-month",
        ),
        pytest.param(
            IntervalEntry(months=frozenset({6}), days_of_month=(DayRange(-31, 31),)),
            ["30 Jun 20 00:00 +0000", "01 Jun 20 00:00 +0000"],
            ["31 May 20 00:00 +0000", "01 Jul 20 00:00 +0000"],
            id="days-that-a-month-has-not-are-cut-off",
        ),
        pytest.param(
            IntervalEntry(days_of_month=(DayRange(30, 31),), years=(YearRange(2020, 2023),), months=frozenset({2})),
            [],
            ["28 Feb 21 13:00 +0000"],
            id="a-range-after-the-end-of-the-month-is-skipped",
        ),
        pytest.param(
            IntervalEntry(times=(NINE_TO_FIVE,), weekdays=MONDAY_TO_FRIDAY, zone=SYDNEY),
            ["06 Apr 21 13:00 +1000"],
            ["06 Apr 21 13:00 +0000"],
            id="in-another-zone",
        ),
        pytest.param(
            IntervalEntry(times=(NINE_TO_FIVE,), weekdays=MONDAY_TO_FRIDAY, months=frozenset({11}), zone=SYDNEY),
            ["01 Nov 21 09:00 +1100", "31 Oct 21 22:00 +0000"],
            ["31 Oct 21 21:00 +0000"],
            id="in-another-zone-in-summer",
        ),
        pytest.param(
            IntervalEntry(days_of_month=(DayRange(-1, -1),), zone=NEW_YORK),
            ["31 Mar 21 12:00 -0400"],
            ["30 Mar 21 12:00 -0400"],
            id="the-last-day-of-a-month-with-a-change-of-the-clocks",
        ),
        pytest.param(
            IntervalEntry(
                weekdays=frozenset({1, 2, 3, 6, 7}),
                times=(TimeRange(780, 900),),
                days_of_month=(DayRange(1, 1), DayRange(10, 10), DayRange(20, -1)),
                years=(YearRange(2020, 2023),),
                months=frozenset({1, 2, 3}),
            ),
            ["10 Jan 21 13:00 +0000", "30 Jan 21 14:24 +0000"],
            ["09 Jan 21 13:00 +0000", "20 Jan 21 12:59 +0000", "02 Feb 21 13:00 +0000"],
            id="all-fields-at-once",
        ),
    ],
)
def test_an_entry_contains_what_it_does_in_alertmanager(entry, inside, outside):
    assert [text for text in (*inside, *outside) if entry.contains(at(text))] == inside


EVENINGS = Interval("evenings", (IntervalEntry(times=(TimeRange(0, 540), TimeRange(1020, 1440)), zone=SYDNEY),))
WEEKENDS = Interval("weekends", (IntervalEntry(weekdays=frozenset({6, 7}), zone=SYDNEY),))
SYDNEYS = {"evenings": EVENINGS, "weekends": WEEKENDS}


@pytest.mark.parametrize(
    ("instant", "names"),
    [
        pytest.param("2024-01-01T00:00+11:00", ["evenings"], id="outside-working-hours"),
        pytest.param("2024-01-01T09:00+11:00", [], id="during-working-hours"),
        pytest.param("2024-01-06T10:00+11:00", ["weekends"], id="during-a-weekend"),
        pytest.param("2024-01-06T17:00+11:00", ["evenings", "weekends"], id="on-the-evening-of-a-weekend"),
        pytest.param("2024-01-01T10:00+00:00", ["evenings"], id="in-utc-on-a-weekday"),
        pytest.param("2024-01-06T10:00+00:00", ["evenings", "weekends"], id="in-utc-on-a-weekend"),
    ],
)
def test_the_same_names_mute_as_in_alertmanager(instant, names):
    assert [name for name, known in SYDNEYS.items() if known.contains(at(instant))] == names
    found = muted_by(["evenings", "weekends"], [], SYDNEYS, at(instant))
    assert (found.name if found else None) == (names[0] if names else None)


# What Alertmanager lacks


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        pytest.param(
            IntervalEntry(times=(NIGHT,)),
            ["2026-03-02T22:00Z", "2026-03-02T23:59Z", "2026-03-03T00:00Z", "2026-03-03T05:59:59Z"],
            ["2026-03-02T21:59:59Z", "2026-03-03T06:00Z", "2026-03-03T12:00Z"],
            id="over-midnight",
        ),
        pytest.param(
            IntervalEntry(times=(TimeRange(22 * 60, 0),)),
            ["2026-03-02T22:00Z", "2026-03-02T23:59Z"],
            ["2026-03-03T00:00Z", "2026-03-02T21:59Z"],
            id="until-midnight",
        ),
        pytest.param(
            IntervalEntry(times=(NIGHT,), weekdays=frozenset({5})),
            ["2026-03-06T22:00Z", "2026-03-07T05:59Z"],
            ["2026-03-06T05:59Z", "2026-03-07T22:00Z", "2026-03-05T23:00Z"],
            id="the-weekday-is-that-of-the-start",
        ),
        pytest.param(
            IntervalEntry(times=(NIGHT,), days_of_month=(DayRange(-1, -1),), months=frozenset({2})),
            ["2026-02-28T23:00Z", "2026-03-01T05:59Z", "2028-03-01T05:59Z"],
            ["2026-02-28T05:59Z", "2028-02-29T05:59Z", "2026-04-01T05:59Z"],
            id="and-so-are-day-and-month",
        ),
        pytest.param(
            IntervalEntry(times=(NIGHT,), years=(YearRange(2026, 2026),)),
            ["2026-12-31T23:00Z", "2027-01-01T05:59Z"],
            ["2026-01-01T05:59Z", "2027-01-01T23:00Z"],
            id="and-the-year",
        ),
        pytest.param(
            IntervalEntry(times=(NIGHT,), dates=(DateRange(date(2026, 12, 24), date(2026, 12, 24)),)),
            ["2026-12-24T22:00Z", "2026-12-25T05:59Z"],
            ["2026-12-24T05:59Z", "2026-12-25T22:00Z"],
            id="and-the-date",
        ),
        pytest.param(
            IntervalEntry(times=(NIGHT, TimeRange(720, 780)), weekdays=frozenset({6})),
            ["2026-03-07T12:00Z", "2026-03-07T23:00Z", "2026-03-08T03:00Z"],
            ["2026-03-08T12:00Z", "2026-03-07T03:00Z"],
            id="beside-another-time",
        ),
        pytest.param(
            IntervalEntry(dates=(DateRange(date(2026, 12, 24), date(2027, 1, 2)),)),
            ["2026-12-24T00:00Z", "2026-12-31T12:00Z", "2027-01-02T23:59Z"],
            ["2026-12-23T23:59Z", "2027-01-03T00:00Z", "2027-12-25T12:00Z"],
            id="dates-of-one-year",
        ),
        pytest.param(
            IntervalEntry(dates=(YearlyRange((12, 25), (12, 25)), YearlyRange((5, 1), (5, 1)))),
            ["2026-12-25T00:00Z", "2031-12-25T23:59Z", "2027-05-01T12:00Z"],
            ["2026-12-24T23:59Z", "2027-05-02T00:00Z", "2027-05-25T12:00Z"],
            id="dates-of-every-year",
        ),
        pytest.param(
            IntervalEntry(dates=(YearlyRange((12, 24), (1, 2)),)),
            ["2026-12-24T00:00Z", "2026-01-02T23:59Z", "2027-01-01T00:00Z"],
            ["2026-12-23T12:00Z", "2026-01-03T00:00Z", "2026-06-01T00:00Z"],
            id="dates-over-every-new-year",
        ),
        pytest.param(
            IntervalEntry(dates=(YearlyRange((2, 29), (2, 29)),)),
            ["2028-02-29T12:00Z"],
            ["2026-02-28T12:00Z", "2026-03-01T00:00Z"],
            id="a-leap-day-is-only-in-leap-years",
        ),
        pytest.param(
            IntervalEntry(dates=(YearlyRange((12, 25), (12, 25)),), weekdays=MONDAY_TO_FRIDAY, zone=BERLIN),
            ["2026-12-24T23:00Z", "2026-12-25T22:59Z"],
            ["2026-12-25T23:00Z", "2027-12-25T12:00Z"],
            id="dates-and-weekdays-and-a-zone",
        ),
    ],
)
def test_an_entry_contains_more_than_in_alertmanager(entry, inside, outside):
    assert [text for text in (*inside, *outside) if entry.contains(at(text))] == inside


def test_an_interval_holds_when_any_entry_does_and_without_entries_never():
    either = named(IntervalEntry(weekdays=frozenset({6, 7})), IntervalEntry(times=(TimeRange(0, 360),)))
    assert [either.contains(at(text)) for text in ("2026-03-07T12:00Z", "2026-03-02T05:59Z", "2026-03-02T06:00Z")] == [
        True,
        True,
        False,
    ]
    assert not named().contains(at("2026-03-07T12:00Z"))
    assert named().next_change(at("2026-03-07T12:00Z")) is None


# When it changes


@pytest.mark.parametrize(
    ("entries", "instant", "change"),
    [
        pytest.param([IntervalEntry(times=(NIGHT,))], "2026-03-02T21:00Z", "2026-03-02T22:00Z", id="begins"),
        pytest.param([IntervalEntry(times=(NIGHT,))], "2026-03-02T22:00Z", "2026-03-03T06:00Z", id="ends-next-day"),
        pytest.param([IntervalEntry(times=(NIGHT,))], "2026-03-03T05:59:59Z", "2026-03-03T06:00Z", id="just-before"),
        pytest.param([IntervalEntry(times=(NIGHT,))], "2026-03-03T06:00Z", "2026-03-03T22:00Z", id="is-strictly-later"),
        pytest.param(
            [IntervalEntry(times=(NIGHT,), zone=BERLIN)],
            "2026-03-28T23:00Z",
            "2026-03-29T04:00Z",
            id="short-night",
        ),
        pytest.param(
            [IntervalEntry(times=(NIGHT,), zone=BERLIN)],
            "2026-10-24T21:00Z",
            "2026-10-25T05:00Z",
            id="long-night",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(1380, 1320),), weekdays=frozenset({7}), zone=NEW_YORK)],
            "2026-03-03T01:00Z",
            "2026-03-03T03:00Z",
            id="ends-where-it-is-two-days-later-in-utc",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(0, 60),), weekdays=frozenset({3}), zone=ZoneInfo("Pacific/Kiritimati"))],
            "2026-03-03T09:30Z",
            "2026-03-03T10:00Z",
            id="begins-where-it-is-the-next-day-already",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(120, 150),), zone=BERLIN)],
            "2026-03-28T12:00Z",
            "2026-03-30T00:00Z",
            id="a-time-that-the-clocks-jump-over-does-not-come",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(60, 150),), zone=BERLIN)],
            "2026-03-29T00:30Z",
            "2026-03-29T01:00Z",
            id="ends-when-the-clocks-jump-over-the-end",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(150, 240),), zone=BERLIN)],
            "2026-03-29T00:30Z",
            "2026-03-29T01:00Z",
            id="begins-when-the-clocks-jump-over-the-start",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(120, 150),), zone=BERLIN)],
            "2026-10-25T00:30Z",
            "2026-10-25T01:00Z",
            id="begins-again-when-the-clocks-go-back",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(0, 720),)), IntervalEntry(times=(TimeRange(720, 1440),))],
            "2026-03-02T09:00Z",
            None,
            id="entries-side-by-side-never-end",
        ),
        pytest.param(
            [IntervalEntry(weekdays=frozenset({6, 7})), IntervalEntry(times=(TimeRange(0, 360),))],
            "2026-03-07T12:00Z",
            "2026-03-09T06:00Z",
            id="one-entry-takes-over-from-another",
        ),
        pytest.param(
            [IntervalEntry(times=(TimeRange(0, 1440),), weekdays=frozenset({1, 2}))],
            "2026-03-02T12:00Z",
            "2026-03-04T00:00Z",
            id="whole-days-side-by-side",
        ),
        pytest.param(
            [IntervalEntry(years=(YearRange(2027, 2030),))], "2026-03-02T12:00Z", "2027-01-01T00:00Z", id="next-year"
        ),
        pytest.param([IntervalEntry(years=(YearRange(2028, 2030),))], "2026-03-02T12:00Z", None, id="too-far-away"),
        pytest.param([IntervalEntry()], "2026-03-02T12:00Z", None, id="always"),
        pytest.param(
            [IntervalEntry(dates=(DateRange(date(2026, 12, 24), date(2027, 1, 2)),), zone=NEW_YORK)],
            "2026-12-25T00:00Z",
            "2027-01-03T05:00Z",
            id="the-end-of-the-holidays",
        ),
    ],
)
def test_an_interval_tells_when_it_changes(entries, instant, change):
    assert named(*entries).next_change(at(instant)) == (at(change) if change else None)


@pytest.mark.parametrize("zone", [BERLIN, UTC, NEW_YORK], ids=str)
def test_a_change_is_found_up_to_the_bound_and_not_beyond(zone):
    day = date(2027, 6, 1)
    interval = named(IntervalEntry(dates=(DateRange(day, day),), zone=zone))
    begins = datetime(2027, 6, 1, tzinfo=zone).astimezone(UTC)
    assert interval.next_change(begins - FURTHEST) == begins
    assert interval.next_change(begins - FURTHEST - SECOND) is None


def test_a_change_is_told_in_utc_wherever_one_asks_from():
    change = named(IntervalEntry(times=(NIGHT,), zone=BERLIN)).next_change(at("2026-03-02T12:00+05:45"))
    assert (change, change.tzinfo) == (at("2026-03-02T21:00Z"), UTC)


# What keeps a route quiet

OFFICE = Interval("office", (IntervalEntry(times=(NINE_TO_FIVE,), weekdays=MONDAY_TO_FRIDAY),))
NIGHTS = Interval("nights", (IntervalEntry(times=(NIGHT,)),))
MORNINGS = Interval("mornings", (IntervalEntry(times=(TimeRange(360, 480),)),))
ALWAYS = Interval("always", (IntervalEntry(),))
NEVER = Interval("never", ())
KNOWN = {each.name: each for each in (OFFICE, NIGHTS, MORNINGS, ALWAYS, NEVER)}


@pytest.mark.parametrize(
    ("mute", "active", "instant", "found"),
    [
        pytest.param([], [], "2026-03-02T12:00Z", None, id="no-names"),
        pytest.param(["nights"], [], "2026-03-02T12:00Z", None, id="outside-a-mute"),
        pytest.param(["nights"], [], "2026-03-02T23:00Z", ("nights", "2026-03-03T06:00Z"), id="in-a-mute"),
        pytest.param(["never", "nights"], [], "2026-03-02T23:00Z", ("nights", "2026-03-03T06:00Z"), id="in-any-mute"),
        pytest.param(
            ["mornings", "nights"],
            [],
            "2026-03-02T23:00Z",
            ("nights", "2026-03-03T08:00Z"),
            id="until-the-last-ends",
        ),
        pytest.param([], ["office"], "2026-03-02T12:00Z", None, id="in-an-active-one"),
        pytest.param([], ["office"], "2026-03-06T17:00Z", ("office", "2026-03-09T09:00Z"), id="outside-the-active-one"),
        pytest.param([], ["office", "nights"], "2026-03-06T23:00Z", None, id="in-any-active-one"),
        pytest.param(
            [], ["office", "nights"], "2026-03-06T17:00Z", ("office", "2026-03-06T22:00Z"), id="outside-all-active-ones"
        ),
        pytest.param(
            ["mornings"],
            ["nights", "mornings", "office"],
            "2026-03-02T06:00Z",
            ("mornings", "2026-03-02T09:00Z"),
            id="muted-though-active-then-not-active",
        ),
        pytest.param(["nights"], ["office"], "2026-03-06T23:00Z", ("nights", "2026-03-09T09:00Z"), id="both-for-days"),
        pytest.param(["always"], [], "2026-03-02T12:00Z", ("always", None), id="muted-for-ever"),
        pytest.param([], ["never"], "2026-03-02T12:00Z", ("never", None), id="never-active"),
    ],
)
def test_a_route_is_quiet_in_a_mute_interval_or_outside_all_active_ones(mute, active, instant, found):
    expected = found and (found[0], at(found[1]) if found[1] else None)
    assert muted_by(mute, active, KNOWN, at(instant)) == expected


# Against clocks read minute by minute


def days_that_fit(entry: IntervalEntry, first: date, last: date) -> Iterator[date]:
    """The days that an entry names, each written out: every field as the set of days it means."""
    days = [first + n * DAY for n in range((last - first).days + 1)]
    for day in days:
        length = monthrange(day.year, day.month)[1]
        numbers = {day.day, day.day - length - 1}
        by_number = [bool(numbers & set(_expanded(each, length))) for each in entry.days_of_month]
        by_date = [_names(each, day) for each in entry.dates]
        by_year = [day.year in range(each.first, each.last + 1) for each in entry.years]
        if (
            all(any(each) for each in (by_number, by_date, by_year) if each)
            and day.isoweekday() in (entry.weekdays or range(1, 8))
            and day.month in (entry.months or range(1, 13))
        ):
            yield day


def _expanded(days: DayRange, length: int) -> range:
    """The numbers from one end to the other, counted from the start of the month."""
    first, last = (n if n > 0 else length + 1 + n for n in (days.first, days.last))
    return range(max(first, 1), min(last, length) + 1)


def _names(dates: DateRange | YearlyRange, day: date) -> bool:
    """Whether `day` is one of those from one end to the other, walked through one by one."""
    if isinstance(dates, DateRange):
        return day in [dates.first + n * DAY for n in range((dates.last - dates.first).days + 1)]
    leap_year = [date(2024, 1, 1) + n * DAY for n in range(366)]
    days = [(each.month, each.day) for each in leap_year]
    from_first = days[days.index(dates.first) :] + days[: days.index(dates.first)]
    return (day.month, day.day) in from_first[: from_first.index(dates.last) + 1]


def holds_by_the_minute(interval: Interval, start: datetime, end: datetime) -> list[bool]:
    """Whether `interval` holds at each minute from `start` until before `end`.

    The minutes that it names are marked on a calendar without zones; then a clock in the zone is looked at each minute.
    """
    minutes = [start + n * MINUTE for n in range((end - start) // MINUTE)]
    held = [False] * len(minutes)
    for entry in interval.entries:
        marked: set[datetime] = set()
        for day in days_that_fit(entry, start.date() - 3 * DAY, end.date() + 3 * DAY):
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
            for times in entry.times or (TimeRange(0, 1440),):
                length = times.end - times.start if times.end > times.start else 1440 - times.start + times.end
                marked.update(midnight + (times.start + n) * MINUTE for n in range(length))
        for n, minute in enumerate(minutes):
            held[n] = held[n] or minute.astimezone(entry.zone).replace(tzinfo=None, fold=0) in marked
    return held


def _changes(interval: Interval, start: datetime, end: datetime) -> list[datetime]:
    """The changes after `start` until before `end`, one after the other."""
    found: list[datetime] = []
    change = interval.next_change(start)
    while change is not None and change < end:
        found.append(change)
        change = interval.next_change(change)
    return found


AROUND_THE_CHANGES = [
    pytest.param(BERLIN, "2026-03-27", id="berlin-spring"),
    pytest.param(BERLIN, "2026-10-23", id="berlin-autumn"),
    pytest.param(NEW_YORK, "2026-03-06", id="new-york-spring"),
    pytest.param(NEW_YORK, "2026-10-30", id="new-york-autumn"),
    pytest.param(LORD_HOWE, "2026-04-03", id="lord-howe-half-an-hour-back"),
    pytest.param(LORD_HOWE, "2026-10-02", id="lord-howe-half-an-hour-on"),
    pytest.param(CASABLANCA, "2026-02-13", id="casablanca-ramadan-begins"),
    pytest.param(CASABLANCA, "2026-03-20", id="casablanca-ramadan-ends"),
    pytest.param(ZoneInfo("America/Santiago"), "2026-09-04", id="santiago-midnight-is-missing"),
    pytest.param(ZoneInfo("America/Santiago"), "2026-04-03", id="santiago-midnight-comes-twice"),
    pytest.param(ZoneInfo("Asia/Kathmandu"), "2026-02-26", id="kathmandu-over-the-end-of-february"),
]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"times": (NINE_TO_FIVE,), "weekdays": MONDAY_TO_FRIDAY}, id="office-hours"),
        pytest.param({"times": (NIGHT,)}, id="nights"),
        pytest.param({"times": (NIGHT,), "weekdays": frozenset({6, 7})}, id="nights-that-start-on-a-weekend"),
        pytest.param({"times": (TimeRange(120, 150),)}, id="in-the-hour-that-changes"),
        pytest.param({"times": (TimeRange(150, 155), TimeRange(105, 125))}, id="over-the-edges-of-that-hour"),
        pytest.param({"times": (TimeRange(1425, 15),), "weekdays": frozenset({6})}, id="a-saturday-midnight"),
        pytest.param({"times": (TimeRange(180, 120),), "weekdays": frozenset({6, 7})}, id="all-but-an-hour"),
        pytest.param({"times": (TimeRange(1380, 1440),)}, id="the-last-hour-of-a-day"),
        pytest.param({"weekdays": frozenset({7})}, id="sundays"),
        pytest.param({"days_of_month": (DayRange(-3, -1), DayRange(1, 1), DayRange(28, 31))}, id="ends-of-months"),
        pytest.param({"months": frozenset({2, 4, 10}), "times": (TimeRange(0, 1440),)}, id="months-of-whole-days"),
        pytest.param(
            {"dates": (YearlyRange((10, 25), (3, 8)), DateRange(date(2026, 4, 4), date(2026, 10, 3)))}, id="dates"
        ),
    ],
)
@pytest.mark.parametrize(("zone", "day"), AROUND_THE_CHANGES)
def test_an_interval_holds_when_a_clock_looked_at_each_minute_says_so(fields, zone, day):
    start = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    end = start + 4 * DAY
    interval = named(IntervalEntry(**fields, zone=zone))
    held = holds_by_the_minute(interval, start, end)
    assert [interval.contains(start + n * MINUTE) for n in range(len(held))] == held
    changes = [start + n * MINUTE for n in range(1, len(held)) if held[n] != held[n - 1]]
    assert _changes(interval, start, end) == changes
    for change in changes:
        assert interval.next_change(change - SECOND) == change


ZONES = st.sampled_from([UTC, BERLIN, NEW_YORK, LORD_HOWE, CASABLANCA, ZoneInfo("America/Santiago")])
CLOCK = st.sampled_from([0, 1, 60, 119, 120, 150, 180, 720, 1410, 1439]) | st.integers(0, 1439)
NUMBERS = st.integers(1, 31) | st.integers(-31, -1)
YEARS = st.integers(2025, 2028)
DATES = st.dates(date(2025, 12, 20), date(2027, 1, 10))


@st.composite
def entries(draw) -> IntervalEntry:
    times = st.tuples(CLOCK, CLOCK | st.just(1440)).filter(lambda pair: pair[0] != pair[1])
    pair = st.tuples(DATES, DATES).map(sorted)
    yearly = st.tuples(DATES, DATES).map(lambda days: YearlyRange(*((day.month, day.day) for day in days)))
    return IntervalEntry(
        times=tuple(TimeRange(*each) for each in draw(st.lists(times, max_size=3))),
        weekdays=draw(st.frozensets(st.integers(1, 7), max_size=5)),
        days_of_month=tuple(DayRange(*each) for each in draw(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2))),
        months=draw(st.just(frozenset()) | st.frozensets(st.integers(1, 12), max_size=9)),
        years=tuple(YearRange(*sorted(each)) for each in draw(st.lists(st.tuples(YEARS, YEARS), max_size=1))),
        dates=tuple(draw(st.lists(pair.map(lambda days: DateRange(*days)) | yearly, max_size=1))),
        zone=draw(ZONES),
    )


@settings(max_examples=80, deadline=None)
@given(
    listed=st.lists(entries(), min_size=1, max_size=3),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
    | st.sampled_from([at(f"{day}T00:00Z") for day in ("2026-03-28", "2026-10-24", "2026-03-07", "2026-12-30")]),
)
def test_any_interval_holds_when_clocks_looked_at_each_minute_say_so(listed, start):
    start = start.replace(second=0, microsecond=0)
    end = start + 3 * DAY
    interval = named(*listed)
    held = holds_by_the_minute(interval, start, end)
    assert [interval.contains(start + n * MINUTE) for n in range(0, len(held), 7)] == held[::7]
    assert _changes(interval, start, end) == [start + n * MINUTE for n in range(1, len(held)) if held[n] != held[n - 1]]


@settings(max_examples=40, deadline=None)
@given(
    mute=st.lists(entries(), max_size=2),
    active=st.lists(entries(), max_size=2),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_a_route_is_quiet_until_the_first_minute_at_which_it_is_not(mute, active, start):
    start = start.replace(second=0, microsecond=0)
    end = start + 2 * DAY
    muting = {f"mute {n}": named(each) for n, each in enumerate(mute)}
    acting = {f"active {n}": named(each) for n, each in enumerate(active)}
    in_mute = holds_by_the_minute(named(*mute), start, end)
    in_active = holds_by_the_minute(named(*active), start, end)
    quiet = [muted or (bool(active) and not here) for muted, here in zip(in_mute, in_active, strict=True)]
    found = muted_by([*muting], [*acting], muting | acting, start)
    assert (found is not None) == quiet[0]
    if found is not None:
        over = next((start + n * MINUTE for n, each in enumerate(quiet) if not each), None)
        assert found.until == over if over else found.until is None or found.until >= end


def test_the_search_is_bounded_whatever_is_asked():
    quiet_for_ever = named(IntervalEntry(times=(NIGHT, TimeRange(360, 1320)), zone=BERLIN))
    assert quiet_for_ever.next_change(at("2026-03-02T12:00Z")) is None
    assert timedelta(366) < FURTHEST < 500 * 24 * HOUR
