import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.settings.schedules import parse_cron

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
LORD_HOWE, CASABLANCA = "Australia/Lord_Howe", "Africa/Casablanca"


def shown(instants, zone):
    return [f"{instant.astimezone(ZoneInfo(zone)):%a %d %H:%M%z}" for instant in instants]


def following(expression, zone, after, count=3):
    cron = parse_cron(expression, zone)
    instant = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = []
    for _ in range(count):
        instant = cron.next_after(instant)
        found.append(instant)
    return shown(found, zone)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        pytest.param("0 9 * * 0", "2026-11-24", ["Sun 29 09:00+0000", "Sun 06 09:00+0000"], id="zero-is-sunday"),
        pytest.param("0 9 * * 7", "2026-11-24", ["Sun 29 09:00+0000", "Sun 06 09:00+0000"], id="seven-is-sunday"),
        pytest.param("0 9 * * sun", "2026-11-24", ["Sun 29 09:00+0000", "Sun 06 09:00+0000"], id="sunday-by-name"),
        pytest.param("0 9 * * mon-fri", "2026-11-27T09:00", ["Mon 30 09:00+0000", "Tue 01 09:00+0000"], id="weekdays"),
        pytest.param("0 9 1 * 1", "2026-11-24", ["Mon 30 09:00+0000", "Tue 01 09:00+0000"], id="day-of-month-or-week"),
        pytest.param("0 9 13 * *", "2026-11-24", ["Sun 13 09:00+0000", "Wed 13 09:00+0000"], id="day-of-month-alone"),
        pytest.param("0 0 L * *", "2026-11-24", ["Mon 30 00:00+0000", "Thu 31 00:00+0000"], id="last-of-the-month"),
        pytest.param("*/20 8 * * *", "2026-11-24T08:10", ["Tue 24 08:20+0000", "Tue 24 08:40+0000"], id="steps"),
        pytest.param("@hourly", "2026-11-24T08:10", ["Tue 24 09:00+0000", "Tue 24 10:00+0000"], id="hourly"),
        pytest.param("@daily", "2026-11-24T08:10", ["Wed 25 00:00+0000", "Thu 26 00:00+0000"], id="daily"),
        pytest.param("@Midnight", "2026-11-24T08:10", ["Wed 25 00:00+0000", "Thu 26 00:00+0000"], id="midnight"),
        pytest.param("@weekly", "2026-11-24", ["Sun 29 00:00+0000", "Sun 06 00:00+0000"], id="weekly"),
        pytest.param("@monthly", "2026-11-24", ["Tue 01 00:00+0000", "Fri 01 00:00+0000"], id="monthly"),
        pytest.param("@yearly", "2026-11-24", ["Fri 01 00:00+0000", "Sat 01 00:00+0000"], id="yearly"),
        pytest.param("0 0 29 2 *", "2026-11-24", ["Tue 29 00:00+0000", "Sun 29 00:00+0000"], id="leap-days"),
        pytest.param("0 0 * 2 mon#5", "2026-11-24", ["Mon 29 00:00+0000", "Mon 29 00:00+0000"], id="rare-days"),
    ],
)
def test_a_schedule_means_what_cron_means(expression, after, expected):
    assert following(expression, "UTC", after, 2) == expected


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        pytest.param(
            "0 9 * * *",
            BERLIN,
            "2026-03-27T12:00",
            ["Sat 28 09:00+0100", "Sun 29 09:00+0200", "Mon 30 09:00+0200"],
            id="morning-stays-morning",
        ),
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-03-27T12:00",
            ["Sat 28 02:30+0100", "Sun 29 03:00+0200", "Mon 30 02:30+0200"],
            id="berlin-spring-skipped-time-comes-at-the-end-of-the-gap",
        ),
        pytest.param(
            "0,30 2 * * *",
            BERLIN,
            "2026-03-28T12:00",
            ["Sun 29 03:00+0200", "Mon 30 02:00+0200", "Mon 30 02:30+0200"],
            id="berlin-spring-two-skipped-times-come-once",
        ),
        pytest.param(
            "30 2 * * *",
            BERLIN,
            "2026-10-24T12:00",
            ["Sun 25 02:30+0200", "Mon 26 02:30+0100", "Tue 27 02:30+0100"],
            id="berlin-autumn-named-time-comes-once",
        ),
        pytest.param(
            "*/30 * * * *",
            BERLIN,
            "2026-10-25T01:30",
            ["Sun 25 02:00+0200", "Sun 25 02:30+0200", "Sun 25 02:00+0100"],
            id="berlin-autumn-repeating-time-comes-twice",
        ),
        pytest.param(
            "0 * * * *",
            BERLIN,
            "2026-03-29T00:30",
            ["Sun 29 01:00+0100", "Sun 29 03:00+0200", "Sun 29 04:00+0200"],
            id="berlin-spring-repeating-time-is-skipped",
        ),
        pytest.param(
            "30 1 * * *",
            NEW_YORK,
            "2026-10-31T12:00",
            ["Sun 01 01:30-0400", "Mon 02 01:30-0500", "Tue 03 01:30-0500"],
            id="new-york-autumn",
        ),
        pytest.param(
            "30 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00",
            ["Sun 08 03:00-0400", "Mon 09 02:30-0400", "Tue 10 02:30-0400"],
            id="new-york-spring",
        ),
        pytest.param(
            "0 */3 * * *",
            LORD_HOWE,
            "2026-04-05T00:30",
            ["Sun 05 03:00+1030", "Sun 05 06:00+1030", "Sun 05 09:00+1030"],
            id="lord-howe-autumn-half-an-hour-moves-no-hour",
        ),
        pytest.param(
            "0 */3 * * *",
            LORD_HOWE,
            "2026-10-04T00:30",
            ["Sun 04 03:00+1100", "Sun 04 06:00+1100", "Sun 04 09:00+1100"],
            id="lord-howe-spring-half-an-hour-moves-no-hour",
        ),
        pytest.param(
            "15 2 * * *",
            LORD_HOWE,
            "2026-10-03T12:00",
            ["Sun 04 02:30+1100", "Mon 05 02:15+1100", "Tue 06 02:15+1100"],
            id="lord-howe-spring-gap-of-half-an-hour",
        ),
        pytest.param(
            "45 1 * * *",
            LORD_HOWE,
            "2026-04-04T12:00",
            ["Sun 05 01:45+1100", "Mon 06 01:45+1030", "Tue 07 01:45+1030"],
            id="lord-howe-autumn-named-time-comes-once",
        ),
        pytest.param(
            "30 2 * * *",
            CASABLANCA,
            "2026-02-14T12:00",
            ["Sun 15 02:30+0100", "Mon 16 02:30+0000", "Tue 17 02:30+0000"],
            id="casablanca-ramadan-begins",
        ),
        pytest.param(
            "30 2 * * *",
            CASABLANCA,
            "2026-03-21T12:00",
            ["Sun 22 03:00+0100", "Mon 23 02:30+0100", "Tue 24 02:30+0100"],
            id="casablanca-ramadan-ends",
        ),
        pytest.param(
            "0 0 30 12 *",
            "Pacific/Apia",
            "2011-12-01",
            ["Sat 31 00:00+1400", "Sun 30 00:00+1400", "Mon 30 00:00+1400"],
            id="apia-lost-a-day",
        ),
    ],
)
def test_a_schedule_is_right_when_the_clocks_change(expression, zone, after, expected):
    assert following(expression, zone, after) == expected


