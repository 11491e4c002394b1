"""Spans, numbers and instants as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from alertsvc.channels.wording import duration, moment, number, time_of_day


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 m"), (3599, "59 m"), (3600, "1 h"), (8040, "2 h 14 m")),
        *((86_400, "1 d"), (100_000, "1 d 3 h"), (90 * 86_400 + 3600, "90 d 1 h")),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, words):
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((None, ""), (0, "0"), (0.4137, "0.414"), (-0.5, "-0.5"), (12.345, "12.3"), (99.94, "99.9"), (123.4, "123")),
        *((999.9, "1,000"), (1_234_567, "1,234,567"), (1e20, "1e+20"), (1.5e-7, "1.5e-07")),
        *((float("nan"), "not a number"), (float("inf"), "infinite"), (float("-inf"), "minus infinite")),
    ],
)
def test_a_number_has_three_significant_digits_and_keeps_its_whole_ones(value, words):
    assert number(value) == words


def test_an_instant_names_its_zone():
    noon = datetime(2026, 7, 1, 12, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    assert moment(noon) == "2026-07-01 10:00 UTC"
    assert moment(noon, "Europe/Lisbon") == "2026-07-01 11:00 WEST"
    assert time_of_day(noon, "Europe/Lisbon") == "11:00"
    assert moment(None) == time_of_day(None) == ""


def test_a_zone_nobody_knows_is_utc():
    assert moment(datetime(2026, 1, 1, tzinfo=UTC), "Nowhere/Land") == "2026-01-01 00:00 UTC"


def test_the_year_one_does_not_break_a_page():
    assert moment(datetime(1, 1, 1, tzinfo=UTC), "America/New_York").endswith("00:00 UTC")
