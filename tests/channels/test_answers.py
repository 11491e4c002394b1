"""What an HTTP answer means where the provider has no words of its own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.channels.answers import LONGEST_WAIT, failure, retry_after
from alertsvc.channels.outcome import Fault, Rejected, Retry
from tests.channels.scripted import reply

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
IN_90_SECONDS = "Tue, 24 Nov 2026 12:01:30 GMT"

WAITS = [
    pytest.param("120", timedelta(seconds=120), id="seconds"),
    pytest.param(" 7 ", timedelta(seconds=7), id="blanks-around"),
    pytest.param("1.5", timedelta(seconds=1.5), id="fraction"),
    pytest.param("0", timedelta(0), id="none-at-all"),
    pytest.param("9" * 400, LONGEST_WAIT, id="beyond-all-numbers"),
    pytest.param(IN_90_SECONDS, timedelta(seconds=90), id="date"),
    pytest.param("Tue, 24 Nov 2026 13:01:30 +0100", timedelta(seconds=90), id="date-of-another-zone"),
    pytest.param("Tue, 24 Nov 2026 12:01:30 -0000", timedelta(seconds=90), id="date-of-no-zone"),
    pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT, id="date-in-eight-thousand-years"),
    pytest.param("Tue, 24 Nov 2026 11:59:59 GMT", None, id="date-gone-by"),
    pytest.param("-5", None, id="negative"),
    pytest.param("soon", None, id="word"),
    pytest.param("1e3", None, id="exponent"),
    pytest.param("nan", None, id="no-number"),
    pytest.param("٣٠", None, id="other-digits"),
    pytest.param("30, 60", None, id="two"),
    pytest.param("", None, id="empty"),
]


@pytest.mark.parametrize(("asked", "wait"), WAITS)
def test_a_wait_is_asked_for_in_seconds_or_until_a_date(asked, wait):
    assert retry_after({"retry-after": asked}, NOW) == wait


def test_a_date_is_read_by_the_clock_of_whom_it_came_from():
    fast_by_an_hour = {"retry-after": "Tue, 24 Nov 2026 13:01:30 GMT", "date": "Tue, 24 Nov 2026 13:00:00 GMT"}
    assert retry_after(fast_by_an_hour, NOW) == timedelta(seconds=90)


def test_no_header_asks_for_nothing():
    assert retry_after({}, NOW) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_junk_is_ignored_or_a_wait_that_can_be_kept(asked, date):
    wait = retry_after({"retry-after": asked, "date": date}, NOW)
    assert wait is None or timedelta(0) <= wait <= LONGEST_WAIT


MEANINGS = [
    pytest.param(301, Retry, Fault.CONFIGURATION, True, id="redirect"),
    pytest.param(304, Retry, Fault.CONFIGURATION, True, id="not-modified"),
    pytest.param(400, Rejected, Fault.CLIENT_ERROR, None, id="bad-request"),
    pytest.param(401, Retry, Fault.AUTH_ERROR, True, id="unauthorized"),
    pytest.param(403, Retry, Fault.AUTH_ERROR, True, id="forbidden"),
    pytest.param(404, Retry, Fault.CONFIGURATION, True, id="not-found"),
    pytest.param(405, Retry, Fault.CONFIGURATION, True, id="method-not-allowed"),
    pytest.param(407, Retry, Fault.AUTH_ERROR, True, id="proxy-wants-a-login"),
    pytest.param(408, Retry, Fault.TIMEOUT, False, id="request-timeout"),
    pytest.param(410, Retry, Fault.CONFIGURATION, True, id="gone"),
    pytest.param(413, Rejected, Fault.TOO_LARGE, None, id="too-large"),
    pytest.param(422, Rejected, Fault.CLIENT_ERROR, None, id="unprocessable"),
    pytest.param(425, Retry, Fault.TIMEOUT, False, id="too-early"),
    pytest.param(429, Retry, Fault.RATE_LIMITED, True, id="too-many-requests"),
    pytest.param(500, Retry, Fault.SERVER_ERROR, False, id="server-error"),
    pytest.param(502, Retry, Fault.SERVER_ERROR, False, id="bad-gateway"),
    pytest.param(503, Retry, Fault.SERVER_ERROR, False, id="unavailable"),
    pytest.param(599, Retry, Fault.SERVER_ERROR, False, id="server-error-nobody-knows"),
]


@pytest.mark.parametrize(("status", "kind", "fault", "whole_destination"), MEANINGS)
def test_a_status_says_whether_the_message_or_the_destination_is_at_fault(status, kind, fault, whole_destination):
    found = failure(reply(status, "said"), NOW)
    assert (type(found), found.fault, found.status_code) == (kind, fault, status)
    assert getattr(found, "whole_destination", None) == whole_destination
    assert found.detail.startswith(f"HTTP {status}: ")


@pytest.mark.parametrize("status", [pytest.param(429, id="limited"), pytest.param(503, id="unavailable")])
def test_a_wait_that_is_asked_for_holds_for_the_whole_destination(status):
    found = failure(reply(status, retry_after="30"), NOW)
    assert (found.after, found.whole_destination) == (timedelta(seconds=30), True)


def test_what_an_answer_says_is_told_on_one_short_line():
    assert failure(reply(500, "out of\r\norder\x00\x1b[31m"), NOW).detail == "HTTP 500: out of order [31m"
    assert len(failure(reply(500, "x" * 5000), NOW).detail) < 300


def test_a_page_is_not_told():
    assert failure(reply(502, "<html><body>Bad gateway</body></html>"), NOW).detail == "HTTP 502"
