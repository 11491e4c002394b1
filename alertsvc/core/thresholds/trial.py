"""What a run of values would come to, one after the other, from nothing or after a history: without a database."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from alertsvc.core.alerts import Alert, NewId, advance
from alertsvc.core.model import Event
from alertsvc.core.thresholds.adapting import adapted
from alertsvc.core.thresholds.persistence import Circumstances, Settled, settle
from alertsvc.core.thresholds.points import History, Point
from alertsvc.core.thresholds.policy import Policy
from alertsvc.core.thresholds.streaming import Detector, streamed


def tried(events: Iterable[tuple[Event, datetime]], policy: Policy, new_id: NewId) -> Iterator[Settled]:
    """What each of the values of one series comes to; each comes with when it arrives."""
    history, alert, detector = History(), None, Detector()
    for event, received_at in events:
        if policy.is_stream:
            judged = streamed(event, policy, detector, None, received_at)
        else:
            judged = adapted(event, policy, history, received_at)
        settled = settle(judged, Circumstances(policy, history, alert, received_at))
        if settled.is_kept:
            version = event.observation.model_version if event.observation else None
            observed_at = event.observed_at or received_at
            point = Point(observed_at, event.value, settled.is_bad, settled.is_baseline, version)
            history = history.with_point(point)
        alert = _after(alert, settled.event, received_at, new_id)
        yield settled


def _after(alert: Alert | None, event: Event, received_at: datetime, new_id: NewId) -> Alert | None:
    return alert if event.state is None else advance(alert, event, received_at, new_id).after
