"""Evidently up to 0.6, and `evidently.legacy` after it: what `Report` and `TestSuite` say, as findings."""

import re
from dataclasses import replace

from alertsvc.ingest.decoding import Json, as_number, as_object, as_text, first_of, objects
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.evidently_tests import SCORE, SHARE, chosen_from, is_lost, score_of
from alertsvc.ingest.tools.finding import Finding, Limits

_KINDS = {
    "data_drift": "data_drift",
    "classification": "performance",
    "regression": "performance",
    "recsys": "performance",
}
_METRICS = {
    "share_of_drifted_columns": SHARE,
    "number_of_drifted_columns": "drifted_columns",
    "drift_per_column": SCORE,
    "the_share_of_missing_values_in_a_column": "missing_share",
    "share_of_missing_values": "missing_share",
    "f1": "f1_score",
    "f1_score": "f1_score",
    "roc_auc_score": "roc_auc",
    "logloss": "log_loss",
    "r2_score": "r2",
}
_DRIFT_OF_ONE = frozenset({"ColumnDriftMetric", "EmbeddingsDriftMetric"})
_QUALITY_METRICS = frozenset({"ClassificationQualityMetric", "RegressionQualityMetric"})
_SIDES = {
    "lt": Direction.ABOVE,
    "lte": Direction.ABOVE,
    "gt": Direction.BELOW,
    "gte": Direction.BELOW,
}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def report_findings(report: Json) -> tuple[list[Finding], list[Finding]]:
    """The drift that a `Report` tells of, and the numbers about performance, which it does not judge."""
    findings: list[Finding] = []
    numbers: list[Finding] = []
    shared = False
    for each in objects(report.get("metrics")):
        name, result = as_text(each.get("metric")) or "", as_object(each.get("result"))
        if name == "DatasetDriftMetric" or ("dataset_drift" in result and not shared):
            findings[:] = [found for found in findings if found.metric != SHARE]
            findings.insert(0, _share(name, result))
            shared = True
        for column, found in as_object(result.get("drift_by_columns")).items():
            findings.append(_column(column, as_object(found)))
        if name in _DRIFT_OF_ONE and "drift_score" in result:
            findings.append(_column(as_text(first_of(result, "column_name", "embeddings_name")) or "", result))
        if name in _QUALITY_METRICS:
            numbers += _numbers(as_object(result.get("current")))
    return findings, numbers


def _share(name: str, result: Json) -> Finding:
    drifted = result.get("dataset_drift")
    return Finding(
        "data_drift",
        SHARE,
        name,
        value=as_number(result.get("share_of_drifted_columns")),
        threshold=as_number(result.get("drift_share")),
        direction=Direction.ABOVE,
        breached=drifted if isinstance(drifted, bool) else None,
    )


def _column(column: str, found: Json) -> Finding:
    test = as_text(first_of(found, "stattest_name", "method_name"))
    value, detected = as_number(found.get("drift_score")), found.get("drift_detected")
    finding = Finding(
        "data_drift",
        SCORE,
        f"Drift of {column}",
        value=value,
        feature=column or None,
        test=test,
        threshold=as_number(found.get("stattest_threshold")),
        breached=detected if isinstance(detected, bool) else None,
        is_known_again=test is not None,
    )
    if value is None and "drift_score" in found:
        return _scored(replace(finding, is_error=True, summary=f"drift of {column} could not be computed: no score"))
    return _scored(finding)


def _scored(finding: Finding) -> Finding:
    score = score_of(finding.test)
    if score is None:
        return finding
    finding = replace(finding, chosen_from=chosen_from(finding.test))
    return replace(finding, score_type=score.score_type, direction=score.direction)


def _numbers(current: Json) -> list[Finding]:
    pairs = ((name, as_number(value)) for name, value in current.items())
    return [Finding("performance", _metric_of(name), name, value=value) for name, value in pairs if value is not None]


def suite_findings(suite: Json) -> list[Finding]:
    """The tests of a `TestSuite`. What was skipped is none of them."""
    return [finding for each in objects(suite.get("tests")) if (finding := _test(each)) is not None]


def _test(test: Json) -> Finding | None:
    status = str(test.get("status", "")).rpartition(".")[2].upper()
    if status not in {"SUCCESS", "FAIL", "WARNING", "ERROR"}:
        return None
    name = as_text(test.get("name")) or "test"
    said, description = as_object(test.get("parameters")), as_text(test.get("description")) or ""
    metric = _metric_of(name)
    stattest = as_text(said.get("stattest"))
    value, threshold, direction = _numbers_of(said)
    is_error = status == "ERROR" or any(name in said and is_lost(said[name]) for name in ("score", "value"))
    finding = Finding(
        _KINDS.get(str(test.get("group")), "data_quality"),
        metric,
        name,
        value=value,
        feature=as_text(said.get("column_name")),
        test=stattest,
        threshold=threshold,
        direction=direction,
        breached=None if status == "ERROR" else status != "SUCCESS",
        is_error=is_error,
        shows_value=value is not None,
        is_known_again=metric != SCORE or stattest is not None,
        severity="info" if status == "WARNING" else None,
        summary=f"{name} could not be computed: {description}" if is_error else None,
        status=status,
    )
    return _scored(finding)


def _numbers_of(said: Json) -> tuple[float | None, Limits | None, Direction | None]:
    """The value of a test, its limit, and on which side of that it is bad."""
    if "score" in said:
        return as_number(said["score"]), as_number(said.get("threshold")), None
    condition = as_object(said.get("condition"))
    value = as_number(said.get("value"))
    columns = objects(list(as_object(said.get("features")).values()))
    if "value" not in said and columns:  # the share itself is only in the text
        value = sum(1 for each in columns if each.get("detected") is True) / len(columns)
    for word, limit in condition.items():
        if word in _SIDES and as_number(limit) is not None:
            return value, as_number(limit), _SIDES[word]
        about = as_object(limit)
        middle = as_number(about.get("value"))
        if word == "eq" and middle is not None:
            room = max(abs(middle) * (as_number(about.get("relative")) or 0), as_number(about.get("absolute")) or 0)
            return value, {"lower": middle - room, "upper": middle + room}, Direction.OUTSIDE
        if word in _SIDES and middle is not None:
            return value, middle, _SIDES[word]
    return value, None, None


def _metric_of(name: str) -> str:
    slug = _NOT_IN_NAMES.sub("_", name.lower()).strip("_")
    known = _METRICS.get(slug)
    return known or slug.removesuffix("_score") or "test"
