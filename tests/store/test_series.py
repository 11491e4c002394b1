"""The row of a series: moved on by its newest observation, in the transaction that takes it in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Observation, SeriesKey, Trouble
from alertsvc.store import series
from alertsvc.store.database import Database
from alertsvc.store.insertions import Insertions
from alertsvc.store.series import SeriesRecord

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECEIVED = NOW + 2 * HOUR
"""After all that was observed: what is late is late, and was not made as it arrived."""
OBSERVATION = Observation("churn", "psi", "data_drift", "production", expect_next_within=26 * HOUR)
LABELS = {"alertname": "psi", "model": "churn"}


def observed(hours: int, value: float | None = 0.1, *, version: str | None = None, test: str | None = None) -> Event:
    observation = replace(OBSERVATION, model_version=version, test=test)
    at = NOW + hours * HOUR
    return Event("events", "f1", None, Severity.WARNING, LABELS, observed_at=at, value=value, observation=observation)


def without(hours: int, trouble: Trouble) -> Event:
    observation = replace(OBSERVATION, has_value=False, trouble=trouble, series=SeriesKey("f1", LABELS))
    event = replace(observed(hours, None), fingerprint=f"c-{trouble}", state=AlertState.FIRING)
    return replace(event, labels={"alertname": "NoValue"}, observation=observation)


async def taken(database: Database, *batches: Sequence[Event]) -> SeriesRecord:
    for events in batches:
        new = Insertions()
        series.add(new, [(event, RECEIVED) for event in events])
        await database.transaction(new.write)
    return (await database.snapshot(lambda conn: series.by_fingerprint(conn, ["f1"])))["f1"]


async def test_the_first_observation_makes_the_series_and_says_when_the_next_is_expected(database: Database) -> None:
    found = await taken(database, [observed(0)])
    assert (found.model, found.metric, found.labels, found.last_value) == ("churn", "psi", LABELS, 0.1)
    assert (found.last_state, found.expected_within, found.expected_at) == ("recorded", 26 * HOUR, RECEIVED + 26 * HOUR)
    assert (found.trouble, found.baseline_from) == (None, None)


@pytest.mark.parametrize(
    ("batches", "value", "first"),
    [
        pytest.param([[observed(0)], [observed(1, 0.2)]], 0.2, 0, id="newer"),
        pytest.param([[observed(1, 0.2)], [observed(0)]], 0.2, 1, id="late"),
        pytest.param([[observed(1, 0.2), observed(0)]], 0.2, 0, id="both-at-once"),
        pytest.param([[observed(0), observed(0, 0.3)]], 0.3, 0, id="equals-in-one-batch"),
        pytest.param([[observed(0)], [observed(0, 0.3)]], 0.3, 0, id="equals-one-after-the-other"),
    ],
)
async def test_the_newest_observation_counts(
    database: Database, batches: list[list[Event]], value: float, first: int
) -> None:
    found = await taken(database, *batches)
    assert (found.last_value, found.first_observed_at) == (value, NOW + first * HOUR)


async def test_what_a_fast_clock_observed_keeps_nothing_out_that_comes_after_it(database: Database) -> None:
    """It counts as made when it arrived."""
    found = await taken(database, [observed(5, 0.2)], [observed(3, 0.3)], [observed(1, 0.4)])
    assert (found.last_value, found.last_observed_at) == (0.3, RECEIVED)


async def test_an_observation_that_expects_no_other_ends_the_wait(database: Database) -> None:
    last = observed(1)
    calm = replace(last, observation=replace(OBSERVATION, expect_next_within=None))
    assert (await taken(database, [observed(0)], [calm])).expected_at is None


@pytest.mark.parametrize(
    ("batches", "trouble", "state"),
    [
        pytest.param([[without(0, Trouble.NO_VALUE)]], "no_value", "no_value", id="first"),
        pytest.param([[without(0, Trouble.NO_VALUE)]] * 2, "no_value", "no_value", id="again"),
        pytest.param([[observed(1)], [without(0, Trouble.NO_VALUE)]], "no_value", "recorded", id="late"),
        pytest.param([[without(0, Trouble.NO_VALUE)], [observed(1)]], "no_value", "recorded", id="until-looked-at"),
        pytest.param([[without(0, Trouble.NO_VALUE), observed(1)]], "no_value", "recorded", id="over-at-once"),
        pytest.param(
            [[without(0, Trouble.NO_VALUE)], [without(1, Trouble.NO_ROWS)]], "changed", "no_rows", id="another"
        ),
        pytest.param(
            [[without(0, Trouble.NO_VALUE), without(1, Trouble.NO_ROWS)]], "changed", "no_rows", id="two-at-once"
        ),
    ],
)
async def test_what_was_told_of_a_series_stays_marked_until_somebody_looks(
    database: Database, batches: list[list[Event]], trouble: str, state: str
) -> None:
    found = await taken(database, *batches)
    assert (found.trouble, found.last_state, found.labels) == (trouble, state, LABELS)


@pytest.mark.parametrize(
    ("later", "restarts"),
    [
        pytest.param(observed(1, version="7"), False, id="the-same"),
        pytest.param(observed(1), False, id="nobody-says"),
        pytest.param(observed(1, version="8"), True, id="another-version"),
        pytest.param(observed(1, version="7", test="psi"), False, id="a-test-is-named"),
    ],
)
async def test_another_version_begins_a_new_baseline(database: Database, later: Event, restarts: bool) -> None:
    found = await taken(database, [observed(0, version="7")], [later])
    assert found.baseline_from == (NOW + HOUR if restarts else None)
    assert found.model_version == ("8" if restarts else "7")


async def test_what_came_of_a_new_version_together_is_all_part_of_its_baseline(database: Database) -> None:
    together = [observed(1, version="7"), observed(2, version="8"), observed(3, version="8")]
    found = await taken(database, [observed(0, version="7")], together)
    assert (found.baseline_from, found.model_version) == (NOW + 2 * HOUR, "8")


async def test_events_that_are_no_observation_add_nothing(database: Database) -> None:
    new = Insertions()
    series.add(new, [(replace(observed(0), observation=None), NOW)])
    await database.transaction(new.write)
    assert await database.snapshot(lambda conn: series.by_fingerprint(conn, ["f1"])) == {}
