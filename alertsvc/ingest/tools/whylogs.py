"""whylogs: the report of constraints, `[(name, passed, failed, summary)]` or the same as objects. It has no values."""

from typing import Any, cast

from alertsvc.ingest.decoding import as_list, as_number, as_object, as_text
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import Finding, once
from alertsvc.ingest.tools.report import Report

HINT = (
    "no report of whylogs' constraints: send"
    ' [{"name": r.name, "passed": r.passed, "failed": r.failed} for r in constraints.generate_constraints_report()]'
)


def read(found: object, context: Context) -> Report:
    """One event for each constraint: what it is called is its metric, how often it failed its value.

    Raises:
        UnknownShapeError: It is no report of constraints.
        BadContextError: It is to be split.
    """
    check_split(context, None)
    rows = as_list(found) or as_list(as_object(found).get("constraints"))
    findings = [_finding(each) for each in rows]
    if not findings:
        raise UnknownShapeError(HINT)
    told = once(findings)
    return Report(told, told, context)


def _finding(row: object) -> Finding:
    if isinstance(row, list):
        row = dict(zip(("name", "passed", "failed"), cast("list[Any]", row), strict=False))
    given = as_object(row)
    name, failed, passed = as_text(given.get("name")), as_number(given.get("failed")), as_number(given.get("passed"))
    if name is None or failed is None or not name.strip():
        raise UnknownShapeError(HINT)
    is_unused = failed == 0 and passed == 0
    became = "had nothing to check" if is_unused else "failed" if failed > 0 else "holds"
    return Finding(
        "data_quality",
        name.strip().lower(),
        name,
        value=failed,
        direction=Direction.ABOVE,
        breached=failed > 0,
        is_error=is_unused,
        summary=f"the constraint {name!r} {became}",
    )
