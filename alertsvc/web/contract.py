"""What the API says of itself at /schema, and that it is asked for nothing else: a slip must not go unseen."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.types import HTTPScope, Method
from litestar.types.internal_types import PathParameterDefinition

from alertsvc.ingest.event_fields import ALIASES, FIXES, EventIn
from alertsvc.settings.words import did_you_mean
from alertsvc.web.problems import MEDIA_TYPE, Problem

METHODS = ("get", "post", "put", "patch", "delete")
FOREIGN = ("/api/v1/hooks/", "/api/v2/")
"""Behind these doors stand programs whose addresses are none of our business."""

PARAMETERS = {
    "cursor": "`next_cursor` of the page before; leave it out to begin.",
    "delivery_id": "The `id` of a delivery.",
    "destination": "One destination, as `/api/v1/receivers` names it.",
    "digest_id": "The `id` of a digest.",
    "dry_run": "Decide and route, and store and send nothing.",
    "environment": "The label `environment`.",
    "filter": 'An Alertmanager matcher, such as `team="fraud"`; repeatable, all must fit one alert of the incident.',
    "item_id": "The `id` of a quarantined item.",
    "limit": "How many to list at most, from 1 to 500.",
    "model": "The label `model`.",
    "name": "The name of a receiver.",
    "notification_id": "The `id` of a notification.",
    "q": "Words that stand in the title or the summary.",
    "reference": "An incident, by its `number` or its `id`.",
    "severity": "`info`, `warning`, `error` or `critical`; repeatable.",
    "silence_id": "The `id` of a silence.",
    "since": "Opened at this instant or later, in RFC 3339 with a time zone.",
    "state": "One of the states that the items show; repeatable where there are several to choose.",
    "status": "`open` (firing or acknowledged), `firing`, `acknowledged` or `resolved`; repeatable.",
    "token_id": "The `id` of a token.",
    "until": "Opened before this instant, in RFC 3339 with a time zone.",
}
REFUSALS = {
    "400": "The request cannot be understood; `detail` names what is wrong and what would be right",
    "401": "No valid token",
    "403": "The token lacks the scope",
    "404": "There is no such thing",
    "409": "Its state does not allow it",
    "412": "It changed since it was read",
    "413": "The body is too large",
    "415": "Not JSON, or compressed",
    "422": "Fields are wrong; `errors` lists them",
    "503": "The database is unavailable, or too much waits: the same again later",
}
NEVER_IN_CONFLICT = ("explain_", "incident_", "list_", "preview_", "revoke_", "show_", "test_")
BODIES = {
    "alertmanager_hook": "What Alertmanager's `webhook_config` sends (version 4).",
    "post_events": 'One event, a list of events, or `{"events": [...]}`.',
}


def operation_id(handler: HTTPRouteHandler, _: Method, components: list[str | PathParameterDefinition]) -> str:
    """The name of an operation: its function's, and the path's last word where there are several."""
    name = str(handler.handler_name)
    last = components[-1] if components else ""
    return last if len(handler.paths) > 1 and isinstance(last, str) else name


class Contract(JsonRenderPlugin):
    """Answers with the completed description."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """See `JsonRenderPlugin`."""
        described = _described(request.app).to_schema()
        _add_event_fields(described)
        return super().render(request, described)  # pyright: ignore[reportUnknownMemberType]  # its request is bare


def _described(app: Litestar) -> OpenAPI:
    """The description, completed when somebody first asks for it: it costs more than the rest of the start."""
    if not app.state.get("is_described"):
        app.state.is_described = True
        _describe(app.openapi_schema)
    return app.openapi_schema


def _describe(openapi: OpenAPI) -> None:
    """Complete what the framework found out: short summaries, parameters in words, refusals as problem documents."""
    for path, _, operation in _operations(openapi):
        name = str(operation.operation_id)
        operation.summary = name.replace("_", " ").capitalize()
        for parameter in operation.parameters or ():
            if isinstance(parameter, Parameter):
                parameter.description = PARAMETERS[parameter.name]
        if name in BODIES:
            anything = {"application/json": OpenAPIMediaType(schema=Schema())}
            operation.request_body = RequestBody(content=anything, description=BODIES[name], required=True)
        operation.responses = {**(operation.responses or {}), **_refusals(path, operation)}


def _add_event_fields(described: dict[str, Any]) -> None:
    """Say what an event may have. Its fields are read one by one, so that the framework does not know of them."""
    names = "#/components/schemas/{name}"
    (event,), schemas = msgspec.json.schema_components([EventIn], ref_template=names)
    fields = schemas["EventIn"]["properties"]
    for name, said in FIXES.items():
        fields[name]["description"] = said
    fields |= {alias: {**fields[name], "description": f"The same as {name!r}."} for alias, name in ALIASES.items()}
    schemas["EventIn"]["additionalProperties"] = False
    described.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
    events = {"type": "array", "items": event}
    listed = {"type": "object", "properties": {"events": events}, "required": ["events"]}
    body = described["paths"]["/api/v1/events"]["post"]["requestBody"]
    body["content"]["application/json"]["schema"] = {"anyOf": [event, events, listed]}


def _operations(openapi: OpenAPI) -> Iterator[tuple[str, str, Operation]]:
    for path, item in (openapi.paths or {}).items():
        for method in METHODS:
            operation = getattr(item, method, None)
            if isinstance(operation, Operation):
                yield path, method, operation


def _refusals(path: str, operation: Operation) -> dict[str, OpenAPIResponse | Reference]:
    possible = {"503"}
    if path.startswith("/api/"):
        possible |= {"401", "403"}
    if operation.parameters:
        possible |= {"400", "422"}
    if "{" in path:
        possible |= {"404"}
    if operation.request_body is not None:
        possible |= {"400", "413", "415", "422"}
    if "{" in path and not (operation.operation_id or "").startswith(NEVER_IN_CONFLICT):
        possible |= {"409"}
    if "{reference}" in path and operation.request_body is not None:
        possible |= {"412"}
    document = OpenAPIMediaType(schema=PROBLEM)
    return {code: OpenAPIResponse(REFUSALS[code], content={MEDIA_TYPE: document}) for code in sorted(possible)}


def _text(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, description=description)


PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="RFC 9457",
    required=["type", "title", "status", "detail", "request_id"],
    properties={
        "type": _text("A stable name of the kind of problem"),
        "title": _text("The HTTP status in words"),
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": _text("What is wrong, and what would be right"),
        "request_id": _text("How the log calls this request"),
        "errors": Schema(
            type=OpenAPIType.ARRAY,
            description="Each field that is wrong",
            items=Schema(
                type=OpenAPIType.OBJECT,
                properties={"pointer": _text("Where, as RFC 6901 writes it"), "message": _text("What is wrong there")},
            ),
        ),
    },
)


def _queries(app: Litestar) -> dict[tuple[str, str], frozenset[str]]:
    """The query parameters that each (method, path) has, found out once."""
    found = app.state.get("queries")
    if found is None:
        found = app.state.queries = {
            (method.upper(), path): frozenset(each.name for each in parameters if each.param_in == "query")
            for path, method, operation in _operations(app.openapi_schema)
            for parameters in [[each for each in operation.parameters or () if isinstance(each, Parameter)]]
        }
    return found


async def refuse_unknown_queries(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: 400 for a query parameter that would be ignored, such as `?stats=open`, which would list everything.

    It is async although it waits for nothing: others are run in a thread each time.
    """
    if not connection.query_params or connection.scope["path"].startswith(FOREIGN):
        return
    method = cast(HTTPScope, connection.scope)["method"]
    known = _queries(connection.app).get((method, connection.scope["path_template"]))
    unknown = next((name for name in connection.query_params if known is not None and name not in known), None)
    if known is not None and unknown is not None:
        hint = did_you_mean(unknown, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"
        raise Problem(400, "unknown-parameter", f"{unknown[:80]!r}: unknown parameter{hint}")
