"""Incidents: list, show, and what people do to them."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Connection, Table

from alertsvc.core.incidents import Incident
from alertsvc.core.route import Matcher
from alertsvc.engine import commands
from alertsvc.engine.backdrop import backdrop_of
from alertsvc.engine.commands import Decide, Order, UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.matchers import MatcherError
from alertsvc.quoting import quoted
from alertsvc.store import reading
from alertsvc.store.reading import DeliveryFilter, IncidentFilter
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.deliveries import delivery_views
from alertsvc.web.incident_views import IncidentDetailView
from alertsvc.web.problems import Problem
from alertsvc.web.views import (
    ActRequest,
    AlertPageView,
    AlertView,
    CommentRequest,
    DeliveryPageView,
    HistoryPageView,
    HistoryView,
    IncidentPageView,
    IncidentView,
    NotificationPageView,
    NotificationView,
)

Asked = Request[Caller, Any, Any]


@get("/", guards=[needs("read")])
async def list_incidents(
    *,
    service: NamedDependency[Service],
    status: FromQuery[list[str] | None] = None,
    severity: FromQuery[list[str] | None] = None,
    model: FromQuery[str | None] = None,
    environment: FromQuery[str | None] = None,
    q: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    filter: FromQuery[list[str] | None] = None,  # noqa: A002  # the name Alertmanager's API gives it
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> IncidentPageView:
    """The newest first. `filter` takes Alertmanager matchers, all of which must fit one of the incident's alerts."""
    statuses = _statuses(status)
    wanted = IncidentFilter(
        statuses=statuses,
        severities=asking.severities_of(severity),
        model=model,
        environment=environment,
        words=q,
        since=asking.aware("since", since),
        until=asking.aware("until", until),
        matchers=_matchers(filter or []),
    )
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)
    page = await service.database.snapshot(lambda conn: reading.incident_page(conn, wanted, after, most))
    items = [IncidentView.of(each) for each in page.items]
    return IncidentPageView(items=items, next_cursor=asking.cursor_of(page.next_after))


def _statuses(words: list[str] | None) -> list[str]:
    found: list[str] = []
    for word in words or []:
        if word == "open":
            found += ["firing", "acknowledged"]
        elif word in {"firing", "acknowledged", "resolved"}:
            found.append(word)
        else:
            raise Problem(400, "bad-status", f"status: {word!r} is not one of open, firing, acknowledged, resolved")
    return found


def _matchers(texts: list[str]) -> list[Matcher]:
    found: list[Matcher] = []
    for text in texts:
        try:
            matchers = asking.matchers_in(text)
        except MatcherError as fault:
            told = f"filter: {quoted(text)}: {fault} (at character {fault.offset + 1})"
            raise Problem(400, "bad-matcher", told) from None
        if not matchers:
            raise Problem(400, "bad-matcher", f'filter: {quoted(text)} has no matcher such as severity="critical"')
        found += matchers
    return found


@get(
    "/{reference:str}",
    guards=[needs("read")],
    responses={304: ResponseSpec(None, description="It is as If-None-Match says")},
)
async def show_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service]
) -> Response[IncidentDetailView | None]:
    """One incident, by number or id, with its version as ETag. 304: If-None-Match names it."""
    key = await asking.incident_id(service, reference)

    def read(conn: Connection) -> tuple[int, IncidentDetailView | None]:
        found = reading.incident_by_id(conn, key)
        if found is None:
            raise UnknownThingError(f"incident {reference!r}")
        if asking.has_current(request, found.version):
            return found.version, None
        return found.version, IncidentDetailView.about(found, backdrop_of(conn, found))

    version, shown = await service.database.snapshot(read)
    return Response(shown, status_code=304 if shown is None else 200, headers={"ETag": asking.etag(version)})


def _shown(incident: Incident) -> Response[IncidentView]:
    return Response(IncidentView.of(incident), headers={"ETag": asking.etag(incident.version)})


async def _rows(
    service: Service, reference: str, table: Table, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    key = await asking.incident_id(service, reference)
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)

    def read(conn: Connection) -> reading.Page:
        if reading.incident_by_id(conn, key) is None:
            raise UnknownThingError(f"incident {reference!r}")
        return reading.rows_of_incident(conn, table, key, after, most)

    page = await service.database.snapshot(read)
    return list(page.items), asking.cursor_of(page.next_after)


