"""Evidently's reports: every version's shape comes to the same findings, and a snapshot to one event."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alertsvc.ingest.decoding import decode
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools import evidently
from alertsvc.ingest.tools.context import BadContextError, Context, UnknownShapeError
from alertsvc.ingest.tools.evidently_tests import score_of
from alertsvc.ingest.tools.finding import Finding
from alertsvc.ingest.tools.report import Report
from tests.ingest.ml_captures import EXPECTED, FOLDER, raw

ABOUT = Context(model="churn")
COLUMNS = Context(model="churn", split="feature")
JUDGED = sorted(name for name in EXPECTED if name.startswith("evidently/"))
KINDS = {"model_performance": "performance"}


def read(file: str, context: Context = ABOUT) -> Report:
    return evidently.read(decode(raw(f"evidently/{file}")), context)


def is_bad(finding: Finding) -> bool:
    return bool(finding.breached) and not finding.is_error


@pytest.mark.parametrize("file", JUDGED)
def test_every_check_of_a_recording_counts_once(file: str) -> None:
    findings = read(Path(file).name).findings
    expected = EXPECTED[file]
    assert len(findings) == expected["total"]
    assert sum(is_bad(each) for each in findings) == expected["breached"]
    unclear = [each for each in findings if each.breached is None or each.is_error]
    assert len(unclear) == expected["undetermined"]


def matching(item: dict[str, Any], findings: list[Finding]) -> Finding:
    """The finding that an expectation is about: by its name, else by what it measures."""
    if item.get("via") == "test" or "name" in item:
        same = [each for each in findings if each.name == item["name"]]
        return next(each for each in same if "feature" not in item or each.feature == item["feature"])
    return next(each for each in findings if (each.metric, each.feature) == (item["metric"], item.get("feature")))


OUTRANKED = ("evidently/v07_explicit_tests.json", "age")
"""Expected is the threshold of the metric, 0.1; the test that failed is the user's own, `lt(0.2)`: that one counts."""


@pytest.mark.parametrize("file", [name for name in JUDGED if isinstance(EXPECTED[name]["items"], list)])
def test_a_recording_says_what_it_must(file: str) -> None:
    findings = list(read(Path(file).name).findings)
    for item in EXPECTED[file]["items"]:
        finding = matching(item, findings)
        assert (finding.breached if not finding.is_error else None) == item["breached"]
        if "kind" in item:
            assert finding.kind == KINDS.get(item["kind"], item["kind"])
        for name in ("metric", "value", "test", "direction"):  # null: not in the ids, but perhaps in the texts
            if item.get(name) is not None:
                assert getattr(finding, name) == item[name]
        if isinstance(item.get("threshold"), float) and (file, item.get("feature")) != OUTRANKED:
            assert finding.threshold == item["threshold"]
        if item.get("tool_status") is not None and finding.status is not None:
            assert finding.status == item["tool_status"]


def test_the_threshold_of_the_users_own_test_outranks_that_of_the_metric() -> None:
    (finding,) = [each for each in read("v07_explicit_tests.json").findings if each.feature == "age"]
    assert (finding.threshold, finding.direction, finding.breached) == (0.2, Direction.ABOVE, True)


def test_the_older_form_says_in_its_texts_which_test_it_was() -> None:
    findings = read("v0715_datadrift_drift_tests.json").findings
    found = {each.feature: (each.test, each.threshold, each.direction) for each in findings if each.feature}
    assert found["age"] == ("K-S p_value", 0.05, Direction.BELOW)
    assert found["channel"] == ("chi-square p_value", 0.05, Direction.BELOW)


def test_the_share_that_a_suite_only_tells_in_words_is_counted() -> None:
    (share,) = [
        each for each in read("v04_testsuite_datadrift_drift_json.json").findings if each.metric == "drift_share"
    ]
    assert (share.value, share.threshold, share.direction, share.breached) == (3 / 7, 0.3, Direction.ABOVE, True)


