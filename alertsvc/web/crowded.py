"""What a client hears when as many are here as there is room for."""

from typing import Any

from litestar import Request
from litestar.types import HTTPScope, Receive, Send

from alertsvc.web.problems import Problem, answer


async def crowded(scope: HTTPScope, receive: Receive, send: Send) -> None:
    """An application that answers 503 and nothing else: the same again in a moment, over another connection."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    headers = {"Retry-After": "1", "Connection": "close"}
    problem = Problem(503, "overloaded", "more requests at once than this service takes", headers=headers)
    response: Any = answer(request, problem)
    await response.to_asgi_response(None, request)(scope, receive, send)
