"""What is told of the monitoring itself, decided from what is known of a series or a model."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.clock import new_id
from alertsvc.core.alerts import PERSON, Alert, advance
from alertsvc.core.freshness import CHANGED, Watched, turns
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Trouble
from alertsvc.core.silent_models import Heard, said_of_end, silences

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRING, RESOLVED = AlertState.FIRING, AlertState.RESOLVED
MISSING, NO_VALUE, NO_ROWS = Trouble
LABELS = {"alertname": "psi", "model": "churn"}


def series(*, due: timedelta | None = HOUR, state: str = "ok", trouble: str | None = None) -> Watched:
    """A series that should be observed again in so long, observed every day."""
    expected_at = None if due is None else NOW + due
    return Watched("f1", LABELS, NOW - HOUR, NOW - HOUR, state, 24 * HOUR, expected_at, trouble)


def alert(state: AlertState = FIRING, closed_by: str | None = None) -> Alert:
    """One that fires, or ended just now."""
    event = Event("freshness", "f2", FIRING, Severity.WARNING, LABELS, observed_at=NOW - HOUR)
    made = advance(None, event, NOW - HOUR, new_id).after
    return made if state is FIRING else replace(made, state=RESOLVED, closed_at=NOW, closed_by=closed_by)


@pytest.mark.parametrize(
    ("watched", "known", "changes", "mark"),
    [
        pytest.param(series(), {}, {}, None, id="awaited"),
        pytest.param(series(due=None), {}, {}, None, id="not-awaited"),
        pytest.param(series(due=-HOUR), {}, {MISSING: FIRING}, "missing", id="late"),
        pytest.param(series(due=timedelta(0)), {}, {MISSING: FIRING}, "missing", id="due-now"),
        pytest.param(series(due=-HOUR), {MISSING: alert()}, {}, "missing", id="told-already"),
        pytest.param(series(due=-HOUR), {MISSING: alert(RESOLVED)}, {MISSING: FIRING}, "missing", id="late-again"),
        pytest.param(series(due=-HOUR), {MISSING: alert(RESOLVED, PERSON)}, {}, "missing", id="dismissed"),
        pytest.param(series(trouble="missing"), {MISSING: alert()}, {MISSING: RESOLVED}, None, id="came"),
        pytest.param(series(due=None, trouble="missing"), {MISSING: alert()}, {MISSING: RESOLVED}, None, id="no-more"),
        pytest.param(series(state="no_value"), {NO_VALUE: alert()}, {}, "no_value", id="no-value"),
        pytest.param(series(state="no_value"), {}, {}, "no_value", id="no-value-ended-by-hand"),
        pytest.param(series(trouble="no_value"), {NO_VALUE: alert()}, {NO_VALUE: RESOLVED}, None, id="a-value-again"),
        pytest.param(
            series(state="no_rows", trouble=CHANGED),
            {NO_VALUE: alert(), NO_ROWS: alert()},
            {NO_VALUE: RESOLVED},
            "no_rows",
            id="another-trouble",
        ),
        pytest.param(
            series(due=-HOUR, state="no_rows"), {NO_ROWS: alert()}, {MISSING: FIRING}, "missing no_rows", id="both"
        ),
    ],
)
def test_the_alerts_of_a_series_follow_what_is_known_of_it(
    watched: Watched, known: Mapping[Trouble, Alert], changes: Mapping[Trouble, AlertState], mark: str | None
) -> None:
    assert turns(watched, known, NOW - 48 * HOUR, NOW) == (changes, mark)


def test_what_nobody_could_hear_is_neither_told_nor_marked_as_told() -> None:
    late = series(due=-HOUR, state="no_value", trouble="no_value")
    assert turns(late, {NO_VALUE: alert()}, NOW - HOUR / 2, NOW) == ({}, "no_value")
    told = series(due=-HOUR, trouble="missing")
    assert turns(told, {MISSING: alert()}, NOW - HOUR / 2, NOW) == ({}, "missing")


@pytest.mark.parametrize(
    ("heard", "since", "found"),
    [
        pytest.param([Heard("churn", "eu", NOW - 27 * HOUR)], 48 * HOUR, [("eu", True)], id="silent"),
        pytest.param([Heard("churn", "eu", NOW - 26 * HOUR)], 48 * HOUR, [("eu", True)], id="silent-just-now"),
        pytest.param([Heard("churn", "eu", NOW - 25 * HOUR)], 48 * HOUR, [], id="heard"),
        pytest.param([Heard("churn", "eu", NOW - 27 * HOUR)], HOUR / 2, [("eu", False)], id="nobody-could-hear"),
        pytest.param([], 27 * HOUR, [(None, True)], id="never"),
        pytest.param([], HOUR, [(None, False)], id="never-since-a-start"),
        pytest.param(
            [Heard("churn", "eu", NOW), Heard("churn", "us", NOW - 27 * HOUR)],
            48 * HOUR,
            [("us", True)],
            id="one-of-two",
        ),
    ],
)
def test_a_model_is_silent_where_nothing_of_it_came(
    heard: list[Heard], since: timedelta, found: list[tuple[str | None, bool]]
) -> None:
    silent = silences({"churn": 26 * HOUR}, heard, NOW - since, NOW)
    assert [(each.environment, each.may_begin) for each in silent] == found


@pytest.mark.parametrize(
    ("expected", "heard", "said"),
    [
        (
            {"churn": HOUR},
            [Heard("churn", "eu", NOW)],
            "something of churn in eu is observed again: 2026-03-02 09:00 UTC",
        ),
        ({}, [], "nobody expects anything of churn in eu any more"),
    ],
    ids=["heard", "expected-no-more"],
)
def test_why_a_silence_is_over_is_said(expected: Mapping[str, timedelta], heard: list[Heard], said: str) -> None:
    assert said_of_end({"model": "churn", "environment": "eu"}, expected, heard) == said
