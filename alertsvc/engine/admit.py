"""The transaction of ingest: what a group of accepted requests does to alerts, incidents and the outbox."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
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
from alertsvc.core.model import AlertState, Event
from alertsvc.core.rules import Moment
from alertsvc.core.storms import KnownStorm
from alertsvc.core.thresholds.persistence import BY_FEATURES
from alertsvc.engine.apply import NOBODY_BOARDS, Boarding, apply_verdict
from alertsvc.engine.attempt import Attempt
from alertsvc.engine.judging import Judging, Observed, judging_of
from alertsvc.engine.muting import Begun, mutes_for
from alertsvc.engine.receipts import ItemResult, Receipt, counted, failed, receipts_of, record_of, result_of
from alertsvc.engine.repeats import told_again
from alertsvc.engine.storming import with_storms
from alertsvc.engine.submissions import Refused, Submission, claim_keys
from alertsvc.engine.superseding import superseded
from alertsvc.store import alerts, arrivals, detectors, incidents, measurements, series, tally
from alertsvc.store.alerts import Keys
from alertsvc.store.arrivals import Counts
from alertsvc.store.database import ConflictError, is_unavailable
from alertsvc.store.insertions import Insertions
from alertsvc.store.measurements import Kept
from alertsvc.store.recall import Learned, Recall

log = logging.getLogger(__name__)

FEW = 4
"""Of so many new alerts it is presumed that nobody knows them. Of more at once one probably is known."""


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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is stored of arrivals: their alerts, which of their keys have incidents, what destinations were told lately,
    and how the silences are read. None is what is read once it is needed.
    """

    alerts: dict[str, Alert]
    open_keys: Collection[str] | None = None
    storms: Mapping[str, KnownStorm] | None = None
    begun: Begun | None = None


def admit(
    conn: Connection,
    submissions: Sequence[Submission],
    moment: Moment,
    attempt: Attempt | None = None,
    boarding: Boarding = NOBODY_BOARDS,
) -> list[Receipt]:
    """Take requests in, together, in their order. Their receipts are valid once the transaction has committed.

    Give an `attempt` only to a transaction that has written nothing yet, and writes nothing afterwards.
    """
    if attempt is not None:
        attempt.begins(moment.now)
    keys = claim_keys(conn, submissions, moment.now)
    taken = [each for each in submissions if each.id not in keys.misused]
    gone = superseded(conn, taken, keys.repeated, moment)
    if gone is None:
        receipts = iter(_take(conn, taken, keys.repeated, moment, attempt=attempt, boarding=boarding))
    else:
        receipts = iter(_take(conn, [*taken, *gone.ends], keys.repeated, moment, boarding=boarding))
        gone.forget(conn)
    return [
        Receipt(each.id, Counts(), key_was_used=True) if each.id in keys.misused else next(receipts)
        for each in submissions
    ]


def _take(
    conn: Connection,
    submissions: Sequence[Submission],
    repeated: frozenset[UUID],
    moment: Moment,
    *,
    attempt: Attempt | None = None,
    boarding: Boarding = NOBODY_BOARDS,
) -> list[Receipt]:
    recall = None if attempt is None else attempt.recall
    flow = [
        _Arrival(event, each.id, each.received_at, _correlation_of_new(event, moment, recall))
        for each in submissions
        for event in each.events
    ]
    again = told_again(conn, flow, repeated, moment.now)
    judging = _judging(conn, flow, again, moment)
    if judging is not None:
        flow = [item.with_event(event) for item, event in zip(flow, judging.judged(), strict=True)]
    new = Insertions()
    seen = _seen(conn, flow, moment, attempt, new, may_presume=judging is None and not again)
    known = seen.alerts
    changing = _not_surely_duplicate(flow, known, again)
    batch = _decide(conn, [flow[position] for position in changing], known, moment, seen.open_keys)
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
        result_of(item.event, changes.get(position, Change.DUPLICATE), _incident_of(item.event, known, batch))
        for position, item in enumerate(flow)
    ]
    receipts = receipts_of(submissions, results, repeated)
    records = [
        record_of(replace(each, refused=()) if each.id in repeated else each, receipt.counts, moment.new_id)
        for each, receipt in zip(submissions, receipts, strict=True)
    ]
    arrivals.add(new, records)
    fresh = [item for position, item in enumerate(flow) if position not in again]
    _keep_measurements(new, flow, again, judging, moment)
    series.add(new, [(item.event, item.received_at) for item in fresh if item.event.observation is not None])
    if judging is not None:
        detectors.add(new, judging.moved_detectors())
    deciding = with_storms(conn, moment, seen.storms) if batch.changed else moment
    verdict = _finish(conn, batch, deciding, seen.begun)
    if attempt is not None:
        attempt.learns(_learned(flow, verdict, deciding))
    failpoints.reach("ingest.decided")
    touched = batch.touched()
    is_last = attempt is not None and not touched and not any(each.bad for each in records)
    apply_verdict(conn, verdict, deciding, new, boarding, is_last=is_last)
    arrivals.save_bad(conn, records)
    alerts.touch(conn, touched)
    numbers = _numbers(conn, receipts, {**batch.numbers, **new.numbers}, recall)
    return [replace(each, numbers=numbers) for each in receipts]


def _seen(
    conn: Connection,
    flow: Sequence[_Arrival],
    moment: Moment,
    attempt: Attempt | None,
    new: Insertions,
    *,
    may_presume: bool,
) -> _Seen:
    """What there is of `flow`, in one round trip or none if `attempt` is given."""
    names = {item.event.fingerprint for item in flow}
    if attempt is None:
        return _Seen(alerts.known(conn, names))
    asked = {item.correlation.key: item.correlation.reopen_within for item in flow if item.correlation}
    resolved_since = moment.now - max(asked.values(), default=timedelta(0))
    destinations = moment.rules.storm_rules.keys() if _may_open(flow) else ()
    keys = Keys(asked.keys(), resolved_since, destinations)
    found = attempt.known(conn, names, keys, moment.now, new, may_presume=may_presume and _is_news(flow))
    begun = partial(attempt.recall.begun, conn, revision=found.silences_revision)
    return _Seen(found.alerts, found.open_keys, found.storms, begun)


