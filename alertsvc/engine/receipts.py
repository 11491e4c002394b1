"""What became of a request of ingest: of each item, in counts for its sender, and as the ledger has it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from alertsvc.clock import NewId
from alertsvc.core.alerts import Change
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.thresholds.words import BECAUSE, RULE
from alertsvc.engine.submissions import Submission
from alertsvc.store.arrivals import ArrivalRecord, BadItemRecord, Counts

NEW = frozenset({Change.OPENED, Change.REFIRED, Change.REOPENED, Change.ENDED_UNSEEN})


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one event. `change` is None when it was recorded only, or could not be applied.

    `is_pending`: it will fire if it lasts. `rule` is the entry of the file of thresholds that had a say, and
    `because` says why.
    """

    fingerprint: str
    change: Change | None
    state: AlertState | None
    severity: Severity
    decided_by: str
    incident_id: UUID | None
    failure: str | None = None
    is_pending: bool = False
    rule: str | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request: durable once this exists. `items` follow the order of its events.

    `numbers` are those of the incidents that they stand in, by id.
    `key_was_used`: its idempotency key came with another body before, and nothing of it was taken.
    """

    arrival_id: UUID
    counts: Counts
    items: Sequence[ItemResult] = field(default_factory=tuple[ItemResult, ...])
    key_was_used: bool = False
    numbers: Mapping[UUID, int] = field(default_factory=dict[UUID, int])

    @property
    def incident_ids(self) -> list[UUID]:
        """The incidents its events stand in, each once, in order of appearance."""
        return list(dict.fromkeys(item.incident_id for item in self.items if item.incident_id))

    @property
    def incidents(self) -> list[tuple[UUID, int]]:
        """The same, each with its number."""
        return [(key, self.numbers[key]) for key in self.incident_ids if key in self.numbers]


def result_of(event: Event, change: Change | None, incident_id: UUID | None) -> ItemResult:
    """What became of an event that was taken. `change` is what it did to its alert, `incident_id` where that stands."""
    recorded = event.state is None
    return ItemResult(
        fingerprint=event.fingerprint,
        change=None if recorded else change,
        state=event.state,
        severity=event.severity,
        decided_by=event.decided_by,
        incident_id=None if recorded else incident_id,
        is_pending=event.is_pending,
        rule=event.annotations.get(RULE) if event.observation else None,
        because=event.annotations.get(BECAUSE) if event.observation else None,
    )


def failed(event: Event, reason: str) -> ItemResult:
    """An event that could not be applied."""
    return ItemResult(event.fingerprint, None, event.state, event.severity, event.decided_by, None, reason)


def receipts_of(
    submissions: Sequence[Submission], results: Sequence[ItemResult], repeated: Collection[UUID]
) -> list[Receipt]:
    """The receipts of requests, from the results of all their events in their order. No incident has a number yet.

    What was refused of one that is `repeated` is in the quarantine already.
    """
    receipts: list[Receipt] = []
    start = 0
    for each in submissions:
        items = results[start : start + len(each.events)]
        start += len(each.events)
        counts = counted(items, 0 if each.id in repeated else len(each.refused))
        counts.duplicate += len(each.refused) if each.id in repeated else 0
        receipts.append(Receipt(each.id, counts, items))
    return receipts


def counted(items: Iterable[ItemResult], refused_count: int) -> Counts:
    """How many of the items of a request came to what."""
    counts = Counts(quarantined=refused_count)
    for item in items:
        if item.failure is not None:
            counts.quarantined += 1
        elif item.change is None:
            counts.recorded += 1
        elif item.change is Change.DUPLICATE:
            counts.duplicate += 1
        elif item.change is Change.STALE:
            counts.stale += 1
        elif item.change in NEW:
            counts.new += 1
        else:
            counts.updated += 1
    return counts


def record_of(each: Submission, counts: Counts, new_id: NewId) -> ArrivalRecord:
    """A request as the ledger has it, with what of it goes into the quarantine."""
    bad = [BadItemRecord(new_id(), item.position, item.reason, item.raw, item.form) for item in each.refused]
    return ArrivalRecord(
        id=each.id,
        source=each.source,
        sender=each.sender,
        receiver=each.receiver,
        group_key=each.group_key,
        received_at=each.received_at,
        body_bytes=len(each.body),
        truncated_count=each.truncated_count,
        counts=counts,
        bad=bad,
    )
