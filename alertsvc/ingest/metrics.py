"""What a metric's name says by itself: on which side of a limit it is bad, and what kind of trouble that is."""

from collections.abc import Mapping
from enum import StrEnum


class Direction(StrEnum):
    """Where a value has to be for an alert. Limits themselves belong to that side."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"


class Kind(StrEnum):
    """What an observation is about."""

    DATA_DRIFT = "data_drift"
    TARGET_DRIFT = "target_drift"
    PREDICTION_DRIFT = "prediction_drift"
    CONCEPT_DRIFT = "concept_drift"
    PERFORMANCE = "performance"
    DATA_QUALITY = "data_quality"
    HEALTH = "health"
    LIFECYCLE = "lifecycle"
    CUSTOM = "custom"


HIGHER_IS_BETTER = frozenset(
    (
        "accuracy",
        "balanced_accuracy",
        "model_accuracy",
        "precision",
        "recall",
        "f1",
        "f1_score",
        "auc",
        "roc_auc",
        "average_precision",
        "r2",
        "ndcg",
        "mcc",
        "kappa",
        "tpr",
        "tnr",
        "coverage",
        "uptime",
        "model_loaded",
    )
)
LOWER_IS_BETTER = frozenset(("log_loss", "brier", "mae", "mse", "rmse", "mape", "fpr", "fnr", "ece"))
DISTANCES = frozenset(
    (
        "psi",
        "drift_share",
        "wasserstein",
        "jensenshannon",
        "js",
        "kl",
        "kl_div",
        "hellinger",
        "ed",
        "mmd",
        "distance",
        "perc_text_content_drift",
        "abs_text_content_drift",
    )
)
TESTS_OF_DISTANCE = frozenset(
    (
        "wasserstein distance (normed)",
        "jensen-shannon distance",
        "kullback-leibler divergence",
        "hellinger distance",
        "energy-distance",
        "percentile text content drift",
        "absolute text content drift",
    )
)
"""What Evidently calls its tests, where the name cannot be taken for a p-value."""
DRIFT_TESTS = frozenset(("ks", "chi2", "chisquare", "tvd", "cramer_von_mises", "anderson", "mannw"))
"""Names of tests that are about drift; some tools give their p-value, others their distance."""
DATA_QUALITY = frozenset(
    (
        "null_share",
        "missing_share",
        "missing_values",
        "duplicate_share",
        "failed_expectations",
        "failed_tests",
        "unexpected_percent",
        "out_of_range_share",
        "schema_errors",
    )
)
YES_OR_NO = frozenset(("model_loaded",))
"""Metrics whose value may be true or false, and need no threshold."""
HEALTH = frozenset(("latency", "latency_p95", "latency_p99", "error_rate", "model_loaded", "staleness", "uptime"))


BY_SCORE_TYPE: Mapping[str, Direction] = {"p_value": Direction.BELOW, "distance": Direction.ABOVE}
"""The bad side of what a sender says the value is."""
_BAD_ABOVE = DISTANCES | TESTS_OF_DISTANCE | LOWER_IS_BETTER | DATA_QUALITY | HEALTH
_DRIFTS = (Kind.TARGET_DRIFT, Kind.PREDICTION_DRIFT, Kind.CONCEPT_DRIFT)


def direction_of(metric: str, test: str | None, score_type: str | None) -> Direction | None:
    """The bad side of `metric`, or None when names do not say, or contradict each other.

    The name of a test alone often says nothing: `ks` is a p-value (bad below) with one tool and a distance (bad above)
    with another.
    """
    told = BY_SCORE_TYPE.get(score_type or "")
    if told is not None:
        return told
    by_metric, by_test = _direction_by(metric), _direction_by((test or "").strip().lower())
    if by_metric and by_test and by_metric is not by_test:
        return None
    return by_metric or by_test


def _direction_by(name: str) -> Direction | None:
    if _is_p_value(name) or name in HIGHER_IS_BETTER:
        return Direction.BELOW
    if name in _BAD_ABOVE:
        return Direction.ABOVE
    return None


def _is_p_value(name: str) -> bool:
    return name.endswith(("p_value", "pvalue"))


def kind_of(metric: str) -> Kind:
    """What `metric` is about, by its name."""
    for kind in _DRIFTS:
        if metric.startswith(kind):
            return kind
    if metric in DISTANCES | DRIFT_TESTS or _is_p_value(metric) or "drift" in metric:
        return Kind.DATA_DRIFT
    if metric in DATA_QUALITY:
        return Kind.DATA_QUALITY
    if metric in HEALTH:
        return Kind.HEALTH
    if metric in HIGHER_IS_BETTER | LOWER_IS_BETTER:
        return Kind.PERFORMANCE
    return Kind.CUSTOM


def breaks(value: float, direction: Direction, lower: float | None, upper: float | None) -> bool:
    """Whether `value` is on the bad side: at or below `lower`, at or above `upper`."""
    under = lower is not None and value <= lower
    over = upper is not None and value >= upper
    if direction is Direction.BELOW:
        return under
    return over if direction is Direction.ABOVE else under or over


WORDS_FOR_LIMITS: Mapping[Direction, str] = {
    Direction.ABOVE: "at or above",
    Direction.BELOW: "at or below",
    Direction.OUTSIDE: "outside",
}