SAME_DATA = (
    "v07_datadrift_drift_tests.json",
    "v07_datadrift_drift_notests.json",
    "v0715_datadrift_drift_tests.json",
    "v07_snapshot_dumps_datadrift_drift_widgets_emptied.json",
    "v04_report_datadrift_drift_json.json",
    "v04_report_datadrift_drift_as_dict.json",
    "v07legacy_report_datadrift_drift_json.json",
)


@pytest.mark.parametrize("file", SAME_DATA)
def test_the_same_data_is_one_event_with_its_columns_whatever_the_version(file: str) -> None:
    (whole,) = read(file).told
    assert (whole.kind, whole.metric, whole.feature) == ("data_drift", "drift_share", None)
    assert (whole.value, whole.threshold, whole.breached) == (3 / 7, 0.5, False)
    assert [each["feature"] for each in whole.details["drifted"]] == ["channel", "income", "age"]
    assert whole.summary is not None
    assert "3 of 7 columns drift: channel, income, age" in whole.summary


@pytest.mark.parametrize("file", SAME_DATA)
def test_split_gives_each_column_an_event_beside_the_whole(file: str) -> None:
    whole, *columns = read(file, COLUMNS).told
    assert whole.metric == "drift_share"
    assert {each.feature for each in columns if is_bad(each)} == {"age", "income", "channel"}
    assert len(columns) == 7
    assert {each.test for each in columns} == {"K-S p_value", "chi-square p_value", "Z-test p_value"}


@pytest.mark.parametrize(("share", "breached"), [(0.49, False), (0.5, True), (0.51, True)])
@pytest.mark.parametrize("with_config", [True, False], ids=["0.7.16", "0.7.15"])
def test_the_share_at_the_limit_is_drift(share: float, breached: bool, with_config: bool) -> None:
    config = {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5}
    named: dict[str, Any] = (
        {"metric_name": "DriftedColumnsCount(drift_share=0.5)", "config": config}
        if with_config
        else {"metric_id": "DriftedColumnsCount(drift_share=0.5)"}
    )
    report = {"metrics": [{"id": "1", **named, "value": {"count": 1.0, "share": share}}], "tests": []}
    (whole,) = evidently.read(report, ABOUT).told
    assert (whole.breached, whole.threshold, whole.direction) == (breached, 0.5, Direction.ABOVE)


@pytest.mark.parametrize(
    ("method", "direction"),
    [
        pytest.param("ks", Direction.BELOW, id="ks"),
        pytest.param("K-S p_value", Direction.BELOW, id="ks-by-display-name"),
        pytest.param("TVD", Direction.BELOW, id="tvd-is-a-p-value"),
        pytest.param("Total-Variation-Distance", Direction.BELOW, id="in-spite-of-its-name"),
        pytest.param("Anderson-Darling", Direction.BELOW, id="anderson"),
        pytest.param("Epps-Singleton", Direction.BELOW, id="epps"),
        pytest.param("some new p_value", Direction.BELOW, id="a-p-value-by-its-name"),
        pytest.param("psi", Direction.ABOVE, id="psi"),
        pytest.param("PSI", Direction.ABOVE, id="psi-by-display-name"),
        pytest.param("Jensen-Shannon distance", Direction.ABOVE, id="js"),
        pytest.param("Wasserstein distance (normed)", Direction.ABOVE, id="wasserstein"),
        pytest.param("my own test", None, id="nobody-knows"),
    ],
)
def test_where_a_score_means_drift_is_in_a_table(method: str, direction: Direction | None) -> None:
    score = score_of(method)
    assert (score.direction if score else None) is direction


def test_the_derived_verdict_is_that_of_the_tool() -> None:
    for file in ("v07_datadrift_drift", "v07_datadrift_nodrift"):
        derived = {each.identity: each.breached for each in read(f"{file}_notests.json").findings}
        told = {each.identity: each.breached for each in read(f"{file}_tests.json").findings}
        assert derived == told


def test_a_failed_test_that_is_not_critical_is_for_information() -> None:
    (whole,) = read("v07_noncritical_warning.json").told
    assert (whole.metric, whole.value, whole.breached, whole.severity) == ("failed_tests", 1.0, True, "info")


