"""NannyML: the records of `to_df(multilevel=False).to_json(orient="records", date_format="iso")`; the newest counts.

Its scores are distances and metrics, whatever a test's name means elsewhere, and the verdict is its own: outside of
what the reference period had.
"""

from datetime import UTC, datetime

from alertsvc.ingest.decoding import Json, as_number, as_object, as_text, objects
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import Finding, limits_of, once
from alertsvc.ingest.tools.report import Report

HINT = (
    "no result of NannyML: send the records of"
    ' results.filter(period="analysis").to_df(multilevel=False).to_json(orient="records", date_format="iso")'
)
DRIFT_METHODS = (
    "kolmogorov_smirnov",
    "jensen_shannon",
    "wasserstein",
    "hellinger",
    "l_infinity",
    "chi2",
)
MULTIVARIATE = ("reconstruction_error", "domain_classifier_auroc", "classifier_auroc")
METRICS = (
    "roc_auc",
    "f1",
    "precision",
    "recall",
    "specificity",
    "accuracy",
    "average_precision",
    "business_value",
    "mae",
    "mape",
    "mse",
    "msle",
    "rmse",
    "rmsle",
)
_ALERT, _VALUE = "_alert", "_value"
_OTHER_NAMES = {"f1": "f1_score"}


def read(found: object, context: Context) -> Report:
    """What the newest chunk says of each column and method, or of each estimated metric.

    Raises:
        UnknownShapeError: They are no records of NannyML.
        BadContextError: They are to be split.
    """
    check_split(context, None)
    records = objects(found) or objects(as_object(found).get("records"))
    analysed = [each for each in records if each.get("chunk_period") != "reference"] or records
    newest = max(analysed, key=_position) if analysed else as_object(None)
    prefixes = [name.removesuffix(_ALERT) for name in newest if name.endswith(_ALERT)]
    findings = [_finding(newest, prefix) for prefix in prefixes if prefix + _VALUE in newest]
    if not findings:
        raise UnknownShapeError(HINT)
    findings = once(findings)
    return Report(findings, findings, context)


def _position(record: Json) -> tuple[float, str]:
    return (as_number(record.get("chunk_index")) or 0.0, as_text(record.get("chunk_end_date")) or "")


def _finding(record: Json, prefix: str) -> Finding:
    raw, alert = record[prefix + _VALUE], record[prefix + _ALERT]
    threshold, direction = limits_of(record.get(prefix + "_lower_threshold"), record.get(prefix + "_upper_threshold"))
    kind, metric, feature, test = _named(record, prefix)
    value = as_number(raw)
    about = f"{metric} of {feature}" if feature else metric
    return Finding(
        kind,
        metric,
        prefix,
        value=value,
        feature=feature,
        test=test,
        threshold=threshold,
        direction=direction,
        score_type="distance" if kind == "data_drift" and test else None,
        breached=bool(alert) if isinstance(alert, bool | int) else None,
        is_error=value is None,
        summary=f"{about} has no value for the chunk {as_text(record.get('chunk_key'))}" if value is None else None,
        window=_window(record),
    )


def _named(record: Json, prefix: str) -> tuple[str, str, str | None, str | None]:
    """Kind, metric, column and method. Names of columns have underscores too, so the right end is looked at."""
    for method in DRIFT_METHODS:
        if prefix.endswith(f"_{method}"):
            return "data_drift", "drift_score", prefix.removesuffix(f"_{method}"), method
    if prefix in MULTIVARIATE:
        return "data_drift", prefix, None, None
    if prefix in METRICS:
        is_estimated = f"{prefix}_realized" in record or f"{prefix}_upper_confidence_boundary" in record
        known = _OTHER_NAMES.get(prefix, prefix)
        return "performance", f"estimated_{known}" if is_estimated else known, None, None
    return "custom", prefix.lower(), None, None


def _window(record: Json) -> Json | None:
    """The dates of the chunk. They have no zone as a rule, and are taken as UTC."""
    sides = {"start": _instant(record.get("chunk_start_date")), "end": _instant(record.get("chunk_end_date"))}
    found = {name: value for name, value in sides.items() if value is not None}
    return found or None


def _instant(given: object) -> str | None:
    try:
        moment = datetime.fromisoformat(as_text(given) or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
