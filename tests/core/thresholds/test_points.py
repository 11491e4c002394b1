"""Which earlier values a new one is judged by."""

from datetime import UTC, datetime, timedelta

import pytest

from alertsvc.core.thresholds.points import History, Point

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def history(*hours: float, versions: str = "", since: float | None = None) -> History:
    made = History(baseline_from=None if since is None else START + since * HOUR)
    for place, hour in enumerate(hours):
        version = versions[place] if versions else None
        made = made.with_point(Point(START + hour * HOUR, hour, is_bad=False, model_version=version))
    return made


def values(found: History) -> list[float | None]:
    return [point.value for point in found.recent]


@pytest.mark.parametrize(
    ("known", "hour", "received", "version", "expected"),
    [
        pytest.param(history(1, 2, 3), 4, 4, None, [3, 2, 1], id="all-that-was-before"),
        pytest.param(history(1, 2, 3), 2, 5, None, [1], id="a-late-one-by-what-was-before-it"),
        pytest.param(history(3, 1, 2), 4, 4, None, [3, 2, 1], id="by-when-they-were-observed"),
        pytest.param(history(1, 2, 2, 3), 4, 4, None, [3, 2, 1], id="one-instant-is-one-observation"),
        pytest.param(history(1, 2, 3), 2, 2, None, [3, 2, 1], id="as-it-arrived-is-not-late-whatever-the-clock"),
        pytest.param(history(1, 2, 3, versions="aab"), 4, 4, "b", [3], id="of-its-version"),
        pytest.param(history(1, 2, 3, versions="aab"), 4, 4, "c", [], id="a-new-version-begins-anew"),
        pytest.param(history(1, 2, 3, versions="aab"), 4, 4, None, [3, 2, 1], id="without-a-version-all"),
        pytest.param(history(1, 2, 3, since=2), 4, 4, None, [3, 2], id="since-it-counts"),
    ],
)
def test_a_value_is_judged_by_what_was_before_it(
    known: History, hour: float, received: float, version: str | None, expected: list[float]
) -> None:
    assert values(known.before(START + hour * HOUR, START + received * HOUR, version)) == expected


def test_what_is_not_usual_is_among_the_recent_only() -> None:
    found = history(1, 2).with_point(Point(START + 3 * HOUR, 3, is_bad=True, is_baseline=False))
    assert values(found) == [3, 2, 1]
    assert [point.value for point in found.usual] == [2, 1]


def test_a_verdict_without_a_value_is_among_the_recent_and_not_among_what_was_measured() -> None:
    found = history(1, 2).with_point(Point(START + 3 * HOUR, None, is_bad=True, is_baseline=False))
    assert values(found) == [None, 2, 1]
    assert (found.newest_at, values(found.measured)) == (START + 3 * HOUR, [2, 1])
    assert found.measured.newest_at == START + 2 * HOUR
