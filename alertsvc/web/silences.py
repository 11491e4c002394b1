"""Silences: list, look at, foresee, make, change, end."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Connection

from alertsvc.core.route import Matcher
from alertsvc.core.silences import SilenceState
from alertsvc.engine import silence_orders, silencing
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.engine.silence_pages import ANY_STATE, SilenceFilter, SilencePage, silence_page
from alertsvc.engine.silencing import Wanted
from alertsvc.matchers import MatcherError
from alertsvc.store import silences
from alertsvc.store.silences import SilenceRecord
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.problems import Problem
from alertsvc.web.silence_requests import Context, matchers_of, silence_record
from alertsvc.web.silence_views import (
    ExpireRequest,
    ExtendRequest,
    ReachView,
    ShownSilence,
    SilencePageView,
    SilenceRequest,
    SilenceView,
)

Asked = Request[Caller, Any, Any]


@get("/", guards=[needs("read")])
async def list_silences(
    service: NamedDependency[Service],
    in_state: Annotated[list[str] | None, QueryParameter(name="state")] = None,
    filter: FromQuery[list[str] | None] = None,  # noqa: A002  # the name Alertmanager's API gives it
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> SilencePageView:
    """The newest first. `state` is of active, pending, expired; `filter` takes matchers that a silence must have."""
    wanted = SilenceFilter(_states(in_state), _filter(filter or []))
    after, most, now = asking.after_cursor(cursor), asking.limit_of(limit), service.clock()

    def read(conn: Connection) -> SilencePage:
        return silence_page(conn, wanted, now, after, most)

    page = await service.database.snapshot(read)
    items = [SilenceView.of(record, now) for record in page.items]
    return SilencePageView(items=items, next_cursor=asking.cursor_of(page.next_after))


def _states(words: list[str] | None) -> frozenset[SilenceState]:
    unknown = [word for word in words or [] if word not in ANY_STATE]
    if unknown:
        raise Problem(400, "bad-state", f"state: {unknown[0]!r} is not one of active, pending, expired")
    return frozenset(SilenceState(word) for word in words) if words else ANY_STATE


def _filter(texts: list[str]) -> list[Matcher]:
    try:
        return [matcher for text in texts for matcher in asking.matchers_in(text)]
    except MatcherError as fault:
        raise Problem(400, "bad-matcher", f"filter: {fault}") from None


@get("/{silence_id:uuid}", guards=[needs("read")])
async def show_silence(silence_id: FromPath[UUID], service: NamedDependency[Service]) -> ShownSilence:
    """One silence, and what it has hidden so far."""
    return ShownSilence.about(await silence_orders.show(service, silence_id), service.clock())


@post("/preview", status_code=200, guards=[needs("read")])
async def preview_silence(data: JSONBody[SilenceRequest], service: NamedDependency[Service]) -> ReachView:
    """What a silence with these matchers would hide right now. Nothing is made."""
    matchers = tuple((each.name, str(each.op), each.value) for each in matchers_of(data))
    now = service.clock()
    record = SilenceRecord(service.new_id(), matchers, now, now, "", "", now, now)
    return ReachView.of(await silence_orders.foresee(service, record))


@post(
    "/",
    guards=[needs("act")],
    responses={200: ResponseSpec(ReachView, generate_examples=False, description="`dry_run=true`: none is made")},
)
async def create_silence(
    data: JSONBody[SilenceRequest],
    request: Asked,
    service: NamedDependency[Service],
    dry_run: FromQuery[bool] = False,
) -> Response[SilenceView | ReachView]:
    """Make a silence. 422: what is wrong with it, field by field. `dry_run=true`: what it would hide; none is made."""
    record = silence_record(data, _context(service, request))
    if dry_run:
        silencing.check(record, service.clock(), service.tuning.longest_silence)
        return Response(ReachView.of(await silence_orders.foresee(service, record)), status_code=200)
    made = await silence_orders.make(
        service, Wanted(record, longest=service.tuning.longest_silence, by=request.user.name)
    )
    return Response(SilenceView.of(made, service.clock()), status_code=201)


def _context(service: Service, request: Asked, before: SilenceRecord | None = None) -> Context:
    return Context(service.clock(), service.new_id(), request.user.name, before)


@put("/{silence_id:uuid}", guards=[needs("act")])
async def change_silence(
    silence_id: FromPath[UUID], data: JSONBody[SilenceRequest], request: Asked, service: NamedDependency[Service]
) -> SilenceView:
    """Change it. The answer's `id` is the one in force then: what fits something else is another silence."""
    before = await service.database.snapshot(lambda conn: silences.by_id(conn, silence_id))
    if before is None:
        raise UnknownThingError(f"silence {silence_id}")
    record = silence_record(data, _context(service, request, before))
    by = data.created_by or request.user.name
    made = await silence_orders.make(service, Wanted(record, silence_id, service.tuning.longest_silence, by))
    return SilenceView.of(made, service.clock())


@post("/{silence_id:uuid}/extend", status_code=200, guards=[needs("act")])
async def extend_silence(
    silence_id: FromPath[UUID], data: JSONBody[ExtendRequest], request: Asked, service: NamedDependency[Service]
) -> SilenceView:
    """Let it end later. 409: it has ended, or has no end."""
    by = data.by or request.user.name
    return SilenceView.of(await silence_orders.extend(service, silence_id, data.duration, by), service.clock())


@post("/{silence_id:uuid}/expire", status_code=200, guards=[needs("act")])
async def expire_silence(
    silence_id: FromPath[UUID],
    request: Asked,
    service: NamedDependency[Service],
    data: JSONBody[ExpireRequest | None] = None,
) -> SilenceView:
    """End it now. Again: nothing changes."""
    by = (data.by if data else None) or request.user.name
    return SilenceView.of(await silence_orders.expire(service, silence_id, by), service.clock())


@delete("/{silence_id:uuid}", status_code=200, guards=[needs("act")])
async def delete_silence(silence_id: FromPath[UUID], request: Asked, service: NamedDependency[Service]) -> SilenceView:
    """End it now, as expire does. What it hid stays known."""
    return SilenceView.of(await silence_orders.expire(service, silence_id, request.user.name), service.clock())


ROUTER = Router(
    "/api/v1/silences",
    route_handlers=[
        list_silences,
        show_silence,
        preview_silence,
        create_silence,
        change_silence,
        extend_silence,
        expire_silence,
        delete_silence,
    ],
    tags=["silences"],
)
