"""Whether a bad value fires yet, and a good one ends it: what has to last before people hear of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alertsvc.core.alerts import Alert, fired
from alertsvc.core.model import AlertState, Event
from alertsvc.core.thresholds.points import History, Point
from alertsvc.core.thresholds.policy import Policy
from alertsvc.core.thresholds.ruling import BY_SAMPLES, BY_STATUS, FINAL
from alertsvc.core.thresholds.words import is_bad, rule_of, told, unsaid

BY_COOLDOWN = "cooldown"
BY_CLEARING = "clear_after"
BY_FEATURES = "share_of_features"
BY_LATENESS = "late"
NOT_JUDGED = frozenset({BY_SAMPLES, BY_FEATURES})
"""What was not judged is no part of what is usual either."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What an observation comes to in its series.

    `event` is what its alert is to be told; without a state nothing. `is_bad` and `is_baseline` are kept with the value
    (see `Point`).
    """

    event: Event
    is_bad: bool | None
    is_baseline: bool

    @property
    def is_kept(self) -> bool:
        """Whether it is a point of its series: it has a value, or says without one whether that is bad."""
        return self.event.value is not None or self.is_bad is not None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an observation meets. `history` is all that is known of its series; `alert` may never have been seen."""

    policy: Policy
    history: History
    alert: Alert | None
    received_at: datetime


def settle(event: Event, met: Circumstances) -> Settled:
    """Say what `event`, whose state is that of its value alone, comes to.

    A state that its sender keeps, and a value that could not be computed, stand at once. What is older than the newest
    value changes nothing.
    """
    if event.decided_by in FINAL:
        usual = event.state is AlertState.RESOLVED and not fired(met.alert) and event.value is not None
        return Settled(event, is_bad(event) if event.decided_by == BY_STATUS else None, usual)
    if event.state is None:
        return Settled(event, None, event.decided_by not in NOT_JUDGED and _is_usual(event, met))
    bad, usual = is_bad(event), _is_usual(event, met)
    if met.history.is_late(event.observed_at or met.received_at, met.received_at):
        return _late(event, met, usual)
    said = _while_firing(event, met) if fired(met.alert) else _while_fine(event, met)
    return Settled(said, bad, usual)


def _is_accepted(met: Circumstances) -> bool:
    alert, accepted_at = met.alert, met.history.baseline_from
    return fired(alert) and alert is not None and accepted_at is not None and accepted_at > alert.starts_at


def _is_usual(event: Event, met: Circumstances) -> bool:
    """Whether later values are compared with this one. While something is wrong they are not: drift is no new normal,
    unless it lasts for so long, or a person says so. A verdict without a value is nothing to compare with.
    """
    alert = met.alert
    if event.value is None:
        return False
    if alert is None or not fired(alert):
        return not is_bad(event)
    return _is_accepted(met) or (event.observed_at or met.received_at) - alert.starts_at > met.policy.freeze


def _late(event: Event, met: Circumstances, usual: bool) -> Settled:
    seen = met.alert.observed_at if met.alert else None
    if seen is not None and event.observed_at is not None and seen > event.observed_at:
        return Settled(event, is_bad(event), usual)  # its alert sees that itself
    said = unsaid(event, BY_LATENESS, None, "it is older than the newest value, and changes nothing")
    return Settled(said, is_bad(event), usual)


def _before(event: Event, met: Circumstances) -> Iterable[Point]:
    """The points before it that were judged, the newest first."""
    version = event.observation.model_version if event.observation else None
    before = met.history.before(event.observed_at or met.received_at, met.received_at, version)
    return (point for point in before.recent if point.is_bad is not None)


def _while_firing(event: Event, met: Circumstances) -> Event:
    """A bad value goes on firing; a good one ends it when there were enough of them."""
    wanted = met.policy.clear_after
    if is_bad(event):
        return event
    count = 1
    for point in _before(event, met):
        if point.is_bad or count >= wanted:
            break
        count += 1
    if count >= wanted or met.alert is None:
        return event
    held = replace(event, state=AlertState.FIRING, severity=met.alert.severity, decided_by=BY_CLEARING)
    why = f"{count} of {wanted} good values in a row: it fires until then"
    return told(held, rule_of(met.policy, "clear_after"), why)


def _while_fine(event: Event, met: Circumstances) -> Event:
    """A good value is fine; a bad one fires when there were enough of them, and not too soon after the last time."""
    if not is_bad(event):
        return event
    often = met.policy.often
    last: Sequence[bool | None] = [True, *(point.is_bad for point in _before(event, met))][: often.of]
    count = sum(each is True for each in last)
    if count < often.bad:
        why = f"{count} of the last {often.of} values bad: it fires at {often.bad}"
        return replace(unsaid(event, event.decided_by, rule_of(met.policy, "often"), why), is_pending=True)
    return _unless_just_ended(event, met)


def _unless_just_ended(event: Event, met: Circumstances) -> Event:
    alert, rest = met.alert, met.policy.cooldown
    if alert is None or alert.episode_id is None or alert.closed_at is None or event.severity > alert.severity:
        return event
    until = alert.closed_at + rest
    if not rest or met.received_at >= until:
        return event
    why = f"it ended at {alert.closed_at:%H:%M} UTC, and fires before {until:%d %b %H:%M} only if it is graver"
    return unsaid(event, BY_COOLDOWN, rule_of(met.policy, "cooldown"), why)
