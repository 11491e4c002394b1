"""Time intervals as they are written: Alertmanager's forms, what it lacks, mistakes with their places, whole blocks."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alertsvc.core.intervals import DateRange, DayRange, Interval, IntervalEntry, TimeRange, YearlyRange, YearRange
from alertsvc.settings import ConfigError, load_text
from alertsvc.settings.local_zone import read_local_zone
from tests.settings.kinds import KINDS

HEAD = "route: {receiver: a}\nreceivers: [{name: a}]\n"
MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})


def load(text):
    return load_text(text, "alertsvc.yaml", KINDS).rules


def entry(fields):
    """The one entry of an interval with the fields that `fields` has, in YAML."""
    (found,) = load(f"{HEAD}time_intervals: [{{name: x, time_intervals: [{{{fields}}}]}}]\n").intervals["x"].entries
    return found


def mistakes(text):
    with pytest.raises(ConfigError) as caught:
        load_text(text, "alertsvc.yaml", KINDS)
    return [str(problem).splitlines()[0].removeprefix("alertsvc.yaml:") for problem in caught.value.problems]


# What is taken


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param("", IntervalEntry(), id="nothing"),
        pytest.param("times: , weekdays: ", IntervalEntry(), id="keys-without-a-value"),
        pytest.param(
            "weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]",
            IntervalEntry(times=(TimeRange(540, 1020),), weekdays=MONDAY_TO_FRIDAY),
            id="office-hours",
        ),
        pytest.param(
            "times: [{start_time: 00:00, end_time: 24:00}, {start_time: 09:35, end_time: 09:39}]",
            IntervalEntry(times=(TimeRange(0, 1440), TimeRange(575, 579))),
            id="times-without-quotes",
        ),
        pytest.param(
            "weekdays: ['monday:wednesday', 'saturday', SUNDAY]",
            IntervalEntry(weekdays=frozenset({1, 2, 3, 6, 7})),
            id="weekdays-in-any-case",
        ),
        pytest.param(
            "weekdays: ['sunday:tuesday']",
            IntervalEntry(weekdays=frozenset({7, 1, 2})),
            id="a-week-that-begins-on-sunday",
        ),
        pytest.param(
            "weekdays: ['sunday:saturday']", IntervalEntry(weekdays=frozenset(range(1, 8))), id="a-whole-week"
        ),
        pytest.param(
            "months: ['january:march', '5', 'December', 7, '9:10']",
            IntervalEntry(months=frozenset({1, 2, 3, 5, 7, 9, 10, 12})),
            id="months-by-name-and-number",
        ),
        pytest.param(
            "days_of_month: ['1:5', '-3:-1', 10, -7, '15:-1', '01']",
            IntervalEntry(
                days_of_month=tuple(
                    DayRange(*days) for days in ((1, 5), (-3, -1), (10, 10), (-7, -7), (15, -1), (1, 1))
                )
            ),
            id="days-of-the-month",
        ),
        pytest.param(
            "years: ['2020:2022', '2030', 2026]",
            IntervalEntry(years=(YearRange(2020, 2022), YearRange(2030, 2030), YearRange(2026, 2026))),
            id="years",
        ),
        pytest.param(
            "days_of_month: [1:5], years: [2020:2022], months: [1:3]",
            IntervalEntry(days_of_month=(DayRange(1, 5),), years=(YearRange(2020, 2022),), months=frozenset({1, 2, 3})),
            id="ranges-without-quotes",
        ),
        pytest.param("location: Europe/Lisbon", IntervalEntry(zone=ZoneInfo("Europe/Lisbon")), id="location"),
        pytest.param("location: UTC", IntervalEntry(zone=UTC), id="location-utc"),
        pytest.param("location: ''", IntervalEntry(zone=UTC), id="no-location-is-utc-as-in-go"),
    ],
)
def test_what_alertmanager_takes_means_the_same(fields, expected):
    assert entry(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            "times: [{start_time: '22:00', end_time: '06:00'}]",
            IntervalEntry(times=(TimeRange(1320, 360),)),
            id="over-midnight",
        ),
        pytest.param(
            "times: [{start_time: '22:00', end_time: '00:00'}]",
            IntervalEntry(times=(TimeRange(1320, 0),)),
            id="until-midnight",
        ),
        pytest.param(
            "weekdays: ['saturday:monday']", IntervalEntry(weekdays=frozenset({6, 7, 1})), id="over-the-end-of-the-week"
        ),
        pytest.param(
            "weekdays: ['friday : monday']", IntervalEntry(weekdays=frozenset({5, 6, 7, 1})), id="with-spaces"
        ),
        pytest.param(
            "months: ['november:february']",
            IntervalEntry(months=frozenset({11, 12, 1, 2})),
            id="over-the-new-year",
        ),
        pytest.param(
            "days_of_month: ['28:-1']", IntervalEntry(days_of_month=(DayRange(28, -1),)), id="late-days-to-the-last"
        ),
        pytest.param(
            "dates: ['2026-12-25', '2026-12-24:2027-01-02', '12-25', '12-24:01-02', '02-29', 05-01]",
            IntervalEntry(
                dates=(
                    DateRange(date(2026, 12, 25), date(2026, 12, 25)),
                    DateRange(date(2026, 12, 24), date(2027, 1, 2)),
                    YearlyRange((12, 25), (12, 25)),
                    YearlyRange((12, 24), (1, 2)),
                    YearlyRange((2, 29), (2, 29)),
                    YearlyRange((5, 1), (5, 1)),
                )
            ),
            id="dates",
        ),
        pytest.param(
            "dates: [2026-12-25, 2026-12-24:2027-01-02]",
            IntervalEntry(
                dates=(
                    DateRange(date(2026, 12, 25), date(2026, 12, 25)),
                    DateRange(date(2026, 12, 24), date(2027, 1, 2)),
                )
            ),
            id="dates-without-quotes",
        ),
    ],
)
def test_what_alertmanager_lacks_is_taken(fields, expected):
    assert entry(fields) == expected


def test_both_sections_define_intervals_and_a_name_may_have_none_yet():
    rules = load(
        f"{HEAD}time_intervals: [{{name: one}}, {{name: two, time_intervals: [{{weekdays: [monday]}}, {{}}]}}]\n"
        "mute_time_intervals: [{name: 'feriados (PT)', time_intervals: []}]\n"
    )
    assert rules.intervals == {
        "one": Interval("one", ()),
        "two": Interval("two", (IntervalEntry(weekdays=frozenset({1})), IntervalEntry())),
        "feriados (PT)": Interval("feriados (PT)", ()),
    }


def test_a_route_has_its_own_intervals_and_its_children_none():
    root = load("""
