"""Series: what people say of what is measured again and again."""

from typing import Any

from litestar import Request, Router, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from alertsvc.engine.acceptance import accept
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.views import ActRequest

Asked = Request[Caller, Any, Any]


@post("/{fingerprint:str}/accept", status_code=204, guards=[needs("act")])
async def accept_series(
    fingerprint: FromPath[str],
    request: Asked,
    service: NamedDependency[Service],
    data: JSONBody[ActRequest | None] = None,
) -> None:
    """Take what it is now as the new normal: a limit that follows it is made of what comes from now on."""
    asked = data or ActRequest()
    actor = asking.actor_of(request, asked.by, asked.comment)
    if not await accept(service.database, fingerprint, actor, service.moment()):
        raise UnknownThingError(f"series {fingerprint!r}")
    service.something_is_due()


ROUTER = Router("/api/v1/series", route_handlers=[accept_series], tags=["models"])
