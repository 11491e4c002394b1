"""Records how tries to send ended, and what follows: told, tried again, or failed and visible."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry, Unknown
from alertsvc.core.delivery import Again, GivenUp, after_failure
from alertsvc.core.effects import HeldBack, HistoryEntry
from alertsvc.core.mutes import refs_of
from alertsvc.core.rules import Moment
from alertsvc.core.tell import Telling
from alertsvc.engine.apply import apply_effects, count_suppressed
from alertsvc.engine.muting import KeptBack
from alertsvc.store import incidents, mutes, outbox, settling
from alertsvc.store.insertions import Insertions
from alertsvc.store.outbox import Claimed
from alertsvc.store.settling import AttemptRecord, Covered, Lane

MENDED_BY_PEOPLE = frozenset({Fault.AUTH_ERROR, Fault.CONFIGURATION})
"""Faults that go away when somebody rotates a credential or corrects a setting: worth trying slowly."""


JUST_BEFORE = timedelta(seconds=1)
"""Some digests are written a moment before their sending begins."""
NOT_TAKEN = frozenset({"again", "failed"})


@dataclass(frozen=True, slots=True)
class Tried:
    """A try of a delivery that has ended."""

    claimed: Claimed
    worker: str
    started_at: datetime
    finished_at: datetime
    outcome: Outcome | KeptBack


@dataclass(frozen=True, slots=True)
class Settled:
    """What a try came to: `accepted`, `failed`, `suppressed`, `again` or `fenced` (no longer this try's to say).

    `overtaken` is where an incident ended while a digest that tells of it was on its way.
    """

    tried: Tried
    state: str
    overtaken: Sequence[Lane] = ()

    @property
    def may_have_come_late(self) -> bool:
        """Whether it may have arrived after the tries of whoever had its lease next."""
        return self.state == "fenced" and isinstance(self.tried.outcome, (Accepted, Unknown))

    @property
    def is_to_be_reconsidered(self) -> bool:
        """Whether what is on its way, or was said last, may not be what should be said."""
        return self.state in NOT_TAKEN or self.may_have_come_late or bool(self.overtaken)


Ended = tuple[str, list[HistoryEntry]]


def settle(
    conn: Connection, tries: Sequence[Tried], moment: Moment, chance: Callable[[], float] = random.random
) -> list[Settled]:
    """Write down how `tries` ended, in one transaction. Locks their lanes and never an incident."""
    covered = settling.covered_by(conn, [each.claimed.id for each in tries])
    settling.hold_lanes(conn, {entry.lane for entries in covered.values() for entry in entries})
    outbox.lock_lanes(conn, [each.claimed.lane for each in tries if each.claimed.digest_id is not None])
    settled: list[Settled] = []
    history: list[HistoryEntry] = []
    for each in sorted(tries, key=lambda tried: tried.claimed.lane):
        entries = covered.get(each.claimed.id, [])
        state, lines = _settle_one(conn, each, entries, moment, chance())
        settled.append(Settled(each, state, _overtaken(conn, each, state)))
        history += lines
    sent = ((each, each.outcome) for each in tries)
    new = Insertions()
    incidents.add_history(new, history, (moment.new_id() for _ in history))
    settling.add_attempts(new, [_attempt(each, how, moment) for each, how in sent if not isinstance(how, KeptBack)])
    new.write(conn)
    return settled


def reconsider(conn: Connection, settled: Sequence[Settled], moment: Moment) -> None:
    """Take back what makes no sense any more where a try was not taken, such as a page about what is over.

    And say again what is so where a try that lasted too long may have had the last word.
    In a transaction of its own, after that of `settle`: it holds incidents, and those come before lanes.
    """
    about: dict[UUID, dict[str, Settled]] = {}
    for each in settled:
        claimed = each.tried.claimed
        for incident_id, destination in each.overtaken:
            about.setdefault(incident_id, {})[destination] = each
        if each.is_to_be_reconsidered and claimed.incident_id is not None:
            about.setdefault(claimed.incident_id, {})[claimed.destination] = each
    for situation in incidents.situations(conn, about, (), moment.now) if about else ():
        if situation.incident is not None:
            telling = Telling(situation.incident, situation, moment)
            for destination, each in sorted(about[situation.incident.id].items()):
                _reconsider_for(telling, destination, each)
            apply_effects(conn, telling.finish(), moment)


def _reconsider_for(telling: Telling, destination: str, each: Settled) -> None:
    if each.tried.claimed.incident_id is None:
        telling.was_overtaken(destination)
    elif each.may_have_come_late:
        telling.may_have_come_late(destination, each.tried.claimed.reason)
    else:
        telling.was_not_taken(destination, each.tried.claimed.reason)


def _overtaken(conn: Connection, tried: Tried, state: str) -> list[Lane]:
    """Where an incident ended after a digest was written that was taken, or may have been."""
    maybe_taken = state == "accepted" or (state == "failed" and isinstance(tried.outcome, Unknown))
    if tried.claimed.digest_id is None or not maybe_taken:
        return []
    return settling.ended_meanwhile(conn, tried.claimed.id, tried.started_at - JUST_BEFORE)


def _settle_one(conn: Connection, tried: Tried, covered: list[Covered], moment: Moment, chance: float) -> Ended:
    outcome = tried.outcome
    if isinstance(outcome, KeptBack):
        return _keep_back(conn, tried, outcome, covered, moment)
    if isinstance(outcome, Accepted):
        if not outbox.end(conn, tried.claimed, "accepted", outcome.detail, moment.now, unknown=False):
            return "fenced", []
        failpoints.reach("settle.ended")
        settling.end_covered(conn, covered, "delivered", outcome.detail, moment.now)
        settling.has_been_told(conn, covered, outcome.anchor, moment.now)
        settling.arm_repeats(conn, covered, moment.now)
        return "accepted", _lines("delivered", tried, covered, outcome.detail, moment.now)
    follows = _what_follows(tried, outcome, moment, chance)
    if isinstance(follows, GivenUp):
        return _give_up(conn, tried, covered, follows, moment)
    progress = outcome.progress if isinstance(outcome, (Retry, Unknown)) else None
    unknown = isinstance(outcome, Unknown)
    if not outbox.put_back(conn, tried.claimed, follows.due_at, unknown=unknown, progress=progress):
        return "fenced", []
    failpoints.reach("settle.again")
    first = tried.claimed.attempt_count == 1
    return "again", _lines("delivery_delayed", tried, covered, outcome.detail, moment.now) if first else []


def _what_follows(tried: Tried, outcome: Rejected | Retry | Unknown, moment: Moment, chance: float) -> Again | GivenUp:
    if isinstance(outcome, Rejected) and outcome.fault not in MENDED_BY_PEOPLE:
        return GivenUp(outcome.detail)
    return after_failure(
        attempt_count=tried.claimed.attempt_count,
        severity=tried.claimed.severity,
        now=moment.now,
        expires_at=tried.claimed.expires_at,
        chance=chance,
        retry_after=outcome.after if isinstance(outcome, Retry) else None,
        slow=outcome.fault in MENDED_BY_PEOPLE,
    )


def _keep_back(conn: Connection, tried: Tried, kept: KeptBack, covered: list[Covered], moment: Moment) -> Ended:
    claimed = tried.claimed
    if not outbox.end(conn, claimed, "suppressed", kept.detail, moment.now, unknown=False):
        return "fenced", []
    if claimed.unknown_count or claimed.progress:
        settling.may_have_heard(conn, covered, moment.now)
    refs = refs_of(kept.mutes)
    settling.end_covered(conn, covered, "suppressed", kept.detail, moment.now, muted_by=refs)
    count_suppressed(conn, refs, len(covered))
    lanes = {entry.lane for entry in covered}
    held = [HeldBack(incident_id, name, mute) for incident_id, name in sorted(lanes, key=str) for mute in kept.mutes]
    mutes.hold(conn, held, moment.now)
    mutes.mark_held(conn, lanes)
    return "suppressed", _lines("delivery_suppressed", tried, covered, kept.detail, moment.now)


def _give_up(conn: Connection, tried: Tried, covered: list[Covered], follows: GivenUp, moment: Moment) -> Ended:
    detail = getattr(tried.outcome, "detail", "")
    why = follows.why if follows.why == detail else f"{follows.why}; last answer: {detail}"
    unknown = isinstance(tried.outcome, Unknown)
    if not outbox.end(conn, tried.claimed, "failed", why, moment.now, unknown=unknown):
        return "fenced", []
    if unknown or tried.claimed.unknown_count or tried.claimed.progress:
        settling.may_have_heard(conn, covered, moment.now)
    settling.end_covered(conn, covered, "failed", why, moment.now)
    settling.arm_repeats(conn, covered, moment.now)
    return "failed", _lines("delivery_failed", tried, covered, why, moment.now)


def _lines(kind: str, tried: Tried, covered: Sequence[Covered], detail: str, now: datetime) -> list[HistoryEntry]:
    """A line for the timeline of each incident that the delivery is about."""
    claimed = tried.claimed
    said = f"{claimed.reason}: {detail}" if detail else str(claimed.reason)
    facts: dict[str, object] = {"delivery_id": str(claimed.id), "attempt": claimed.attempt_count}
    about = dict.fromkeys(entry.incident_id for entry in covered)
    return [HistoryEntry(key, now, kind, claimed.destination, claimed.destination, said, facts) for key in about]


def _attempt(tried: Tried, outcome: Outcome, moment: Moment) -> AttemptRecord:
    return AttemptRecord(
        id=moment.new_id(),
        delivery_id=tried.claimed.id,
        number=tried.claimed.attempt_count,
        destination=tried.claimed.destination,
        worker=tried.worker,
        started_at=tried.started_at,
        finished_at=tried.finished_at,
        outcome=OUTCOMES[type(outcome)],
        fault=None if isinstance(outcome, Accepted) else str(outcome.fault),
        status_code=None if isinstance(outcome, Unknown) else outcome.status_code,
        detail=outcome.detail,
    )


OUTCOMES: dict[type, str] = {Accepted: "accepted", Rejected: "rejected", Retry: "retry", Unknown: "unknown"}