def test_a_test_in_error_is_told_as_a_value_that_is_missing() -> None:
    report = read("v04_testsuite_error_drift_json.json")
    drift, accuracy = report.told
    assert (drift.metric, drift.is_error, drift.breached) == ("drifted_columns", True, None)
    assert drift.summary is not None
    assert "Cannot find column 'nonexistent'" in drift.summary
    assert (accuracy.metric, accuracy.breached, accuracy.threshold) == ("accuracy", True, 0.85)


def test_numbers_that_are_none_are_told_as_a_value_that_is_missing() -> None:
    (whole,) = read("v07_nan_values_not_strict_json.json").told
    assert (whole.metric, whole.is_error) == ("failed_tests", True)
    assert whole.summary is not None
    assert whole.summary.startswith("3 of 3 checks could not be computed")


def test_fifty_tests_are_one_event() -> None:
    (whole,) = read("v07_datasummary_drift_tests.json").told
    assert (whole.metric, whole.value, whole.kind) == ("failed_tests", 14.0, "data_quality")
    assert len(whole.details["failed"]) == 14


def test_skipped_tests_say_nothing() -> None:
    suite = json.loads(raw("evidently/v04_testsuite_error_drift_json.json"))
    suite["tests"][1]["status"] = "SKIPPED"
    assert len(evidently.read(suite, ABOUT).findings) == 1


def test_a_report_without_verdicts_is_recorded_and_says_so() -> None:
    report = read("v04_report_classification_drift_json.json")
    assert {each.metric: each.value for each in report.told}["accuracy"] == 0.60625
    assert all(each.breached is None for each in report.told)
    assert "include_tests=True" in report.notes[0]
    (record,) = read("v04_report_dataquality_drift_json.json").told
    assert (record.metric, record.breached, record.shows_value) == ("evidently_report", None, False)


def test_a_dumped_snapshot_says_which_model_it_is_about() -> None:
    context = evidently.read(
        decode(raw("evidently/v07_snapshot_dumps_datadrift_drift_widgets_emptied.json")), Context()
    ).context
    assert (context.model, context.model_version, context.observed_at) == (
        "churn-xgb",
        "7",
        "2026-07-01T06:00:00+00:00",
    )


@pytest.mark.parametrize(
    ("timestamp", "observed_at"),
    [
        pytest.param("2026-07-01T06:00:00+02:00", "2026-07-01T06:00:00+02:00", id="with-a-zone"),
        pytest.param("2026-07-01T06:00:00", None, id="without"),
        pytest.param("2199-07-01T06:00:00+00:00", None, id="in-the-future"),
        pytest.param(7, None, id="no-time"),
    ],
)
def test_when_a_snapshot_was_made_counts_if_it_is_known(timestamp: object, observed_at: str | None) -> None:
    dumped = json.loads(raw("evidently/v07_snapshot_dumps_datadrift_drift_widgets_emptied.json"))
    context = Context(received_at=datetime(2026, 11, 27, tzinfo=UTC))
    assert evidently.read({**dumped, "timestamp": timestamp}, context).context.observed_at == observed_at


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="a-list"),
        pytest.param({}, id="nothing"),
        pytest.param({"metrics": "x"}, id="no-list"),
        pytest.param({"success": True, "results": []}, id="of-another-tool"),
        pytest.param({"tests": [{"a": 1}]}, id="tests-of-something-else"),
    ],
)
def test_what_is_no_report_is_refused_with_a_hint(found: object) -> None:
    with pytest.raises(UnknownShapeError, match=r"snapshot\.json\(\)"):
        evidently.read(found, ABOUT)


def test_another_split_than_there_is_is_refused() -> None:
    with pytest.raises(BadContextError, match="'feature'"):
        read("v07_datadrift_drift_tests.json", Context(model="churn", split="expectation"))


