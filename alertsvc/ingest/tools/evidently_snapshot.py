"""Evidently from 0.6.7 on: what `Snapshot.json()` and `Snapshot.dumps()` say, as findings.

Until 0.7.15 a metric has a `metric_id` and nothing else; from 0.7.16 on a `metric_name` and its `config`. Tests are
joined with their metric by its id, else each would count twice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from alertsvc.ingest.decoding import Json, as_number, as_object, as_text, objects
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.evidently_tests import SCORE, SHARE, chosen_from, is_lost, said_in, score_of
from alertsvc.ingest.tools.finding import Finding

PERFORMANCE_TYPES = frozenset(
    (
        "Accuracy",
        "Precision",
        "Recall",
        "F1Score",
        "RocAuc",
        "LogLoss",
        "TPR",
        "TNR",
        "FPR",
        "FNR",
        "MAE",
        "RMSE",
        "MAPE",
        "MeanError",
        "AbsMaxError",
        "R2Score",
        "F1ByLabel",
        "PrecisionByLabel",
        "RecallByLabel",
        "RocAucByLabel",
        "NDCG",
        "MRR",
        "MAP",
        "HitRate",
        "PrecisionTopK",
        "RecallTopK",
        "FBetaTopK",
    )
)
DRIFT_TYPES = frozenset({"ValueDrift", "DriftedColumnsCount", "EmbeddingsDrift"})
_BAD_SIDE = {
    "lt": Direction.ABOVE,
    "lte": Direction.ABOVE,
    "le": Direction.ABOVE,
    "gt": Direction.BELOW,
    "gte": Direction.BELOW,
    "ge": Direction.BELOW,
}
_NOT_PARAMETERS = frozenset({"type", "column", "method", "threshold", "drift_share", "probas_threshold"})
_ID = re.compile(r"(?P<type>\w+)\((?P<arguments>.*)\)\Z", re.DOTALL)
_NEXT_ARGUMENT = re.compile(r",(?=[a-z_]+=)")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER_NAMES = {"r2_score": "r2"}


_UNKNOWN = object()
"""In place of a value that a report does not have. One that is null it has: JSON writers make that of a NaN."""


@dataclass(frozen=True, slots=True)
class _Metric:
    """One metric: its type's last word, its parameters, its value as it came."""

    id: str
    type: str
    parameters: Mapping[str, Any]
    value: object
    name: str

    @property
    def column(self) -> str | None:
        return as_text(self.parameters.get("column"))


def snapshot_findings(report: Json) -> tuple[list[Finding], list[Finding]]:
    """The checks of a snapshot, and the numbers about performance that nobody checked."""
    if isinstance(report.get("metric_results"), dict):
        metrics, tests = _dumped(report)
    else:
        metrics = [_metric(each) for each in objects(report.get("metrics"))]
        tests = objects(report.get("tests"))
    by_id = {each.id: each for each in metrics}
    findings: list[Finding] = []
    tested: set[str] = set()
    for test in tests:
        said = as_object(test.get("metric_config"))
        name = as_text(said.get("metric_id")) or ""
        metric = by_id.get(name) or _Metric(name, *_type_and_parameters(said), _UNKNOWN, "")
        tested.add(name)
        finding = _tested(metric, test)
        if finding is not None:
            findings.append(finding)
    untested = [each for each in metrics if each.id not in tested]
    findings += [finding for each in untested for finding in _untested(each)]
    numbers = [
        _number(each) for each in untested if each.type in PERFORMANCE_TYPES and as_number(each.value) is not None
    ]
    return findings, numbers


def _dumped(report: Json) -> tuple[list[_Metric], list[Json]]:
    metrics: list[_Metric] = []
    tests: list[Json] = []
    for name, found in as_object(report["metric_results"]).items():
        result = as_object(found)
        metric = as_object(as_object(result.get("metric_value_location")).get("metric"))
        parts = {key: as_object(result.get(key)).get("value") for key in ("count", "share") if key in result}
        value = parts or (result["value"] if "value" in result else result.get("values", _UNKNOWN))
        metrics.append(_Metric(name, *_type_and_parameters(metric), value, as_text(result.get("display_name")) or ""))
        tests += objects(result.get("tests"))
    return metrics, tests


def _type_and_parameters(said: Json) -> tuple[str, Json]:
    parameters = as_object(said.get("params"))
    return (as_text(parameters.get("type")) or "").rpartition(":")[2], parameters


def _metric(found: Json) -> _Metric:
    config = as_object(found.get("config"))
    name = as_text(found.get("metric_name")) or as_text(found.get("metric_id")) or ""
    match = _ID.match(name[:2000])
    parameters: Json = config
    if match and not config:  # the older form, where the name is all there is
        pairs = [each.partition("=") for each in _NEXT_ARGUMENT.split(match["arguments"])]
        parameters = {key: value for key, _, value in pairs if key}
    type_name = (as_text(config.get("type")) or "").rpartition(":")[2] or (match["type"] if match else "")
    return _Metric(as_text(found.get("id")) or name, type_name, parameters, found.get("value", _UNKNOWN), name)


