"""Many features of one run: how many must be bad before one is news."""

from datetime import UTC, datetime

import pytest

from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.features import spared
from alertsvc.core.thresholds.policy import FeatureShare, Policy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def of_feature(number: int, is_bad: bool, run: str | None = None, **about: object) -> Event:
    seen = Observation("churn", "drift", "data_drift", "production", f"f{number}", **about)  # type: ignore[arg-type]
    return Event(
        "events",
        f"{number:016x}",
        AlertState.FIRING if is_bad else AlertState.RESOLVED,
        Severity.WARNING,
        {},
        {"run_id": run} if run else {},
        observed_at=NOW,
        threshold=0.05,
        decided_by="request.threshold",
        observation=seen,
    )


def spare(events: list[Event], share: float = 0.3, at_least: int = 10) -> list[str]:
    policy = Policy(feature_share=FeatureShare(share, at_least))
    return [str(each.state) for each in spared(events, lambda _: policy)]


@pytest.mark.parametrize(
    ("bad", "count", "is_spared"),
    [
        pytest.param(1, 10, True, id="one-of-ten"),
        pytest.param(3, 10, True, id="as-many-as-the-share"),
        pytest.param(4, 10, False, id="more-than-the-share"),
        pytest.param(1, 9, False, id="too-few-to-tell"),
        pytest.param(30, 100, True, id="thirty-of-a-hundred"),
        pytest.param(31, 100, False, id="more-than-thirty"),
    ],
)
def test_a_few_bad_ones_of_many_are_recorded_only(bad: int, count: int, is_spared: bool) -> None:
    found = spare([of_feature(number, number < bad) for number in range(count)])
    assert found == ["None" if is_spared else "firing"] * bad + ["resolved"] * (count - bad)


def test_runs_are_counted_each_for_itself() -> None:
    drifted = [of_feature(number, is_bad=True, run="a") for number in range(10)]
    calm = [of_feature(number, number == 0, run="b") for number in range(10)]
    assert spare([*drifted, *calm]) == ["firing"] * 10 + ["None"] + ["resolved"] * 9
    other_data = [of_feature(number, is_bad=True, dataset="other") for number in range(2)]
    assert spare([*calm, *other_data])[-2:] == ["firing", "firing"]


def test_what_is_no_feature_and_what_its_sender_keeps_is_left_alone() -> None:
    calm = [of_feature(number, is_bad=False) for number in range(20)]
    whole = of_feature(99, is_bad=True, run=None)
    kept = Event("events", "f" * 16, AlertState.FIRING, Severity.INFO, {}, decided_by="request.status")
    assert spare([*calm, kept])[-1] == "firing"
    assert spare([*calm, whole])[-1] == "None"


def test_it_says_how_many_would_be_by_chance() -> None:
    events = [of_feature(number, number < 3, score_type="p_value") for number in range(120)]
    policy = Policy(feature_share=FeatureShare(0.3), rules={"feature_share": "metrics.drift"})
    first = spared(events, lambda _: policy)[0]
    assert first.decided_by == "share_of_features"
    assert first.annotations["rule"] == "metrics.drift.share_of_features"
    assert first.annotations["because"] == (
        "3 of 120 features are bad, not more than 30%; 6 would be by chance at 0.05"
    )
