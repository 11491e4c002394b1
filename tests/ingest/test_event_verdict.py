"""An observation is judged by its sender, then by its numbers; what nobody could compute is never fine."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import SeriesKey
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.events import parse
from alertsvc.ingest.metrics import Direction, Kind, direction_of, kind_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAN, INFINITY = float("nan"), float("inf")
NO_ROWS = {"n_current": 0}
FIRING, OK, NOBODY_KNOWS = AlertState.FIRING, AlertState.RESOLVED, None
ABOVE, BELOW = Direction.ABOVE, Direction.BELOW


def read(rule: SeverityRule | None = None, **fields: Any) -> Event:
    raw = json.dumps({"model": "churn", "metric": "psi", **fields}).encode()
    parsed = parse(raw, NOW, rule or SeverityRule())
    assert parsed.refused == ()
    return parsed.events[0][1]


def refusal(**fields: Any) -> str:
    parsed = parse(json.dumps({"model": "churn", "metric": "psi", **fields}).encode(), NOW, SeverityRule())
    return parsed.refused[0].reason


@pytest.mark.parametrize(
    ("fields", "state", "decided_by"),
    [
        pytest.param({"status": "firing"}, FIRING, "request.status", id="state-of-the-sender"),
        pytest.param({"status": "resolved", "breached": True}, OK, "request.status", id="state-beats-verdict"),
        pytest.param({"status": "resolved", "value": NAN}, OK, "request.status", id="state-beats-no-value"),
        pytest.param({"breached": True}, FIRING, "request.breached", id="verdict-alone"),
        pytest.param({"breached": False}, OK, "request.breached", id="good-verdict-alone"),
        pytest.param({"breached": False, "value": 0.9, "threshold": 0.2}, OK, "request.breached", id="beats-numbers"),
        pytest.param({"breached": True, "value": NAN}, FIRING, "request.breached", id="bad-verdict-without-value"),
        pytest.param({"breached": False, "value": None}, FIRING, "no_value", id="null-compared-is-no-verdict"),
        pytest.param({"breached": False, "value": NAN}, FIRING, "no_value", id="nan-compared-is-no-verdict"),
        pytest.param({"value": 0.41, "threshold": 0.2}, FIRING, "request.threshold", id="beyond"),
        pytest.param({"value": 0.2, "threshold": 0.2}, FIRING, "request.threshold", id="the-limit-itself-alerts"),
        pytest.param({"value": 0.1, "threshold": 0.2}, OK, "request.threshold", id="within"),
        pytest.param({"value": None, "threshold": 0.2}, FIRING, "no_value", id="null"),
        pytest.param({"value": None}, FIRING, "no_value", id="null-without-threshold"),
        pytest.param({"value": NAN, "threshold": 0.2}, FIRING, "no_value", id="nan"),
        pytest.param({"value": -INFINITY, "threshold": 0.2}, FIRING, "no_value", id="infinity"),
        pytest.param({"threshold": 0.2}, FIRING, "no_value", id="a-limit-and-nothing-to-compare"),
        pytest.param({"value": 0.4, "threshold": 0.2, "window": NO_ROWS}, FIRING, "no_rows", id="no-rows-and-beyond"),
        pytest.param({"value": 0.0, "threshold": 0.2, "window": NO_ROWS}, FIRING, "no_rows", id="no-rows-and-within"),
        pytest.param({"value": None, "window": NO_ROWS}, FIRING, "no_rows", id="no-rows-and-no-value"),
        pytest.param({"breached": False, "window": NO_ROWS}, FIRING, "no_rows", id="no-rows-are-never-fine"),
        pytest.param({"breached": True, "window": NO_ROWS}, FIRING, "request.breached", id="bad-verdict-over-no-rows"),
        pytest.param({"status": "resolved", "window": NO_ROWS}, OK, "request.status", id="state-beats-no-rows"),
        pytest.param({"value": 0.41}, NOBODY_KNOWS, "none", id="no-limit"),
        pytest.param({}, NOBODY_KNOWS, "none", id="nothing-said"),
        pytest.param({"metric": "model_loaded", "value": False}, FIRING, "kind", id="model-not-loaded"),
        pytest.param({"metric": "model_loaded", "value": 0}, FIRING, "kind", id="model-not-loaded-as-a-number"),
        pytest.param({"metric": "Model_Loaded", "score": True}, OK, "kind", id="model-loaded"),
        pytest.param({"metric": "model_loaded", "value": None}, FIRING, "no_value", id="nobody-knows-whether-loaded"),
        pytest.param({"metric": "model_loaded", "value": 0, "kind": "custom"}, NOBODY_KNOWS, "none", id="not-health"),
    ],
)
def test_the_verdict_is_the_senders_then_the_thresholds(fields: dict[str, Any], state: Any, decided_by: str) -> None:
    event = read(**fields)
    assert (event.state, event.decided_by) == (state, decided_by)


@pytest.mark.parametrize(
    ("fields", "alertname"),
    [
        pytest.param({"value": None, "threshold": 0.2}, "NoValue", id="no-value"),
        pytest.param({"value": 0.4, "threshold": 0.2, "window": NO_ROWS}, "NoRows", id="no-rows"),
    ],
)
def test_what_is_no_measurement_is_told_of_the_monitoring_and_not_of_the_metric(
    fields: dict[str, Any], alertname: str
) -> None:
    about = {"feature": "age", "labels": {"team": "fraud"}}
    measured, event = read(value=0.1, threshold=0.2, **about), read(**fields, **about)
    assert event.fingerprint != measured.fingerprint
    assert event.labels == {
        **measured.labels,
        "alertname": alertname,
        "metric": "psi",
        "kind": "health",
        "condition": event.decided_by,
    }
    assert (event.value, event.threshold) == (None, None)
    assert event.observation is not None
    assert event.observation.series == SeriesKey(measured.fingerprint, measured.labels)
    assert (event.observation.has_value, event.observation.trouble) == (False, event.decided_by)


def test_what_could_not_be_computed_by_several_series_is_several_alerts() -> None:
    found = {read(value=None, **about).fingerprint for about in ({}, {"feature": "age"}, {"dedup_key": "k"})}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        pytest.param({"metric": "accuracy", "value": 0.7, "threshold": 0.8}, FIRING, id="low-accuracy"),
        pytest.param({"metric": "accuracy", "value": 0.9, "threshold": 0.8}, OK, id="good-accuracy"),
        pytest.param({"metric": " Accuracy ", "value": 0.7, "threshold": 0.8}, FIRING, id="any-case"),
        pytest.param({"metric": "age", "value": 7, "threshold": 5, "direction": "above"}, FIRING, id="told-above"),
        pytest.param({"metric": "age", "value": 7, "threshold": 5, "direction": "below"}, OK, id="told-below"),
        pytest.param({"metric": "z", "value": -4, "threshold": 3, "direction": "outside"}, FIRING, id="told-outside"),
        pytest.param({"metric": "z", "value": 2, "threshold": 3, "direction": "outside"}, OK, id="told-inside"),
        pytest.param({"value": 0.1, "threshold": 0.2, "direction": "below"}, FIRING, id="told-beats-the-table"),
        pytest.param({"metric": "ks", "value": 0.01, "threshold": 0.05, "score_type": "p_value"}, FIRING, id="p-value"),
        pytest.param({"metric": "ks", "value": 0.3, "threshold": 0.1, "score_type": "distance"}, FIRING, id="distance"),
        pytest.param({"value": 5, "threshold": {"lower": 1, "upper": 4}}, FIRING, id="two-sides-above"),
        pytest.param({"value": 1, "threshold": {"lower": 1, "upper": 4}}, FIRING, id="two-sides-at-the-lower"),
        pytest.param({"value": 2, "threshold": {"lower": 1, "upper": 4}}, OK, id="two-sides-between"),
        pytest.param({"value": 0.5, "threshold": {"lower": 1}}, FIRING, id="lower-only"),
        pytest.param({"value": 9, "threshold": {"lower": 1, "upper": None}}, OK, id="lower-only-other-side"),
        pytest.param({"metric": "x", "value": 9, "threshold": {"upper": 1}}, FIRING, id="upper-only"),
        pytest.param(
            {"value": 0, "threshold": {"lower": 1, "upper": 4}, "direction": "above"}, OK, id="one-of-two-sides-counts"
        ),
    ],
)
def test_a_threshold_has_a_bad_side(fields: dict[str, Any], state: AlertState) -> None:
    event = read(**fields)
    assert (event.state, event.decided_by) == (state, "request.threshold")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"metric": "foo", "threshold": 2}, "on which side is 'foo' bad? Add direction", id="no-side"),
        pytest.param({"metric": "ks", "threshold": 2}, "on which side", id="ks-names-no-side"),
        pytest.param({"metric": "drift_score", "test": "TVD", "threshold": 1}, "on which side", id="nor-does-tvd"),
        pytest.param({"test": "K-S p_value", "threshold": 1}, "on which side", id="metric-and-test-contradict"),
        pytest.param({"threshold": NAN}, "must be a finite number", id="nan"),
        pytest.param({"threshold": {"lower": 0, "upper": INFINITY}}, "must be a finite number", id="infinite-side"),
        pytest.param({"threshold": {}}, "give lower, upper or both", id="no-sides"),
        pytest.param({"threshold": {"lower": None, "upper": None}}, "give lower, upper or both", id="null-sides"),
        pytest.param({"threshold": {"lower": 2, "upper": 1}}, "swap them", id="swapped"),
        pytest.param({"threshold": {"lower": 2}, "direction": "above"}, 'direction "above" needs upper', id="above"),
        pytest.param({"threshold": {"upper": 2}, "direction": "below"}, 'direction "below" needs lower', id="below"),
        pytest.param({"threshold": {"min": 2}}, "unknown field", id="unknown-side"),
        pytest.param({"threshold": "0.2"}, "send a JSON number, such as float(x)", id="text"),
        pytest.param({"threshold": True}, "send a JSON number", id="true"),
    ],
)
def test_a_threshold_that_could_never_alert_is_refused(fields: dict[str, Any], reason: str) -> None:
    said = refusal(value=1, **fields)
    assert said.startswith("threshold")
    assert reason in said


@pytest.mark.parametrize("verdict", [{"breached": False}, {"status": "firing"}], ids=["breached", "status"])
def test_a_threshold_without_a_side_is_shown_beside_a_verdict(verdict: dict[str, Any]) -> None:
    assert read(metric="foo", threshold=2, value=1, **verdict).threshold == 2


@pytest.mark.parametrize(
    ("fields", "threshold"),
    [
        pytest.param({"threshold": 0.2, "value": 1}, 0.2, id="number"),
        pytest.param({"threshold": {"lower": 1, "upper": 4}, "value": 2}, 4, id="upper-of-two"),
        pytest.param({"threshold": {"lower": 1, "upper": 4}, "value": 0.5}, 1, id="the-one-it-broke"),
        pytest.param({"threshold": {"lower": 1}, "value": 3}, 1, id="lower-only"),
        pytest.param({}, None, id="none"),
    ],
)
def test_the_limit_shown_is_the_one_that_was_broken(fields: dict[str, Any], threshold: float | None) -> None:
    assert read(**fields).threshold == threshold


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        pytest.param({"breached": True}, Severity.WARNING, id="usual"),
        pytest.param({"value": None}, Severity.WARNING, id="no-value"),
        pytest.param({"breached": True, "severity": "critical"}, Severity.CRITICAL, id="told"),
        pytest.param({"breached": True, "severity": " Error "}, Severity.ERROR, id="any-case"),
        pytest.param({"breached": True, "severity": "page"}, Severity.CRITICAL, id="a-word-of-other-tools"),
        pytest.param({"breached": True, "severity": "sev2"}, Severity.ERROR, id="a-word-of-the-operator"),
        pytest.param({"metric": "model_loaded", "value": False}, Severity.CRITICAL, id="model-not-loaded"),
        pytest.param({"metric": "model_loaded", "value": 0, "severity": "info"}, Severity.INFO, id="told-beats-usual"),
        pytest.param({"metric": "latency", "value": 2, "threshold": 1}, Severity.WARNING, id="other-health"),
    ],
)
def test_an_explicit_severity_beats_the_usual_one(fields: dict[str, Any], severity: Severity) -> None:
    assert read(SeverityRule({"sev2": Severity.ERROR}), **fields).severity is severity


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        pytest.param("huge", "severity: 'huge' is none of info, warning, error, critical", id="unknown"),
        pytest.param("wwarning", "did you mean 'warning'?", id="slip"),
        pytest.param("", "severity: '' is none of", id="empty"),
    ],
)
def test_an_unknown_severity_is_refused_and_not_guessed(word: str, reason: str) -> None:
    assert reason in refusal(severity=word)


@pytest.mark.parametrize(
    ("metric", "test", "direction"),
    [
        pytest.param("accuracy", None, BELOW, id="better-when-high"),
        pytest.param("rmse", None, ABOVE, id="better-when-low"),
        pytest.param("psi", None, ABOVE, id="distance"),
        pytest.param("drift_share", None, ABOVE, id="share"),
        pytest.param("null_share", None, ABOVE, id="quality"),
        pytest.param("latency", None, ABOVE, id="latency"),
        pytest.param("uptime", None, BELOW, id="uptime"),
        pytest.param("age_pvalue", None, BELOW, id="p-value-of-something"),
        pytest.param("p_value", None, BELOW, id="p-value"),
        pytest.param("low_p_value_share", None, None, id="about-p-values-but-none"),
        pytest.param("drift_score", None, None, id="a-score-says-nothing"),
        pytest.param("drift_score", "K-S p_value", BELOW, id="evidently-ks"),
        pytest.param("drift_score", "Wasserstein distance (normed)", ABOVE, id="evidently-wasserstein"),
        pytest.param("drift_score", "PSI", ABOVE, id="evidently-psi"),
        pytest.param("drift_score", "ks", None, id="ks-of-no-known-tool"),
        pytest.param("drift_score", "Total-Variation-Distance", None, id="a-p-value-in-spite-of-its-name"),
        pytest.param("psi", "psi", ABOVE, id="metric-and-test-agree"),
        pytest.param("psi", "K-S p_value", None, id="metric-and-test-contradict"),
        pytest.param("accuracy", "mcnemar", BELOW, id="an-unknown-test-changes-nothing"),
    ],
)
def test_names_say_the_bad_side_only_where_they_are_clear(
    metric: str, test: str | None, direction: Direction | None
) -> None:
    assert direction_of(metric, test, None) is direction


@pytest.mark.parametrize(
    ("score_type", "direction"),
    [("p_value", BELOW), ("distance", ABOVE), ("rate", None), ("score", None)],
)
def test_the_type_of_a_score_settles_what_its_name_does_not(score_type: str, direction: Direction | None) -> None:
    assert direction_of("ks", "ks", score_type) is direction


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("psi", Kind.DATA_DRIFT),
        ("ks", Kind.DATA_DRIFT),
        ("data_drift_score", Kind.DATA_DRIFT),
        ("drift_share", Kind.DATA_DRIFT),
        ("income_pvalue", Kind.DATA_DRIFT),
        ("target_drift", Kind.TARGET_DRIFT),
        ("prediction_drift_psi", Kind.PREDICTION_DRIFT),
        ("concept_drift", Kind.CONCEPT_DRIFT),
        ("accuracy", Kind.PERFORMANCE),
        ("rmse", Kind.PERFORMANCE),
        ("null_share", Kind.DATA_QUALITY),
        ("model_loaded", Kind.HEALTH),
        ("latency_p99", Kind.HEALTH),
        ("uptime", Kind.HEALTH),
        ("rows", Kind.CUSTOM),
    ],
)
def test_the_kind_follows_from_the_metric(metric: str, kind: Kind) -> None:
    assert kind_of(metric) is kind


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param(
            {"feature": "age", "value": 0.4123, "threshold": 0.2},
            "psi of age is 0.412 (alert at or above 0.2)",
            id="above",
        ),
        pytest.param(
            {"metric": "accuracy", "value": 0.7, "threshold": 0.85},
            "accuracy is 0.7 (alert at or below 0.85)",
            id="below",
        ),
        pytest.param(
            {"value": 0.5, "threshold": {"lower": 1, "upper": 4}}, "psi is 0.5 (alert outside 1 to 4)", id="two-sides"
        ),
        pytest.param(
            {"metric": "z", "value": 5, "threshold": 3, "direction": "outside"},
            "z is 5 (alert outside -3 to 3)",
            id="z",
        ),
        pytest.param({"value": 0.5}, "psi is 0.5", id="no-limit"),
        pytest.param({"breached": True}, "psi is not given", id="verdict-only"),
        pytest.param({"value": None}, "psi has no value: the monitor ran and could not compute it", id="no-value"),
        pytest.param(
            {"feature": "age", "value": 0, "window": {"n_current": 0}},
            "psi of age was computed over no rows: the monitor ran and had nothing to look at",
            id="no-rows",
        ),
        pytest.param({"value": 1, "summary": "Own\x00 words"}, "Own\ufffd words", id="own-words"),
    ],
)
def test_what_is_shown_is_a_sentence_with_the_numbers(fields: dict[str, Any], sentence: str) -> None:
    assert read(**fields).annotations["summary"] == sentence


def test_how_bad_a_kind_of_trouble_is_may_be_said_once_for_all():
    rule = SeverityRule(kinds={"performance": Severity.ERROR, "health": Severity.WARNING})
    bad = {"metric": "accuracy", "value": 0.7, "threshold": 0.8}
    assert read(rule, **bad).severity is Severity.ERROR
    assert read(rule, **bad, severity="info").severity is Severity.INFO
    assert read(rule, metric="psi", value=0.7, threshold=0.2).severity is Severity.WARNING
    assert read(metric="model_loaded", value=0).severity is Severity.CRITICAL
    assert read(rule, metric="model_loaded", value=0).severity is Severity.WARNING
