"""Alerts that fire only until an instant: what moves it, what it costs, and what ends them."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alertsvc.core.alerts import EXPIRED, Change, advance, is_duplicate
from alertsvc.core.due import due_at
from alertsvc.core.expiry import later_end
from alertsvc.core.model import Severity
from tests.core.builders import NOW, RESOLVED, alert, event, numbered

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def at(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW + minutes * MINUTE


@pytest.mark.parametrize(
    ("known", "promised", "end"),
    [
        pytest.param(4, 5, 5, id="a-later-post-moves-it"),
        pytest.param(5, 4, 5, id="the-latest-promise-of-two-senders-counts"),
        pytest.param(None, 4, 4, id="from-now-on-it-is-limited"),
        pytest.param(4, None, None, id="a-sender-without-ends-will-tell"),
        pytest.param(None, None, None, id="never-limited"),
    ],
)
def test_the_end_of_an_alert_is_the_latest_that_was_promised(known, promised, end):
    assert later_end(at(known), at(promised)) == at(end)


@pytest.mark.parametrize(
    ("known", "promised", "after", "sure"),
    [
        pytest.param(4, 4.25, 15 * SECOND, True, id="there-is-time-until-the-next-touch"),
        pytest.param(1, 1.25, 15 * SECOND, False, id="it-would-expire-before"),
        pytest.param(4, 4.5, 30 * SECOND, False, id="a-touch-is-due"),
        pytest.param(0.5, 0.5, 15 * SECOND, True, id="nothing-moves"),
        pytest.param(None, 4, 1 * SECOND, False, id="becomes-limited"),
        pytest.param(4, None, 1 * SECOND, False, id="becomes-unlimited"),
        pytest.param(None, None, 1 * SECOND, True, id="never-limited"),
    ],
)
def test_an_end_is_moved_no_more_often_than_it_must(known, promised, after, sure):
    fires = alert(expires_at=at(known))
    again = event(expires_at=at(promised))
    assert is_duplicate(fires, again, NOW + after) is sure
    step = advance(fires, again, NOW + after, numbered())
    assert step.change is Change.DUPLICATE
    assert (step.after is fires) is sure
    if not sure:
        assert step.after.expires_at == at(promised)


@pytest.mark.parametrize(
    ("before", "then", "change"),
    [
        pytest.param(None, event(expires_at=at(4)), Change.OPENED, id="opened"),
        pytest.param(alert(), event(severity=Severity.WARNING, expires_at=at(4)), Change.LOWERED, id="lowered"),
        pytest.param(alert(), event(annotations={"summary": "new"}, expires_at=at(4)), Change.UPDATED, id="updated"),
        pytest.param(alert(RESOLVED), event(expires_at=at(4)), Change.REOPENED, id="reopened"),
        pytest.param(alert(RESOLVED), event(starts_at=at(1), expires_at=at(4)), Change.REFIRED, id="refired"),
        pytest.param(alert(), event(starts_at=at(1), expires_at=at(4)), Change.RESTARTED, id="restarted"),
    ],
)
def test_whatever_makes_it_fire_says_until_when(before, then, change):
    step = advance(before, then, NOW + SECOND, numbered())
    assert (step.change, step.after.expires_at, due_at(step.after)) == (change, at(4), at(4))


def test_what_has_ended_is_not_due():
    step = advance(alert(expires_at=at(4)), event(RESOLVED), NOW + MINUTE, numbered())
    assert (step.change, step.after.expires_at, due_at(step.after)) == (Change.ENDED, None, None)
    assert due_at(replace(alert(RESOLVED), expires_at=at(4))) is None
    assert due_at(alert()) is None


@pytest.mark.parametrize(
    ("before", "change"),
    [
        pytest.param(alert(expires_at=at(4)), Change.ENDED, id="its-end-has-come"),
        pytest.param(alert(expires_at=at(4.5)), Change.STALE, id="it-was-repeated-meanwhile"),
        pytest.param(alert(), Change.STALE, id="it-has-no-end-any-more"),
        pytest.param(alert(RESOLVED), Change.STALE, id="its-source-ended-it-meanwhile"),
    ],
)
def test_the_clock_ends_only_what_nobody_repeated(before, change):
    ends = event(RESOLVED, starts_at=None, decided_by=EXPIRED)
    step = advance(before, ends, NOW + 4 * MINUTE, numbered())
    assert step.change is change
    if change is Change.ENDED:
        assert (step.after.closed_by, step.after.last_seen_at) == (EXPIRED, before.last_seen_at)
    else:
        assert step.after is before


def test_a_source_that_comes_back_with_the_same_start_opens_it_again():
    ended = advance(alert(expires_at=at(4)), event(RESOLVED, starts_at=None, decided_by=EXPIRED), at(4), numbered())
    back = advance(ended.after, event(expires_at=at(9)), at(5), numbered())
    assert (back.change, back.after.expires_at) == (Change.REOPENED, at(9))