def _learned(flow: Sequence[_Arrival], verdict: Verdict, moment: Moment) -> Learned:
    """What is so once it is written."""
    keys = {item.correlation.key: moment.now for item in flow if item.correlation}
    return Learned([alert.fingerprint for alert, _, _ in verdict.alerts], keys, moment.storms.after)


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


def _may_open(flow: Sequence[_Arrival]) -> bool:
    """Whether an incident will probably be opened, if there is none."""
    return any(item.correlation and item.event.state is AlertState.FIRING for item in flow)


def _is_news(flow: Sequence[_Arrival]) -> bool:
    """Whether it is a few alerts that fire and were never met."""
    return 0 < len(flow) <= FEW and all(item.correlation and item.event.state is AlertState.FIRING for item in flow)


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


def _incident_of(event: Event, known: Mapping[str, Alert], batch: Batch) -> UUID | None:
    before = known.get(event.fingerprint)
    return batch.incident_of(event.fingerprint) or (before.incident_id if before else None)


def _keep_measurements(
    new: Insertions, flow: Sequence[_Arrival], again: Collection[int], judging: Judging | None, moment: Moment
) -> None:
    """Keep what was measured, and what its sender found without a number."""
    found: list[Kept] = []
    for position, item in enumerate(flow):
        is_bad, is_baseline = judging.kept(position) if judging else (None, True)
        is_known = item.event.value is not None or is_bad is not None
        if is_known and item.event.observed_at is not None and position not in again:
            found.append(Kept(moment.new_id(), item.event, item.received_at, is_bad, is_baseline))
    measurements.add(new, found)


def admit_one_by_one(conn: Connection, submission: Submission, moment: Moment) -> Receipt:
    """Take in a request that cannot be taken in whole: each event for itself, what fails into quarantine.

    Only faults of the event are caught; a database that cannot be used ends the transaction.
    """
    keys = claim_keys(conn, [submission], moment.now)  # for all of it: its parts are no repeats of each other
    if submission.id in keys.misused:
        return Receipt(submission.id, Counts(), key_was_used=True)
    if submission.id in keys.repeated:
        return _take(conn, [submission], keys.repeated, moment)[0]
    gone = superseded(conn, [submission], keys.repeated, moment)
    refused = list(submission.refused)
    results: list[ItemResult] = []
    numbers: dict[UUID, int] = {}
    judged = _judged_together(conn, submission, moment)
    for position, given, event in zip(_places(submission), submission.events, judged, strict=True):
        taken = _take_alone(conn, replace(submission, id=moment.new_id(), events=[event], refused=()), moment)
        if isinstance(taken, Receipt):
            results.extend(taken.items)
            numbers |= taken.numbers
        else:
            reason = f"could not be applied: {type(taken).__name__}"
            refused.append(Refused(position, reason, msgspec.json.encode(given), "event"))
            results.append(failed(given, reason))
    if gone is not None and all(isinstance(_take_alone(conn, each, moment), Receipt) for each in gone.ends):
        gone.forget(conn)
    rest = replace(submission, events=(), refused=refused)
    records = [record_of(rest, Counts(quarantined=len(refused)), moment.new_id)]
    new = Insertions()
    arrivals.add(new, records)
    new.write(conn)
    arrivals.save_bad(conn, records)
    return Receipt(submission.id, counted(results, len(submission.refused)), results, numbers=numbers)


def _places(submission: Submission) -> list[int]:
    """Where in its request each event stood: between those items that were refused."""
    refused = {each.position for each in submission.refused}
    return [place for place in range(len(submission.events) + len(refused)) if place not in refused]


def _take_alone(conn: Connection, part: Submission, moment: Moment) -> Receipt | Exception:
    """Take in a part of a request; or undo that, and say what is at fault.

    Raises:
        Exception: The database is.
    """
    try:
        with tally.provisionally(conn), conn.begin_nested():
            return _take(conn, [part], frozenset(), moment)[0]
    except Exception as fault:
        if _is_of_database(fault):
            raise
        log.exception("ingest: an event could not be applied")
        return fault


def _judged_together(conn: Connection, submission: Submission, moment: Moment) -> Sequence[Event]:
    """The events of a request that is taken in one by one, with those unsaid that are bad by chance: how many of its
    features are, only the whole of it tells. If it cannot be judged as a whole, each event is judged by itself.
    """
    events, thresholds = submission.events, moment.rules.thresholds
    seen = [each.observation for each in events if each.observation is not None]
    if not any(thresholds.policy_for(each).feature_share for each in seen):
        return events
    look = conn.begin_nested()  # what is claimed and held for it is given back: each event does that for itself
    try:
        flow = [_Arrival(each, submission.id, submission.received_at) for each in events]
        judging = _judging(conn, flow, told_again(conn, flow, frozenset(), moment.now), moment)
        judged = events if judging is None else judging.judged()
    except Exception as fault:
        if _is_of_database(fault):
            raise
        log.exception("ingest: the events of a request could not be judged together")
        judged = events
    if look.is_active:
        look.rollback()
    pairs = zip(events, judged, strict=True)
    return [event if event.decided_by == BY_FEATURES else given for given, event in pairs]


def _is_of_database(fault: Exception) -> bool:
    return isinstance(fault, ConflictError) or (isinstance(fault, SQLAlchemyError) and is_unavailable(fault))