receivers: [{name: a}]
route:
  receiver: a
  mute_time_intervals: []
  routes:
    - mute_time_intervals: [nights, holidays]
      active_time_intervals: [office]
      routes: [{}]
time_intervals: [{name: nights}, {name: office}]
mute_time_intervals: [{name: holidays}]
""").root
    (child,) = root.routes
    assert (root.mute_intervals, root.active_intervals) == ((), ())
    assert (child.mute_intervals, child.active_intervals) == (("nights", "holidays"), ("office",))
    assert (child.routes[0].mute_intervals, child.routes[0].active_intervals) == ((), ())


# What is refused


@pytest.mark.parametrize(
    ("fields", "mistake"),
    [
        pytest.param(
            "times: [{start_time: '01:99', end_time: '23:59'}]",
            "4:24: times[0].start_time: a time from 00:00 to 24:00 is needed, such as 09:00, got '01:99'",
            id="minute-99",
        ),
        pytest.param(
            "times: [{start_time: '12:30', end_time: '24:01'}]",
            "4:43: times[0].end_time: a time from 00:00 to 24:00 is needed, such as 09:00, got '24:01'",
            id="after-the-end-of-the-day",
        ),
        pytest.param(
            "times: [{start_time: 9:00, end_time: '17:00'}]",
            "4:24: times[0].start_time: a time has two digits for the hour: write 09:00",
            id="one-digit",
        ),
        pytest.param(
            "times: [{start_time: 900, end_time: 5pm}]",
            "4:24: times[0].start_time: a time from 00:00 to 24:00 is needed, such as 09:00, got '900'",
            id="number-for-time",
        ),
        pytest.param(
            "times: [{start_time: [9], end_time: '17:00'}]",
            "4:24: times[0].start_time: a time from 00:00 to 24:00 is needed, such as 09:00",
            id="list-for-time",
        ),
        pytest.param(
            "times: [{start_time: '17:31', end_time: '17:31'}]",
            "4:11: times[0]: start_time and end_time are the same: the whole day is 00:00 to 24:00",
            id="no-length",
        ),
        pytest.param(
            "times: [{start_time: '24:00', end_time: '17:41'}]",
            "4:11: times[0]: 24:00 is where a day ends: start at 00:00",
            id="starts-at-the-end",
        ),
        pytest.param("times: [{start_time: '14:03'}]", "4:11: times[0]: 'end_time' is missing", id="no-end"),
        pytest.param(
            "times: ['09:00']", "4:11: times[0]: a mapping of keys to values is needed, got text", id="no-ends"
        ),
        pytest.param(
            "times: [{start: '14:03', end_time: '15:00'}]",
            "4:12: times[0].start: unknown key 'start'; did you mean 'start_time'?",
            id="slip-in-a-key",
        ),
        pytest.param(
            "times: []",
            "4:10: times: an empty list fits no time at all: leave the key out to mean any",
            id="empty-list",
        ),
        pytest.param(
            "weekdays: ['monday', 'blurgsday:flurgsday']",
            "4:24: weekdays[1]: 'blurgsday' is no weekday such as monday; did you mean 'thursday'?",
            id="no-weekday",
        ),
        pytest.param(
            "weekdays: ['monday:wendesday']",
            "4:14: weekdays[0]: 'wendesday' is no weekday such as monday; did you mean 'wednesday'?",
            id="slip-in-a-weekday",
        ),
        pytest.param("weekdays: ['1:3']", "4:14: weekdays[0]: '1' is no weekday such as monday", id="numbered-weekday"),
        pytest.param("weekdays: [-2]", "4:14: weekdays[0]: '-2' is no weekday such as monday", id="negative-weekday"),
        pytest.param("weekdays: monday:friday", "4:13: weekdays: a list is needed, got text", id="text-for-list"),
        pytest.param(
            "weekdays: ['monday:']",
            "4:14: weekdays[0]: a weekday such as monday, or monday:friday, is needed, got 'monday:'",
            id="half-a-range",
        ),
        pytest.param(
            "weekdays: ['monday:tuesday:friday']",
            "4:14: weekdays[0]: a weekday such as monday, or monday:friday, is needed, got 'monday:tuesday:friday'",
            id="three-ends",
        ),
        pytest.param(
            "weekdays: [true]",
            "4:14: weekdays[0]: a weekday such as monday, or monday:friday, is needed, got 'True'",
            id="true-for-weekday",
        ),
        pytest.param(
            "weekdays: [{monday: friday}]",
            "4:14: weekdays[0]: a weekday such as monday, or monday:friday, is needed",
            id="mapping-for-weekday",
        ),
        pytest.param(
            "days_of_month: ['0']",
            "4:19: days_of_month[0]: there is no day 0: days are 1 to 31, or -1 (the last) to -31",
            id="day-0",
        ),
        pytest.param(
            "days_of_month: ['-50:-20']",
            "4:19: days_of_month[0]: there is no day -50: days are 1 to 31, or -1 (the last) to -31",
            id="day-before-the-month",
        ),
        pytest.param(
            "days_of_month: ['1:50']",
            "4:19: days_of_month[0]: there is no day 50: days are 1 to 31, or -1 (the last) to -31",
            id="day-after-the-month",
        ),
        pytest.param(
            "days_of_month: ['-15:5']",
            "4:19: days_of_month[0]: -15:5 begins at the end of the month: it must end with a negative day too",
            id="negative-to-positive",
        ),
        pytest.param(
            "days_of_month: ['10:-25']",
            "4:19: days_of_month[0]: -25 is before 10: over the end of a month write two, such as '25:-1' and '1:5'",
            id="days-backwards",
        ),
        pytest.param(
            "days_of_month: [first]",
            "4:19: days_of_month[0]: 'first' is no day of the month such as 1, or -1 for the last",
            id="word-for-day",
        ),
        pytest.param(
            "days_of_month: [1.5]",
            "4:19: days_of_month[0]: a day of the month such as 1, -1 for the last, or 1:5, is needed",
            id="fraction-for-day",
        ),
        pytest.param(
            "months: ['martius:june']",
            "4:12: months[0]: 'martius' is no month such as march or 3",
            id="no-month",
        ),
        pytest.param(
            "months: ['march:febuary']",
            "4:12: months[0]: 'febuary' is no month such as march or 3; did you mean 'february'?",
            id="slip-in-a-month",
        ),
        pytest.param("months: [13]", "4:12: months[0]: there is no month 13: months are 1 to 12", id="month-13"),
        pytest.param("months: ['0:3']", "4:12: months[0]: there is no month 0: months are 1 to 12", id="month-0"),
        pytest.param(
            "years: ['2022:2020']",
            "4:11: years[0]: 2020 is before 2022: the first year comes first",
            id="years-backwards",
        ),
        pytest.param("years: ['26']", "4:11: years[0]: '26' is no year such as 2026", id="two-digits"),
        pytest.param("years: [next]", "4:11: years[0]: 'next' is no year such as 2026", id="word-for-year"),
        pytest.param(
            "dates: ['25.12.2026']",
            "4:11: dates[0]: '25.12.2026' is no date such as 2026-12-25, or 12-25 for every year",
            id="another-order",
        ),
        pytest.param(
            "dates: ['2026-25-12']",
            "4:11: dates[0]: there is no date '2026-25-12': the month comes before the day",
            id="day-first",
        ),
        pytest.param(
            "dates: ['2026-02-29']",
            "4:11: dates[0]: there is no date '2026-02-29'",
            id="no-leap-year",
        ),
        pytest.param(
            "dates: ['2026-12-25:2026-12-24']",
            "4:11: dates[0]: 2026-12-24 is before 2026-12-25: the first date comes first",
            id="dates-backwards",
        ),
        pytest.param(
            "dates: ['2026-12-24:01-02']", "4:11: dates[0]: write the year of both dates, or of none", id="one-year"
        ),
        pytest.param(
            "dates: [20261225]",
            "4:11: dates[0]: '20261225' is no date such as 2026-12-25, or 12-25 for every year",
            id="number-for-date",
        ),
        pytest.param(
            "location: Europe/Lisboa",
            "4:13: location: 'Europe/Lisboa' is no time zone such as Europe/Lisbon; did you mean 'Europe/Lisbon'?",
            id="slip-in-a-location",
        ),
        pytest.param(
            "location: local",
            "4:13: location: 'local' is no time zone such as Europe/Lisbon; did you mean 'Local'?",
            id="local-in-small-letters",
        ),
        pytest.param("location: 1", "4:13: location: text is needed, got a number; write it in quotes", id="number"),
        pytest.param("weekday: [monday]", "4:3: weekday: unknown key 'weekday'; did you mean 'weekdays'?", id="slip"),
    ],
)
def test_an_entry_follows_the_rules(fields, mistake):
    place = "time_intervals[0].time_intervals[0]."
    position, message = mistake.split(": ", 1)
    expected = f"{position}: {place}{message}"
    assert mistakes(f"{HEAD}time_intervals: [{{name: x, time_intervals: [\n {{{fields}}}]}}]\n")[:1] == [expected]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        pytest.param(
            "time_intervals: [{name: x}, {name: x}]",
            ["3:36: time_intervals[1].name: there is already a time interval 'x' (line 3)"],
            id="twice",
        ),
        pytest.param(
            "mute_time_intervals: [{name: x}]\ntime_intervals: [{name: x}]",
            ["3:30: mute_time_intervals[0].name: there is already a time interval 'x' (line 4)"],
            id="once-in-each-section",
        ),
        pytest.param("time_intervals: [{}]", ["3:18: time_intervals[0]: 'name' is missing"], id="no-name"),
        pytest.param(
            "mute_time_intervals: [{name: ''}]",
            ["3:30: mute_time_intervals[0].name: the name of a time interval has 1 to 200 printable characters"],
            id="empty-name",
        ),
        pytest.param(
            "time_intervals: [{name: x, times: []}]",
            ["3:28: time_intervals[0].times: unknown key 'times'"],
            id="fields-beside-the-name",
        ),
        pytest.param(
            "time_intervals: {name: x}", ["3:17: time_intervals: a list is needed, got a mapping"], id="no-list"
        ),
        pytest.param(
            "time_intervals: [{name: x, time_intervals: {times: []}}]",
            ["3:44: time_intervals[0].time_intervals: a list is needed, got a mapping"],
            id="no-list-of-entries",
        ),
    ],
)
def test_a_section_of_intervals_follows_the_rules(sections, expected):
    assert mistakes(f"{HEAD}{sections}\n") == expected


def test_a_section_that_is_no_list_is_the_only_mistake():
    text = "route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\nreceivers: [{name: a}]\ntime_intervals: x\n"
    assert mistakes(text) == ["3:17: time_intervals: a list is needed, got text"]


def test_the_line_of_a_mistake_is_shown():
    with pytest.raises(ConfigError) as caught:
        load(f"{HEAD}time_intervals:\n  - name: nights\n    time_intervals:\n      - weekdays: ['mondy:friday']\n")
    assert str(caught.value) == (
        "alertsvc.yaml:6:20: time_intervals[0].time_intervals[0].weekdays[0]: 'mondy' is no weekday such as monday; "
        "did you mean 'monday'?\n      - weekdays: ['mondy:friday']\n                   ^"
    )


# Blocks of Alertmanager's


def test_the_block_of_alertmanagers_documentation_works_as_it_is():
    rules = load("""
