"""Alerts that begin and end again and again: one notice, then quiet until they are stable.

While an alert flaps its end is held back: it counts as firing, so that its incident neither ends nor begins anew.
Every change is recorded all the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alertsvc.core.alerts import OPENING, SOURCE, Alert, Change, NewId, Step, advance
from alertsvc.core.flap_rule import FlapRule
from alertsvc.core.model import AlertState, Event

STABLE = "stable"
"""What decides where nothing arrived: it has not changed for so long that it counts as stable."""


def judge_changes(
    alert: Alert | None, event: Event, received_at: datetime, new_id: NewId, rule: FlapRule | None
) -> Step:
    """Say what an arrival does to `alert`, as `advance` does, where alerts that change too often for `rule` flap."""
    step = advance(alert, event, received_at, new_id)
    if alert is None or step.change is Change.STALE:
        return step
    if alert.stable_at is not None:
        return _while_flapping(step, alert, event, received_at, rule)
    if rule is None or (step.change not in OPENING and step.change is not Change.ENDED):
        return step
    return _noted(step, alert, received_at, rule)


def _noted(step: Step, alert: Alert, received_at: datetime, rule: FlapRule) -> Step:
    """It began or ended: maybe once too often."""
    changes = rule.noted(alert.changes, received_at)
    if not rule.is_exceeded(changes):
        return Step(step.change, step.before, replace(step.after, changes=changes))
    stable_at = received_at + rule.hold
    if step.change is Change.ENDED:
        after = _with_end_held(alert, changes, received_at, stable_at)
        return Step(Change.FLAPPED, alert, after, flaps=True)
    return Step(step.change, step.before, replace(step.after, changes=changes, stable_at=stable_at), flaps=True)


def _while_flapping(step: Step, alert: Alert, event: Event, received_at: datetime, rule: FlapRule | None) -> Step:
    ends = event.state is AlertState.RESOLVED
    if ends is alert.end_is_held:
        return Step(Change.DUPLICATE, alert, alert) if ends else step
    changes = rule.noted(alert.changes, received_at) if rule is not None else alert.changes
    stable_at = received_at + rule.hold if rule is not None else received_at
    if ends:
        return Step(Change.FLAPPED, alert, _with_end_held(alert, changes, received_at, stable_at))
    change = Change.RAISED if step.after.severity > alert.severity else Change.FLAPPED
    after = replace(step.after, changes=changes, end_is_held=False, stable_at=stable_at, last_seen_at=received_at)
    return Step(change, alert, after)


def _with_end_held(alert: Alert, changes: Sequence[float], received_at: datetime, stable_at: datetime) -> Alert:
    return replace(
        alert,
        changes=tuple(changes),
        end_is_held=True,
        stable_at=stable_at,
        last_seen_at=received_at,
        expires_at=None,
    )


def settles(alert: Alert, now: datetime) -> Step:
    """It has been stable for long enough, unless it changed since somebody looked."""
    if alert.stable_at is None or alert.stable_at > now:
        return Step(Change.STALE, alert, alert)
    quiet = replace(alert, changes=(), end_is_held=False, stable_at=None)
    if not alert.end_is_held:
        return Step(Change.SETTLED, alert, quiet)
    ended = replace(quiet, state=AlertState.RESOLVED, closed_at=now, closed_by=SOURCE, expires_at=None)
    return Step(Change.ENDED, alert, ended)