def test_a_column_may_be_called_anything() -> None:
    name = "a,method=psi),threshold=(x"
    config = {"type": "evidently:metric_v2:ValueDrift", "column": name, "method": "psi", "threshold": 0.1}
    metric = {"id": "1", "metric_name": f"ValueDrift(column={name},method=psi,threshold=0.1)", "config": config}
    (finding,) = evidently.read({"metrics": [{**metric, "value": 0.3}], "tests": []}, ABOUT).findings
    assert (finding.feature, finding.test, finding.breached) == (name, "psi", True)


def test_there_is_a_recording_of_every_shape() -> None:
    assert len(list((FOLDER / "evidently").glob("*.json"))) == 27


def column(value: object, status: str | None = "SUCCESS", name: str = "age") -> dict[str, Any]:
    """A snapshot of one column by PSI, with its test."""
    config = {"type": "evidently:metric_v2:ValueDrift", "column": name, "method": "psi", "threshold": 0.1}
    metric = {"id": "1", "metric_name": f"ValueDrift(column={name})", "config": config, "value": value}
    test = {"id": "drift", "name": "drift", "metric_config": {"metric_id": "1", "params": config}, "status": status}
    return {"metrics": [metric], "tests": [test] if status else []}


@pytest.mark.parametrize("status", ["SUCCESS", None], ids=["a-test-passed", "no-test"])
@pytest.mark.parametrize("lost", [None, float("nan")], ids=["null", "nan"])
def test_a_score_that_was_lost_is_never_fine_however_it_is_written(lost: float | None, status: str | None) -> None:
    """NaN is less than no threshold, so that the tool's own test passes; most writers of JSON make it null."""
    (whole,) = evidently.read(column(lost, status), ABOUT).told
    assert (whole.is_error, whole.breached) == (True, False if status else None)


def test_a_score_of_a_suite_that_was_lost_is_never_fine() -> None:
    parameters = {"stattest": "psi", "score": None, "threshold": 0.1, "detected": False, "column_name": "age"}
    test = {"name": "Drift per Column", "status": "SUCCESS", "group": "data_drift", "parameters": parameters}
    (whole,) = evidently.read({"tests": [test]}, ABOUT).told
    assert whole.is_error


def counted(status: str, *, share_too: bool) -> dict[str, Any]:
    """A snapshot with one drifted column of four, whose user has limits of their own for all of them together."""
    config = {"type": "evidently:metric_v2:DriftedColumnsCount", "drift_share": 0.5}
    value = {"count": 1.0, "share": 0.25}
    whole = {"id": "w", "metric_name": "DriftedColumnsCount(drift_share=0.5)", "config": config, "value": value}

    def limit(is_count: bool, became: str) -> dict[str, Any]:
        said = {"metric_id": "w", "params": config}
        name = "count" if is_count else "share"
        bound = {"is_count": is_count}
        return {"id": "lt", "name": name, "metric_config": said, "bound_test": bound, "status": became}

    one = column(0.4, "FAIL")
    tests = [*one["tests"], limit(True, status), *([limit(False, "SUCCESS")] if share_too else [])]
    return {"metrics": [whole, *one["metrics"]], "tests": tests}


@pytest.mark.parametrize("share_too", [True, False], ids=["of-share-and-count", "of-count"])
def test_the_users_own_limits_of_the_whole_count_and_what_passes_them_ends_it(share_too: bool) -> None:
    (bad,) = evidently.read(counted("FAIL", share_too=share_too), ABOUT).told
    (good,) = evidently.read(counted("SUCCESS", share_too=share_too), ABOUT).told
    assert (bad.breached, good.breached) == (True, False)
    assert bad.identity == good.identity


def test_the_drift_of_embeddings_is_that_of_a_column() -> None:
    result = {"embeddings_name": "text", "drift_score": 0.9, "drift_detected": True, "method_name": "model"}
    (whole,) = evidently.read({"metrics": [{"metric": "EmbeddingsDriftMetric", "result": result}]}, ABOUT).told
    assert (whole.breached, whole.summary) == (True, "1 of 1 columns drift: text")
