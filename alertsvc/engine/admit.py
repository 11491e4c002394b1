"""The transaction of ingest: what a group of accepted requests does to alerts, incidents and the outbox."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from alertsvc import failpoints
from alertsvc.core.alerts import UNCHANGED, Alert, Change, is_duplicate
from alertsvc.core.correlate import Correlation
from alertsvc.core.decide import Batch, Verdict, correlation_for
from alertsvc.core.judge import judge
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.rules import Moment
from alertsvc.core.thresholds.words import BECAUSE, RULE
from alertsvc.engine.apply import NOBODY_BOARDS, Boarding, apply_verdict
from alertsvc.engine.judging import Judging, Observed, judging_of
from alertsvc.engine.muting import Begun, mutes_for
from alertsvc.engine.repeats import told_again
from alertsvc.engine.storming import with_storms
from alertsvc.store import alerts, arrivals, incidents, measurements, series, tally
from alertsvc.store.alerts import Keys
from alertsvc.store.arrivals import ArrivalRecord, BadItemRecord, Counts
from alertsvc.store.database import ConflictError, is_unavailable
from alertsvc.store.insertions import Insertions
from alertsvc.store.measurements import Kept
from alertsvc.store.recall import Recall

log = logging.getLogger(__name__)

NEW = frozenset({Change.OPENED, Change.REFIRED, Change.REOPENED, Change.ENDED_UNSEEN})


@dataclass(frozen=True, slots=True)
class Refused:
    """An item of a request that could not be used: its position, the reason, its bytes, and what they are."""

    position: int
    reason: str
    raw: bytes
    form: str = "item"


@dataclass(frozen=True, slots=True)
class Submission:
    """One request as a source's parser left it, to be made durable. `body` is what it came as.

    `sender`, `receiver` and `group_key` are what it says of itself: who sent it, to whom, and which group it is.
    With an `idempotency_key` it is taken once: the same body again is a duplicate, another body is refused.
    """

    id: UUID
    source: str
    received_at: datetime
    events: Sequence[Event]
    body: bytes
    refused: Sequence[Refused] = ()
    sender: str | None = None
    truncated_count: int = 0
    idempotency_key: str | None = None
    receiver: str | None = None
    group_key: str | None = None


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


@dataclass(frozen=True, slots=True)
class _Arrival:
    """One event on its way through the transaction."""

    event: Event
    arrival_id: UUID
    received_at: datetime
    correlation: Correlation | None = None
    """That of an alert which is probably new: whether it has an incident is asked together with everything else."""

    def with_event(self, event: Event) -> "_Arrival":
        """The same with its event as it was judged."""
        return self if event is self.event else replace(self, event=event)


def admit(
    conn: Connection,
    submissions: Sequence[Submission],
    moment: Moment,
    recall: Recall | None = None,
    boarding: Boarding = NOBODY_BOARDS,
) -> list[Receipt]:
    """Take requests in, together, in their order. Their receipts are valid once the transaction has committed.

    Give a `recall` only to a transaction that has written nothing yet, and writes nothing afterwards.
    """
    keys = _claim_request_keys(conn, submissions, moment.now)
    taken = [each for each in submissions if each.id not in keys.misused]
    receipts = iter(_take(conn, taken, keys.repeated, moment, recall=recall, boarding=boarding))
    return [
        Receipt(each.id, Counts(), key_was_used=True) if each.id in keys.misused else next(receipts)
        for each in submissions
    ]


@dataclass(frozen=True, slots=True)
class _Keys:
    """The requests whose key was used before: with the same body, or with another."""

    repeated: frozenset[UUID] = frozenset()
    misused: frozenset[UUID] = frozenset()


def _claim_request_keys(conn: Connection, submissions: Sequence[Submission], now: datetime) -> _Keys:
    keyed = [each for each in submissions if each.idempotency_key]
    if not keyed:
        return _Keys()
    hashes = {each.id: hashlib.sha256(each.body).hexdigest() for each in keyed}
    first: dict[str, Submission] = {}
    for each in keyed:
        first.setdefault(f"request:{each.idempotency_key}", each)
    fresh = arrivals.claim_keys(conn, {key: hashes[each.id] for key, each in first.items()}, now)
    stored = arrivals.hashes_of(conn, first)
    repeated: set[UUID] = set()
    misused: set[UUID] = set()
    for each in keyed:
        key = f"request:{each.idempotency_key}"
        if stored[key] != hashes[each.id]:
            misused.add(each.id)
        elif key not in fresh or first[key] is not each:
            repeated.add(each.id)
    return _Keys(frozenset(repeated), frozenset(misused))


def _take(
    conn: Connection,
    submissions: Sequence[Submission],
    repeated: frozenset[UUID],
    moment: Moment,
    *,
    recall: Recall | None = None,
    boarding: Boarding = NOBODY_BOARDS,
) -> list[Receipt]:
    flow = [
        _Arrival(event, each.id, each.received_at, _correlation_of_new(event, moment, recall))
        for each in submissions
        for event in each.events
    ]
    again = told_again(conn, flow, repeated, moment.now)
    judging = _judging(conn, flow, again, moment)
    if judging is not None:
        flow = [item.with_event(event) for item, event in zip(flow, judging.judged(), strict=True)]
    names = {item.event.fingerprint for item in flow}
    begun: Begun | None = None
    open_keys: Collection[str] | None = None
    reserved: Mapping[str, int] = {}
    if recall is None:
        known = alerts.known(conn, names)
    else:
        asked = {item.correlation.key: item.correlation.reopen_within for item in flow if item.correlation}
        resolved_since = moment.now - max(asked.values(), default=timedelta(0))
        seen = recall.known(conn, names, Keys(asked.keys(), _keys_that_open(flow), resolved_since))
        known, open_keys, reserved = seen.alerts, seen.open_keys, seen.numbers
        begun = partial(recall.begun, conn, revision=seen.silences_revision)
    changing = _not_surely_duplicate(flow, known, again)
    batch = _decide(conn, [flow[position] for position in changing], known, moment, open_keys)
    changes: dict[int, Change] = {}
    waiting = set(changing)
    for position in range(len(flow)) if judging is not None else changing:
        item = flow[position]
        if judging is not None:
            alert = batch.alert(item.event.fingerprint) or known.get(item.event.fingerprint)
            item = flow[position] = item.with_event(judging.settle(position, item.event, alert))
        if item.event.state is not None and position in waiting:
            changes[position] = batch.arrive(item.event, item.arrival_id, item.received_at, item.correlation)
    results = [
        _result(item, changes.get(position, Change.DUPLICATE), known, batch) for position, item in enumerate(flow)
    ]
    receipts = _receipts(submissions, results)  # without numbers: new incidents have none yet
    records = [_record(each, receipt, moment) for each, receipt in zip(submissions, receipts, strict=True)]
    new = Insertions(reserved)
    arrivals.add(new, records)
    fresh = [item for position, item in enumerate(flow) if position not in again]
    _keep_measurements(new, flow, again, judging, moment)
    series.add(new, [(item.event, item.received_at) for item in fresh if item.event.observation is not None])
    deciding = with_storms(conn, moment) if batch.changed else moment
    verdict = _finish(conn, batch, deciding, begun)
    failpoints.reach("ingest.decided")
    touched = batch.touched()
    is_last = recall is not None and not touched and not any(each.bad for each in records)
    apply_verdict(conn, verdict, deciding, new, boarding, is_last=is_last)
    arrivals.save_bad(conn, records)
    alerts.touch(conn, touched)
    numbers = _numbers(conn, receipts, {**batch.numbers, **new.numbers}, recall)
    return [replace(each, numbers=numbers) for each in receipts]


def _numbers(
    conn: Connection, receipts: Sequence[Receipt], at_hand: Mapping[UUID, int], recall: Recall | None
) -> dict[UUID, int]:
    """The numbers of all incidents that receipts name. Only what nobody read before is asked for."""
    wanted = {key: None for each in receipts for key in each.incident_ids}
    return (Recall() if recall is None else recall).numbers(conn, wanted.keys(), at_hand)


def _judging(conn: Connection, flow: Sequence[_Arrival], again: Collection[int], moment: Moment) -> Judging | None:
    """What judges the observations among the arrivals; None when there are none."""
    if not any(item.event.observation for item in flow):
        return None
    observed = [
        Observed(item.event, item.arrival_id, item.received_at, position in again) for position, item in enumerate(flow)
    ]
    return judging_of(conn, moment.rules.thresholds, observed, holds=True)


def _not_surely_duplicate(flow: Sequence[_Arrival], known: dict[str, Alert], again: Collection[int]) -> list[int]:
    """The positions of events that may change something. Once one of an alert may, all later ones of it may."""
    changing: list[int] = []
    unsure: set[str] = set()
    for position, item in enumerate(flow):
        event = item.event
        if event.state is None or position in again:
            continue
        alert = known.get(event.fingerprint)
        sure = alert is not None and event.fingerprint not in unsure and is_duplicate(alert, event, item.received_at)
        if not sure:
            unsure.add(event.fingerprint)
            changing.append(position)
    return changing


def _correlation_of_new(event: Event, moment: Moment, recall: Recall | None) -> Correlation | None:
    if recall is None or event.state is None or recall.holds(event.fingerprint):
        return None
    return correlation_for(moment.rules, event)


def _keys_that_open(flow: Sequence[_Arrival]) -> Collection[str]:
    """The keys of incidents that will probably be opened, if there are none."""
    return {item.correlation.key for item in flow if item.correlation and item.event.state is AlertState.FIRING}


def _decide(
    conn: Connection,
    flow: Sequence[_Arrival],
    known: Mapping[str, Alert],
    moment: Moment,
    open_keys: Collection[str] | None = None,
) -> Batch:
    """A batch over the locked state of everything `flow` may change.

    What is not among `known` is not asked for again: if it appears meanwhile, saving it will be a conflict. So will be
    an incident of a key that is not among `open_keys`, which are those of the arrivals that have a correlation.
    """
    if not flow:
        return Batch(moment, {}, [])
    held = alerts.locked(conn, {item.event.fingerprint for item in flow} & known.keys())
    moving = [item for item in flow if _moves(held.get(item.event.fingerprint), item, moment)]
    if not moving:
        return Batch(moment, held, [])
    own = [held[item.event.fingerprint].incident_id for item in moving if item.event.fingerprint in held]
    if open_keys is not None and not own:
        keys = [item.correlation and item.correlation.key for item in moving]
        if not any(key is None or key in open_keys for key in keys):
            return Batch(moment, held, [])
    correlations = [item.correlation or correlation_for(moment.rules, item.event) for item in moving]
    longest = max((each.reopen_within for each in correlations), default=timedelta(0))
    situations = incidents.situations(
        conn, [key for key in own if key], {each.key for each in correlations}, moment.now - longest
    )
    return Batch(moment, held, situations)


def _finish(conn: Connection, batch: Batch, moment: Moment, begun: Begun | None) -> Verdict:
    """What must happen, with what keeps news back read only when there is news."""
    if not batch.changed:
        return batch.finish()
    in_force = mutes_for(conn, moment.rules, moment.now, batch.asks(), batch.changed, begun=begun)
    return batch.finish(in_force, moment.storms)


def _moves(alert: Alert | None, item: _Arrival, moment: Moment) -> bool:
    return (
        alert is None or judge(alert, item.event, item.received_at, moment.new_id, moment.rules).change not in UNCHANGED
    )


def _result(item: _Arrival, change: Change, known: dict[str, Alert], batch: Batch) -> ItemResult:
    event = item.event
    before = known.get(event.fingerprint)
    incident_id = batch.incident_of(event.fingerprint) or (before.incident_id if before else None)
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


def _receipts(submissions: Sequence[Submission], results: Sequence[ItemResult]) -> list[Receipt]:
    receipts: list[Receipt] = []
    start = 0
    for each in submissions:
        items = results[start : start + len(each.events)]
        start += len(each.events)
        receipts.append(Receipt(each.id, _counted(items, len(each.refused)), items))
    return receipts


def _counted(items: Iterable[ItemResult], refused_count: int) -> Counts:
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


def _record(each: Submission, receipt: Receipt, moment: Moment) -> ArrivalRecord:
    bad = [BadItemRecord(moment.new_id(), item.position, item.reason, item.raw, item.form) for item in each.refused]
    return ArrivalRecord(
        id=each.id,
        source=each.source,
        sender=each.sender,
        receiver=each.receiver,
        group_key=each.group_key,
        received_at=each.received_at,
        body_bytes=len(each.body),
        truncated_count=each.truncated_count,
        counts=receipt.counts,
        bad=bad,
    )


def _keep_measurements(
    new: Insertions, flow: Sequence[_Arrival], again: Collection[int], judging: Judging | None, moment: Moment
) -> None:
    measurements.add(
        new,
        [
            Kept(moment.new_id(), item.event, item.received_at, *(judging.kept(position) if judging else (None, True)))
            for position, item in enumerate(flow)
            if position not in again and item.event.value is not None and item.event.observed_at is not None
        ],
    )


def admit_one_by_one(conn: Connection, submission: Submission, moment: Moment) -> Receipt:
    """Take in a request that cannot be taken in whole: each event for itself, what fails into quarantine.

    Only faults of the event are caught; a database that cannot be used ends the transaction.
    """
    keys = _claim_request_keys(conn, [submission], moment.now)  # for all of it: its parts are no repeats of each other
    if submission.id in keys.misused:
        return Receipt(submission.id, Counts(), key_was_used=True)
    if submission.id in keys.repeated:
        return _take(conn, [submission], keys.repeated, moment)[0]
    refused = list(submission.refused)
    results: list[ItemResult] = []
    numbers: dict[UUID, int] = {}
    for position, event in enumerate(submission.events):
        part = replace(submission, id=moment.new_id(), events=[event], refused=())
        try:
            with tally.provisionally(conn), conn.begin_nested():
                receipt = _take(conn, [part], frozenset(), moment)[0]
        except Exception as fault:
            if isinstance(fault, ConflictError) or (isinstance(fault, SQLAlchemyError) and is_unavailable(fault)):
                raise
            log.exception("ingest: an event could not be applied and goes to the quarantine")
            reason = f"could not be applied: {type(fault).__name__}"
            refused.append(Refused(position, reason, msgspec.json.encode(event), "event"))
            results.append(_failed(event, reason))
        else:
            results.extend(receipt.items)
            numbers |= receipt.numbers
    rest = replace(submission, events=(), refused=refused)
    records = [_record(rest, Receipt(submission.id, Counts(quarantined=len(refused))), moment)]
    new = Insertions()
    arrivals.add(new, records)
    new.write(conn)
    arrivals.save_bad(conn, records)
    return Receipt(submission.id, _counted(results, len(submission.refused)), results, numbers=numbers)


def _failed(event: Event, reason: str) -> ItemResult:
    return ItemResult(event.fingerprint, None, event.state, event.severity, event.decided_by, None, reason)
