"""What the doors of ingest answer. Plain dicts with known keys: these answers are made for every request."""

from typing import Literal, NotRequired, TypedDict

from alertsvc.engine.receipts import Receipt

SHOWN_INCIDENTS = 100


class IncidentName(TypedDict):
    """An incident: its `number` is what people call it by."""

    id: str
    number: int


class IngestAnswer(TypedDict):
    """How many of what there were, and in which incidents: the first 100 of `incident_count`."""

    accepted: int
    new: int
    updated: int
    duplicate: int
    stale: int
    recorded: int
    quarantined: int
    incidents: list[IncidentName]
    incident_count: int


class EventItem(TypedDict):
    """What became of an event: `state` is firing, resolved, ok, pending, recorded, or with an `error` error.

    `rule` is the entry of the file of thresholds that decided, or said how bad it is; `because` the reason in words.

    An event with this `dedup_key` reaches the same alert. `fingerprint` is how an incident's alerts name it.
    """

    index: int
    event_id: str | None
    dedup_key: str
    fingerprint: str
    duplicate: bool
    state: str
    severity: str
    decided_by: str
    incident: IncidentName | None
    rule: NotRequired[str]
    because: NotRequired[str]
    error: NotRequired[str]


class RejectedItem(TypedDict):
    """An event that could not be used, and waits in the quarantine.

    `pointer` says, as RFC 6901 writes it, where in the body the `error` is.
    """

    index: int
    state: Literal["rejected"]
    error: str
    pointer: str


class EventsAnswer(IngestAnswer):
    """What became of a request and of each of its events, in their order.

    `rejected` is how many were refused for what they say: they are among `accepted`, and of a request that is taken for
    the first time among `quarantined`.
    """

    rejected: int
    items: list[EventItem | RejectedItem]


class ToolAnswer(EventsAnswer):
    """The same of a tool's report. `deployments` is how many things that happened to models it told of.

    `notes` say what to know of the report as a whole, such as that there is no verdict in it.
    """

    deployments: int
    notes: list[str]


class ForeseenRoute(TypedDict):
    """Where news of an event would go, and how."""

    route: str
    receiver: str
    deliver: str
    destinations: list[str]


class ForeseenItem(TypedDict):
    """What would become of an event; `dedup_key` and `fingerprint` as in what became of one."""

    index: int
    event_id: str | None
    dedup_key: str
    fingerprint: str
    state: str
    severity: str
    decided_by: str
    rule: NotRequired[str]
    because: NotRequired[str]
    labels: dict[str, str]
    correlation: dict[str, str]
    routes: list[ForeseenRoute]


class DryRunAnswer(TypedDict):
    """What would become of each event, in their order. Nothing was stored or sent."""

    dry_run: Literal[True]
    items: list[ForeseenItem | RejectedItem]


def summary(receipt: Receipt) -> IngestAnswer:
    """The small, complete answer to a request."""
    counts = receipt.counts
    named = receipt.incidents
    return {
        "accepted": counts.total,
        "new": counts.new,
        "updated": counts.updated,
        "duplicate": counts.duplicate,
        "stale": counts.stale,
        "recorded": counts.recorded,
        "quarantined": counts.quarantined,
        "incidents": [{"id": str(key), "number": number} for key, number in named[:SHOWN_INCIDENTS]],
        "incident_count": len(named),
    }
