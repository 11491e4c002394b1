"""Great Expectations: validation results of 1.x and 0.18, alone, in a checkpoint's result, or as a custom action posts.

The values that a result shows are people's data, and its tracebacks have paths: neither is kept or sent.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from alertsvc.ingest.decoding import Json, as_number, as_object, as_text, first_of, objects
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import Finding, Limits, count_of, limits_of, listed, once
from alertsvc.ingest.tools.report import Report

SPLIT = "expectation"
FAILED = "failed_expectations"
MOST_NAMED = 10
DEEPEST = 50
HINT = (
    "no result of Great Expectations: send what to_json_dict() of a validation result gives,"
    ' or {"results": [each of them]}'
)
_GRADES = ("info", "warning", "error", "critical")
_OWN_DATA = (
    "partial_unexpected",
    "unexpected_list",
    "unexpected_index",
    "unexpected_rows",
    "exception_message",
    "exception_traceback",
)


def read(found: object, context: Context) -> Report:
    """Every expectation in a result, and one summary of each validation.

    Raises:
        UnknownShapeError: It is no result of Great Expectations.
        BadContextError: It is to be split in a way there is not.

    Source: captures of 1.24.1 and 0.18.22
    """
    split = check_split(context, SPLIT)
    validations = _validations(as_object(found), 0)
    findings: list[Finding] = []
    summaries: list[Finding] = []
    for each in validations:
        checks = [_expectation(item, each) for item in _items(each)]
        summaries.append(_summary(each, checks))
        findings += checks
    told = once(summaries)
    if split:
        told += once(each for each in findings if each.is_known_again)
    return Report(findings, told, context)


def without_data(found: object, depth: int = 0) -> object:
    """A result without the values and tracebacks in it: what may be kept of one that could not be read."""
    if depth > DEEPEST:
        return None
    if isinstance(found, list):
        return [without_data(each, depth + 1) for each in cast("list[Any]", found)]
    if not isinstance(found, dict):
        return found
    given = cast(Json, found)
    return {name: without_data(each, depth + 1) for name, each in given.items() if not name.startswith(_OWN_DATA)}


def _validations(report: Json, depth: int) -> list[Json]:
    """The validation results in a report, however they are wrapped."""
    runs = as_object(report.get("run_results"))
    if runs and depth < DEEPEST:
        inner = [as_object(run) for run in runs.values()]
        return [one for run in inner for one in _validations(as_object(run.get("validation_result")) or run, depth + 1)]
    for name in ("results", "validation_results"):
        listed_ = objects(report.get(name))
        if listed_ and depth < DEEPEST and all(_items_name(each) for each in listed_):
            return [one for each in listed_ for one in _validations(each, depth + 1)]
    name = _items_name(report)
    if name is None or not all(_type_of(each) for each in objects(report[name])) or not _is_result(report):
        raise UnknownShapeError(HINT)
    return [report]


def _items_name(report: Json) -> str | None:
    return next((name for name in ("results", "expectations") if isinstance(report.get(name), list)), None)


def _is_result(report: Json) -> bool:
    return isinstance(report.get("success"), bool)


def _items(validation: Json) -> list[Json]:
    name = _items_name(validation)
    return objects(validation[name]) if name else []


def _type_of(item: Json) -> str | None:
    config = as_object(item.get("expectation_config"))
    return as_text(first_of(config, "type", "expectation_type")) or as_text(item.get("expectation_type"))


def _suite(validation: Json) -> dict[str, str]:
    meta = as_object(validation.get("meta"))
    name = as_text(validation.get("suite_name")) or as_text(meta.get("expectation_suite_name"))
    return {"suite": name} if name else {}


def _asset(validation: Json) -> str | None:
    batch = as_object(as_object(validation.get("meta")).get("active_batch_definition"))
    return as_text(batch.get("data_asset_name"))


def _expectation(item: Json, validation: Json) -> Finding:
    config, result = as_object(item.get("expectation_config")), as_object(item.get("result"))
    kwargs = as_object(config.get("kwargs")) or as_object(item.get("kwargs"))
    metric = _type_of(item) or "expectation"
    column = as_text(kwargs.get("column"))
    severity = as_text(config.get("severity"))
    value, threshold, direction = _numbers_of(result, kwargs)
    failed = item.get("success") is not True
    is_error = failed and _crashed(as_object(item.get("exception_info")))
    runbook = as_text(as_object(config.get("meta")).get("runbook"))
    about = f"{metric} of {column}" if column else metric
    return Finding(
        "data_quality",
        metric.lower(),
        about,
        value=value,
        feature=column,
        threshold=threshold,
        direction=direction,
        breached=failed,
        is_error=is_error,
        shows_value=value is not None,
        severity=severity if severity in _GRADES else None,
        dataset=_asset(validation),
        summary=f"{about} could not be evaluated: its metric raised an exception" if is_error else None,
        labels=_suite(validation),
        links=({"title": "Runbook", "url": runbook},) if runbook else (),
    )


def _crashed(info: Json) -> bool:
    """Whether an exception was raised: said flat, or of each metric by its id, as a boolean or as a word."""
    flat = info.get("raised_exception")
    said = [flat] if "raised_exception" in info else [as_object(each).get("raised_exception") for each in info.values()]
    return any(each is True or str(each).lower() == "true" for each in said)


def _numbers_of(result: Json, kwargs: Json) -> tuple[float | None, Limits | None, Direction | None]:
    percent = as_number(result.get("unexpected_percent"))
    if percent is not None:
        mostly = as_number(kwargs.get("mostly"))
        if mostly is None:
            return percent, None, None
        return percent, round((1 - mostly) * 100, 9), Direction.ABOVE
    observed = as_number(result.get("observed_value"))
    limit = as_number(kwargs.get("threshold"))
    if limit is not None:
        return observed, limit, Direction.ABOVE
    return observed, *limits_of(kwargs.get("min_value"), kwargs.get("max_value"))


def _summary(validation: Json, checks: Sequence[Finding]) -> Finding:
    failed = [each for each in checks if each.breached]
    errors = [each for each in failed if each.is_error]
    statistics = as_object(validation.get("statistics"))
    counted = as_number(statistics.get("unsuccessful_expectations"))
    value = float(len(failed)) if counted is None else counted
    grades = [each.severity for each in failed if each.severity]
    named = ", ".join(each.name for each in failed[:MOST_NAMED])
    said = count_of(checks, "expectations") + (f": {named}" if named else "")
    whole = Finding(
        "data_quality",
        FAILED,
        value=value,
        direction=Direction.ABOVE,
        breached=validation.get("success") is not True,
        severity=max(grades, key=_GRADES.index) if grades else None,
        dataset=_asset(validation),
        summary=said,
        labels=_suite(validation),
        details=listed(checks),
    )
    if not checks and not as_number(statistics.get("evaluated_expectations")):  # else only what failed is listed
        return replace(whole, is_error=True, summary="it has no expectations, so that nothing was checked")
    return replace(whole, is_error=True) if errors and len(errors) == len(failed) else whole
