"""The OpenAPI document: what the framework finds out by itself, completed by what only we know."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from alertsvc.ingest.alertmanager import WebhookIn
from alertsvc.ingest.event_fields import ALIASES, FIXES, EventIn
from alertsvc.web.problems import MEDIA_TYPE

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
SCHEMAS = "#/components/schemas/"

PARAMETERS = {
    "cursor": "`next_cursor` of the page before; leave it out to begin. Only a page without one is the last.",
    "dataset": "Which data it is about, where there are several; part of what an alert is known by.",
    "delivery_id": "The `id` of a delivery.",
    "destination": "One destination, as `/api/v1/receivers` names it.",
    "digest_id": "The `id` of a digest.",
    "dry_run": "Decide and route, and store and send nothing.",
    "environment": "The label `environment`.",
    "feature": "The label `feature`.",
    "expect_next_within": "A duration such as `26h`: it is an alert when the next report takes longer.",
    "filter": 'An Alertmanager matcher, such as `team="fraud"`; repeatable, all must fit one alert of the incident.',
    "fingerprint": "The `fingerprint` of a series, as its model shows it.",
    "item_id": "The `id` of a quarantined item.",
    "limit": "How many to list at most, from 1 to 500.",
    "metric": "The name of the metric, in lower case.",
    "model": "The label `model`.",
    "name": "The name of a receiver.",
    "notification_id": "The `id` of a notification.",
    "model_version": "The label `model_version`: only where versions run beside each other.",
    "observed_at": "When the data was judged, in RFC 3339 with a time zone.",
    "q": "Words that stand in the title or the summary.",
    "reference": "An incident, by its `number` or its `id`.",
    "run_id": "The run that made the report; shown.",
    "severity": "`info`, `warning`, `error` or `critical`; repeatable.",
    "silence_id": "The `id` of a silence.",
    "since": "Opened, or observed, at this instant or later, in RFC 3339 with a time zone.",
    "split": "`feature` or `expectation`, as the tool's reports allow: an event of each beside the whole.",
    "state": "One of the states that the items show; repeatable where there are several to choose.",
    "status": "`open` (firing or acknowledged), `firing`, `acknowledged` or `resolved`; repeatable.",
    "token_id": "The `id` of a token.",
    "until": "Opened, or observed, before this instant, in RFC 3339 with a time zone.",
}
REFUSALS = {
    "400": "The request cannot be understood; `detail` names what is wrong and what would be right",
    "401": "No valid token",
    "403": "The token lacks the scope",
    "404": "There is no such thing",
    "408": "The body did not arrive in time",
    "409": "Its state does not allow it",
    "412": "It changed since it was read",
    "413": "The body is too large",
    "415": "Not JSON, or compressed",
    "422": "Fields are wrong; `errors` lists them",
    "503": "The database is unavailable, or too much waits: the same again later",
}
NEVER_IN_CONFLICT = ("explain_", "incident_", "list_", "preview_", "revoke_", "show_", "test_")
TOOL_BODIES = {
    "alibi-detect": "What `predict()` of a drift detector gives, arrays as lists.",
    "deepchecks": "What `result.to_json(with_display=False)` gives.",
    "evidently": "What `snapshot.json()`, `report.json()` or `test_suite.json()` gives.",
    "great-expectations": 'What `to_json_dict()` of a validation result gives, or `{"results": [each of them]}`.',
    "mlflow_hook": "What MLflow's webhooks send.",
    "nannyml": "The records of a result, of which the newest chunk counts.",
    "whylogs": "The report of constraints as a list.",
}
ALSO_REFUSED = {
    "alertmanager_hook": {"408"},
    **{name: {"408", "422"} for name in TOOL_BODIES},
    "grafana_hook": {"408", "422"},
    "post_events": {"408"},
    "reload": {"400", "409"},
}
"""What an operation refuses beyond what its shape says: those that read their body piece by piece wait for it."""
BODIES = {
    **TOOL_BODIES,
    "grafana_hook": "What Grafana's alerting webhook sends. Unknown fields are ignored.",
    "alertmanager_hook": "What Alertmanager's `webhook_config` sends (version 4). Unknown fields are ignored.",
    "post_events": 'One event, a list of events, or `{"events": [...]}`.',
}
ANSWERS = {
    "create_silence": {"201": "SilenceView"},
    "post_events": {"202": "EventsAnswer"},
    **{name: {"202": "ToolAnswer"} for name in TOOL_BODIES},
    "show_incident": {"200": "IncidentDetailView"},
}
"""What an operation answers with one status, where the framework only sees all that it may answer."""


DONE = {"201": "Made", "202": "On durable storage; delivery follows"}
"""What success means where the framework has other words: for 202 it promises less than is kept."""


def document(app: Litestar) -> Json:
    """The description of all that is not hidden: short summaries, parameters in words, refusals as problem documents,
    and which scope a token needs.
    """
    described: Json = app.openapi_schema.to_schema()
    described["components"]["schemas"]["Problem"] = PROBLEM
    scopes = _scopes(app)
    for path, method, operation in operations(described):
        _complete(path, method, operation, scopes.get((method, path)))
    _add_bodies(described)
    return described


def operations(described: Json) -> Iterator[tuple[str, str, Json]]:
    """(path, method, operation) of a document, in its order."""
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _scopes(app: Litestar) -> dict[tuple[str, str], str]:
    """The scope that each (method, path) needs a token for. What is open to all is not among them."""
    found: dict[tuple[str, str], str] = {}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            scopes = [getattr(guard, "scope", None) for guard in cast(Any, handler).guards or ()]
            for method in handler.http_methods:
                found |= {(method.lower(), route.path_format): scope for scope in scopes if scope}
    return found


def _complete(path: str, method: str, operation: Json, scope: str | None) -> None:
    name = operation["operationId"]
    operation["summary"] = name.replace("_", " ").capitalize()
    operation["security"] = [{"bearer": [scope]}, {"basic": [scope]}] if scope else []
    for parameter in operation.get("parameters", ()):
        parameter["description"] = PARAMETERS[parameter["name"]]
    if name in BODIES:
        operation["requestBody"] = {"description": BODIES[name], "required": True}
    answers = operation["responses"]
    for status in answers.keys() & DONE.keys():
        answers[status]["description"] = DONE[status]
    for status, schema in ANSWERS.get(name, {}).items():
        answers[status]["content"] = {"application/json": {"schema": {"$ref": SCHEMAS + schema}}}
    if scope is not None:
        answers |= _refusals(path, operation, is_safe=method == "get")


def _refusals(path: str, operation: Json, *, is_safe: bool) -> Json:
    name, takes_body = operation["operationId"], "requestBody" in operation
    possible = {"401", "403", "503", *ALSO_REFUSED.get(name, ())}
    if not is_safe:
        possible |= {"415"}
    if operation.get("parameters"):
        possible |= {"400", "422"}
    if "{" in path:
        possible |= {"404"}
    if takes_body:
        possible |= {"400", "413", "422"}
    if "{" in path and not name.startswith(NEVER_IN_CONFLICT):
        possible |= {"409"}
    if "{reference}" in path and takes_body:
        possible |= {"412"}
    told = {MEDIA_TYPE: {"schema": {"$ref": SCHEMAS + "Problem"}}}
    return {status: {"description": REFUSALS[status], "content": told} for status in sorted(possible)}


def _add_bodies(described: Json) -> None:
    """Say what the doors of ingest take. They read their bodies by themselves, so that the framework knows nothing."""
    (event, webhook), schemas = msgspec.json.schema_components([EventIn, WebhookIn], ref_template=SCHEMAS + "{name}")
    fields = schemas["EventIn"]["properties"]
    for name, said in FIXES.items():
        fields[name]["description"] = said
    fields |= {alias: {**fields[name], "description": f"The same as {name!r}."} for alias, name in ALIASES.items()}
    schemas["EventIn"]["additionalProperties"] = False
    described["components"]["schemas"] |= schemas
    events = {"type": "array", "items": event}
    listed = {"type": "object", "properties": {"events": events}, "required": ["events"]}
    report = {"anyOf": [{"type": "object"}, {"type": "array"}]}
    taken = {
        "alertmanager_hook": webhook,
        "grafana_hook": webhook,
        "post_events": {"anyOf": [event, events, listed]},
        **dict.fromkeys(TOOL_BODIES, report),
    }
    for _, _, operation in operations(described):
        schema = taken.get(operation["operationId"])
        if schema is not None:
            operation["requestBody"]["content"] = {"application/json": {"schema": schema}}


def _text(description: str) -> Json:
    return {"type": "string", "description": description}


PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": _text("A stable name of the kind of problem"),
        "title": _text("The HTTP status in words"),
        "status": {"type": "integer"},
        "detail": _text("What is wrong, and what would be right"),
        "request_id": _text("How the log calls this request"),
        "errors": {
            "type": "array",
            "description": "Each field that is wrong",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": _text("Where, as RFC 6901 writes it; a parameter by its name"),
                    "message": _text("What is wrong there"),
                },
            },
        },
    },
}
