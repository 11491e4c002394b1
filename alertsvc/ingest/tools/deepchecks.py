"""Deepchecks: `to_json(with_display=False)` of a check's or a suite's result. Scores of drift are distances there."""

import re
from collections.abc import Sequence

from alertsvc.ingest.clean import clean_text
from alertsvc.ingest.decoding import Json, as_number, as_object, as_text, objects
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import MAX_LISTED_BYTES, MOST_LISTED, Finding, once
from alertsvc.ingest.tools.report import Report

HINT = "no result of Deepchecks: send what result.to_json(with_display=False) gives, of a check or of a suite"
DEEPEST = 10
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_STATUSES = frozenset({"PASS", "FAIL", "WARN", "ERROR"})


def read(found: object, context: Context) -> Report:
    """One event for each check; its conditions are the verdict. One without conditions is recorded.

    Raises:
        UnknownShapeError: It is no result of Deepchecks.
        BadContextError: It is to be split.
    """
    check_split(context, None)
    findings = once(_finding(each) for each in _checks(as_object(found), 0))
    if not findings:
        raise UnknownShapeError(HINT)
    notes = [] if any(each.breached is not None for each in findings) else ["no check has a condition: recorded only"]
    return Report(findings, findings, context, notes)


def _checks(result: Json, depth: int) -> list[Json]:
    inner = objects(result.get("results"))
    if inner and depth < DEEPEST:
        return [check for each in inner for check in _checks(each, depth + 1)]
    is_one = as_text(as_object(result.get("check")).get("name")) and isinstance(result.get("conditions_results"), list)
    return [result] if is_one or (depth and "type" in result and "exception" in result) else []


def _finding(result: Json) -> Finding:
    name = as_text(as_object(result.get("check")).get("name")) or as_text(result.get("name")) or "check"
    conditions = [each for each in objects(result.get("conditions_results")) if _status(each) in _STATUSES]
    statuses = {_status(each) for each in conditions}
    bad = [each for each in conditions if _status(each) in {"FAIL", "WARN"}]
    is_error = not bad and ("ERROR" in statuses or "exception" in result)
    scores = _scores(as_object(result.get("value")))
    is_drift = "drift" in name.lower()
    worst = max(scores.items(), key=lambda pair: pair[1], default=None)
    said = "; ".join(filter(None, (as_text(each.get("Condition")) for each in bad)))
    more = "; ".join(filter(None, (as_text(each.get("More Info")) for each in bad)))
    return Finding(
        "data_drift" if is_drift else "data_quality",
        _NOT_IN_NAMES.sub("_", name.lower()).strip("_") or "check",
        name,
        value=worst[1] if worst else None,
        score_type="distance" if is_drift and worst else None,
        breached=bool(bad) if conditions else None,
        is_error=is_error,
        shows_value=worst is not None,
        severity="info" if bad and all(_status(each) == "WARN" for each in bad) else None,
        summary=_words(name, said, more, is_error=is_error),
        details=_details(scores, conditions),
    )


def _words(name: str, said: str, more: str, *, is_error: bool) -> str | None:
    if is_error:
        return f"{name} could not be computed"
    return f"{name}: {said}" + (f" ({more})" if more else "") if said else None


def _status(condition: Json) -> str:
    return str(condition.get("Status", "")).rpartition(".")[2].upper()


def _scores(value: Json) -> dict[str, float]:
    """The drift of each column, whose number may stand in an object of its own."""
    found: dict[str, float] = {}
    for column, said in {"": value, **value}.items():
        score = as_object(said).get("Drift score")
        number = as_number(as_object(score).get("value", score))
        if number is not None:
            found[column] = number
    return found


def _details(scores: dict[str, float], conditions: Sequence[Json]) -> Json:
    worst = sorted(scores.items(), key=lambda pair: -pair[1])[:MOST_LISTED]
    most = {clean_text(column, MAX_LISTED_BYTES): score for column, score in worst}
    said = (f"{_status(each)}: {each.get('Condition')}" for each in conditions[:MOST_LISTED])
    listed = [clean_text(each, MAX_LISTED_BYTES) for each in said]
    return {name: value for name, value in (("drift_scores", most), ("conditions", listed)) if value}
