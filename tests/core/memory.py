"""A service in memory: applies what was decided as the store does, and sends as the sender does. Says what it saw.

It is as small as the rules it checks. Nothing here decides: decisions come from `alertsvc.core`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from alertsvc.core import acts
from alertsvc.core.acts import Act, Actor
from alertsvc.core.alerts import PERSON, Alert, Change, is_duplicate
from alertsvc.core.decide import Batch, correlation_for
from alertsvc.core.delivery import GivenUp, after_failure
from alertsvc.core.effects import Delivery, DigestWindow, Effects, Notification, digest_lane
from alertsvc.core.incidents import Believer, Firing, Incident, LiveDelivery, PendingNotification, Situation
from alertsvc.core.model import Event, IncidentStatus, Reason, Severity
from alertsvc.core.outgoing import FIRING_NEWS, horizon
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.storm import StormState, goes_on, is_due, is_over, storm_id
from alertsvc.core.storms import KnownStorm, Storms, window_name, window_of
from alertsvc.core.tell import BUNDLED_NEWS, Telling
from tests.core.builders import FIRING, NOW, RESOLVED, numbered

ANN = Actor("ann", "api")
CLOSING_DELAY = timedelta(seconds=2)
TERMINAL = {"delivered", "failed", "suppressed", "superseded"}


class Answer(Enum):
    """How a try to send ends, and whether the provider has the message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DOWN = "down"
    NO_ANSWER_TAKEN = "taken, but no answer came"
    NO_ANSWER_LOST = "lost, and no answer came"


TAKES = {Answer.ACCEPTED, Answer.NO_ANSWER_TAKEN}


@dataclass
class Row:
    """A delivery in the outbox."""

    made: Delivery
    reason: Reason
    severity: Severity
    due_at: datetime
    expires_at: datetime
    state: str
    attempt_count: int = 0
    maybe_left: bool = False

    @property
    def lane(self) -> str:
        return self.made.lane


@dataclass
class Note:
    """A notification as it is stored."""

    made: Notification
    state: str
    why: str = ""
    delivery_id: UUID | None = None
    superseded_by: UUID | None = None


@dataclass(frozen=True)
class Heard:
    """What somebody at `destination` read about an incident: `says` it fires, ended, or who has it."""

    incident_id: UUID
    destination: str
    says: str
    written_at: datetime
    delivery_id: UUID


@dataclass
class Try:
    """A delivery on its way, with what it says."""

    row: Row
    content: list[Heard]


