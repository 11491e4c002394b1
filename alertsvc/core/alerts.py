"""What one event does to the alert it is about: the table of duplicates, stale and late arrivals.

Identity is the fingerprint; an episode is named by the sender's `starts_at`. The sender's clock is used for that and
for display, never to order arrivals: that is `received_at`, ours.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from alertsvc.core.expiry import is_over, is_pressing, later_end
from alertsvc.core.model import AlertState, Event, Severity

NewId = Callable[[], UUID]

PERSON = "person"
SOURCE = "source"
EXPIRED = "expired"
"""What decided, where nobody said that it ended: the end that was promised has passed."""
NO_DATA = "no_data"
"""What decided, where a source says that it ended and means that it looks no more: an alert that fires goes on."""
SILENT = "silent"
"""What decides where nothing arrived: its source has told of it no more for too long."""
RESOLVE_HOLD = timedelta(hours=4)
"""How long a person's resolve stands against a source that keeps repeating the same episode."""
TOUCH_EVERY = timedelta(seconds=30)
"""`last_seen_at` of a duplicate moves at most this often."""


class Change(StrEnum):
    """What an event was to its alert."""

    OPENED = "opened"
    REFIRED = "refired"
    REOPENED = "reopened"
    RESTARTED = "restarted"
    RAISED = "raised"
    LOWERED = "lowered"
    UPDATED = "updated"
    ENDED = "ended"
    ENDED_UNSEEN = "ended_unseen"
    CONFIRMED = "confirmed"
    FLAPPED = "flapped"
    SETTLED = "settled"
    FELL_SILENT = "fell_silent"
    HEARD = "heard"
    DUPLICATE = "duplicate"
    STALE = "stale"


OPENING = frozenset({Change.OPENED, Change.REFIRED, Change.REOPENED})
"""The alert was not firing and is now."""
UNCHANGED = frozenset({Change.DUPLICATE, Change.STALE})
"""Counted, and no row of its own."""