def _tested(metric: _Metric, test: Json) -> Finding | None:
    """A metric as a test of it says; None when it was skipped."""
    status = str(test.get("status", "")).rpartition(".")[2].upper()
    if status not in {"SUCCESS", "FAIL", "WARNING", "ERROR"}:
        return None
    bound = as_object(test.get("bound_test"))
    value, has_none = _value_for(metric, bound)
    config = as_object(test.get("test_config"))
    description = as_text(test.get("description")) or ""
    finding = _named(metric, is_count=bound.get("is_count") is True, label=as_text(bound.get("label")))
    is_error = status == "ERROR" or has_none
    finding = replace(
        finding,
        name=as_text(test.get("name")) or finding.name,
        value=value,
        breached=status in {"FAIL", "WARNING"},
        is_error=is_error,
        shows_value=value is not None,
        severity="info" if status == "WARNING" else None,
        status=status,
        summary=_words_of(finding, description) if is_error else None,
    )
    side = _BAD_SIDE.get(str(test.get("id")))
    threshold = as_number(config.get("threshold"))
    if side is not None and threshold is not None:  # the user's own test outranks the threshold of the metric
        return replace(finding, threshold=threshold, direction=side)
    if side is not None or finding.metric != SCORE:
        return replace(finding, direction=side) if finding.metric != SHARE else finding
    if finding.test is None:
        method, said = said_in(description)
        return _with_score(replace(finding, threshold=finding.threshold if said is None else said), method)
    return finding


def _value_for(metric: _Metric, bound: Json) -> tuple[float | None, bool]:
    """The number that a test is about, and whether there should be one and is none."""
    value = metric.value
    parts = as_object(value)
    if parts:
        label = as_text(bound.get("label"))
        if label is not None:
            by_label = as_object(parts.get("counts" if bound.get("is_count") else "shares"))
            value = parts[label] if label in parts else by_label.get(label, _UNKNOWN)
        else:
            value = parts.get("count" if bound.get("is_count") else "share", _UNKNOWN)
    return as_number(value), is_lost(value)


def _untested(metric: _Metric) -> list[Finding]:
    """What follows from the numbers of drift where no test says it; the threshold itself counts as drift."""
    if metric.type not in DRIFT_TYPES:
        return []
    value, has_none = _value_for(metric, {})
    finding = replace(_named(metric), value=value, shows_value=value is not None, is_error=has_none)
    threshold = finding.threshold
    if has_none:
        return [replace(finding, summary=_words_of(finding, "the value is not a number"))]
    if value is None or not isinstance(threshold, float):
        return [finding]
    if finding.metric == SHARE:
        return [replace(finding, breached=value >= threshold)]
    score = score_of(finding.test)
    return [finding if score is None else replace(finding, breached=score.is_drift(value, threshold))]


def _named(metric: _Metric, *, is_count: bool = False, label: str | None = None) -> Finding:
    """What a metric is called here, with its limit where it has one; nothing is judged yet."""
    parameters = metric.parameters
    if metric.type == "DriftedColumnsCount" and not is_count:
        limit = _as_float(parameters.get("drift_share"))
        return Finding("data_drift", SHARE, metric.name, threshold=limit, direction=Direction.ABOVE)
    if metric.type == "ValueDrift":
        finding = Finding("data_drift", SCORE, metric.name, feature=metric.column)
        finding = replace(finding, threshold=_as_float(parameters.get("threshold")), is_known_again=False)
        return _with_score(finding, as_text(parameters.get("method")))
    name = _WORD_END.sub("_", metric.type).lower() or "unknown"
    if as_object(metric.value).keys() >= {"count", "share"}:
        name = f"{name.removesuffix('_count')}_{'count' if is_count else 'share'}"
    kind = "performance" if metric.type in PERFORMANCE_TYPES else "data_quality"
    if metric.type in DRIFT_TYPES:
        kind = "data_drift"
    return Finding(
        kind, _OTHER_NAMES.get(name, name), metric.name, feature=metric.column, labels=_labels(metric, label)
    )


def _labels(metric: _Metric, label: str | None) -> dict[str, str]:
    """What else tells one metric from another of its type, such as which quantile it is."""
    said = {
        name: value
        for name, value in metric.parameters.items()
        if name not in _NOT_PARAMETERS and isinstance(value, str | int | float) and not isinstance(value, bool)
    }
    shown = [f"{name}={value}" for name, value in sorted(said.items()) if value not in {"default", "True", "False"}]
    found = {"parameters": ",".join(shown)} if shown else {}
    return found if label is None else {**found, "class_label": label}


def _with_score(finding: Finding, method: str | None) -> Finding:
    score = score_of(method)
    return replace(
        finding,
        test=method,
        score_type=score.score_type if score else None,
        direction=score.direction if score else None,
        is_known_again=method is not None,
        chosen_from=chosen_from(method),
    )


def _number(metric: _Metric) -> Finding:
    return replace(_named(metric), value=as_number(metric.value))


def _words_of(finding: Finding, description: str) -> str:
    about = f"{finding.metric} of {finding.feature}" if finding.feature else finding.metric
    return f"{about} could not be computed: {description}"


def _as_float(value: object) -> float | None:
    """A number, which may stand there as text."""
    if isinstance(value, str):
        try:
            return as_number(float(value))
        except ValueError:
            return None
    return as_number(value)
