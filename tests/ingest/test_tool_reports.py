"""The reports of the other tools, and what all reports have in common."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertsvc.core.model import AlertState, Event
from alertsvc.core.severity import SeverityRule
from alertsvc.ingest.decoding import decode
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools import alibi_detect, great_expectations, mlflow, nannyml, reading
from alertsvc.ingest.tools.context import NAMES, BadContextError, Context, UnknownShapeError
from alertsvc.ingest.tools.finding import MOST_LISTED, Finding, once
from alertsvc.ingest.tools.reading import READERS, ParsedReport, parse
from tests.ingest.ml_captures import EXPECTED, mlflow_requests, raw, report

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
WORDS = SeverityRule()
ABOUT = Context(model="churn")
VALIDATIONS = sorted(name for name in EXPECTED if name.startswith("great_expectations/"))
COMPLETE = "great_expectations/validation_result_complete_to_json_dict.json"


def events_of(source: str, body: bytes, context: Context = ABOUT) -> list[Event]:
    parsed = parse(source, body, context, NOW, WORDS)
    assert parsed.events.refused == ()
    return [event for _, event in parsed.events.events]


@pytest.mark.parametrize("file", VALIDATIONS)
def test_a_validation_says_what_it_must(file: str) -> None:
    found = great_expectations.read(decode(report(file)), ABOUT)
    shown = [
        (each.kind, each.metric, each.feature, each.value, each.severity, each.breached, each.is_error)
        for each in found.findings
    ]
    names = ("kind", "name", "feature", "value", "severity", "breached", "errored")
    assert shown == [tuple(item[name] for name in names) for item in EXPECTED[file]["items"]]


def test_a_validation_is_one_event_as_severe_as_its_worst_failure() -> None:
    (event,) = events_of("great_expectations", raw(COMPLETE))
    assert (event.state, event.severity.word, event.value) == (AlertState.FIRING, "critical", 6.0)
    assert event.labels == {
        "alertname": "failed_expectations",
        "model": "churn",
        "environment": "production",
        "dataset": "churn_features",
        "kind": "data_quality",
        "suite": "churn_features_suite",
    }
    assert event.annotations["summary"].startswith("6 of 8 expectations failed, 1 could not be computed")


def test_suites_of_one_checkpoint_are_alerts_of_their_own() -> None:
    events = events_of("great_expectations", report("great_expectations/custom_action_request.json"))
    assert [event.labels["suite"] for event in events] == ["completeness", "volume"]
    assert len({event.fingerprint for event in events}) == 2


def test_a_crashed_metric_is_a_monitor_that_failed() -> None:
    events = events_of("great_expectations", raw(COMPLETE), Context(model="churn", split="expectation"))
    (crashed,) = [event for event in events if event.labels.get("feature") == "no_such_column"]
    assert (crashed.state, crashed.decided_by, crashed.value) == (AlertState.FIRING, "no_value", None)
    assert "its metric raised an exception" in crashed.annotations["summary"]


def test_only_crashed_metrics_leave_no_count() -> None:
    validation = json.loads(raw(COMPLETE))
    validation["results"] = validation["results"][:1]
    (event,) = events_of("great_expectations", json.dumps(validation).encode())
    assert (event.state, event.decided_by) == (AlertState.FIRING, "no_value")


def test_expectations_on_their_own_have_their_limits_and_links() -> None:
    context = Context(model="churn", split="expectation")
    found = {
        event.labels["alertname"] + "/" + event.labels.get("feature", ""): event
        for event in events_of("great_expectations", raw(COMPLETE), context)
    }
    nulls = found["expect_column_values_to_not_be_null/balance"]
    assert (nulls.value, nulls.threshold, nulls.links[0].url) == (
        12.25,
        5.0,
        "https://runbooks.example.com/null-balance",
    )
    rows = found["expect_table_row_count_to_be_between/"]
    assert (rows.value, rows.threshold, rows.state) == (800.0, 2000.0, AlertState.RESOLVED)
    income = found["expect_column_mean_to_be_between/income"]
    assert (income.threshold, income.severity.word) == (40000.0, "warning")


@pytest.mark.parametrize("split", [None, "expectation"])
def test_no_value_of_the_data_and_no_traceback_is_kept(split: str | None) -> None:
    validation = json.loads(raw(COMPLETE))
    for result in validation["results"]:
        result["result"]["partial_unexpected_list"] = ["SECRET PERSON"]
        result["exception_info"]["exception_message"] = "SECRET PERSON"
    validation["results"][5]["result"]["observed_value"] = ["SECRET PERSON"]
    events = events_of("great_expectations", json.dumps(validation).encode(), Context(model="churn", split=split))
    shown = repr(events)
    assert all(each not in shown for each in ("SECRET", "branch", "Traceback", "site-packages"))


def test_what_is_kept_of_an_unknown_result_has_no_values_either() -> None:
    kept = reading.packed("great_expectations", raw(COMPLETE), ABOUT)
    assert b"unexpected_percent" in kept
    assert all(each not in kept for each in (b'branch"', b"Traceback", b"partial_unexpected"))


def test_the_result_of_0_18_is_read() -> None:
    old = json.loads(raw(COMPLETE))
    old["meta"] = {"expectation_suite_name": "old_suite", "active_batch_definition": {"data_asset_name": "loans"}}
    del old["suite_name"]
    for result in old["results"]:
        config = result["expectation_config"]
        config["expectation_type"] = config.pop("type")
        del config["severity"]
    body = {
        "success": False,
        "run_results": {"ValidationResultIdentifier::old_suite/a/b/c": {"validation_result": old}},
    }
    (event,) = events_of("great_expectations", json.dumps(body).encode())
    assert (event.labels["suite"], event.labels["dataset"], event.severity.word) == ("old_suite", "loans", "warning")


def test_what_passes_ends_what_failed() -> None:
    validation = json.loads(raw(COMPLETE))
    (bad,) = events_of("great_expectations", json.dumps(validation).encode())
    validation["success"] = True
    validation["statistics"] |= {"unsuccessful_expectations": 0, "successful_expectations": 8}
    for result in validation["results"]:
        result |= {"success": True, "exception_info": {"raised_exception": False}}
    (good,) = events_of("great_expectations", json.dumps(validation).encode())
    assert (bad.state, good.state) == (AlertState.FIRING, AlertState.RESOLVED)
    assert bad.fingerprint == good.fingerprint


def test_the_newest_chunk_of_nannyml_counts_for_each_column_and_method() -> None:
    found = nannyml.read(decode(raw("other/nannyml_univariate_drift_records.json")), ABOUT).told
    named = {(each.feature, each.test): each for each in found}
    assert len(named) == len(found) == 10
    age = named["car_value", "kolmogorov_smirnov"]
    assert (age.value, age.threshold, age.direction, age.score_type) == (
        0.43465,
        0.0168164309,
        Direction.ABOVE,
        "distance",
    )
    chi2 = named["repaid_loan_on_prev_car", "chi2"]
    assert (chi2.threshold, chi2.direction, chi2.breached) == (None, None, True)
    assert named["debt_to_income_ratio", "kolmogorov_smirnov"].breached is False
    assert age.window == {"start": "2019-05-15T12:54:00+00:00", "end": "2019-05-30T16:03:16.848000+00:00"}


def test_an_estimate_is_no_measurement() -> None:
    roc, accuracy = nannyml.read(decode(raw("other/nannyml_cbpe_estimated_performance_records.json")), ABOUT).told
    assert (roc.metric, roc.kind, roc.breached) == ("estimated_roc_auc", "performance", False)
    assert (accuracy.metric, accuracy.breached, accuracy.direction) == ("estimated_accuracy", True, Direction.OUTSIDE)
    assert accuracy.threshold == {"lower": 0.9322731078, "upper": 0.9557268922}


def test_drift_over_all_columns_is_one_event() -> None:
    (event,) = events_of("nannyml", raw("other/nannyml_multivariate_drift_records.json"))
    assert (event.labels["alertname"], event.state) == ("reconstruction_error", AlertState.FIRING)
    assert "feature" not in event.labels


def test_the_threshold_of_alibi_detect_is_that_of_the_p_value() -> None:
    (event,) = events_of("alibi_detect", raw("other/alibi_detect_ksdrift_batch.json"))
    assert (event.state, event.threshold, event.labels["test"]) == (AlertState.FIRING, 0.016666666666666666, "KSDrift")
    assert event.value == 3.024015079991151e-26
    assert "0.27000001072883606" in event.annotations["details"]


def test_features_of_alibi_detect_have_verdicts_of_their_own() -> None:
    context = Context(model="churn", split="feature")
    found = alibi_detect.read(decode(raw("other/alibi_detect_ksdrift_feature.json")), context).told
    assert [(each.feature, each.breached) for each in found] == [
        (None, True),
        ("feature_0", True),
        ("feature_1", True),
        ("feature_2", False),
    ]


@pytest.mark.parametrize("is_drift", [0, [0, 0]], ids=["of-all", "of-each"])
def test_a_feature_without_a_p_value_leaves_no_prediction_fine(is_drift: object) -> None:
    data = {"is_drift": is_drift, "p_val": [0.4, None], "threshold": 0.025}
    events = events_of("alibi_detect", json.dumps({"data": data, "meta": {"name": "KSDrift"}}).encode())
    assert [(event.state, event.decided_by) for event in events] == [(AlertState.FIRING, "no_value")]
    data |= {"is_drift": 1, "p_val": [0.001, None]}
    (event,) = events_of("alibi_detect", json.dumps({"data": data}).encode())
    assert (event.state, event.decided_by) == (AlertState.FIRING, "request.breached")


@pytest.mark.parametrize(
    ("source", "body", "state"),
    [
        pytest.param("great_expectations", {"success": True, "results": []}, "no_value", id="an-empty-suite"),
        pytest.param(
            "great_expectations",
            {"success": True, "results": [], "statistics": {"evaluated_expectations": 0}},
            "no_value",
            id="a-suite-that-evaluated-nothing",
        ),
        pytest.param(
            "great_expectations",
            {"success": True, "results": [], "statistics": {"evaluated_expectations": 8}},
            "request.breached",
            id="where-only-what-failed-is-listed",
        ),
        pytest.param("whylogs", [["age > 17", 0, 0]], "no_value", id="a-constraint-over-nothing"),
        pytest.param("whylogs", [["age > 17", 3, 0]], "request.breached", id="a-constraint-that-holds"),
    ],
)
def test_what_checked_nothing_passes_nothing(source: str, body: object, state: str) -> None:
    (event,) = events_of(source, json.dumps(body).encode())
    assert event.decided_by == state
    assert event.state is (AlertState.FIRING if state == "no_value" else AlertState.RESOLVED)


def test_constraints_of_whylogs_are_known_by_their_names() -> None:
    events = events_of("whylogs", raw("other/whylogs_constraints_report.json"))
    assert [(event.labels["alertname"], event.state) for event in events] == [
        ("balance has no missing values", AlertState.FIRING),
        ("age greater than number 17", AlertState.RESOLVED),
        ("income mean between 25000 and 40000 (inclusive)", AlertState.FIRING),
    ]
    assert len(events_of("whylogs", b'[["age > 17", 1, 0, null]]')) == 1


def drift_check(*statuses: str) -> dict[str, Any]:
    conditions = [
        {"Status": each, "Condition": "drift score < 0.2", "More Info": "Failed for age"} for each in statuses
    ]
    value = {
        "age": {"Drift score": {"dtype": "float64", "value": 0.4}, "Method": "Kolmogorov-Smirnov", "Importance": None}
    }
    value["plan"] = {"Drift score": 0.1, "Method": "Cramer's V", "Importance": None}
    check = {"name": "Feature Drift", "params": {}}
    return {"type": "CheckResult", "check": check, "value": value, "conditions_results": conditions}


@pytest.mark.parametrize(
    ("statuses", "state", "severity"),
    [
        pytest.param(("FAIL",), AlertState.FIRING, "warning", id="fail"),
        pytest.param(("WARN",), AlertState.FIRING, "info", id="warn"),
        pytest.param(("PASS",), AlertState.RESOLVED, "warning", id="pass"),
        pytest.param(("PASS", "FAIL"), AlertState.FIRING, "warning", id="one-of-two"),
        pytest.param(("ERROR",), AlertState.FIRING, "warning", id="error"),
        pytest.param((), None, "warning", id="no-conditions"),
    ],
)
def test_conditions_of_deepchecks_are_the_verdict(statuses: tuple[str, ...], state: Any, severity: str) -> None:
    suite = {"type": "SuiteResult", "name": "s", "results": [drift_check(*statuses)]}
    for body in (drift_check(*statuses), suite):
        (event,) = events_of("deepchecks", json.dumps(body).encode())
        assert (event.state, event.severity.word) == (state, severity)
        assert event.observation is not None
        assert (event.observation.metric, event.observation.kind) == ("feature_drift", "data_drift")
        assert event.value == (None if statuses == ("ERROR",) else 0.4)


REQUESTS = mlflow_requests("webhook_requests_real")


def hook(entity: str, action: str, **data: Any) -> ParsedReport:
    body = {"entity": entity, "action": action, "timestamp": "2026-11-23T11:46:13.281363+00:00", "data": data}
    return parse("mlflow", json.dumps(body).encode(), Context(), NOW, WORDS)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: f"{each['body']['entity']}.{each['body']['action']}")
def test_what_happens_to_a_model_is_a_deployment(request_: dict[str, Any]) -> None:
    parsed = parse("mlflow", request_["body_raw"].encode(), Context(), NOW, WORDS)
    (happened,) = parsed.deployments
    data = request_["body"]["data"]
    assert (happened.model, happened.source) == ("churn-xgb", "mlflow")
    assert (happened.model_version, happened.alias) == (data.get("version"), data.get("alias"))
    assert happened.happened_at == datetime.fromisoformat(request_["body"]["timestamp"])
    is_validated = data.get("key") == "validation_status" and request_["body"]["action"] == "set"
    assert [event.state for _, event in parsed.events.events] == ([AlertState.RESOLVED] if is_validated else [])


def test_a_failed_validation_is_an_event_that_an_approval_ends() -> None:
    about = {"name": "churn-xgb", "version": "2", "key": "validation_status"}
    failed, approved = (hook("model_version_tag", "set", **about, value=value) for value in ("failed", "approved"))
    (bad,), (good,) = ([event for _, event in each.events.events] for each in (failed, approved))
    assert (bad.state, bad.severity.word, good.state) == (AlertState.FIRING, "warning", AlertState.RESOLVED)
    assert bad.fingerprint == good.fingerprint
    assert bad.labels["model_version"] == "2"
    assert len(failed.deployments) == 1


def test_a_spent_budget_is_a_warning() -> None:
    parsed = hook(
        "budget_policy",
        "exceeded",
        budget_policy_id="bp-1",
        budget_amount=100.0,
        current_spend=105.5,
        target_value="ep-1",
    )
    ((_, event),) = parsed.events.events
    assert (event.state, event.severity.word, event.value, event.threshold) == (
        AlertState.FIRING,
        "warning",
        105.5,
        100.0,
    )
    assert (event.labels["model"], parsed.deployments) == ("ep-1", ())


@pytest.mark.parametrize("request_", mlflow_requests("webhook_requests_test_button"), ids=lambda r: r["body"]["entity"])
def test_a_test_of_the_webhook_is_recorded_and_raises_nothing(request_: dict[str, Any]) -> None:
    parsed = parse("mlflow", request_["body_raw"].encode(), Context(), NOW, WORDS)
    ((_, event),) = parsed.events.events
    assert (event.state, parsed.deployments, parsed.notes) == (None, (), [mlflow.TESTED])
    assert event.observation is None  # nobody waits for the next one


def test_an_event_from_the_future_happened_when_it_arrived() -> None:
    body = {
        "entity": "registered_model",
        "action": "created",
        "timestamp": "2199-01-01T00:00:00Z",
        "data": {"name": "m"},
    }
    parsed = parse("mlflow", json.dumps(body).encode(), Context(), NOW, WORDS)
    assert parsed.deployments[0].happened_at == NOW


SAMPLES = {
    "evidently": raw("evidently/v07_datadrift_drift_tests.json"),
    "great_expectations": raw(COMPLETE),
    "nannyml": raw("other/nannyml_univariate_drift_records.json"),
    "alibi_detect": raw("other/alibi_detect_ksdrift_batch.json"),
    "deepchecks": json.dumps(drift_check("FAIL")).encode(),
    "whylogs": raw("other/whylogs_constraints_report.json"),
}


@pytest.mark.parametrize("carrier", ["report", "result", "payload"])
@pytest.mark.parametrize("source", SAMPLES)
def test_the_context_stands_in_the_address_or_around_the_report(source: str, carrier: str) -> None:
    said = {"model": "churn", "environment": "staging", "observed_at": "2026-11-26T09:00:00Z", "run_id": "r1"}
    around = json.dumps({**said, carrier: json.loads(SAMPLES[source])}).encode()
    in_address = events_of(source, SAMPLES[source], Context(**said))
    assert events_of(source, around, Context()) == in_address
    assert {event.source for event in in_address} == {source}
    assert {event.labels["environment"] for event in in_address} == {"staging"}
    assert {event.observed_at for event in in_address} == {datetime(2026, 11, 26, 9, tzinfo=UTC)}
    assert {event.annotations["run_id"] for event in in_address} == {"r1"}


@pytest.mark.parametrize("source", SAMPLES)
def test_without_a_model_it_is_said_where_that_goes(source: str) -> None:
    with pytest.raises(BadContextError, match=r"\?model="):
        parse(source, SAMPLES[source], Context(), NOW, WORDS)


def test_the_address_beats_what_the_report_says_of_itself() -> None:
    dumped = raw("evidently/v07_snapshot_dumps_datadrift_drift_widgets_emptied.json")
    assert events_of("evidently", dumped, Context())[0].labels["model"] == "churn-xgb"
    assert events_of("evidently", dumped, Context(model="other"))[0].labels["model"] == "other"


def test_a_slip_around_the_report_is_named() -> None:
    body = json.dumps({"model": "m", "enviroment": "staging", "report": json.loads(SAMPLES["evidently"])}).encode()
    with pytest.raises(BadContextError, match="did you mean 'environment'"):
        parse("evidently", body, Context(), NOW, WORDS)


@pytest.mark.parametrize("source", READERS)
def test_what_is_no_report_is_refused_with_a_hint(source: str) -> None:
    for body in (b"{}", b"[]", b"1", b'{"success": 1}', b'{"entity": "x"}', b'[{"x": 1}]'):
        with pytest.raises(UnknownShapeError, match=r"send|that is"):
            parse(source, body, ABOUT, NOW, WORDS)


@pytest.mark.parametrize("source", SAMPLES)
def test_what_was_set_aside_is_read_as_it_came(source: str) -> None:
    kept = reading.packed(source, SAMPLES[source], ABOUT)
    again = reading.parse_packed(source, kept, NOW, NOW, WORDS)
    assert again == parse(source, SAMPLES[source], ABOUT, NOW, WORDS)


def test_numbers_that_are_none_alert_whatever_their_notation() -> None:
    (event,) = events_of("evidently", raw("evidently/v07_nan_values_not_strict_json.json"))
    assert (event.state, event.decided_by, event.value) == (AlertState.FIRING, "no_value", None)


def test_of_two_findings_about_one_thing_the_graver_counts() -> None:
    fine, bad = Finding("custom", "m", breached=False), Finding("custom", "m", breached=True)
    lost = Finding("custom", "m", breached=False, is_error=True)
    assert once([fine, bad, lost]) == once([lost, bad, fine]) == [bad]
    assert once([fine, lost]) == [lost]


def test_a_summary_of_very_many_failures_stays_small() -> None:
    configs = [{"type": "e", "kwargs": {"column": '"' * 900 + str(number)}} for number in range(3000)]
    failed = [{"success": False, "expectation_config": config} for config in configs]
    crashed = [{**each, "exception_info": {"raised_exception": True}} for each in failed]
    body = json.dumps({"success": False, "results": [*failed, *crashed]}).encode()
    details = great_expectations.read(json.loads(body), ABOUT).told[0].details
    assert (len(details["failed"]), details["failed_count"]) == (MOST_LISTED, 3000)
    assert (len(details["not_computed"]), details["not_computed_count"]) == (MOST_LISTED, 3000)
    assert len(events_of("great_expectations", body)) == 1


def test_the_names_of_a_context_are_the_parameters_of_the_doors() -> None:
    assert NAMES == (
        "model",
        "model_version",
        "environment",
        "dataset",
        "observed_at",
        "run_id",
        "split",
        "expect_next_within",
    )


def test_a_column_that_is_fine_again_ends_its_own_alert() -> None:
    context = Context(model="churn", split="feature")
    bad = events_of("evidently", raw("evidently/v07_datadrift_drift_tests.json"), context)
    good = events_of("evidently", raw("evidently/v07_datadrift_nodrift_tests.json"), context)
    before, after = ({each.fingerprint: each for each in events} for events in (bad, good))
    assert before.keys() == after.keys()
    ended = {each.labels.get("feature") for key, each in before.items() if each.state != after[key].state}
    assert ended == {"age", "income", "channel", "plan"}


def test_the_next_report_may_be_expected() -> None:
    context = Context(model="churn", split="feature", expect_next_within="26h")
    whole, *columns = events_of("evidently", raw("evidently/v07_datadrift_drift_tests.json"), context)
    assert whole.observation is not None
    assert whole.observation.expect_next_within == timedelta(hours=26)
    assert {each.observation and each.observation.expect_next_within for each in columns} == {None}
