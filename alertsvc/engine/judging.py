"""Judges what was observed by the limits there are: reads the earlier values that have a say, and asks `core`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert
from alertsvc.core.judge import judge
from alertsvc.core.model import Event
from alertsvc.core.observation import Observation
from alertsvc.core.rules import Moment
from alertsvc.core.thresholds.adapting import REACH, adapted
from alertsvc.core.thresholds.features import spared
from alertsvc.core.thresholds.in_force import LimitInForce, in_force
from alertsvc.core.thresholds.persistence import Circumstances, settle
from alertsvc.core.thresholds.points import History, Point
from alertsvc.core.thresholds.policy import Policy, Thresholds
from alertsvc.core.thresholds.streaming import Detector, streamed
from alertsvc.core.thresholds.words import is_bad
from alertsvc.store import alerts, detectors, measurements
from alertsvc.store.series import SeriesRecord

SPARE_POINTS = 4
"""Points more than count: some were not judged."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An event on its way, with the request it came by. One that is `repeated` came before, and has no say."""

    event: Event
    request: UUID | None
    received_at: datetime
    repeated: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether it is a value of a series, or would be: what is wrong with the monitoring itself is none."""
        seen = self.event.observation
        return seen is not None and seen.trouble is None and not self.repeated


class Judging:
    """Judges the observations of one transaction: first each by itself, then, in their order, what it comes to."""

    def __init__(
        self,
        thresholds: Thresholds,
        flow: Sequence[Observed],
        histories: Mapping[str, History] | None = None,
        kept_detectors: Mapping[str, Detector] | None = None,
    ) -> None:
        self._thresholds = thresholds
        self._flow = flow
        self._histories = dict(histories or {})
        self._detectors = dict(kept_detectors or {})
        self._kept: dict[int, tuple[bool | None, bool]] = {}

    def judged(self) -> list[Event]:
        """The events with the state of their values alone: where neither sender nor bands decide, series do.

        Features that are bad by chance are no news.
        """
        seen = dict(self._histories)
        events = [self._adapted(each, seen) if each.is_judged else each.event for each in self._flow]
        by_request: dict[UUID | None, list[int]] = {}
        for position, each in enumerate(self._flow):
            if each.is_judged:
                by_request.setdefault(each.request, []).append(position)
        for places in by_request.values():
            for place, event in zip(places, spared([events[each] for each in places], self._policy), strict=True):
                events[place] = event
        return events

    def settle(self, position: int, event: Event, alert: Alert | None) -> Event:
        """What the observation at `position` comes to; its alert is as the events before it left it."""
        given = self._flow[position]
        if not given.is_judged:
            return event
        history = self._histories.get(event.fingerprint, History())
        settled = settle(event, Circumstances(self._policy(event), history, alert, given.received_at))
        self._kept[position] = (settled.is_bad, settled.is_baseline)
        if settled.is_kept:
            point = _point(event, given.received_at, settled.is_bad, is_baseline=settled.is_baseline)
            self._histories[event.fingerprint] = history.with_point(point)
        return settled.event

    def kept(self, position: int) -> tuple[bool | None, bool]:
        """What is kept with the value of the observation at `position`: whether it is bad, and whether it is usual."""
        return self._kept.get(position, (None, True))

    def moved_detectors(self) -> dict[str, Detector]:
        """The detectors that took in a value, by the fingerprints of their series."""
        return {name: each for name, each in self._detectors.items() if each.is_changed}

    def _policy(self, event: Event) -> Policy:
        return self._thresholds.policy_for(event.observation) if event.observation else Policy()

    def _adapted(self, each: Observed, seen: dict[str, History]) -> Event:
        """`seen` has what was before it, and gets it."""
        policy = self._policy(each.event)
        if policy.adaptive is None or each.event.value is None:
            return each.event
        history = seen.get(each.event.fingerprint, History())
        if policy.is_stream:
            detector = self._detectors.setdefault(each.event.fingerprint, Detector())
            return streamed(each.event, policy, detector, history.baseline_from, each.received_at)
        event = adapted(each.event, policy, history, each.received_at)
        bad = None if event.state is None else is_bad(event)
        point = _point(event, each.received_at, bad, is_baseline=not bad)
        seen[event.fingerprint] = history.with_point(point)
        return event


def _point(event: Event, received_at: datetime, is_bad: bool | None, *, is_baseline: bool) -> Point:
    version = event.observation.model_version if event.observation else None
    return Point(event.observed_at or received_at, event.value, is_bad, is_baseline, version)


def judging_of(conn: Connection, thresholds: Thresholds, flow: Sequence[Observed], *, holds: bool) -> Judging:
    """What judges `flow`. Only for series whose limits ask for earlier values something is read.

    `holds`: until the transaction ends nobody else judges values of these series.
    """
    asking: dict[str, tuple[Event, datetime]] = {}
    policies: dict[str, Policy] = {}
    for each in flow:
        seen = each.event.observation
        policy = thresholds.policy_for(seen) if seen is not None and each.is_judged else None
        if policy is not None and policy.is_stateful:
            asking.setdefault(each.event.fingerprint, (each.event, each.received_at))
            policies[each.event.fingerprint] = policy
    if not asking:
        return Judging(thresholds, flow)
    unheld = dict.fromkeys(asking)
    known = measurements.locked(conn, asking) if holds else unheld | measurements.baselines(conn, asking)
    streams = [name for name, policy in policies.items() if policy.is_stream]
    kept = detectors.kept(conn, streams) if streams else {}
    return Judging(thresholds, flow, _histories(conn, known, policies), kept)


def _histories(conn: Connection, known: dict[str, datetime | None], policies: dict[str, Policy]) -> dict[str, History]:
    following: Collection[str] = [
        name for name, policy in policies.items() if policy.adaptive is not None and not policy.is_stream
    ]
    memory = max(policy.memory for policy in policies.values())
    methods = {policy.adaptive.method for policy in policies.values() if policy.adaptive is not None}
    recent_count = max([memory, *(REACH[method].recent for method in methods)]) + SPARE_POINTS
    usual_count = max((REACH[method].usual for method in methods), default=0)
    return measurements.histories(conn, known, recent_count, following, usual_count)


def limits_of(
    conn: Connection, thresholds: Thresholds, listed: Sequence[SeriesRecord], now: datetime
) -> dict[str, Sequence[LimitInForce]]:
    """The limits that the next value of each series is held against, by fingerprint."""
    seen = {each.fingerprint: _seen(each) for each in listed}
    policies = {name: thresholds.policy_for(each) for name, each in seen.items()}
    following = {name: policy for name, policy in policies.items() if policy.adaptive is not None}
    known = {each.fingerprint: each.baseline_from for each in listed if each.fingerprint in following}
    histories = _histories(conn, known, following) if following else {}
    streams = [name for name, policy in following.items() if policy.is_stream]
    extents = detectors.extents(conn, streams) if streams else {}
    return {
        name: in_force(policies[name], each, histories.get(name, History()), now, extents.get(name))
        for name, each in seen.items()
    }


def _seen(series: SeriesRecord) -> Observation:
    return Observation(
        model=series.model,
        metric=series.metric,
        kind=series.kind,
        environment=series.environment,
        feature=series.feature,
        dataset=series.dataset,
        test=series.test,
        model_version=series.model_version,
    )


def foreseen(conn: Connection, events: Sequence[Event], moment: Moment) -> list[Event]:
    """What events would come to that arrived now, together. Nothing is held or written."""
    judging = judging_of(
        conn, moment.rules.thresholds, [Observed(each, None, moment.now) for each in events], holds=False
    )
    known = alerts.known(conn, {each.fingerprint for each in events})
    found: list[Event] = []
    for position, event in enumerate(judging.judged()):
        settled = judging.settle(position, event, known.get(event.fingerprint))
        found.append(settled)
        if settled.state is not None:
            step = judge(known.get(event.fingerprint), settled, moment.now, moment.new_id, moment.rules)
            known[event.fingerprint] = step.after
    return found
