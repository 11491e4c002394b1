"""The door for people's own code: direct events."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from alertsvc import failpoints
from alertsvc.engine.service import Service
from alertsvc.engine.submissions import Refused, Submission
from alertsvc.ingest import cloudevents, events
from alertsvc.ingest.events import ParsedEvents
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.web.access import Caller, needs
from alertsvc.web.hooks import read_counted, refused, take_in
from alertsvc.web.ingest_items import foreseen, told
from alertsvc.web.ingest_views import DryRunAnswer, EventsAnswer
from alertsvc.web.problems import Problem

Asked = Request[Caller, Any, Any]
MAX_KEY_CHARS = 255
MOST_ERRORS = 100


@post(
    "/events",
    status_code=202,
    guards=[needs("ingest")],
    request_max_body_size=None,
    tags=["ingest"],
    responses={200: ResponseSpec(DryRunAnswer, generate_examples=False, description="`dry_run=true`: nothing is kept")},
)
async def post_events(
    request: Asked, service: NamedDependency[Service], dry_run: FromQuery[bool] = False
) -> Response[EventsAnswer | DryRunAnswer]:
    """One event, a list, or `{"events": [...]}`. 202: all of it is on durable storage, item by item.

    What is refused among others waits in the quarantine. 422: nothing could be used, and nothing is kept.
    CloudEvents 1.0 are taken in all three modes: their `source` and `id` are the `event_id`, `time` is `observed_at`.
    With `Idempotency-Key` a request is taken once. `dry_run=true` decides and routes, and stores and sends nothing.
    """
    key = idempotency_key(request)
    body = await read_counted(request, service, events.SOURCE)
    failpoints.reach("events.body")
    try:
        attributes = cloudevents.attributes_in(request.headers)
        rules = service.rules
        parsed = events.parse(body, service.clock(), rules.severities, attributes, thresholds=rules.thresholds)
    except BadPayloadError as fault:
        raise refused(service, events.SOURCE, fault) from None
    if parsed.refused and not parsed.events:
        raise all_refused(service, events.SOURCE, parsed)
    if dry_run:
        return Response(await foreseen(service, parsed), status_code=200)
    submission = Submission(
        id=service.new_id(),
        source=events.SOURCE,
        received_at=service.clock(),
        events=[event for _, event in parsed.events],
        body=body,
        refused=[Refused(item.index, item.reason, item.raw or body) for item in parsed.refused],
        sender=request.user.name,
        idempotency_key=f"{request.user.name}:{key}" if key else None,
    )
    receipt = await take_in(service, events.SOURCE, submission)
    if receipt.key_was_used:
        raise Problem(422, "idempotency-key-reused", "Idempotency-Key: it came with another body before")
    return Response(told(parsed, receipt), status_code=202)


def idempotency_key(request: Asked) -> str | None:
    """The sender's name for its request.

    Raises:
        Problem: 400, it is empty or too long.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_CHARS:
        raise Problem(400, "bad-idempotency-key", f"Idempotency-Key: 1 to {MAX_KEY_CHARS} characters")
    return key


def all_refused(service: Service, source: str, parsed: ParsedEvents) -> Problem:
    """422: not one of the events of a request was taken. They are counted."""
    service.metrics.ingest_requests.labels(source, "422").inc()
    service.metrics.ingest_events.labels(source, "rejected").inc(len(parsed.refused))
    errors = [{"pointer": item.pointer, "message": item.reason} for item in parsed.refused[:MOST_ERRORS]]
    return Problem(422, "invalid-event", parsed.refused[0].reason, errors=errors)


ROUTER = Router("/api/v1", route_handlers=[post_events])
