"""Which of several troubles of a model comes first, and what they are called together."""

from typing import Any

import pytest

from alertsvc.core.consequence import FURTHEST, called, excess, grouped, order_of, phrases
from alertsvc.core.incidents import named_after
from alertsvc.core.model import Severity
from tests.core.builders import event, incident

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def of(kind: str, name: str = "psi", **labels: str) -> dict[str, str]:
    return {"alertname": name, "model": "churn", **({"kind": kind} if kind else {}), **labels}


def drifting(count: int, kind: str = "data_drift") -> list[tuple[dict[str, str], Severity]]:
    return [(of(kind, feature=f"f{number}"), WARNING) for number in range(count)]


@pytest.mark.parametrize(
    ("value", "threshold", "times"),
    [
        pytest.param(0.5, 0.25, 2.0, id="above"),
        pytest.param(0.4, 0.8, 2.0, id="below"),
        pytest.param(-0.3, -0.1, pytest.approx(3.0), id="outside-and-negative"),
        pytest.param(0.0, 0.05, FURTHEST, id="a-p-value-of-nothing"),
        pytest.param(0.0, 0.0, 1.0, id="at-a-limit-of-nothing"),
        pytest.param(1e-320, 0.05, FURTHEST, id="next-to-nothing"),
        pytest.param(1e308, 1e-308, FURTHEST, id="no-overflow"),
        pytest.param(None, 0.1, 0.0, id="no-value"),
        pytest.param(0.1, None, 0.0, id="no-limit"),
    ],
)
def test_how_far_beyond_its_limit_a_value_is_counts_in_limits(value: Any, threshold: Any, times: Any) -> None:
    assert excess(value, threshold) == times


def test_what_a_model_does_wrong_comes_before_what_may_be_the_cause() -> None:
    kinds = ["data_drift", "lifecycle", "data_quality", "performance", "", "prediction_drift", "concept_drift"]
    assert sorted(kinds, key=lambda kind: order_of(of(kind), WARNING)) == [
        "performance",
        "concept_drift",
        "prediction_drift",
        "",
        "data_quality",
        "data_drift",
        "lifecycle",
    ]


def test_a_consequence_outranks_a_severity_but_not_what_is_for_information() -> None:
    drift = order_of(of("data_drift"), CRITICAL)
    assert order_of(of("performance"), WARNING) < drift < order_of(of("performance"), INFO)


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        pytest.param(of("data_drift", feature="age"), "psi of age", id="feature"),
        pytest.param(of("performance", "accuracy"), "accuracy", id="metric"),
        pytest.param(of("prediction_drift", feature="score"), "prediction drift, psi of score", id="kind-of-drift"),
        pytest.param(of("health", "NoValue", condition="no_value", metric="auc"), "no value of auc", id="no-value"),
        pytest.param(of("health", "NoRows", condition="no_rows", metric="auc"), "no rows for auc", id="no-rows"),
        pytest.param(
            of("health", "MissingObservations", condition="missing", metric="psi", feature="age"),
            "no news of psi of age",
            id="missing",
        ),
        pytest.param(of("health", "ModelSilent", condition="silent"), "no news of the model", id="silent"),
        pytest.param({"alertname": "DiskFull", "feature": "x"}, "DiskFull", id="not-about-a-model"),
        pytest.param(of("", "DiskFull", condition="no_value"), "DiskFull", id="somebody-elses-condition"),
        pytest.param({}, "", id="nameless"),
    ],
)
def test_an_alert_of_a_model_is_called_by_what_is_wrong(labels: dict[str, str], name: str) -> None:
    assert called(labels) == name


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        pytest.param(drifting(500), ["drift of 500 features"], id="features"),
        pytest.param(drifting(1), ["psi of f0"], id="one-feature"),
        pytest.param([(of("data_drift", "drift_share"), WARNING), *drifting(3)], ["drift of 3 features"], id="share"),
        pytest.param(
            [*drifting(12), (of("data_quality", "nulls"), WARNING), *drifting(1, "prediction_drift")],
            ["prediction drift, psi of f0", "nulls", "drift of 12 features"],
            id="prediction-leads",
        ),
        pytest.param(
            [*drifting(2), *drifting(1, "prediction_drift"), (of("performance", "auc"), WARNING)],
            ["auc", "prediction drift", "drift of 2 features"],
            id="performance-leads",
        ),
        pytest.param([(of("performance", name), WARNING) for name in "ab"], ["2 performance alerts"], id="several"),
        pytest.param(
            [(of(kind), WARNING) for kind in ("health", "performance", "custom", "data_quality", "data_drift")],
            ["psi", "psi", "psi", "2 more kinds of trouble"],
            id="many-kinds",
        ),
        pytest.param([(of("", "DiskFull"), CRITICAL)] * 2, [], id="nothing-about-a-model"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_fires_is_said_in_the_order_of_its_consequences(alerts: list[Any], said: list[str]) -> None:
    assert phrases(grouped(alerts)) == said


def test_an_incident_is_called_after_the_gravest_of_what_opens_it() -> None:
    opening = [
        event(labels=of("data_drift", feature="age"), annotations={"summary": "psi of age is 0.9"}),
        event(labels=of("performance", "auc"), severity=WARNING, annotations={"summary": "auc is 0.6"}),
        event(labels=of("data_drift", feature="city"), annotations={"summary": "psi of city is 0.3"}),
    ]
    named = named_after(incident(labels={"model": "churn"}), opening)
    assert (named.title, named.summary) == ("churn: auc", "auc is 0.6")