@dataclass(frozen=True, slots=True)
class Alert:
    """The condition, as far as decisions need it. See the table `alert` for what the fields mean.

    `revision` is that of the row it was read from, 0 for one that is not stored yet. `is_silent`: its source has not
    told of it for too long; `silent_at` is when somebody must ask whether that is so.
    """

    id: UUID
    fingerprint: str
    state: AlertState
    severity: Severity
    content_hash: str
    starts_at: datetime
    latest_start_at: datetime
    floor_at: datetime | None
    observed_at: datetime | None
    last_seen_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    incident_id: UUID | None
    episode_id: UUID | None
    revision: int = 0
    expires_at: datetime | None = None
    changes: tuple[float, ...] = ()
    end_is_held: bool = False
    stable_at: datetime | None = None
    silent_at: datetime | None = None
    is_silent: bool = False

    def standing_in(self, incident_id: UUID) -> "Alert":
        """The same in the incident `incident_id`: what happens to every new one, at half the cost of `replace`."""
        return Alert(
            self.id,
            self.fingerprint,
            self.state,
            self.severity,
            self.content_hash,
            self.starts_at,
            self.latest_start_at,
            self.floor_at,
            self.observed_at,
            self.last_seen_at,
            self.closed_at,
            self.closed_by,
            incident_id,
            self.episode_id,
            self.revision,
            self.expires_at,
            self.changes,
            self.end_is_held,
            self.stable_at,
            self.silent_at,
            self.is_silent,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """`before` became `after` because of an event. They are the same object when nothing is to be stored.

    `flaps`: it began to flap with this.
    """

    change: Change
    before: Alert | None
    after: Alert
    flaps: bool = False


def fired(alert: Alert | None) -> bool:
    """Whether the alert is there and fires."""
    return alert is not None and alert.state is AlertState.FIRING


def content_hash(event: Event) -> str:
    """Sixteen hexadecimal digits over what a person reads of an event: texts, numbers and links, not the labels."""
    parts = [text for pair in event.annotations.items() for text in pair]
    parts += (repr(event.value), repr(event.threshold))
    parts += (link.url for link in event.links)
    return hashlib.blake2b("\x00".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def advance(alert: Alert | None, event: Event, received_at: datetime, new_id: NewId) -> Step:
    """Say what `event`, which has a state, does to `alert`; None is an alert never seen."""
    if alert is None:
        return first_sight(event, received_at, new_id)
    if _is_late(alert, event, received_at) or _was_renewed(alert, event, received_at):
        return Step(Change.STALE, alert, alert)
    if alert.state is AlertState.FIRING:
        handle = _while_firing if event.state is AlertState.FIRING else _at_end
    else:
        handle = _after_end if event.state is AlertState.FIRING else _again_resolved
    return handle(alert, event, received_at, new_id)


def is_duplicate(alert: Alert, event: Event, received_at: datetime) -> bool:
    """Whether `event` surely changes nothing and needs no touch either: decided without a lock."""
    return (
        event.state is AlertState.FIRING
        and alert.state is AlertState.FIRING
        and event.severity is alert.severity
        and alert.stable_at is None
        and not alert.is_silent
        and received_at - alert.last_seen_at < TOUCH_EVERY
        and (event.starts_at is None or alert.starts_at <= event.starts_at <= alert.latest_start_at)
        and event.observed_at == alert.observed_at
        and not is_pressing(alert.expires_at, event.expires_at, received_at)
        and content_hash(event) == alert.content_hash
    )


def _is_late(alert: Alert, event: Event, received_at: datetime) -> bool:
    """Whether the observation is older than one that was already judged.

    One that was made as it arrived is never late: a clock that was set back must not silence its sender.
    """
    if event.observed_at is None or alert.observed_at is None or event.observed_at >= received_at:
        return False
    return event.observed_at < alert.observed_at


def _was_renewed(alert: Alert, event: Event, received_at: datetime) -> bool:
    """Whether the clock ends an alert that has been repeated since it was looked at, or has ended."""
    return event.decided_by == EXPIRED and not is_over(alert.expires_at, received_at)


def _observed(event: Event, received_at: datetime) -> datetime | None:
    """When the observation was made; not later than it arrived, whatever its sender's clock says."""
    return None if event.observed_at is None else min(event.observed_at, received_at)


def first_sight(event: Event, received_at: datetime, new_id: NewId, silent_at: datetime | None = None) -> Step:
    """An alert never seen before. `silent_at` is when somebody must ask whether its source still tells of it."""
    start = event.starts_at or _observed(event, received_at) or received_at
    firing = event.state is AlertState.FIRING
    after = Alert(
        id=new_id(),
        fingerprint=event.fingerprint,
        state=AlertState.FIRING if firing else AlertState.RESOLVED,
        severity=event.severity,
        content_hash=content_hash(event),
        starts_at=start,
        latest_start_at=start,
        floor_at=None,
        observed_at=_observed(event, received_at),
        last_seen_at=received_at,
        closed_at=None if firing else received_at,
        closed_by=None if firing else SOURCE,
        incident_id=None,
        episode_id=new_id() if firing else None,
        expires_at=event.expires_at if firing else None,
        silent_at=silent_at,
    )
    return Step(Change.OPENED if firing else Change.ENDED_UNSEEN, None, after)


def _seen(alert: Alert, event: Event, received_at: datetime) -> Alert:
    """`alert` with what every arrival may move: when it was seen, until when it fires, and the latest observation."""
    due = received_at - alert.last_seen_at >= TOUCH_EVERY
    observed_at = _observed(event, received_at) or alert.observed_at
    fires = alert.state is AlertState.FIRING
    pressing = fires and is_pressing(alert.expires_at, event.expires_at, received_at)
    if not due and not pressing and observed_at == alert.observed_at:
        return alert
    return replace(
        alert,
        last_seen_at=max(received_at, alert.last_seen_at),
        observed_at=observed_at,
        expires_at=later_end(alert.expires_at, event.expires_at) if fires else None,
    )


def _while_firing(alert: Alert, event: Event, received_at: datetime, new_id: NewId) -> Step:
    start = event.starts_at
    if start is not None and alert.floor_at is not None and start <= alert.floor_at:
        return Step(Change.STALE, alert, alert)
    after = _seen(alert, event, received_at)
    if start is not None and start > alert.latest_start_at:
        if start > alert.last_seen_at:  # it was firing when last seen, so an end and a new start were missed
            # nobody said so, though: where two sources tell of it, the other one's episode may go on
            begun = replace(_new_episode(alert, event, received_at, new_id), floor_at=alert.floor_at)
            return Step(Change.RESTARTED, alert, begun)
        after = replace(after, latest_start_at=start)
    elif start is not None and start < alert.starts_at:
        after = replace(after, starts_at=start)
    if event.severity is not alert.severity:
        change = Change.RAISED if event.severity > alert.severity else Change.LOWERED
        after = replace(after, expires_at=later_end(alert.expires_at, event.expires_at))
        return Step(change, alert, replace(after, severity=event.severity, content_hash=content_hash(event)))
    fresh = content_hash(event)
    if fresh != alert.content_hash:
        after = replace(after, expires_at=later_end(alert.expires_at, event.expires_at))
        return Step(Change.UPDATED, alert, replace(after, content_hash=fresh, last_seen_at=received_at))
    return Step(Change.DUPLICATE, alert, after)


def _at_end(alert: Alert, event: Event, received_at: datetime, _new_id: NewId) -> Step:
    if event.starts_at is not None and event.starts_at < alert.starts_at:
        return Step(Change.STALE, alert, alert)
    after = replace(
        _seen(alert, event, received_at),
        state=AlertState.RESOLVED,
        closed_at=received_at,
        closed_by=EXPIRED if event.decided_by == EXPIRED else SOURCE,
        expires_at=None,
        last_seen_at=alert.last_seen_at if event.decided_by == EXPIRED else received_at,
        latest_start_at=max(alert.latest_start_at, event.starts_at or alert.latest_start_at),
        content_hash=content_hash(event),
    )
    return Step(Change.ENDED, alert, after)


def _after_end(alert: Alert, event: Event, received_at: datetime, new_id: NewId) -> Step:
    by_person = alert.closed_by == PERSON and alert.closed_at is not None
    start = event.starts_at
    if start is None:
        observed = _observed(event, received_at) or received_at
        if by_person and alert.closed_at is not None and observed <= alert.closed_at:
            return Step(Change.DUPLICATE, alert, _seen(alert, event, received_at))
        return Step(Change.REFIRED, alert, _new_episode(alert, event, received_at, new_id))
    if start < alert.starts_at and (alert.closed_at is None or start <= alert.closed_at):
        return Step(Change.STALE, alert, alert)
    if not alert.starts_at <= start <= alert.latest_start_at:
        return Step(Change.REFIRED, alert, _new_episode(alert, event, received_at, new_id))
    if by_person and alert.closed_at is not None and received_at - alert.closed_at < RESOLVE_HOLD:
        return Step(Change.DUPLICATE, alert, _seen(alert, event, received_at))
    after = replace(
        alert,
        state=AlertState.FIRING,
        severity=event.severity,
        content_hash=content_hash(event),
        observed_at=_observed(event, received_at) or alert.observed_at,
        last_seen_at=received_at,
        closed_at=None,
        closed_by=None,
        expires_at=event.expires_at,
        episode_id=alert.episode_id or new_id(),
    )
    return Step(Change.REOPENED, alert, after)


def _again_resolved(alert: Alert, event: Event, received_at: datetime, _new_id: NewId) -> Step:
    after = _seen(alert, event, received_at)
    start = event.starts_at
    if start is not None and start > after.latest_start_at:  # an episode nobody told us of
        after = replace(after, latest_start_at=start)
    if alert.closed_by == PERSON and (start is None or start >= alert.starts_at):
        # from now on it is the source that ended it: that it fires again is news
        return Step(Change.CONFIRMED, alert, replace(after, closed_by=SOURCE, last_seen_at=received_at))
    return Step(Change.DUPLICATE, alert, after)


def _new_episode(alert: Alert, event: Event, received_at: datetime, new_id: NewId) -> Alert:
    start = event.starts_at or _observed(event, received_at) or received_at
    before = alert.latest_start_at
    return replace(
        alert,
        state=AlertState.FIRING,
        severity=event.severity,
        content_hash=content_hash(event),
        starts_at=start,
        latest_start_at=start,
        floor_at=before if before < start else None,
        observed_at=_observed(event, received_at) or alert.observed_at,
        last_seen_at=received_at,
        closed_at=None,
        closed_by=None,
        expires_at=event.expires_at,
        episode_id=new_id(),
    )