@dataclass
class Memory:
    """One world: its time, its rules, what is stored, and what people have read."""

    rules: Rules
    now: datetime = NOW
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[UUID, Incident] = field(default_factory=dict)
    believers: dict[tuple[UUID, str], Believer] = field(default_factory=dict)
    outbox: dict[UUID, Row] = field(default_factory=dict)
    notes: dict[UUID, Note] = field(default_factory=dict)
    timers: dict[tuple[UUID, str], datetime] = field(default_factory=dict)
    windows: dict[UUID, DigestWindow] = field(default_factory=dict)
    flying: list[Try] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    taken: dict[str, list[tuple[int, UUID]]] = field(default_factory=dict)
    may_believe: set[tuple[UUID, str]] = field(default_factory=set)
    troubled: set[str] = field(default_factory=set)
    surely_believes: set[tuple[UUID, str]] = field(default_factory=set)
    digested: set[tuple[UUID, str]] = field(default_factory=set)
    remembers_deliveries: frozenset[str] = frozenset()
    failed: set[tuple[UUID, str, bool]] = field(default_factory=set)
    new_id: Callable[[], UUID] = field(default_factory=numbered)
    storms: dict[str, StormState] = field(default_factory=dict)
    storm_receivers: dict[str, str] = field(default_factory=dict)
    told_in: dict[UUID, list[UUID]] = field(default_factory=dict)
    """By notification: the messages that people took and that covered it."""
    singles: list[Delivery] = field(default_factory=list)
    closed: set[UUID] = field(default_factory=set)
    """The windows of summaries that were made."""
    storms_over: list[UUID] = field(default_factory=list)
    deciding: Storms = field(default_factory=Storms)

    def moment(self) -> Moment:
        """As it is for one decision; what that makes of storms is kept once it is written."""
        known = {name: KnownStorm(state, 1) for name, state in self.storms.items()}
        self.deciding = Storms(self.rules.storm_rules, known)
        return Moment(self.rules, self.now, self.new_id, self.deciding)

    # What comes in

    def post(self, *events: Event) -> list[Change]:
        """One request: as `engine.admit` takes it in."""
        sure = [self._is_sure(events[:place], each) for place, each in enumerate(events)]
        moving = [each for each, is_sure in zip(events, sure, strict=True) if not is_sure]
        held = {each.fingerprint: self.alerts[each.fingerprint] for each in moving if each.fingerprint in self.alerts}
        batch = Batch(self.moment(), held, self._situations(moving))
        arrival = self.new_id()
        changes = [
            Change.DUPLICATE if is_sure else batch.arrive(each, arrival, self.now)
            for each, is_sure in zip(events, sure, strict=True)
        ]
        verdict = batch.finish()
        for each in verdict.effects.opened:
            assert all(other.correlation_key != each.correlation_key for other in self.open_incidents() if each.is_open)
            self.incidents[each.id] = each
        for saved, _, is_new in verdict.alerts:
            assert is_new == (saved.fingerprint not in self.alerts)
            self.alerts[saved.fingerprint] = saved
        for seen in batch.touched():
            stored = self.alerts[seen.fingerprint]
            spans = {"starts_at": seen.starts_at, "latest_start_at": seen.latest_start_at}
            touched = replace(stored, last_seen_at=seen.last_seen_at, observed_at=seen.observed_at, **spans)
            assert touched == seen, "a duplicate may move nothing else"
            self.alerts[seen.fingerprint] = touched
        self._write(verdict.effects)
        return changes

    def _is_sure(self, before: Sequence[Event], event: Event) -> bool:
        known = self.alerts.get(event.fingerprint)
        if known is None or not is_duplicate(known, event, self.now):
            return False
        return all(is_duplicate(known, each, self.now) for each in before if each.fingerprint == event.fingerprint)

    def _situations(self, events: Sequence[Event]) -> list[Situation]:
        """As `store.incidents.situations` finds them, in the order of identities."""
        found = [correlation_for(self.rules, each) for each in events]
        keys = {each.key for each in found}
        since = self.now - max((each.reopen_within for each in found), default=timedelta(0))
        own = {self.alerts[each.fingerprint].incident_id for each in events if each.fingerprint in self.alerts}
        chosen = [
            each
            for each in self.incidents.values()
            if each.id in own
            or (each.correlation_key in keys and (each.is_open or (each.resolved_at and each.resolved_at > since)))
        ]
        return [self.situation(each.id) for each in sorted(chosen, key=lambda each: each.id)]

    def situation(self, incident_id: UUID) -> Situation:
        rows = sorted(self.outbox.values(), key=lambda row: (row.lane, row.made.sequence))
        live = tuple(
            LiveDelivery(
                row.made.id, row.made.destination, row.reason, row.severity, row.state, row.maybe_left, row.due_at
            )
            for row in rows
            if row.made.incident_id == incident_id
        )
        pending = tuple(
            PendingNotification(key, note.made.destination, note.made.reason, note.delivery_id, note.made.digest_id)
            for key, note in sorted(self.notes.items())
            if note.state == "pending" and note.made.incident_id == incident_id
        )
        believers = {name: each for (key, name), each in self.believers.items() if key == incident_id}
        return Situation(self.incidents[incident_id], believers, live, pending)

    def open_incidents(self) -> list[Incident]:
        return [each for each in self.incidents.values() if each.is_open]

    # What people do

    def acknowledge(self, incident_id: UUID) -> None:
        self._apply(acts.acknowledge(self.situation(incident_id), ANN, self.moment()))

    def unacknowledge(self, incident_id: UUID) -> None:
        self._apply(acts.unacknowledge(self.situation(incident_id), ANN, self.moment()))

    def resolve(self, incident_id: UUID) -> None:
        self._apply(acts.resolve(self.situation(incident_id), ANN, self.moment()))
        for name, each in self.alerts.items():
            if each.incident_id == incident_id and each.state is FIRING:
                self.alerts[name] = replace(each, state=RESOLVED, closed_at=self.now, closed_by=PERSON)

    def reopen(self, incident_id: UUID) -> None:
        incident = self.incidents[incident_id]
        if any(each.correlation_key == incident.correlation_key for each in self.open_incidents()):
            return
        closed = [
            each
            for each in self.alerts.values()
            if (each.incident_id, each.closed_by, each.closed_at) == (incident_id, PERSON, incident.resolved_at)
        ]
        firing = tuple(sum(each.severity is level for each in closed) for level in sorted(Severity))
        self._apply(acts.reopen(self.situation(incident_id), _four(firing), ANN, self.moment()))
        for each in closed:
            self.alerts[each.fingerprint] = replace(each, state=FIRING, closed_at=None, closed_by=None)

    def _apply(self, act: Act) -> None:
        if act.effects is not None:
            self._write(act.effects)

    # What is written, as `engine.apply` does

    def _write(self, effects: Effects) -> None:
        self.storms |= self.deciding.changed
        self.deciding = Storms()
        for each in effects.changed:
            assert each.version == self.incidents[each.id].version + 1
            self.incidents[each.id] = each
        for key, each in effects.new_believers:
            assert (key, each.destination) not in self.believers
            self.believers[key, each.destination] = each
        for key, each in effects.believers:
            assert (key, each.destination) in self.believers
            self.believers[key, each.destination] = each
        self._write_messages(effects)
        for key in effects.quiet:
            self.timers = {name: due for name, due in self.timers.items() if name[0] != key}
        for each in effects.timers:
            self.timers[each.incident_id, each.destination] = each.due_at

    def _write_messages(self, effects: Effects) -> None:
        for window in effects.digests:
            is_open = window.storm is not None or window.due_at > self.now - CLOSING_DELAY
            assert is_open, "joins a window that was closed"
            assert window.id not in self.closed, "joins a window that was closed"
            assert window.window_start < window.due_at
            self.windows[window.id] = window
            if window.storm is not None:
                self.storm_receivers[window.name] = window.receiver
        for each in effects.notifications:
            assert each.id not in self.notes
            self.notes[each.id] = Note(each, each.state, delivery_id=each.delivery_id)
        for each in effects.withdrawn:
            assert self.outbox[each.id].state != "sending", "took back what is being sent"
            del self.outbox[each.id]
            self._promote(each.lane)
        for each in effects.deliveries:
            self._add(each)
        self.singles += effects.deliveries
        for each in effects.revised:
            row = self.outbox[each.id]
            assert row.state != "sending", "changed what is being sent"
            row.reason, row.severity, row.due_at, row.expires_at = (
                each.reason,
                each.severity,
                each.due_at,
                each.expires_at,
            )
        for each in effects.ended:
            self._end_note(each.id, each.state, each.why, each.superseded_by)

    def _add(self, made: Delivery) -> None:
        assert made.sequence > max(self._sequences(made.lane), default=0), "goes before what its lane holds"
        row = Row(
            made, made.reason, made.severity, made.due_at, made.expires_at, "waiting" if made.behind else "pending"
        )
        self.outbox[made.id] = row
        self._promote(made.lane)

    def _sequences(self, lane: str) -> Iterator[int]:
        yield from (row.made.sequence for row in self.outbox.values() if row.lane == lane)
        yield from (sequence for sequence, _ in self.taken.get(lane, []))

    def _promote(self, lane: str) -> None:
        rows = [row for row in self.outbox.values() if row.lane == lane]
        if rows and all(row.state == "waiting" for row in rows):
            min(rows, key=lambda row: row.made.sequence).state = "pending"

    def _end_note(self, key: UUID, state: str, why: str, superseded_by: UUID | None = None) -> None:
        note = self.notes[key]
        assert note.state == "pending", f"{note.made.reason} was {note.state} and now is {state}"
        note.state, note.why, note.superseded_by = state, why, superseded_by

    # What time brings

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        self.sweep()

    def sweep(self) -> None:
        """Timers and digests that are due."""
        due = [key for key, at in sorted(self.timers.items()) if at <= self.now]
        for incident_id in dict.fromkeys(key[0] for key in due):
            telling = Telling(self.incidents[incident_id], self.situation(incident_id), self.moment())
            for key in due:
                if key[0] == incident_id:
                    del self.timers[key]
                    telling.is_still_firing(key[1])
            self._write(telling.finish())
        for name in [each for each, state in self.storms.items() if is_due(state, self.now - CLOSING_DELAY)]:
            self._tend_storm(name)
        for window in sorted(self.windows.values(), key=lambda each: (each.due_at, each.id)):
            if window.due_at <= self.now - CLOSING_DELAY:
                self._close(window)

    def _tend_storm(self, name: str) -> None:
        """As `engine.storming` does."""
        state, receiver = self.storms[name], self.storm_receivers.get(window_name(name))
        window = None if receiver is None else window_of(name, receiver, state)
        made = self._close(window) if window is not None and window.id in self.windows else []
        if made:
            self.storms[name] = goes_on(state, [each.id for each in made], made[0].severity, self.now)
            return
        self.storms[name] = is_over(state, self.now)
        if window is not None and state.told_in:
            last = replace(self._digest(window, name, state.worst), reason=Reason.RESOLVED)
            self._add(last)
            self.storms_over.append(storm_id(name, state.since))

    def _close(self, window: DigestWindow) -> list[Delivery]:
        del self.windows[window.id]
        if window.storm is not None:
            self.closed.add(window.id)
        waiting = [note for note in self.waiting() if note.made.digest_id == window.id]
        deliveries: list[Delivery] = []
        for destination in sorted({note.made.destination for note in waiting}):
            made = self._digest(window, destination, max(note.made.severity for note in waiting))
            self._add(made)
            deliveries.append(made)
            for note in waiting:
                if note.made.destination == destination:
                    note.delivery_id = made.id
                    self.digested.add((note.made.incident_id, destination))
        return deliveries

    def _digest(self, window: DigestWindow, destination: str, severity: Severity) -> Delivery:
        lane = digest_lane(window.name, destination)
        return Delivery(
            id=self.new_id(),
            lane=lane,
            sequence=max(self._sequences(lane), default=0) + 1,
            destination=destination,
            receiver=window.receiver,
            incident_id=None,
            digest_id=window.id,
            reason=Reason.UPDATED,
            severity=severity,
            behind=any(row.lane == lane for row in self.outbox.values()),
            created_at=self.now,
            due_at=self.now,
            expires_at=self.now + horizon(severity),
        )

    def waiting(self) -> list[Note]:
        """What waits for a digest that has not been made."""
        return [note for note in self.notes.values() if note.state == "pending" and note.delivery_id is None]

    def waits_in_summary(self, about: tuple[UUID, str], reasons: Collection[Reason]) -> bool:
        """Whether news of such reasons, of an incident to a destination, waits for the summary of a storm."""
        return any(
            (note.made.incident_id, note.made.destination) == about
            and note.made.reason in reasons
            and self.windows[note.made.digest_id].storm is not None
            for note in self.waiting()
        )

    # What goes out, as `engine.deliver` and `engine.settle` do

    def claim(self) -> list[Try]:
        """Take everything that is due on its way; what it says is written now."""
        claimed: list[Try] = []
        for row in self.outbox.values():
            if row.state == "pending" and row.due_at <= self.now:
                row.state = "sending"
                row.attempt_count += 1
                claimed.append(Try(row, self._content(row)))
        self.flying += claimed
        return claimed

    def _content(self, row: Row) -> list[Heard]:
        made = row.made
        if made.incident_id is not None:
            says = (
                "fires" if row.reason in FIRING_NEWS else "ended" if row.reason is Reason.RESOLVED else "changed hands"
            )
            return [Heard(made.incident_id, made.destination, says, self.now, made.id)]
        about = dict.fromkeys(note.made.incident_id for note in self.notes.values() if note.delivery_id == made.id)
        says = {key: "ended" if self.believers[key, made.destination].state == "ended" else "fires" for key in about}
        return [Heard(key, made.destination, says[key], self.now, made.id) for key in about]

    def land(self, position: int, answer: Answer) -> None:
        """A try ends."""
        attempt = self.flying.pop(position % len(self.flying))
        row = attempt.row
        if answer in TAKES:
            seen = any(each.delivery_id == row.made.id for each in self.heard)
            if not (seen and row.made.destination in self.remembers_deliveries):
                self.heard += attempt.content
            self.taken.setdefault(row.lane, []).append((row.made.sequence, row.made.id))
        self._believe(attempt, answer)
        if answer is Answer.ACCEPTED:
            self._accepted(row)
            self._was_overtaken(attempt)
        else:
            self.troubled.add(row.lane)
            self._was_not_taken(row, answer)

    def _believe(self, attempt: Try, answer: Answer) -> None:
        for each in attempt.content:
            key = (each.incident_id, each.destination)
            if each.says == "fires" and answer not in {Answer.DOWN, Answer.REFUSED}:
                self.may_believe.add(key)
            if each.says == "fires" and answer is Answer.ACCEPTED:
                self.surely_believes.add(key)
            elif each.says == "ended" and answer not in {Answer.DOWN, Answer.REFUSED}:
                self.surely_believes.discard(key)
            if each.says == "ended" and answer is Answer.ACCEPTED:
                self.may_believe.discard(key)

    def _was_not_taken(self, row: Row, answer: Answer) -> None:
        if answer is Answer.REFUSED:
            self._give_up(row)
        else:
            row.maybe_left |= answer in {Answer.NO_ANSWER_TAKEN, Answer.NO_ANSWER_LOST}
            self._again(row)
        if row.made.incident_id is not None:
            about = row.made.incident_id
            telling = Telling(self.incidents[about], self.situation(about), self.moment())
            telling.was_not_taken(row.made.destination, row.reason)
            self._write(telling.finish())

    def _was_overtaken(self, attempt: Try) -> None:
        """An end that left by itself may have come before the digest that says it fires."""
        for each in attempt.content:
            known = self.believers[each.incident_id, each.destination]
            is_in_digest = attempt.row.made.incident_id is None
            if is_in_digest and known.ended_at is not None and known.ended_at >= each.written_at:
                situation = self.situation(each.incident_id)
                telling = Telling(self.incidents[each.incident_id], situation, self.moment())
                telling.was_overtaken(each.destination)
                self._write(telling.finish())

    def _covered(self, row: Row) -> list[Note]:
        return [note for note in self.notes.values() if note.state == "pending" and note.delivery_id == row.made.id]

    def _accepted(self, row: Row) -> None:
        covered = self._covered(row)
        self._leave(row)
        for note in covered:
            self._end_note(note.made.id, "delivered", "")
            self.told_in.setdefault(note.made.id, []).append(row.made.id)
            if note.made.reason in FIRING_NEWS:
                self._told(note.made.incident_id, note.made.destination)
        self._arm(covered)

    def _told(self, incident_id: UUID, destination: str) -> None:
        known = self.believers[incident_id, destination]
        state = "told" if known.state == "pending" else known.state
        told = replace(known, state=state, told_at=known.told_at or self.now, last_told_at=self.now)
        self.believers[incident_id, destination] = told

    def _arm(self, covered: Sequence[Note]) -> None:
        for note in covered:
            key = (note.made.incident_id, note.made.destination)
            known = self.believers[key]
            fires = self.incidents[key[0]].status is IncidentStatus.FIRING and known.state != "ended"
            if note.made.reason in FIRING_NEWS and fires:
                self.timers[key] = self.now + timedelta(seconds=known.repeat_interval_seconds)

    def _give_up(self, row: Row) -> None:
        covered = self._covered(row)
        self._leave(row)
        for note in covered:
            self._end_note(note.made.id, "failed", "")
            if row.maybe_left and note.made.reason in FIRING_NEWS:
                key = (note.made.incident_id, note.made.destination)
                self.believers[key] = replace(self.believers[key], told_at=self.believers[key].told_at or self.now)
            self.failed.add((note.made.incident_id, note.made.destination, note.made.reason is Reason.RESOLVED))
        self._arm(covered)

    def _again(self, row: Row) -> None:
        follows = after_failure(
            attempt_count=row.attempt_count, severity=row.severity, now=self.now, expires_at=row.expires_at, chance=0.5
        )
        if isinstance(follows, GivenUp):
            self._give_up(row)
        else:
            row.state, row.due_at = "pending", follows.due_at

    def _leave(self, row: Row) -> None:
        del self.outbox[row.made.id]
        self._promote(row.lane)

    def calm(self) -> None:
        """Every provider takes everything, until nothing is left that has a time but a digest's or a reminder's."""
        while self.flying:
            self.land(0, Answer.ACCEPTED)
        for _ in range(1000):
            for _ in self.claim():
                self.land(0, Answer.ACCEPTED)
            due = [row.due_at for row in self.outbox.values() if row.state == "pending"]
            if not due:
                return
            self.now = max(self.now, min(due))
        raise AssertionError("it never calms down")

    def heard_of(self, incident_id: UUID, destination: str) -> list[str]:
        """What was read there about an incident, in order."""
        return [each.says for each in self.heard if (each.incident_id, each.destination) == (incident_id, destination)]

    def makes_noise(self, row: Row) -> bool:
        """Whether a message only reminds people of what somebody has taken."""
        about = self.incidents.get(row.made.incident_id) if row.made.incident_id else None
        return about is not None and about.status is IncidentStatus.ACKNOWLEDGED and row.reason in BUNDLED_NEWS


def _four(counts: Sequence[int]) -> Firing:
    info, warning, error, critical = counts
    return (info, warning, error, critical)
