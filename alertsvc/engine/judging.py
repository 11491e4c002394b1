"""Judges what was observed by the limits there are: reads the earlier values that have a say, and asks `core`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert
from alertsvc.core.model import Event
from alertsvc.core.thresholds.adapting import REACH, adapted
from alertsvc.core.thresholds.features import spared
from alertsvc.core.thresholds.persistence import Circumstances, Settled, settle
from alertsvc.core.thresholds.points import History, Point
from alertsvc.core.thresholds.policy import Policy, Thresholds
from alertsvc.store import measurements

SPARE_POINTS = 4
"""Points more than count: some were not judged."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An event on its way, with the request it came by. One that is `repeated` came before, and has no say."""

    event: Event
    request: UUID | None
    received_at: datetime
    repeated: bool = False


class Judging:
    """Judges the observations of one transaction, in their order."""

    def __init__(self, thresholds: Thresholds, histories: dict[str, History] | None = None) -> None:
        self._thresholds = thresholds
        self._histories = histories or {}

    def judged(self, flow: Sequence[Observed]) -> list[Event]:
        """The events with the state of their values alone: where neither sender nor bands decide, series do.

        Features that are bad by chance are no news.
        """
        seen = dict(self._histories)
        events = [each.event if each.repeated else self._adapted(each, seen) for each in flow]
        by_request: dict[UUID | None, list[int]] = {}
        for place, each in enumerate(flow):
            if each.event.observation is not None and not each.repeated:
                by_request.setdefault(each.request, []).append(place)
        for places in by_request.values():
            for place, event in zip(places, spared([events[each] for each in places], self._policy), strict=True):
                events[place] = event
        return events

    def settle(self, event: Event, alert: Alert | None, received_at: datetime) -> Settled:
        """What a judged observation comes to, where its alert is as the events before it left it."""
        history = self._histories.get(event.fingerprint, History())
        settled = settle(event, Circumstances(self._policy(event), history, alert, received_at))
        if event.value is not None:
            point = _point(event, received_at, settled.is_bad, is_baseline=settled.is_baseline)
            self._histories[event.fingerprint] = history.with_point(point)
        return settled

    def _policy(self, event: Event) -> Policy:
        return self._thresholds.policy_for(event.observation) if event.observation else Policy()

    def _adapted(self, each: Observed, seen: dict[str, History]) -> Event:
        """`seen` has what was before it, and gets it."""
        policy = self._policy(each.event)
        if policy.adaptive is None or each.event.value is None:
            return each.event
        history = seen.get(each.event.fingerprint, History())
        event = adapted(each.event, policy, history, each.received_at)
        is_bad = None if event.state is None else event.state == "firing"
        point = _point(event, each.received_at, is_bad, is_baseline=not is_bad)
        seen[event.fingerprint] = history.with_point(point)
        return event


def _point(event: Event, received_at: datetime, is_bad: bool | None, *, is_baseline: bool) -> Point:
    version = event.observation.model_version if event.observation else None
    return Point(event.observed_at or received_at, event.value or 0.0, is_bad, is_baseline, version)


def judging_of(conn: Connection, thresholds: Thresholds, flow: Iterable[Observed], *, holds: bool) -> Judging:
    """What judges `flow`. Only for series whose limits ask for earlier values something is read.

    `holds`: until the transaction ends nobody else judges values of these series.
    """
    asking: dict[str, tuple[Event, datetime]] = {}
    policies: dict[str, Policy] = {}
    for each in flow:
        seen = each.event.observation
        policy = thresholds.policy_for(seen) if seen is not None and not each.repeated else None
        if policy is not None and policy.is_stateful:
            asking.setdefault(each.event.fingerprint, (each.event, each.received_at))
            policies[each.event.fingerprint] = policy
    if not asking:
        return Judging(thresholds)
    if holds:
        known = measurements.locked(conn, asking)
    else:
        known = dict.fromkeys(asking) | measurements.baselines(conn, asking)
    return Judging(thresholds, _histories(conn, known, policies))


def _histories(conn: Connection, known: dict[str, datetime | None], policies: dict[str, Policy]) -> dict[str, History]:
    following: Collection[str] = [name for name, policy in policies.items() if policy.adaptive is not None]
    memory = max(policy.memory for policy in policies.values())
    methods = {policy.adaptive.method for policy in policies.values() if policy.adaptive is not None}
    recent_count = max([memory, *(REACH[method].recent for method in methods)]) + SPARE_POINTS
    usual_count = max((REACH[method].usual for method in methods), default=0)
    return measurements.histories(conn, known, recent_count, following, usual_count)
