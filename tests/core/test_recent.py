"""What one process remembers of deployments: the latest few of each place, and never a wrong one."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.deployments import Deployment, said_before
from alertsvc.core.recent import RecentDeployments
from tests.core.builders import NOW

HOUR = timedelta(hours=1)


def made(version: str | None, hours: float = 0, **changes: Any) -> Deployment:
    """Something that happened so long before now."""
    given: dict[str, Any] = {"action": "deployed", "source": "ci", **changes}
    return Deployment(given.pop("model", "churn"), happened_at=NOW - hours * HOUR, model_version=version, **given)


def suspected(recent: RecentDeployments, environment: str | None = "production", at: datetime = NOW) -> str | None:
    found = recent.suspect("churn", environment, at)
    return None if found is None else found.model_version


@pytest.mark.parametrize(
    ("known", "version"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([made("6", 2), made("7", 1)], "7", id="the-latest"),
        pytest.param([made("7", 1), made("6", 2)], "7", id="told-in-another-order"),
        pytest.param([made("7", 1, environment="production"), made("6", 2)], "7", id="of-here"),
        pytest.param([made("7", 2, environment="production"), made("8", 1)], "8", id="of-everywhere"),
        pytest.param([made("7", 2), made("8", 1, environment="staging")], "7", id="of-elsewhere"),
        pytest.param([made("7", 2), made("8", 1, action="created")], "7", id="changes-nothing"),
        pytest.param([made("7", 2), made("8", -1)], "7", id="after-it-began"),
        pytest.param([made("7", 24 * 7 + 1)], None, id="too-long-before"),
        pytest.param([made("7", 1, model="fraud")], None, id="of-another-model"),
    ],
)
def test_the_suspect_is_the_latest_that_is_remembered(known: list[Deployment], version: str | None) -> None:
    recent = RecentDeployments()
    recent.add(known)
    assert suspected(recent) == version


def test_only_the_latest_of_each_place_and_the_places_last_heard_of_are_remembered() -> None:
    recent = RecentDeployments(latest=2, most=3)
    recent.add([made("1", 9), made("2", 8), made("0", 10)])
    assert (len(recent), suspected(recent)) == (2, "2")
    recent.add([made("1", model="a"), made("1", model="b")])
    recent.add([made("2", 8)])  # what is known already is no news of it
    recent.add([made("1", model="c")])
    assert suspected(recent) is None
    recent.add([made("2", model="a"), made("1", model="d")])
    assert [name for name in "abcd" if recent.suspect(name, None, NOW)] == ["a", "c", "d"]
    assert len(recent) == 4


def test_what_is_told_again_is_remembered_once_and_details_are_not() -> None:
    recent = RecentDeployments()
    recent.add([made("7"), made("7"), replace(made("7"), details={"run": "r1"})])
    found = recent.suspect("churn", None, NOW)
    assert found is not None
    assert (len(recent), found.details) == (1, {})


def test_nothing_is_suspected_where_the_one_before_may_be_forgotten() -> None:
    recent = RecentDeployments(latest=2)
    recent.add([made("6", 24), *(made(str(each), 9 - each, environment="production") for each in (7, 8))])
    assert suspected(recent, at=NOW) == "8"
    assert suspected(recent, at=NOW - 3 * HOUR) is None
    assert suspected(recent, "staging", at=NOW - 3 * HOUR) == "6"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        pytest.param(0, "0s", id="at-once"),
        pytest.param(0.0125, "45s", id="seconds"),
        pytest.param(0.67, "40m", id="minutes"),
        pytest.param(25.7, "1d1h", id="hours"),
    ],
)
def test_how_long_before_is_said_in_two_units_at_most(hours: float, words: str) -> None:
    assert said_before(made("7", hours, alias="champion"), NOW) == f"champion -> v7, {words} before it began"