receivers: [{name: a}, {name: inhouse}]
route:
  receiver: a
  routes:
    - matchers: [service="mysql"]
      mute_time_intervals:
        - offhours
        - holidays
      continue: true
    - matchers: [service="inhouse-service"]
      receiver: inhouse
      active_time_intervals:
        - offhours
        - holidays
time_intervals:
  - name: offhours
    time_intervals:
      - times:
        - start_time: '00:00'
          end_time: '09:00'
        - start_time: '17:00'
          end_time: '24:00'
        weekdays: ['monday:friday']
        location: 'America/New_York'
      - weekdays: ['saturday', 'sunday']
        location: 'America/New_York'
  - name: holidays
    time_intervals:
      - months: ['december']
        days_of_month: ['24:26', '31']
      - months: ['january']
        days_of_month: ['1']
        years: [2026, '2027:2030']
""")
    offhours, holidays = rules.intervals["offhours"], rules.intervals["holidays"]
    assert [route.mute_intervals for route in rules.root.routes] == [("offhours", "holidays"), ()]
    assert [route.active_intervals for route in rules.root.routes] == [(), ("offhours", "holidays")]
    friday = datetime(2026, 3, 6, 17, tzinfo=ZoneInfo("America/New_York"))
    assert not offhours.contains(friday.replace(hour=16, minute=59))
    assert offhours.contains(friday)
    assert offhours.next_change(friday) == datetime(2026, 3, 9, 13, tzinfo=UTC)  # the clocks went forward on Sunday
    assert holidays.contains(datetime(2026, 12, 31, tzinfo=UTC))
    assert holidays.next_change(datetime(2026, 12, 31, tzinfo=UTC)) == datetime(2027, 1, 2, tzinfo=UTC)


def test_anchors_share_the_times_of_a_block():
    rules = load(f"""{HEAD}
