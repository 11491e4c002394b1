"""Digests: what waits in which window, and what it would say."""

from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy import Connection

from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.store import briefs, reading
from alertsvc.store.briefs import Waiting
from alertsvc.store.bulk import AnyRow
from alertsvc.web import asking
from alertsvc.web.access import needs
from alertsvc.web.problems import Problem
from alertsvc.web.views import DigestPageView, DigestPreview, DigestView, IncidentView


@get("/", guards=[needs("read")])
async def list_digests(
    service: NamedDependency[Service],
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> DigestPageView:
    """The latest first; `state` is open, sent or empty."""
    if in_state not in {None, "open", "sent", "empty"}:
        raise Problem(400, "bad-state", f"state: {in_state!r} is not one of open, sent, empty")
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)
    rows = await service.database.snapshot(lambda conn: reading.digest_page(conn, in_state, after, most))
    following = rows[-1].id if len(rows) == most else None
    return DigestPageView(items=[DigestView.of(row) for row in rows], next_cursor=asking.cursor_of(following))


@get("/{digest_id:uuid}/preview", guards=[needs("read")])
async def preview_digest(digest_id: FromPath[UUID], service: NamedDependency[Service]) -> DigestPreview:
    """What it would say if it were sent now, by destination: the gravest incidents, as many as a digest lists."""

    def read(conn: Connection) -> tuple[AnyRow | None, Waiting]:
        return reading.digest_by_id(conn, digest_id), briefs.waiting_in(conn, digest_id)

    window, waiting = await service.database.snapshot(read)
    if window is None:
        raise UnknownThingError(f"digest {digest_id}")
    by_destination: dict[str, list[IncidentView]] = {}
    for destination, incident in waiting.incidents:
        by_destination.setdefault(destination, []).append(IncidentView.of(incident))
    shown = DigestView(**{name: getattr(window, name) for name in DigestView.model_fields if name != "incident_count"})
    shown.incident_count = waiting.incident_count
    return DigestPreview(digest=shown, destinations=by_destination)


ROUTER = Router("/api/v1/digests", route_handlers=[list_digests, preview_digest], tags=["digests"])
