"""Evidently: reports, snapshots and test suites of every version since 0.2.8.

One event tells of the drift of a snapshot, one of all its other tests about data, and one of each number about
performance. At 0.05 a column, three snapshots in ten of seven columns flag one that did not change: so columns are
detail, and get events of their own only with `split=feature`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alertsvc.core.numbers import apart, short
from alertsvc.ingest.decoding import Json, as_object, as_text, objects
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split, metadata_of
from alertsvc.ingest.tools.evidently_legacy import report_findings, suite_findings
from alertsvc.ingest.tools.evidently_snapshot import snapshot_findings
from alertsvc.ingest.tools.evidently_tests import SCORE, SHARE
from alertsvc.ingest.tools.finding import Finding, count_of, listed, once
from alertsvc.ingest.tools.report import Report

SPLIT = "feature"
DRIFTED, FAILED = "drifted_columns", "failed_tests"
OVERALL = (SHARE, "drifted_columns_count", DRIFTED)
"""What a finding about the drift of all columns may be called; the first that there is stands for all of them."""
MOST_NAMED = 10
HINT = (
    "no report of Evidently: send what snapshot.json(), report.json() or test_suite.json() give, as it is"
    " (data=snapshot.json() with Content-Type: application/json)"
)
NO_VERDICT = "there is no verdict in this report, so it is recorded only: run it with include_tests=True"


def read(found: object, context: Context) -> Report:
    """Every check in a report, and what is told of it.

    Raises:
        UnknownShapeError: It is no report of Evidently.
        BadContextError: It is to be split in a way there is not.

    Source: captures of 0.4.40, 0.6.7, 0.7.15 and 0.7.23; `Snapshot.dict` of `evidently.core.report`
    """
    report = as_object(found)
    split = check_split(context, SPLIT)
    checks, numbers = _checks(report)
    findings, numbers = once(checks), once(numbers)
    told = [*_summaries(findings), *(each for each in findings if each.kind == "performance"), *numbers]
    if split:
        whole = {each.identity for each in told}
        told += [each for each in findings if each.is_known_again and each.identity not in whole]
    notes = [] if any(each.breached is not None or each.is_error for each in told) else [NO_VERDICT]
    if not told:
        told = [_record(report)]
    return Report(findings, told, context.or_else({**metadata_of(report), **_observed_at(report, context)}), notes)


def _observed_at(report: Json, context: Context) -> Json:
    """When a snapshot that was dumped says it was made, if it has a zone: without one nobody knows when that was."""
    try:
        moment = datetime.fromisoformat(as_text(report.get("timestamp")) or "")
    except ValueError:
        return {}
    if moment.tzinfo is None or (context.received_at is not None and moment > context.received_at):
        return {}
    return {"observed_at": moment.isoformat()}


def _checks(report: Json) -> tuple[list[Finding], list[Finding]]:
    metrics, tests = objects(report.get("metrics")), objects(report.get("tests"))
    if isinstance(report.get("metric_results"), dict) or any("metric_id" in m or "metric_name" in m for m in metrics):
        return snapshot_findings(report)
    if any("metric_config" in test for test in tests):
        return snapshot_findings(report)
    if tests and all("status" in test and "name" in test for test in tests):
        return suite_findings(report), []
    if metrics and all("metric" in metric for metric in metrics):
        return report_findings(report)
    if _is_empty(report):
        return [], []
    raise UnknownShapeError(HINT)


def _is_empty(report: Json) -> bool:
    """Whether it is a report of nothing: its lists are there and empty."""
    given = [report[name] for name in ("metrics", "tests") if name in report]
    return bool(given) and all(each == [] for each in given)


def _summaries(findings: Sequence[Finding]) -> list[Finding]:
    """One finding about all the drift, one about all other tests of the data; what there was none of has none."""
    drift = [each for each in findings if each.kind == "data_drift"]
    others = [each for each in findings if each.kind not in {"data_drift", "performance"}]
    summaries = [_drift(drift)] if drift else []
    return [*summaries, _failed(others)] if others else summaries


def _drift(findings: Sequence[Finding]) -> Finding:
    columns = [each for each in findings if each.metric == SCORE]
    drifted = sorted((each for each in columns if each.breached and not each.is_error), key=_severity, reverse=True)
    overall = [each for each in findings if each.metric != SCORE]
    known = sorted((each for each in overall if each.metric in OVERALL), key=lambda each: OVERALL.index(each.metric))
    named = ", ".join(each.feature or each.name for each in drifted[:MOST_NAMED])
    more = f" and {len(drifted) - MOST_NAMED} more" if len(drifted) > MOST_NAMED else ""
    said = f"{len(drifted)} of {len(columns)} columns drift" + (f": {named}{more}" if drifted else "")
    if all(each.breached is None for each in columns):
        said = f"which of {len(columns)} columns drift is not said"
    details = listed([*drifted, *(each for each in columns if each.is_error)])
    if "failed" in details:
        details["drifted"] = details.pop("failed")
    if "failed_count" in details:
        details["drifted_count"] = details.pop("failed_count")
    if known:
        return _or_error(
            replace(_of_all(known[0], overall, columns, said), details=details), [*overall, *columns], said
        )
    verdicts = [each.breached for each in columns or findings if each.breached is not None]
    whole = Finding(
        "data_drift",
        DRIFTED,
        value=float(len(drifted)),
        breached=any(verdicts) if verdicts else None,
        direction=Direction.ABOVE,
        summary=said,
        details=details,
    )
    return _or_error(whole, columns or findings, said)


def _of_all(whole: Finding, overall: Sequence[Finding], columns: Sequence[Finding], said: str) -> Finding:
    """The finding about all columns, with the verdicts of the others about them: any makes it fire, all end it."""
    judged = [each for each in overall if each.breached is not None and not each.is_error]
    bad = [each.name for each in judged if each.breached and each is not whole]
    if judged and not whole.is_error:
        whole = replace(whole, breached=any(each.breached for each in judged))
    if (columns or bad) and not whole.is_error and whole.value is not None:
        shown, limit = short(whole.value), ""
        if isinstance(whole.threshold, float):
            shown, edge = apart(whole.value, whole.threshold)
            limit = f" (alert at or above {edge})"
        words = "; ".join((said, *(f"{name} failed" for name in bad)))
        whole = replace(whole, summary=f"{whole.metric} is {shown}{limit}: {words}")
    return whole


def _failed(findings: Sequence[Finding]) -> Finding:
    failed = [each for each in findings if each.breached and not each.is_error]
    said = count_of([replace(each, breached=False) if each.is_error else each for each in findings], "tests")
    whole = Finding(
        "data_quality",
        FAILED,
        value=float(len(failed)),
        breached=bool(failed),
        direction=Direction.ABOVE,
        severity="info" if failed and all(each.severity == "info" for each in failed) else None,
        summary=f"{said}: {', '.join(each.name for each in failed[:MOST_NAMED])}" if failed else said,
        details=listed(findings),
    )
    return _or_error(whole, findings, said)


def _or_error(whole: Finding, parts: Sequence[Finding], said: str) -> Finding:
    """A summary that is not bad is not good either while a part of it could not be computed."""
    errors = [each for each in parts if each.is_error]
    if whole.breached or whole.is_error or not errors:
        return whole
    words = f"{len(errors)} of {len(parts)} checks could not be computed ({errors[0].summary}); {said}"
    return replace(whole, is_error=True, summary=words)


def _severity(finding: Finding) -> float:
    """How far a score is beyond its threshold: more is worse, whatever kind of score it is."""
    value, limit = finding.value, finding.threshold
    if value is None or not isinstance(limit, float):
        return 0.0
    return limit / max(value, 1e-300) if finding.direction is Direction.BELOW else value / max(limit, 1e-300)


def _record(report: Json) -> Finding:
    listed_ = [
        as_text(each.get("metric")) or as_text(each.get("metric_name")) for each in objects(report.get("metrics"))
    ]
    names = [name[:200] for name in listed_ if name][:MOST_NAMED]
    return Finding("custom", "evidently_report", shows_value=False, details={"metrics": names} if names else {})
