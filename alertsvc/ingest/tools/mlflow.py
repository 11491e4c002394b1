"""MLflow's webhooks. What happens to models and versions is an annotation, hardly ever an alert.

Source: captures of 3.18.0; `mlflow/webhooks/types.py`
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from alertsvc.core.deployments import Deployment
from alertsvc.ingest.clean import LAST, clean_instant, clean_text
from alertsvc.ingest.decoding import Json, as_number, as_object, as_text
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context, UnknownShapeError, check_split
from alertsvc.ingest.tools.finding import Finding
from alertsvc.ingest.tools.report import Report

SOURCE = "mlflow"
HINT = 'no webhook of MLflow: that is {"entity": "model_version", "action": "created", "timestamp": …, "data": {…}}'
EXAMPLES = frozenset({"example_model", "example_prompt"})
EXAMPLE_BUDGET = "bp-abc123"
TESTED = "this is the example that a test of the webhook sends: recorded, and nothing raised"
VALIDATION = "validation_status"
BAD_VALIDATIONS = frozenset({"failed", "rejected"})
GOOD_VALIDATIONS = frozenset({"approved", "passed", "succeeded", "success"})
MAX_DETAIL_BYTES = 1000
MAX_NAME_BYTES = 500
_ACTIONS: Mapping[tuple[str, str], str] = {
    ("registered_model", "created"): "registered",
    ("model_version_tag", "set"): "tagged",
    ("model_version_tag", "deleted"): "untagged",
    ("prompt_tag", "set"): "tagged",
    ("prompt_tag", "deleted"): "untagged",
    ("prompt_version_tag", "set"): "tagged",
    ("prompt_version_tag", "deleted"): "untagged",
}
_SHOWN = ("key", "value", "source", "run_id", "description", "workspace")


def read(found: object, context: Context) -> Report:
    """What happened to a model as a deployment; a failed validation and a budget that was exceeded as an event.

    Raises:
        UnknownShapeError: It is no webhook of MLflow.
        BadContextError: It is to be split.
    """
    check_split(context, None)
    given = as_object(found)
    entity, action, data = as_text(given.get("entity")), as_text(given.get("action")), as_object(given.get("data"))
    if entity is None or action is None or not isinstance(given.get("data"), dict):
        raise UnknownShapeError(HINT)
    at = _happened_at(given, context)
    context = context.or_else({"observed_at": at.isoformat()})
    if as_text(data.get("name")) in EXAMPLES or data.get("budget_policy_id") == EXAMPLE_BUDGET:
        example = Finding("lifecycle", f"{entity}.{action}"[:200], shows_value=False, summary=TESTED)
        return Report([example], [example], replace(context, model=context.model or "example"), [TESTED])
    if entity == "budget_policy":
        return _budget(data, action, context)
    name = as_text(data.get("name"))
    if name is None:
        raise UnknownShapeError(HINT)
    version = as_text(data.get("version"))
    happened = Deployment(
        model=clean_text(name, MAX_NAME_BYTES),
        action=_ACTIONS.get((entity, action), clean_text(action, MAX_NAME_BYTES)),
        happened_at=at,
        source=SOURCE,
        model_version=None if version is None else clean_text(version, MAX_NAME_BYTES),
        alias=_short(data.get("alias")),
        environment=context.environment,
        details=_details(entity, action, data),
    )
    context = replace(context, model=name, model_version=version)
    findings = _validation(entity, action, data, version)
    return Report(findings, findings, context, deployments=(happened,))


def _happened_at(given: Json, context: Context) -> datetime:
    """When it happened, which is not after it arrived: requests overtake each other, and clocks differ."""
    received_at = context.received_at or LAST
    try:
        moment = clean_instant(datetime.fromisoformat(as_text(given.get("timestamp")) or ""))
    except ValueError:
        moment = None
    return received_at if moment is None else min(moment, received_at)


def _budget(data: Json, action: str, context: Context) -> Report:
    policy = as_text(data.get("budget_policy_id"))
    target = as_text(data.get("target_value")) or policy
    if policy is None or target is None or action != "exceeded":
        raise UnknownShapeError(HINT)
    spend, amount = as_number(data.get("current_spend")), as_number(data.get("budget_amount"))
    unit = _short(data.get("budget_unit")) or ""
    finding = Finding(
        "custom",
        "budget_spend",
        value=spend,
        threshold=amount,
        direction=Direction.ABOVE,
        breached=True,
        shows_value=spend is not None,
        severity="warning",
        summary=f"the budget of {target} is exceeded: {spend} of {amount} {unit}".rstrip(),
        labels={"budget_policy": policy},
    )
    return Report([finding], [finding], replace(context, model=context.model or target))


def _validation(entity: str, action: str, data: Json, version: str | None) -> list[Finding]:
    if (entity, action, data.get("key")) != ("model_version_tag", "set", VALIDATION):
        return []
    value = str(data.get("value")).strip().lower()
    if value not in BAD_VALIDATIONS | GOOD_VALIDATIONS:
        return []
    return [
        Finding(
            "lifecycle",
            VALIDATION,
            breached=value in BAD_VALIDATIONS,
            shows_value=False,
            severity="warning",
            summary=f"validation of version {version}: {value}",
        )
    ]


def _details(entity: str, action: str, data: Json) -> dict[str, str]:
    shown = {name: _short(data.get(name)) for name in _SHOWN}
    return {"event": clean_text(f"{entity}.{action}", MAX_DETAIL_BYTES)} | {k: v for k, v in shown.items() if v}


def _short(value: object) -> str | None:
    text = as_text(value)
    return None if text is None else clean_text(text, MAX_DETAIL_BYTES)
