"""The quarantine: what could not be used, and taking it in after all."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from alertsvc.engine import replay
from alertsvc.engine.service import Service
from alertsvc.store import reading
from alertsvc.web import asking
from alertsvc.web.access import needs
from alertsvc.web.ingest_views import IngestAnswer, summary
from alertsvc.web.problems import Problem
from alertsvc.web.views import QuarantinePageView, QuarantineView


@get("/", guards=[needs("read")])
async def list_quarantine(
    service: NamedDependency[Service],
    in_state: Annotated[str | None, QueryParameter(name="state")] = "open",
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> QuarantinePageView:
    """The newest first; `state` is open, replayed, dropped or all."""
    if in_state not in {None, "all", "open", "replayed", "dropped"}:
        raise Problem(400, "bad-state", f"state: {in_state!r} is not one of open, replayed, dropped, all")
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)
    wanted = None if in_state == "all" else in_state
    page = await service.database.snapshot(lambda conn: reading.quarantine_page(conn, wanted, after, most))
    items = [QuarantineView.of(row) for row in page.items]
    return QuarantinePageView(items=items, next_cursor=asking.cursor_of(page.next_after))


@post("/{item_id:uuid}/replay", status_code=200, guards=[needs("admin")])
async def replay_item(item_id: FromPath[UUID], service: NamedDependency[Service]) -> IngestAnswer:
    """Take the item in as if it arrived now. 409: it still cannot be used, and stays where it is."""
    return summary(await replay.replay(service, item_id))


@post("/{item_id:uuid}/drop", status_code=204, guards=[needs("admin")])
async def drop_item(item_id: FromPath[UUID], service: NamedDependency[Service]) -> None:
    """Nobody will need the item; it stays listed as dropped."""
    await replay.drop(service, item_id)


ROUTER = Router("/api/v1/quarantine", route_handlers=[list_quarantine, replay_item, drop_item], tags=["quarantine"])
