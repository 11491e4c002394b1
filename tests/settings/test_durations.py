import re
from datetime import timedelta

import pytest

from alertsvc.core.durations import parse_duration, write_duration

NEEDED = "a duration such as 30s, 5m, 1h30m or 7d is needed"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        pytest.param("0", timedelta(0), id="zero-needs-no-unit"),
        pytest.param("0s", timedelta(0), id="zero"),
        pytest.param("30s", timedelta(seconds=30), id="seconds"),
        pytest.param("5m", timedelta(minutes=5), id="minutes"),
        pytest.param("4h", timedelta(hours=4), id="hours"),
        pytest.param("7d", timedelta(days=7), id="days"),
        pytest.param("2w", timedelta(days=14), id="weeks"),
        pytest.param("1y", timedelta(days=365), id="years"),
        pytest.param("250ms", timedelta(milliseconds=250), id="milliseconds"),
        pytest.param("1h30m", timedelta(minutes=90), id="two-units"),
        pytest.param("1d12h30m15s5ms", timedelta(days=1, hours=12, minutes=30, seconds=15, milliseconds=5), id="many"),
        pytest.param("90m", timedelta(minutes=90), id="more-than-the-next-unit"),
        pytest.param("007s", timedelta(seconds=7), id="leading-zeros"),
    ],
)
def test_a_duration_is_read_as_prometheus_reads_it(text, span):
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", NEEDED, id="empty"),
        pytest.param("5", f"{NEEDED}, got '5'", id="no-unit"),
        pytest.param("22:30", f"{NEEDED}, got '22:30'", id="clock"),
        pytest.param("30m1h", f"{NEEDED}, got '30m1h'", id="small-before-large"),
        pytest.param("1h1h", f"{NEEDED}, got '1h1h'", id="unit-twice"),
        pytest.param("1.5h", f"{NEEDED}, got '1.5h'", id="fraction"),
        pytest.param("-5m", f"{NEEDED}, got '-5m'", id="negative"),
        pytest.param("5 m", f"{NEEDED}, got '5 m'", id="space"),
        pytest.param("5min", f"{NEEDED}, got '5min'", id="other-unit"),
        pytest.param("5M", f"{NEEDED}, got '5M'", id="capital"),
        pytest.param("٥m", f"{NEEDED}, got '٥m'", id="other-digits"),
        pytest.param("101y", "a duration may be at most 100 years", id="too-long"),
        pytest.param(f"{'9' * 50}s", "a duration may be at most 100 years", id="huge"),
        pytest.param("9" * 100 + "s", f"{NEEDED}, got '{'9' * 80}…'", id="endless"),
    ],
)
def test_what_is_no_duration_is_refused(text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        pytest.param(timedelta(0), "0s", id="nothing"),
        pytest.param(timedelta(minutes=90), "1h30m", id="two-units"),
        pytest.param(timedelta(days=8, milliseconds=5), "8d5ms", id="a-gap"),
        pytest.param(timedelta(seconds=1, microseconds=1), "1s", id="less-than-a-millisecond-is-dropped"),
    ],
)
def test_a_duration_is_written_so_that_it_can_be_read(span, text):
    assert write_duration(span) == text
    assert abs(parse_duration(text) - span) < timedelta(milliseconds=1)
