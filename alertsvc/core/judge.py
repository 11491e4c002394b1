"""What an event does to its alert, with everything counted in: episodes, flapping, and sources that fall silent."""

from datetime import datetime

from alertsvc.core.alerts import NO_DATA, SILENT, Alert, Change, NewId, Step, advance, fired, first_sight
from alertsvc.core.flapping import STABLE, judge_changes, settles
from alertsvc.core.model import Event
from alertsvc.core.quiet_sources import falls_silent, first_asked_at, listened
from alertsvc.core.rules import Rules


def judge(alert: Alert | None, event: Event, received_at: datetime, new_id: NewId, rules: Rules) -> Step:
    """Say what `event` does to `alert`, as `advance` does, where alerts may flap and their sources fall silent."""
    if event.decided_by == STABLE:
        return settles(alert, received_at) if alert is not None else advance(alert, event, received_at, new_id)
    if event.decided_by == SILENT:
        return falls_silent(alert, event, received_at, new_id)
    if event.decided_by == NO_DATA and alert is not None and not fired(alert):
        return Step(Change.DUPLICATE, alert, alert)
    if alert is None:
        return first_sight(event, received_at, new_id, first_asked_at(event, received_at, rules.stale_after))
    step = judge_changes(alert, event, received_at, new_id, rules.flapping)
    return listened(step, event, received_at, rules.stale_after)
