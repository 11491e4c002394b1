"""Alerts that their source tells of no more, although it said neither that they ended nor until when they fire.

Nothing is inferred from that: they go on firing. But people are told once that nobody confirms it any more.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from alertsvc.core.alerts import Alert, Change, NewId, Step, advance, fired
from alertsvc.core.model import AlertState, Event

REPEAT_WHAT_FIRES = frozenset({"alertmanager", "grafana"})
"""Sources that tell of what fires again and again, and promise no end."""


def first_asked_at(event: Event, received_at: datetime, stale_after: timedelta | None) -> datetime | None:
    """When to ask whether the source of an alert never seen before still tells of it; None: never."""
    if stale_after is None or event.state is not AlertState.FIRING or not _repeats(event, event.expires_at):
        return None
    return received_at + stale_after


def _repeats(event: Event, expires_at: datetime | None) -> bool:
    """Whether silence means something: the source repeats what fires, and promised no end of this."""
    return expires_at is None and event.source in REPEAT_WHAT_FIRES


def listened(step: Step, event: Event, received_at: datetime, stale_after: timedelta | None) -> Step:
    """The step with what it says of its source: that it is heard, and when somebody must ask whether it still is."""
    before, after = step.before, step.after
    if step.change is Change.STALE:
        return step
    if not fired(after) or stale_after is None or not _repeats(event, after.expires_at):
        calm = replace(after, silent_at=None, is_silent=False) if after.silent_at or after.is_silent else after
        return step if calm is after else Step(step.change, before, calm, step.flaps)
    if after.is_silent:
        change = Change.HEARD if step.change is Change.DUPLICATE else step.change
        heard = replace(after, is_silent=False, last_seen_at=received_at, silent_at=received_at + stale_after)
        return Step(change, before, heard, step.flaps)
    if after.silent_at is None or step.change is not Change.DUPLICATE:  # else whoever asks looks when it was last seen
        return Step(step.change, before, replace(after, silent_at=received_at + stale_after), step.flaps)
    return step


def falls_silent(alert: Alert | None, event: Event, now: datetime, new_id: NewId) -> Step:
    """Nobody told of it for so long, unless somebody did since that was found."""
    if alert is None:
        return advance(None, event, now, new_id)
    if not fired(alert) or alert.silent_at is None or alert.silent_at > now:
        return Step(Change.STALE, alert, alert)
    return Step(Change.FELL_SILENT, alert, replace(alert, silent_at=None, is_silent=True))


def asked_again_at(
    last_seen_at: datetime, hears_since: datetime, now: datetime, stale_after: timedelta | None
) -> datetime | None:
    """When to ask again whether a source is silent that is asked about at `now`; None: it is.

    What could not be heard (`hears_since`: until then this service was down, say) is not counted against it.
    """
    if stale_after is None:
        return now + timedelta(days=1)
    until = max(last_seen_at, hears_since) + stale_after
    return until if until > now else None
