"""How fast one destination is sent to. Seconds are of a clock that only the test moves."""

import pytest

from alertsvc.engine.pace import (
    FAILURES_BEFORE_PAUSE,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    OUTAGE_SECONDS,
    Pace,
)


def pace(rate: float = 1.0, burst: int = 3, concurrency: int = 10) -> Pace:
    return Pace(rate, burst, concurrency)


def send(bucket: Pace, count: int) -> None:
    """So many messages leave."""
    for _ in range(count):
        bucket.left()


def fail(bucket: Pace, now: float, count: int = 1, wait: float | None = None) -> None:
    """So many messages leave, and come back badly."""
    for _ in range(count):
        bucket.left()
        bucket.came_back(now, well=False, wait=wait)


def test_at_first_a_burst_may_leave_whatever_the_clock_says() -> None:
    for now in (0.0, 100_000.0):
        bucket = pace()
        assert (bucket.free(now), bucket.wait(now)) == (3, 0.0)


def test_after_a_burst_the_rate_decides() -> None:
    bucket = pace(rate=2.0, burst=3)
    assert bucket.free(10.0) == 3
    send(bucket, 3)
    assert (bucket.free(10.0), bucket.wait(10.0)) == (0, 0.5)
    assert (bucket.free(10.4), bucket.free(10.5)) == (0, 1)
    assert bucket.free(60.0) == 3, "what is saved up is never more than a burst"


@pytest.mark.parametrize("rate", [0.1, 1.0, 7.0])
def test_over_a_minute_no_more_leave_than_burst_and_rate_allow(rate: float) -> None:
    bucket, sent = pace(rate=rate, burst=5, concurrency=1000), 0
    for tick in range(6001):
        count = bucket.free(tick / 100)
        send(bucket, count)
        sent += count
    assert sent == pytest.approx(5 + 60 * rate, abs=1)


def test_no_more_are_under_way_than_there_are_slots() -> None:
    bucket = pace(rate=100.0, burst=100, concurrency=2)
    assert bucket.free(0.0) == 2
    send(bucket, 2)
    assert (bucket.free(5.0), bucket.wait(5.0)) == (0, 0.0), "time alone does not help"
    bucket.came_back(5.0, well=True)
    assert bucket.free(5.0) == 1


def test_what_did_not_leave_after_all_costs_nothing() -> None:
    bucket = pace(burst=1, concurrency=1)
    assert bucket.free(1.0) == 1
    bucket.left()
    bucket.handed_back()
    assert (bucket.free(1.0), bucket.in_flight) == (1, 0)


def test_a_few_failures_do_not_shut_the_gate() -> None:
    bucket = pace(burst=10)
    bucket.free(1.0)
    fail(bucket, 1.0, FAILURES_BEFORE_PAUSE - 1)
    assert bucket.free(1.0) == 10 - (FAILURES_BEFORE_PAUSE - 1)


def test_a_destination_that_keeps_failing_is_left_alone_for_longer_and_longer() -> None:
    bucket = pace(rate=1000.0, burst=1000)
    now = 1.0
    bucket.free(now)
    fail(bucket, now, FAILURES_BEFORE_PAUSE - 1)
    waits = []
    for _ in range(8):
        fail(bucket, now)
        waits.append(bucket.wait(now))
        assert bucket.free(now) == 0
        now += waits[-1]
        assert bucket.free(now) == 1, "one probe finds out whether it is back"
    assert waits == pytest.approx([FIRST_PAUSE, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE])


def test_while_the_probe_is_under_way_nothing_else_leaves() -> None:
    bucket = pace(rate=1000.0, burst=1000)
    bucket.free(1.0)
    fail(bucket, 1.0, FAILURES_BEFORE_PAUSE)
    bucket.left()
    assert bucket.free(1000.0) == 0


def test_one_success_opens_it_whole() -> None:
    bucket = pace(rate=1000.0, burst=1000)
    bucket.free(1.0)
    fail(bucket, 1.0, FAILURES_BEFORE_PAUSE)
    bucket.left()
    bucket.came_back(10.0, well=True)
    assert (bucket.failures, bucket.free(10.0)) == (0, 10)


def test_what_left_before_the_gate_was_shut_says_nothing_new() -> None:
    bucket = pace(rate=1000.0, burst=1000)
    bucket.free(1.0)
    send(bucket, 20)
    for _ in range(20):
        bucket.came_back(1.0, well=False)
    assert bucket.wait(1.0) == FIRST_PAUSE
    assert bucket.failures == FAILURES_BEFORE_PAUSE


@pytest.mark.parametrize(
    ("asked", "honoured"),
    [
        pytest.param(2.0, 2.0, id="seconds"),
        pytest.param(0.0, 0.0, id="none"),
        pytest.param(10 * LONGEST_WAIT, LONGEST_WAIT, id="years"),
    ],
)
def test_a_destination_that_asks_to_wait_is_given_time(asked: float, honoured: float) -> None:
    bucket = pace()
    bucket.free(5.0)
    fail(bucket, 5.0, wait=asked)
    assert bucket.wait(5.0) == honoured
    assert bucket.free(5.0 + honoured) > 0


def test_a_shorter_wish_does_not_shorten_a_longer_one() -> None:
    bucket = pace()
    bucket.free(5.0)
    send(bucket, 2)
    bucket.came_back(5.0, well=False, wait=60.0)
    bucket.came_back(6.0, well=False, wait=1.0)
    assert bucket.wait(6.0) == 59.0


def test_a_success_does_not_open_a_gate_that_was_shut_by_a_wish() -> None:
    bucket = pace()
    bucket.free(5.0)
    send(bucket, 2)
    bucket.came_back(5.0, well=False, wait=60.0)
    bucket.came_back(6.0, well=True)
    assert (bucket.free(6.0), bucket.wait(6.0)) == (0, 59.0)


@pytest.mark.parametrize(
    ("failed_for", "was_out"),
    [pytest.param(OUTAGE_SECONDS - 1, False, id="a-hiccup"), pytest.param(OUTAGE_SECONDS, True, id="an-outage")],
)
def test_the_first_success_after_an_outage_is_known_as_its_end(failed_for: float, was_out: bool) -> None:
    bucket = pace(rate=1000.0, burst=1000)
    bucket.free(1.0)
    fail(bucket, 1.0, FAILURES_BEFORE_PAUSE)
    bucket.left()
    assert bucket.came_back(1.0 + failed_for, well=True) is was_out
    bucket.left()
    assert bucket.came_back(2.0 + failed_for, well=True) is False, "only the first"