@get("/{reference:str}/history", guards=[needs("read")])
async def incident_history(
    reference: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = 200,
    cursor: FromQuery[str | None] = None,
) -> HistoryPageView:
    """Everything that happened to it, the oldest first."""
    rows, following = await _rows(service, reference, reading.HISTORY, cursor, limit)
    return HistoryPageView(items=[HistoryView.of(row) for row in rows], next_cursor=following)


@get("/{reference:str}/alerts", guards=[needs("read")])
async def incident_alerts(
    reference: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = 200,
    cursor: FromQuery[str | None] = None,
) -> AlertPageView:
    """Its alerts, firing and ended."""
    rows, following = await _rows(service, reference, reading.ALERTS, cursor, limit)
    return AlertPageView(items=[AlertView.of(row) for row in rows], next_cursor=following)


@get("/{reference:str}/notifications", guards=[needs("read")])
async def incident_notifications(
    reference: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = 200,
    cursor: FromQuery[str | None] = None,
) -> NotificationPageView:
    """Who was to be told what, why, and how it ended."""
    rows, following = await _rows(service, reference, reading.NOTIFICATIONS, cursor, limit)
    return NotificationPageView(items=[NotificationView.of(row) for row in rows], next_cursor=following)


@get("/{reference:str}/deliveries", guards=[needs("read")])
async def incident_deliveries(
    reference: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> DeliveryPageView:
    """The messages about it, with every try."""
    key = await asking.incident_id(service, reference)
    return await delivery_views(service, DeliveryFilter(incident_id=key), cursor, limit)


async def _act(service: Service, request: Asked, reference: str, asked: ActRequest, decide: Decide) -> Incident:
    key = await asking.incident_id(service, reference)
    order = Order(key, asking.actor_of(request, asked.by, asked.comment), asking.wanted_version(request))
    done = await commands.carry_out(service.database, order, decide, service.moment())
    service.something_is_due()
    return done


Acting = JSONBody[ActRequest | None]


@post("/{reference:str}/acknowledge", status_code=200, guards=[needs("act")])
async def acknowledge_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service], data: Acting = None
) -> Response[IncidentView]:
    """Take it: repeats stop. Again: nothing changes. 409: it is resolved."""
    return _shown(await _act(service, request, reference, data or ActRequest(), commands.acknowledge))


@post("/{reference:str}/unacknowledge", status_code=200, guards=[needs("act")])
async def unacknowledge_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service], data: Acting = None
) -> Response[IncidentView]:
    """Give it back: it wants attention again. 409: it is resolved."""
    return _shown(await _act(service, request, reference, data or ActRequest(), commands.unacknowledge))


@post("/{reference:str}/resolve", status_code=200, guards=[needs("act")])
async def resolve_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service], data: Acting = None
) -> Response[IncidentView]:
    """Say that it is over. Whoever was told that it fires is told that it ended."""
    return _shown(await _act(service, request, reference, data or ActRequest(), commands.resolve))


@post("/{reference:str}/reopen", status_code=200, guards=[needs("act")])
async def reopen_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service], data: Acting = None
) -> Response[IncidentView]:
    """Say that it is not over. 409: the same problem has another open incident."""
    return _shown(await _act(service, request, reference, data or ActRequest(), commands.reopen))


@post("/{reference:str}/comments", status_code=201, guards=[needs("act")])
async def comment_on_incident(
    reference: FromPath[str], request: Asked, service: NamedDependency[Service], data: JSONBody[CommentRequest]
) -> Response[IncidentView]:
    """Write a line into its timeline."""
    asked = ActRequest(comment=data.comment, by=data.by)
    done = await _act(service, request, reference, asked, commands.comment)
    return Response(IncidentView.of(done), status_code=201, headers={"ETag": asking.etag(done.version)})


ROUTER = Router(
    "/api/v1/incidents",
    route_handlers=[
        list_incidents,
        show_incident,
        incident_history,
        incident_alerts,
        incident_notifications,
        incident_deliveries,
        acknowledge_incident,
        unacknowledge_incident,
        resolve_incident,
        reopen_incident,
        comment_on_incident,
    ],
    tags=["incidents"],
)
