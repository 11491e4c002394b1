"""alibi-detect: what `predict()` of a drift detector gives, with its arrays as lists.

The threshold is the limit of the p-value, already divided by the number of features where one verdict is about all.
"""

from dataclasses import replace

from alertsvc.ingest.decoding import Json, as_list, as_number, as_object, as_text
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import Finding
from alertsvc.ingest.tools.report import Report

SPLIT = "feature"
HINT = (
    "no prediction of alibi-detect: send what predict() of a drift detector gives, numpy arrays as lists:"
    ' {"data": {"is_drift": …, "p_val": …, "threshold": …}, "meta": {"name": …}}'
)
MOST_FEATURES = 1000
MOST_LISTED = 200


def read(found: object, context: Context) -> Report:
    """One event for a prediction; with `split=feature` one more for each feature that has a verdict of its own.

    Raises:
        UnknownShapeError: It is no prediction of a drift detector.
        BadContextError: It is to be split in a way there is not.
    """
    split = check_split(context, SPLIT)
    data, meta = as_object(as_object(found).get("data")), as_object(as_object(found).get("meta"))
    verdicts = _listed(data.get("is_drift"))
    if not verdicts or not all(each in (0, 1) for each in verdicts):
        raise UnknownShapeError(HINT)
    detector = as_text(meta.get("name"))
    scores, limits = _listed(data.get("p_val")), _listed(data.get("threshold"))
    features: list[Finding] = []
    if isinstance(data["is_drift"], list):
        for index, verdict in enumerate(verdicts[:MOST_FEATURES]):
            limit = _at(limits, index if len(limits) > 1 else 0)
            finding = _finding(detector, bool(scores), _at(scores, index), limit)
            features.append(_judged(replace(finding, feature=f"feature_{index}"), bool(verdict), finding.is_error))
    whole = _judged(_whole(data, detector, scores, limits), any(verdicts), None in scores)
    return Report(features or [whole], [whole, *features] if split else [whole], context)


def _whole(data: Json, detector: str | None, scores: list[float | None], limits: list[float | None]) -> Finding:
    lowest = min((each for each in scores if each is not None), default=None)
    limit = min((each for each in limits if each is not None), default=None)
    distances = _listed(data.get("distance"))
    details = {"p_val": scores[:MOST_LISTED], "distance": distances[:MOST_LISTED]}
    return replace(_finding(detector, bool(scores), lowest, limit), details=details)


def _finding(detector: str | None, has_scores: bool, p_value: float | None, limit: float | None) -> Finding:
    finding = Finding("data_drift", "drift_p_value", detector or "", test=detector, shows_value=has_scores)
    if not has_scores:
        return finding
    return replace(
        finding,
        value=p_value,
        threshold=limit,
        direction=Direction.BELOW,
        score_type="p_value",
        is_error=p_value is None,
    )


def _judged(finding: Finding, verdict: bool, is_lost: bool) -> Finding:
    """What is bad is bad; what is not is not good either while a p-value is missing."""
    is_error = is_lost and not verdict
    said = "the detector gave no p-value" if is_error else None
    return replace(finding, breached=verdict, is_error=is_error, summary=said)


def _at(numbers: list[float | None], index: int) -> float | None:
    return numbers[index] if index < len(numbers) else None


def _listed(value: object) -> list[float | None]:
    """Numbers that stand alone or in a list, of which some may be none."""
    each_one: list[object] = as_list(value) or ([] if value is None else [value])
    return [float(each) if isinstance(each, bool) else as_number(each) for each in each_one]
