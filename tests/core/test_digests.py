"""When digests are due and which window each covers: by the length of a span, and by the clock on the wall.

Cron expressions are read by `alertsvc.settings.schedules`; what they mean is tested there expression by expression.
Here they are held against clocks that are read minute by minute.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.core.digests import EPOCH, Every
from alertsvc.settings.schedules import parse_cron
from tests.core.builders import DAY, HOUR, MINUTE, NOW, SECOND

INSTANTS = st.datetimes(datetime(1999, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(schedule, instant: datetime) -> tuple[datetime, datetime]:
    """The window that something joins at `instant`, as decisions reckon it."""
    due = schedule.next_after(instant)
    return schedule.last_before(due), due


# Each so often


@pytest.mark.parametrize(
    ("every", "instant", "start", "due"),
    [
        pytest.param(HOUR, "2026-03-02T09:00:01", "2026-03-02T09:00", "2026-03-02T10:00", id="hourly"),
        pytest.param(HOUR, "2026-03-02T09:59:59.999999", "2026-03-02T09:00", "2026-03-02T10:00", id="just-before"),
        pytest.param(HOUR, "2026-03-02T10:00", "2026-03-02T10:00", "2026-03-02T11:00", id="at-the-end-the-next-begins"),
        pytest.param(15 * MINUTE, "2026-03-02T09:31", "2026-03-02T09:30", "2026-03-02T09:45", id="quarters"),
        pytest.param(6 * HOUR, "2026-03-02T09:31", "2026-03-02T06:00", "2026-03-02T12", id="four-a-day"),
        pytest.param(DAY, "2026-03-02T09:31", "2026-03-02T00:00", "2026-03-03T00:00", id="daily-at-midnight-utc"),
        pytest.param(7 * DAY, "2026-03-02T09:31", "2026-02-26T00:00", "2026-03-05T00:00", id="weekly-from-thursday"),
        pytest.param(5 * HOUR, "2026-03-02T09:31", "2026-03-02T09:00", "2026-03-02T14:00", id="over-midnight"),
        pytest.param(HOUR, "1969-12-31T23:30", "1969-12-31T23:00", "1970-01-01T00:00", id="before-the-epoch"),
        pytest.param(HOUR, "2026-10-25T00:30", "2026-10-25T00:00", "2026-10-25T01:00", id="no-summer-time"),
    ],
)
def test_windows_of_a_span_follow_the_epoch(every, instant, start, due):
    assert window(Every(every), utc(instant)) == (utc(start), utc(due))


@given(
    every=st.sampled_from([SECOND, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 7 * DAY, 90 * DAY]),
    instant=INSTANTS,
    part=st.sampled_from([0.0, 0.001, 0.5, 0.999]),
)
def test_windows_of_a_span_lie_side_by_side_from_wherever_one_looks(every, instant, part):
    schedule = Every(every)
    start, due = window(schedule, instant)
    assert start <= instant < due
    assert due - start == every
    assert (due - EPOCH) % every == timedelta(0)
    assert schedule.next_after(start + (due - start) * part) == due
    assert schedule.next_after(due) == due + every
    assert schedule.last_before(due) == start
    assert schedule.last_before(start) == start - every
    assert schedule.last_before(start + SECOND / 2) == start


def test_replicas_agree_whatever_zone_their_clocks_are_in():
    there = NOW.astimezone(ZoneInfo("Asia/Kathmandu"))
    assert window(Every(HOUR), there) == window(Every(HOUR), NOW)
    assert parse_cron("0 9 * * *", "Europe/Berlin").next_after(there) == utc("2026-03-03T08:00")


# By the clock on the wall

LISBON, BERLIN, NEW_YORK = "Europe/Lisbon", "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("schedule", "zone", "instant", "start", "due", "hours"),
    [
        pytest.param("0 9 * * *", BERLIN, "2026-03-02T12", "02 Mar 09:00", "03 Mar 09:00", 24, id="a-day"),
        pytest.param("0 9 * * *", BERLIN, "2026-03-02T08:00", "02 Mar 09:00", "03 Mar 09:00", 24, id="at-its-start"),
        pytest.param("0 9 * * *", BERLIN, "2026-03-28T12", "28 Mar 09:00", "29 Mar 09:00", 23, id="spring-23-hours"),
        pytest.param("0 9 * * *", BERLIN, "2026-10-24T12", "24 Oct 09:00", "25 Oct 09:00", 25, id="autumn-25-hours"),
        pytest.param("0 0 * * sun", BERLIN, "2026-10-20T12", "18 Oct 00:00", "25 Oct 00:00", 168, id="sundays"),
        pytest.param("0 0 * * 7", BERLIN, "2026-10-26T12", "25 Oct 00:00", "01 Nov 00:00", 169, id="sunday-is-7"),
        pytest.param("0 9 * * mon-fri", LISBON, "2026-03-07T12", "06 Mar 09:00", "09 Mar 09:00", 72, id="a-weekend"),
        pytest.param("0 9 * * 1-5", LISBON, "2026-03-28T12", "27 Mar 09:00", "30 Mar 09:00", 71, id="spring-weekend"),
        pytest.param("0 0 1 * *", LISBON, "2026-02-14T12", "01 Feb 00:00", "01 Mar 00:00", 672, id="february"),
        pytest.param("0 0 1 * *", LISBON, "2028-02-14T12", "01 Feb 00:00", "01 Mar 00:00", 696, id="leap-february"),
        pytest.param("0 0 31 * *", LISBON, "2026-02-14T12", "31 Jan 00:00", "31 Mar 00:00", 1415, id="31sts-only"),
        pytest.param("0 18 L * *", "UTC", "2026-02-14T12", "31 Jan 18:00", "28 Feb 18:00", 672, id="month-ends"),
        pytest.param("0 18 L 2 *", "UTC", "2027-06-01T12", "28 Feb 18:00", "29 Feb 18:00", 8784, id="february-ends"),
        pytest.param("0 0 29 2 *", "UTC", "2027-06-01T12", "29 Feb 00:00", "29 Feb 00:00", 35064, id="29-february"),
        pytest.param("0 9 13 * fri", "UTC", "2026-03-08T12", "06 Mar 09:00", "13 Mar 09:00", 168, id="both-at-once"),
        pytest.param("0 9 13 * fri", "UTC", "2026-04-11T12", "10 Apr 09:00", "13 Apr 09:00", 72, id="day-of-month-or"),
        pytest.param("0 9 13 * fri", "UTC", "2026-04-14T12", "13 Apr 09:00", "17 Apr 09:00", 96, id="or-day-of-week"),
        pytest.param("30 2 * * *", BERLIN, "2026-03-28T12", "28 Mar 02:30", "29 Mar 03:00", 23.5, id="spring-night"),
        pytest.param("30 2 * * *", BERLIN, "2026-03-29T12", "29 Mar 03:00", "30 Mar 02:30", 23.5, id="spring-day"),
        pytest.param("30 2 * * *", BERLIN, "2026-10-24T12", "24 Oct 02:30", "25 Oct 02:30", 24, id="autumn-night"),
        pytest.param("30 2 * * *", BERLIN, "2026-10-25T12", "25 Oct 02:30", "26 Oct 02:30", 25, id="autumn-day"),
        pytest.param("30 1 * * *", NEW_YORK, "2026-11-01T05:45", "01 Nov 01:30", "02 Nov 01:30", 25, id="between-both"),
        pytest.param("0 * * * *", BERLIN, "2026-10-25T00:30", "25 Oct 02:00", "25 Oct 02:00", 1, id="autumn-hours"),
        pytest.param("0 * * * *", BERLIN, "2026-03-29T00:30", "29 Mar 01:00", "29 Mar 03:00", 1, id="spring-hours"),
    ],
)
def test_windows_of_a_schedule_follow_the_wall(schedule, zone, instant, start, due, hours):
    found = window(parse_cron(schedule, zone), utc(instant))
    assert [f"{each.astimezone(ZoneInfo(zone)):%d %b %H:%M}" for each in found] == [start, due]
    assert found[1] - found[0] == hours * HOUR


# Against clocks read minute by minute


def fits(field: str, value: int) -> bool:
    """Whether a field of cron, written with numbers, means `value`."""
    return any(_part_fits(part, value) for part in field.split(","))


def _part_fits(part: str, value: int) -> bool:
    span, _, step = part.partition("/")
    low, _, high = span.partition("-")
    if span == "*":
        return value % int(step or 1) == 0
    return int(low) <= value <= int(high or low) and (value - int(low)) % int(step or 1) == 0


def day_fits(day_of_month: str, month: str, day_of_week: str, day: date) -> bool:
    by_month = fits(day_of_month, day.day)
    by_week = fits(day_of_week, day.isoweekday() % 7) or fits(day_of_week, day.isoweekday())
    both_say = day_of_month != "*" and day_of_week != "*"
    return fits(month, day.month) and (by_month or by_week if both_say else by_month and by_week)


def due_by_the_minute(schedule: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """When a clock in `zone`, looked at each minute, shows what `schedule` names.

    A schedule of named times is due once for each that a day has, the first time; when the clocks jump over one, as
    soon as they have jumped. One with a star is due whenever the clock shows it.
    """
    minute, hour, *days = schedule.split()
    repeats = "*" in minute[0] + hour[0]
    there = ZoneInfo(zone)
    due: list[datetime] = []
    shown: set[datetime] = set()
    instant = start
    before = (start - MINUTE).astimezone(there).replace(tzinfo=None)
    while instant < end:
        wall = instant.astimezone(there).replace(tzinfo=None, fold=0)
        jumped_over = [before + n * MINUTE for n in range(1, (wall - before) // MINUTE)] if not repeats else []
        for looked in (*jumped_over, wall):
            named = fits(minute, looked.minute) and fits(hour, looked.hour) and day_fits(*days, looked.date())
            if named and (repeats or looked not in shown) and instant not in due[-1:]:
                due.append(instant)
            shown.add(looked)
        before, instant = wall, instant + MINUTE
    return due


AROUND_THE_CHANGES = [
    pytest.param(BERLIN, "2026-03-27", 4, id="berlin-spring"),
    pytest.param(BERLIN, "2026-10-23", 4, id="berlin-autumn"),
    pytest.param(NEW_YORK, "2026-03-06", 4, id="new-york-spring"),
    pytest.param(NEW_YORK, "2026-10-30", 4, id="new-york-autumn"),
    pytest.param("Australia/Lord_Howe", "2026-04-03", 4, id="lord-howe-half-an-hour-back"),
    pytest.param("Australia/Lord_Howe", "2026-10-02", 4, id="lord-howe-half-an-hour-on"),
    pytest.param("Asia/Kathmandu", "2026-02-26", 4, id="kathmandu-quarter-of-an-hour"),
    pytest.param("America/Santiago", "2026-09-04", 4, id="santiago-midnight-is-missing"),
    pytest.param("America/Santiago", "2026-04-03", 4, id="santiago-midnight-comes-twice"),
]


@pytest.mark.parametrize(
    "schedule",
    [
        "0 9 * * *",
        "30 2 * * *",
        "15 2,3 * * *",
        "0 0 * * *",
        "30 23 * * *",
        "59 1-3 * * *",
        "*/20 * * * *",
        "5 * * * *",
        "45 */2 * * *",
        "0 2 * * 0",
        "30 2 29 * 7",
        "0 0-5/2 1-7 * 6",
        "30 1,2 28-31 2,3,10 *",
    ],
)
@pytest.mark.parametrize(("zone", "day", "days"), AROUND_THE_CHANGES)
def test_a_schedule_is_due_when_a_clock_looked_at_each_minute_says_so(schedule, zone, day, days):
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = start + days * DAY
    cron = parse_cron(schedule, zone)
    expected = due_by_the_minute(schedule, zone, start, end)
    assert _from(cron, start, end) == expected
    assert _back_from(cron, start, end) == expected


LONG = [
    pytest.param("0 9 * * 1-5", LISBON, id="weekday-mornings"),
    pytest.param("0 0 29 2 *", "UTC", id="leap-days"),
    pytest.param("30 2 * * 0", BERLIN, id="sunday-nights"),
    pytest.param("0 12 13 * 5", NEW_YORK, id="thirteenths-and-fridays"),
    pytest.param("15 6 31 * *", BERLIN, id="thirty-firsts"),
    pytest.param("0 */6 * 1,7 *", NEW_YORK, id="four-times-a-day-in-two-months"),
]


@pytest.mark.parametrize(("schedule", "zone"), LONG)
def test_a_schedule_is_right_for_ten_years(schedule, zone):
    """Each day looked at for itself: every wall time that the fields name, at the instant zoneinfo gives it."""
    minute, hour, *days = schedule.split()
    there = ZoneInfo(zone)
    first = date(2024, 1, 1)
    walls = [
        datetime(day.year, day.month, day.day, at_hour, at_minute, tzinfo=there)
        for day in (first + n * DAY for n in range(3653))
        if day_fits(*days, day)
        for at_hour in range(24)
        if fits(hour, at_hour)
        for at_minute in range(60)
        if fits(minute, at_minute)
    ]
    expected = [_after_any_gap(wall).astimezone(UTC) for wall in walls]
    start = datetime(2024, 1, 1, tzinfo=there).astimezone(UTC)
    end = datetime(2034, 1, 1, tzinfo=there).astimezone(UTC)
    cron = parse_cron(schedule, zone)
    assert _from(cron, start, end) == expected
    assert _back_from(cron, start, end) == expected


def _after_any_gap(wall: datetime) -> datetime:
    """`wall`, or where the clocks jump to when they jump over it."""
    while wall.astimezone(UTC).astimezone(wall.tzinfo).replace(fold=0) != wall:
        wall += MINUTE
    return wall


def _from(schedule, start: datetime, end: datetime) -> list[datetime]:
    """What is due from `start` until before `end`, one after the other."""
    found: list[datetime] = []
    due = schedule.next_after(start - timedelta(microseconds=1))
    while due < end:
        found.append(due)
        due = schedule.next_after(due)
    return found


def _back_from(schedule, start: datetime, end: datetime) -> list[datetime]:
    """The same, asked backwards from `end`."""
    found: list[datetime] = []
    due = schedule.last_before(end)
    while due >= start:
        found.insert(0, due)
        due = schedule.last_before(due)
    return found
