"""Deliveries: what is on its way, what failed, and trying again."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy import Connection

from alertsvc.engine import commands
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.counting import DELIVERY_ENDS
from alertsvc.engine.service import Service
from alertsvc.store import reading
from alertsvc.store.reading import DeliveryFilter
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.problems import Problem
from alertsvc.web.views import AttemptView, DeliveryPageView, DeliveryView

STATES = ("waiting", "pending", "sending", *DELIVERY_ENDS)


async def delivery_views(service: Service, wanted: DeliveryFilter, cursor: str | None, limit: int) -> DeliveryPageView:
    """A page of deliveries with their tries."""
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)

    def read(conn: Connection) -> tuple[reading.Page, dict[UUID, list[AttemptView]]]:
        page = reading.delivery_page(conn, wanted, after, most)
        tries: dict[UUID, list[AttemptView]] = {}
        for row in reading.attempts_of(conn, [each.id for each in page.items]):
            tries.setdefault(row.delivery_id, []).append(AttemptView.of(row))
        return page, tries

    page, tries = await service.database.snapshot(read)
    items = [DeliveryView.of(row, tries.get(row.id)) for row in page.items]
    return DeliveryPageView(items=items, next_cursor=asking.cursor_of(page.next_after))


@get("/", guards=[needs("read")])
async def list_deliveries(
    service: NamedDependency[Service],
    states: Annotated[list[str] | None, QueryParameter(name="state")] = None,
    destination: FromQuery[str | None] = None,
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> DeliveryPageView:
    """The newest first; `state=failed` is the list of what nobody received."""
    unknown = [word for word in states or [] if word not in STATES]
    if unknown:
        raise Problem(400, "bad-state", f"state: {unknown[0]!r} is not one of {', '.join(STATES)}")
    return await delivery_views(service, DeliveryFilter(states=states or [], destination=destination), cursor, limit)


@get("/{delivery_id:uuid}", guards=[needs("read")])
async def show_delivery(delivery_id: FromPath[UUID], service: NamedDependency[Service]) -> DeliveryView:
    """One message, with every try and what the provider answered."""

    def read(conn: Connection) -> DeliveryView | None:
        tries = [AttemptView.of(row) for row in reading.attempts_of(conn, [delivery_id])]
        return next((DeliveryView.of(row, tries) for row in reading.deliveries_by_ids(conn, [delivery_id])), None)

    found = await service.database.snapshot(read)
    if found is None:
        raise UnknownThingError(f"delivery {delivery_id}")
    return found


@post("/{delivery_id:uuid}/retry", status_code=202, guards=[needs("act")])
async def retry_delivery(
    delivery_id: FromPath[UUID], request: Request[Caller, Any, Any], service: NamedDependency[Service]
) -> dict[str, str]:
    """Try now: a waiting one at once, a failed one as a new delivery, whose id is answered. 409: it was accepted."""
    actor = asking.actor_of(request, None)
    queued = await commands.retry_delivery(service.database, delivery_id, actor, service.moment())
    service.something_is_due()
    return {"delivery_id": str(queued)}


ROUTER = Router(
    "/api/v1/deliveries", route_handlers=[list_deliveries, show_delivery, retry_delivery], tags=["deliveries"]
)