def test_a_named_time_comes_once_even_when_asked_in_the_hour_that_repeats():
    cron = parse_cron("30 2 * * *", BERLIN)
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert shown([cron.next_after(second_pass)], BERLIN) == ["Mon 26 02:30+0100"]
    assert shown([cron.last_before(second_pass)], BERLIN) == ["Sun 25 02:30+0200"]


@given(
    expression=st.sampled_from(
        ["0 9 * * mon-fri", "30 1,2 * * *", "*/15 * * * *", "0 */3 * * *", "7 0-5 1 * 1", "30 2 * * sun", "0 12 L * *"]
    ),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, CASABLANCA, "UTC", "America/St_Johns"]),
    instant=st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_windows_lie_side_by_side_from_wherever_one_looks(expression, zone, instant):
    cron = parse_cron(expression, zone)
    due = cron.next_after(instant)
    start = cron.last_before(due)
    assert start <= instant < due
    assert cron.next_after(start) == due
    assert cron.next_after(instant + (due - instant) / 2) == due
    assert cron.last_before(instant + timedelta(microseconds=1)) == start
    assert due.tzinfo is UTC


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param("", "a schedule has five fields: minute, hour, day of month, month, day of week", id="empty"),
        pytest.param(
            "0 9 * *", "a schedule has five fields: minute, hour, day of month, month, day of week", id="four"
        ),
        pytest.param(
            "0 0 9 * * *", "a schedule has five fields: minute, hour, day of month, month, day of week", id="six"
        ),
        pytest.param("60 9 * * *", "'60 9 * * *': bad minute", id="minute-60"),
        pytest.param("0 24 * * *", "'0 24 * * *': bad hour", id="hour-24"),
        pytest.param("0 9 0 * *", "'0 9 0 * *': bad day-of-month", id="day-0"),
        pytest.param("0 9 * 13 *", "'0 9 * 13 *': bad month", id="month-13"),
        pytest.param("0 9 * * fri-mon", "'0 9 * * fri-mon': bad day-of-week", id="range-backwards"),
        pytest.param("0 9 * * 8", "'0 9 * * 8': bad day-of-week", id="weekday-8"),
        pytest.param("0 0 30 2 *", "'0 0 30 2 *': bad day-of-month", id="never-comes"),
        pytest.param("*/0 * * * *", "'*/0 * * * *': bad minute", id="step-zero"),
        pytest.param(
            "@reboot",
            "'@reboot' is not known; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually",
            id="other-alias",
        ),
    ],
)
def test_what_is_no_schedule_is_refused(expression, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_cron(expression, "UTC")


@given(st.text(alphabet="0123456789*/,-#L ²@monfeb", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_schedule_or_refused(text):
    try:
        cron = parse_cron(text, "Europe/Berlin")
    except ValueError:
        return
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert cron.last_before(now) < now < cron.next_after(now)
