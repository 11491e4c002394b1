"""What the API says of itself at /schema, and that it is asked for nothing else: a slip must not go unseen."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPI, Operation, Parameter
from litestar.types import HTTPScope, Method
from litestar.types.internal_types import PathParameterDefinition

from alertsvc.settings.words import did_you_mean
from alertsvc.web import contract_page
from alertsvc.web.contract_document import METHODS, document
from alertsvc.web.headers import SECURITY_HEADERS
from alertsvc.web.problems import Problem

DOCUMENT = "/schema/openapi.json"
MEDIA_TYPE = "application/vnd.oai.openapi+json"
FOREIGN = ("/api/v1/hooks/alertmanager", "/api/v1/hooks/grafana", "/api/v2/")
"""Behind these doors stand programs whose addresses are none of our business."""


def operation_id(handler: HTTPRouteHandler, _: Method, components: list[str | PathParameterDefinition]) -> str:
    """The name of an operation: its function's, and the path's last word where there are several."""
    name = str(handler.handler_name)
    last = components[-1] if components else ""
    return last if len(handler.paths) > 1 and isinstance(last, str) else name


class Contract(JsonRenderPlugin):
    """Answers with the completed description."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """See `JsonRenderPlugin`."""
        return msgspec.json.encode(described(request.app))


def described(app: Litestar) -> dict[str, Any]:
    """The description, made when somebody first asks for it: it costs more than the rest of the start."""
    found = app.state.get("described")
    if found is None:
        found = app.state.described = document(app)
    return found


async def _refuse_pages_below(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard: what stands below the document would be answered by the framework's own page, not as a problem."""
    if connection.path_params:
        raise NotFoundException


def document_router() -> Router:
    """Where the document stands."""
    return Router(DOCUMENT, route_handlers=[], include_in_schema=False, guards=[_refuse_pages_below])


@get("/schema", include_in_schema=False, sync_to_thread=False)
def schema(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The description as a page for a browser, else as it stands at `DOCUMENT`."""
    found = described(request.app)
    if "text/html" not in request.headers.get("accept", ""):
        return Response(msgspec.json.encode(found), media_type=MEDIA_TYPE, headers={"vary": "accept"})
    digest = base64.b64encode(hashlib.sha256(contract_page.STYLE.encode()).digest()).decode()
    policy = f"{SECURITY_HEADERS['content-security-policy']}; style-src 'sha256-{digest}'"
    page = contract_page.page(found, DOCUMENT).encode()
    return Response(page, media_type="text/html", headers={"vary": "accept", "content-security-policy": policy})


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


def _operations(openapi: OpenAPI) -> Iterator[tuple[str, str, Operation]]:
    for path, item in (openapi.paths or {}).items():
        for method in METHODS:
            operation = getattr(item, method, None)
            if isinstance(operation, Operation):
                yield path, method, operation


def refuse_unknown_queries(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """400 for a query parameter that would be ignored, such as `?stats=open`, which would list everything.

    Raises:
        Problem: There is one.
    """
    if not connection.query_params or connection.scope["path"].startswith(FOREIGN):
        return
    method = cast(HTTPScope, connection.scope)["method"]
    known = _queries(connection.app).get((method, connection.scope["path_template"]))
    unknown = next((name for name in connection.query_params if known is not None and name not in known), None)
    if known is not None and unknown is not None:
        hint = did_you_mean(unknown, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"
        raise Problem(400, "unknown-parameter", f"{unknown[:80]!r}: unknown parameter{hint}")
