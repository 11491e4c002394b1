"""When a message that was not taken is tried again, and when it is given up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertsvc.core.delivery import Again, GivenUp, after_failure, backoff
from alertsvc.core.model import Severity
from alertsvc.core.outgoing import horizon
from tests.core.builders import CRITICAL, DAY, ERROR, HOUR, INFO, MINUTE, NOW, SECOND, WARNING

NEARLY_ONE = 1 - 2**-53
"""The highest that a uniform chance in [0, 1) can be."""


@pytest.mark.parametrize(
    ("severity", "slow", "attempt", "longest"),
    [
        pytest.param(ERROR, False, 1, 1 * SECOND, id="after-the-first-try"),
        pytest.param(ERROR, False, 2, 2 * SECOND, id="after-the-second"),
        pytest.param(ERROR, False, 3, 4 * SECOND, id="after-the-third"),
        pytest.param(ERROR, False, 9, 256 * SECOND, id="after-the-ninth"),
        pytest.param(ERROR, False, 10, 512 * SECOND, id="after-the-tenth"),
        pytest.param(ERROR, False, 11, 15 * MINUTE, id="at-most-15-minutes"),
        pytest.param(ERROR, False, 500, 15 * MINUTE, id="at-most-15-minutes-for-ever"),
        pytest.param(WARNING, False, 500, 15 * MINUTE, id="warnings-too"),
        pytest.param(CRITICAL, False, 9, 256 * SECOND, id="critical-after-the-ninth"),
        pytest.param(CRITICAL, False, 10, 5 * MINUTE, id="critical-at-most-5-minutes"),
        pytest.param(CRITICAL, False, 500, 5 * MINUTE, id="critical-at-most-5-minutes-for-ever"),
        pytest.param(ERROR, True, 1, 1 * MINUTE, id="a-refused-credential"),
        pytest.param(ERROR, True, 4, 8 * MINUTE, id="a-refused-credential-after-the-fourth"),
        pytest.param(ERROR, True, 5, 15 * MINUTE, id="a-refused-credential-at-most-15-minutes"),
        pytest.param(CRITICAL, True, 5, 15 * MINUTE, id="a-refused-credential-critical-too"),
    ],
)
def test_the_wait_doubles_and_is_between_half_and_whole(severity, slow, attempt, longest):
    assert backoff(attempt, severity, 0.0, slow=slow) == longest / 2
    assert backoff(attempt, severity, 0.5, slow=slow) == longest * 3 / 4
    assert longest - SECOND / 1000 < backoff(attempt, severity, NEARLY_ONE, slow=slow) <= longest


def follows(
    attempt=1, severity=ERROR, expires=DAY, retry_after=None, slow=False, chance=NEARLY_ONE, passed=timedelta(0)
):
    """What follows when a try ends `passed` after the start of a horizon that is `expires` long."""
    return after_failure(
        attempt_count=attempt,
        severity=severity,
        now=NOW + passed,
        expires_at=NOW + expires,
        chance=chance,
        retry_after=retry_after,
        slow=slow,
    )


@pytest.mark.parametrize(
    ("asked", "attempt", "wait"),
    [
        pytest.param(None, 3, 4 * SECOND, id="nothing-asked"),
        pytest.param(timedelta(0), 3, 4 * SECOND, id="zero-is-no-reason-to-hurry"),
        pytest.param(-HOUR, 3, 4 * SECOND, id="a-time-that-has-passed"),
        pytest.param(3 * SECOND, 3, 4 * SECOND, id="less-than-our-own"),
        pytest.param(5 * SECOND, 3, 5 * SECOND, id="more-than-our-own"),
        pytest.param(59 * MINUTE, 1, 59 * MINUTE, id="much-more"),
        pytest.param(HOUR, 1, HOUR, id="an-hour"),
        pytest.param(HOUR + SECOND, 1, HOUR, id="at-most-an-hour"),
        pytest.param(365 * DAY, 1, HOUR, id="a-year"),
        pytest.param(SECOND, 500, 15 * MINUTE, id="our-own-goes-on-growing"),
    ],
)
def test_retry_after_is_honoured_between_our_own_wait_and_an_hour(asked, attempt, wait):
    again = follows(attempt, retry_after=asked)
    assert isinstance(again, Again)
    assert abs(again.due_at - (NOW + wait)) < SECOND / 1000


def test_retry_after_outlasts_the_longest_wait_of_a_critical_message():
    assert follows(500, CRITICAL, retry_after=20 * MINUTE) == Again(NOW + 20 * MINUTE)


def test_what_only_people_can_mend_is_tried_slowly():
    assert follows(1, slow=True, chance=0.0) == Again(NOW + 30 * SECOND)


@pytest.mark.parametrize(
    ("passed", "due"),
    [
        pytest.param(23 * HOUR, 23 * HOUR + 15 * MINUTE, id="in-time"),
        pytest.param(23 * HOUR + 45 * MINUTE, DAY, id="just-in-time"),
        pytest.param(23 * HOUR + 50 * MINUTE, DAY, id="a-last-try-at-the-horizon"),
        pytest.param(DAY - SECOND, DAY, id="a-last-try-a-second-before"),
        pytest.param(DAY - SECOND / 2, DAY + SECOND / 2, id="no-try-sooner-than-a-second"),
        pytest.param(DAY, None, id="given-up-at-the-horizon"),
        pytest.param(DAY + SECOND, None, id="given-up-after-it"),
    ],
)
def test_it_is_given_up_when_its_time_has_passed(passed, due):
    found = follows(500, passed=passed)
    if due is None:
        assert found == GivenUp("its time to be delivered has passed")
    else:
        assert isinstance(found, Again)
        assert abs(found.due_at - (NOW + due)) < SECOND / 1000


@pytest.mark.parametrize(
    ("severity", "span"),
    [
        pytest.param(CRITICAL, 72 * HOUR, id="critical"),
        pytest.param(ERROR, 24 * HOUR, id="error"),
        pytest.param(WARNING, 24 * HOUR, id="warning"),
        pytest.param(INFO, 24 * HOUR, id="info"),
    ],
)
def test_how_long_a_message_is_tried(severity, span):
    assert horizon(severity) == span


@pytest.mark.parametrize("slow", [pytest.param(False, id="an-outage"), pytest.param(True, id="a-refused-credential")])
@pytest.mark.parametrize(
    ("severity", "fewest", "most"),
    [pytest.param(CRITICAL, 250, 1800, id="critical"), pytest.param(WARNING, 90, 250, id="warning")],
)
def test_an_outage_as_long_as_the_horizon_ends_with_one_last_try_at_its_end(severity, fewest, most, slow):
    expires = horizon(severity)
    tried, found = [], Again(NOW)
    while isinstance(found, Again):
        tried.append(found.due_at - NOW)
        found = follows(len(tried), severity, expires, slow=slow, passed=tried[-1])
    assert tried == sorted(set(tried))
    assert tried[-1] == expires
    assert fewest < len(tried) < most


@given(
    attempt=st.integers(1, 10_000),
    severity=st.sampled_from(Severity),
    chance=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.timedeltas(),
    slow=st.booleans(),
    left=st.timedeltas(-DAY, 4 * DAY),
)
def test_a_next_try_is_never_now_and_never_far(attempt, severity, chance, asked, slow, left):
    found = follows(attempt, severity, left, asked, slow, chance)
    if left <= timedelta(0):
        assert isinstance(found, GivenUp)
        return
    assert isinstance(found, Again)
    wait = found.due_at - NOW
    assert min(SECOND / 2, left) <= wait <= HOUR
    assert wait <= max(left, SECOND)
