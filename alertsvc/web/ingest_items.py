"""What is answered of each event of a request: what became of it, or would."""

from dataclasses import replace

from alertsvc.core.alerts import Change
from alertsvc.core.decide import correlation_for
from alertsvc.core.model import AlertState, Event
from alertsvc.core.rules import Rules
from alertsvc.core.subscribers import event_labels
from alertsvc.core.thresholds.words import BECAUSE, RULE
from alertsvc.engine import judging
from alertsvc.engine.receipts import ItemResult, Receipt
from alertsvc.engine.service import Service
from alertsvc.ingest.events import ParsedEvents
from alertsvc.web.ingest_views import DryRunAnswer, EventItem, EventsAnswer, ForeseenItem, RejectedItem, summary


def _rejected(parsed: ParsedEvents) -> list[RejectedItem]:
    return [
        {"index": item.index, "state": "rejected", "error": item.reason, "pointer": item.pointer}
        for item in parsed.refused
    ]


def _place(item: EventItem | ForeseenItem | RejectedItem) -> int:
    return item["index"]


def told(parsed: ParsedEvents, receipt: Receipt) -> EventsAnswer:
    """What became of a request that is durable, item by item."""
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
    """What would become of a request, item by item."""
    items = [
        _foreseen(index, event, key, rules) for (index, event), key in zip(parsed.events, parsed.keys, strict=True)
    ]
    return {"dry_run": True, "items": sorted([*items, *_rejected(parsed)], key=_place)}


async def foreseen(service: Service, parsed: ParsedEvents) -> DryRunAnswer:
    """The same of what would be judged by what was measured before. Nothing is kept."""
    moment = service.moment()
    given = [event for _, event in parsed.events]
    judged = await service.database.snapshot(lambda conn: judging.foreseen(conn, given, moment))
    events = tuple((index, event) for (index, _), event in zip(parsed.events, judged, strict=True))
    return _foretold(replace(parsed, events=events), moment.rules)


def _became(index: int, event: Event, key: str, result: ItemResult, receipt: Receipt) -> EventItem:
    number = receipt.numbers.get(result.incident_id) if result.incident_id else None
    item: EventItem = {
        "index": index,
        "event_id": event.event_id,
        "dedup_key": key,
        "fingerprint": result.fingerprint,
        "duplicate": result.change is Change.DUPLICATE,
        "state": state_of(result),
        "severity": result.severity.word,
        "decided_by": result.decided_by,
        "incident": None if number is None else {"id": str(result.incident_id), "number": number},
    }
    if result.rule:
        item["rule"] = result.rule
    if result.because:
        item["because"] = result.because
    if result.failure:
        item["error"] = result.failure
    return item


def state_of(result: ItemResult) -> str:
    """What became of an event, in a word."""
    if result.failure is not None:
        return "error"
    if result.state is None:
        return "pending" if result.is_pending else "recorded"
    if result.state is AlertState.FIRING:
        return "firing"
    return "resolved" if result.change is Change.ENDED else "ok"


def _foreseen(index: int, event: Event, key: str, rules: Rules) -> ForeseenItem:
    """What would happen to an event, and where news of it would go."""
    routes = rules.routing.routes_for(event_labels(event)) if event.state is AlertState.FIRING else ()
    item: ForeseenItem = {
        "index": index,
        "event_id": event.event_id,
        "dedup_key": key,
        "fingerprint": event.fingerprint,
        "state": event.state or ("pending" if event.is_pending else "recorded"),
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
    if event.observation is not None and RULE in event.annotations:
        item["rule"] = event.annotations[RULE]
    if event.observation is not None and BECAUSE in event.annotations:
        item["because"] = event.annotations[BECAUSE]
    return item