time_intervals:
  - name: lisbon
    time_intervals:
      - &office {{times: [{{start_time: '09:00', end_time: '17:00'}}], location: Europe/Lisbon}}
  - name: berlin
    time_intervals: [{{<<: *office, location: Europe/Berlin}}]
""")
    zones = {name: str(interval.entries[0].zone) for name, interval in rules.intervals.items()}
    assert zones == {"lisbon": "Europe/Lisbon", "berlin": "Europe/Berlin"}
    assert len({interval.entries[0].times for interval in rules.intervals.values()}) == 1


# The zone of this machine


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param("Europe/Lisbon", 1, id="a-name"),
        pytest.param(":Europe/Lisbon", 1, id="a-name-after-a-colon"),
        pytest.param("", 0, id="empty-is-utc"),
        pytest.param("UTC", 0, id="utc"),
        pytest.param("Nowhere/Land", 0, id="unknown-is-utc"),
        pytest.param("../../etc/passwd", 0, id="no-name-is-utc"),
        pytest.param("/nowhere/land", 0, id="no-file-is-utc"),
        pytest.param(None, 9, id="without-it-the-file-decides"),
    ],
)
def test_the_local_zone_is_found_as_go_finds_it(variable, expected, tmp_path):
    file = tmp_path / "localtime"
    file.write_bytes(zone_file("Asia/Tokyo"))
    zone = read_local_zone(file, {} if variable is None else {"TZ": variable})
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset().total_seconds() == expected * 3600


def test_the_local_zone_may_be_a_file_that_is_named_or_missing(tmp_path):
    file = tmp_path / "zone"
    file.write_bytes(zone_file("Asia/Tokyo"))
    named = read_local_zone(tmp_path / "none", {"TZ": str(file)})
    assert datetime(2026, 7, 1, 9, tzinfo=named) == datetime(2026, 7, 1, tzinfo=UTC)
    assert read_local_zone(tmp_path / "none", {}) is UTC
    (tmp_path / "text").write_text("no zone")
    assert read_local_zone(tmp_path / "text", {}) is UTC


def test_local_is_the_zone_of_this_machine():
    here = datetime(2026, 7, 1, tzinfo=UTC).astimezone()
    assert here.astimezone(entry("location: Local").zone).utcoffset() == here.utcoffset()


def zone_file(name: str) -> bytes:
    """The file of a zone, as Python's own package of them has it."""
    import tzdata

    return (Path(tzdata.__path__[0]) / "zoneinfo" / name).read_bytes()
