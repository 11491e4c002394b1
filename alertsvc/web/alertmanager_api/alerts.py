"""Alerts: taken from Prometheus, and listed."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Stream

from alertsvc.engine.service import Service
from alertsvc.engine.standing import Standing
from alertsvc.ingest import alertmanager_api
from alertsvc.ingest.alertmanager_api import SOURCE, Reading
from alertsvc.ingest.parsed import BadPayloadError, Parsed
from alertsvc.web.access import Caller, needs
from alertsvc.web.alertmanager_api.filters import Filter, parse_filter
from alertsvc.web.alertmanager_api.reading import pages
from alertsvc.web.alertmanager_api.shapes import gettable_alert, listed_in_json
from alertsvc.web.hooks import read_counted, refused, submission_of, take_in
from alertsvc.web.problems import Problem

Asked = Request[Caller, Any, Any]
MOST_REASONS = 20


@post("/alerts", status_code=200, guards=[needs("ingest")], request_max_body_size=None)
async def post_alerts(request: Asked, service: NamedDependency[Service]) -> Response[bytes]:
    """200: every alert in it is on durable storage. 400: what could be used is, the rest is in quarantine.

    503 for overload and a database that is down: Prometheus drops what was refused, whatever the status, and posts all
    that fires again after a minute (`--rules.alert.resend-delay`), and what ended for a quarter of an hour. So nothing
    is lost that lasts for longer.
    """
    body = await read_counted(request, service, SOURCE)
    try:
        parsed = alertmanager_api.parse(
            body, Reading(service.clock(), service.tuning.resolve_timeout, service.rules.severities)
        )
    except BadPayloadError as fault:
        raise refused(service, SOURCE, fault) from None
    submission = submission_of(service, SOURCE, body, parsed, sender=request.user.name)
    await take_in(service, SOURCE, submission, answered=400 if parsed.bad else 200)
    if parsed.bad:
        raise Problem(400, "bad-payload", _reasons(parsed))
    return Response(b"", status_code=200, media_type=MediaType.JSON)


def _reasons(parsed: Parsed) -> str:
    listed = [f"alert {item.index}: {item.reason}" for item in parsed.bad[:MOST_REASONS]]
    more = [f"and {len(parsed.bad) - MOST_REASONS} more"] if len(parsed.bad) > MOST_REASONS else []
    return "\n".join(listed + more)


@get("/alerts", guards=[needs("read")])
async def get_alerts(
    service: NamedDependency[Service],
    *,
    active: FromQuery[bool] = True,
    silenced: FromQuery[bool] = True,
    inhibited: FromQuery[bool] = True,
    unprocessed: FromQuery[bool] = True,  # noqa: ARG001  # everything is processed by the time it is stored
    filter: FromQuery[list[str] | None] = None,  # noqa: A002  # Alertmanager's name
    receiver: FromQuery[str | None] = None,
    receiver_matchers: FromQuery[list[str] | None] = None,
) -> Stream:
    """Everything that fires, by fingerprint. It is sent as it is read, so that its length does not matter."""
    wanted = parse_filter(filter, receiver, receiver_matchers, active=active, silenced=silenced, inhibited=inhibited)
    found = pages(service, wanted)
    first = await anext(found)  # a database that is down is an answer of its own, not half of one
    return Stream(_json(service, wanted, first, found), media_type=MediaType.JSON)


async def _json(
    service: Service, wanted: Filter, first: list[Standing], following: AsyncIterator[list[Standing]]
) -> AsyncIterator[bytes]:
    yield b"["
    comma = b""
    page: list[Standing] | None = first
    while page is not None:
        now = service.clock()
        chosen = [each for each in page if any(wanted.takes_route(route) for route in each.routes)]
        if chosen:
            shapes = (gettable_alert(each, now, service.tuning.resolve_timeout) for each in chosen)
            yield comma + listed_in_json(shapes)
            comma = b","
        page = await anext(following, None)
    yield b"]\n"


HANDLERS = [post_alerts, get_alerts]
