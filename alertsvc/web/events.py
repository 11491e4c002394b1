"""The door for people's own code: direct events."""

from typing import Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from alertsvc import failpoints
from alertsvc.core.alerts import Change
from alertsvc.core.decide import correlation_for
from alertsvc.core.model import AlertState, Event
from alertsvc.core.rules import Rules
from alertsvc.core.subscribers import event_labels
from alertsvc.engine.admit import ItemResult, Receipt, Submission
from alertsvc.engine.service import Service
from alertsvc.ingest import events
from alertsvc.ingest.events import ParsedEvents
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.web.access import Caller, needs
from alertsvc.web.hooks import read_counted, refused, take_in
from alertsvc.web.ingest_views import DryRunAnswer, EventItem, EventsAnswer, ForeseenItem, RejectedItem, summary
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
    """One event, a list, or `{"events": [...]}`. 202: what was not refused is on durable storage, item by item.

    With `Idempotency-Key` a request is taken once. `dry_run=true` decides and routes, and stores and sends nothing.
    """
    key = idempotency_key(request)
    body = await read_counted(request, service, events.SOURCE)
    failpoints.reach("events.body")
    try:
        parsed = events.parse(body, service.clock(), service.rules.severities)
    except BadPayloadError as fault:
        raise refused(service, events.SOURCE, fault) from None
    if parsed.refused and not parsed.events:
        raise _all_refused(service, parsed)
    if dry_run:
        return Response(_foretold(parsed, service.rules), status_code=200)
    submission = Submission(
        id=service.new_id(),
        source=events.SOURCE,
        received_at=service.clock(),
        events=[event for _, event in parsed.events],
        body=body,
        sender=request.user.name,
        idempotency_key=f"{request.user.name}:{key}" if key else None,
    )
    receipt = await take_in(service, events.SOURCE, submission)
    if receipt.key_was_used:
        raise Problem(422, "idempotency-key-reused", "Idempotency-Key: it came with another body before")
    _count_rejected(service, parsed)
    return Response(_told(parsed, receipt), status_code=202)


def idempotency_key(request: Asked) -> str | None:
    """The sender's name for its request.

    Raises:
        Problem: 400, it is empty or too long.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_CHARS:
        raise Problem(400, "bad-idempotency-key", f"Idempotency-Key: 1 to {MAX_KEY_CHARS} characters")
    return key


def _all_refused(service: Service, parsed: ParsedEvents) -> Problem:
    service.metrics.ingest_requests.labels(events.SOURCE, "422").inc()
    _count_rejected(service, parsed)
    errors = [{"pointer": item.pointer, "message": item.reason} for item in parsed.refused[:MOST_ERRORS]]
    return Problem(422, "invalid-event", parsed.refused[0].reason, errors=errors)


def _count_rejected(service: Service, parsed: ParsedEvents) -> None:
    service.metrics.ingest_events.labels(events.SOURCE, "rejected").inc(len(parsed.refused))


def _rejected(parsed: ParsedEvents) -> list[RejectedItem]:
    return [
        {"index": item.index, "state": "rejected", "error": item.reason, "pointer": item.pointer}
        for item in parsed.refused
    ]


def _place(item: EventItem | ForeseenItem | RejectedItem) -> int:
    return item["index"]


def _told(parsed: ParsedEvents, receipt: Receipt) -> EventsAnswer:
    items = [
        _became(index, event, key, result, receipt)
        for (index, event), key, result in zip(parsed.events, parsed.keys, receipt.items, strict=True)
    ]
    return {
        **summary(receipt),
        "rejected": len(parsed.refused),
        "items": sorted([*items, *_rejected(parsed)], key=_place),
    }


def _foretold(parsed: ParsedEvents, rules: Rules) -> DryRunAnswer:
    items = [
        _foreseen(index, event, key, rules) for (index, event), key in zip(parsed.events, parsed.keys, strict=True)
    ]
    return {"dry_run": True, "items": sorted([*items, *_rejected(parsed)], key=_place)}


def _became(index: int, event: Event, key: str, result: ItemResult, receipt: Receipt) -> EventItem:
    number = receipt.numbers.get(result.incident_id) if result.incident_id else None
    item: EventItem = {
        "index": index,
        "event_id": event.event_id,
        "dedup_key": key,
        "fingerprint": result.fingerprint,
        "duplicate": result.change is Change.DUPLICATE,
        "state": _state(result),
        "severity": result.severity.word,
        "decided_by": result.decided_by,
        "incident": None if number is None else {"id": str(result.incident_id), "number": number},
    }
    if result.failure:
        item["error"] = result.failure
    return item


def _state(result: ItemResult) -> str:
    if result.failure is not None:
        return "error"
    if result.state is None:
        return "recorded"
    if result.state is AlertState.FIRING:
        return "firing"
    return "resolved" if result.change is Change.ENDED else "ok"


def _foreseen(index: int, event: Event, key: str, rules: Rules) -> ForeseenItem:
    """What would happen to an event, and where news of it would go."""
    routes = rules.routing.routes_for(event_labels(event)) if event.state is AlertState.FIRING else ()
    return {
        "index": index,
        "event_id": event.event_id,
        "dedup_key": key,
        "fingerprint": event.fingerprint,
        "state": event.state or "recorded",
        "severity": event.severity.word,
        "decided_by": event.decided_by,
        "labels": dict(event.labels),
        "correlation": dict(correlation_for(rules, event).labels),
        "routes": [
            {
                "route": route.path,
                "receiver": route.receiver,
                "deliver": route.deliver[event.severity],
                "destinations": [each.id for each in rules.receivers[route.receiver]],
            }
            for route in routes
        ],
    }


ROUTER = Router("/api/v1", route_handlers=[post_events])
