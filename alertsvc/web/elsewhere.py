"""The doors of a process that only sends: how it is, and nothing else."""

from typing import Any

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from alertsvc.web.problems import Problem, answer

OPEN = frozenset({"/", "/-/healthy", "/livez", "/-/ready", "/readyz", "/health", "/metrics", "/-/reload"})
SAID = "this process only sends (its role is worker); ask one whose role is api or all"


class Elsewhere:
    """An application before the application.

    It answers 503 and not 404: Alertmanager forgets what was refused with a 4xx, and a balancer asks another then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked here."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        headers = {"Retry-After": "5", "Connection": "close"}  # the same over this connection would come here again
        response: Any = answer(request, Problem(503, "wrong-role", SAID, headers=headers))
        await response.to_asgi_response(None, request)(scope, receive, send)
