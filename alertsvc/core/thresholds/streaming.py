"""What the detector of a stream says of a value, and what has to be kept of it until the next one comes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from alertsvc.core.adaptive.ewma import NO_VALUE, REFUSAL
from alertsvc.core.adaptive.stream import HOLD, LONG_LAG, REMEMBERED, SHORT_LAGS, WARM_UP, Novelty, Stream, is_towards
from alertsvc.core.adaptive.transforms import Side, sane, transform_for
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.adapting import BY_SERIES, is_open, side_of, warming_up
from alertsvc.core.thresholds.persistence import BY_LATENESS
from alertsvc.core.thresholds.policy import Policy
from alertsvc.core.thresholds.words import is_bad, rule_of, told, unsaid

FORM = 1
"""Which form the kept state has. One of another form is not read: the detector begins anew."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a detector has taken in: how many values, from when to when, and of which version and test, if known."""

    value_count: int
    began_at: datetime
    last_observed_at: datetime
    model_version: str | None = None
    test: str | None = None

    def goes_on_with(self, seen: Observation, baseline_from: datetime | None) -> bool:
        """Whether what it has taken in may be compared with: same version and test, and nothing too old in it."""
        if baseline_from is not None and self.began_at < baseline_from:
            return False
        pairs = ((self.model_version, seen.model_version), (self.test, seen.test))
        return all(known is None or now is None or known == now for known, now in pairs)

    def and_one(self, at: datetime, seen: Observation) -> "Extent":
        """The same with one value more."""
        version, test = seen.model_version or self.model_version, seen.test or self.test
        return Extent(self.value_count + 1, self.began_at, at, version, test)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was made of the last value: bad or not, None for not yet known; and why, if that is to be said."""

    is_bad: bool | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was known before a value: how many others, and between which they were lately."""

    count: int
    low: float
    high: float

    def alarm(self, found: Novelty, value: float) -> str:
        """Why the value is an alarm: short, as a timeline has little room."""
        if found.is_average:
            about = f"the average of {LONG_LAG} values went from {found.before:.4g} to {found.value:.4g}"
        elif self.low <= value <= self.high:
            about = f"{value:g}, about {SHORT_LAGS[1]} values after {found.before:g}"
        else:
            return f"new: {value:g}; {_last(self.count)} were {self.low:g} to {self.high:g}"
        return f"new: {about}; in no pattern of {_last(self.count)}"


class Detector:
    """The detector of one series. `extent` and `state` are what is kept of it; None: it has taken in nothing."""

    def __init__(self, extent: Extent | None = None, state: Mapping[str, Any] | None = None) -> None:
        self.is_changed = False
        if extent is None or state is None or not self._restored(extent, state):
            self._begin_anew()

    def _begin_anew(self) -> None:
        self.extent: Extent | None = None
        self._stream = Stream()
        self._told = _Told()
        self._trouble_at: datetime | None = None

    def _restored(self, extent: Extent, state: Mapping[str, Any]) -> bool:
        try:
            if state["form"] != FORM:
                return False
            stream, said = Stream.restored(state["stream"]), _Told(*state["told"])
            since = state["trouble_at"]
            trouble_at = None if since is None else datetime.fromtimestamp(since, UTC)
        except (KeyError, TypeError, ValueError):  # as one of another form
            return False
        self.extent, self._stream, self._told, self._trouble_at = extent, stream, said, trouble_at
        return True

    def state(self) -> dict[str, Any]:
        """What is kept of it beside its extent, as JSON can carry it."""
        since = None if self._trouble_at is None else self._trouble_at.timestamp()
        said = (self._told.is_bad, self._told.why)
        return {"form": FORM, "told": said, "trouble_at": since, "stream": self._stream.state()}

    def is_past(self, at: datetime, received_at: datetime) -> bool:
        """Whether it has taken in something newer. What was observed as it arrived is never late, as elsewhere."""
        return self.extent is not None and at < self.extent.last_observed_at and at < received_at

    def takes(self, event: Event, at: datetime, policy: Policy, baseline_from: datetime | None) -> _Told:
        """What it says of a value that is not past, which it takes in. Two of one instant are one, told twice."""
        seen, value = event.observation, event.value
        if seen is None or value is None or (self.extent is not None and at == self.extent.last_observed_at):
            return self._told
        if self.extent is None or not self.extent.goes_on_with(seen, baseline_from):
            self._begin_anew()
        self.is_changed = True
        self.extent = (self.extent or Extent(0, at, at)).and_one(at, seen)
        stream, side = self._stream, side_of(policy, seen)
        if self._trouble_at is not None and at - self._trouble_at > policy.freeze:
            stream.calm_down()
            self._trouble_at = None
        known = _Known(stream.count, *stream.range)
        found = stream.observe(value, side, policy.clear_after)
        if known.count < WARM_UP:
            self._told = _Told(None, warm_up(known.count))
        elif found.is_alarm:
            self._told = _Told(True, known.alarm(found, value))
        elif found.is_trouble:
            self._told = _Told(True, _of_trouble(found, self._trouble_at))
        else:
            self._told = _Told(False, _of_good(found, side))
        self._trouble_at = (self._trouble_at or at) if stream.in_trouble else None
        return self._told


def streamed(
    event: Event, policy: Policy, detector: Detector, baseline_from: datetime | None, received_at: datetime
) -> Event:
    """Judge a value by the detector of its series, which takes it in, also where a band finds it bad: bands stay as
    guard rails, as for `adapted`. What is new is a warning. A value older than one that was taken in changes nothing.
    """
    seen = event.observation
    if seen is None or not is_open(event):
        return event
    rule, refusal = rule_of(policy, "adaptive"), _refusal(event, seen, policy)
    if refusal is not None:
        return event if is_bad(event) else told(event, rule, refusal)
    at = event.observed_at or received_at
    if detector.is_past(at, received_at):
        late = "it is older than the newest value, and changes nothing"
        return event if event.state is not None else unsaid(event, BY_LATENESS, None, late)
    said = detector.takes(event, at, policy, baseline_from)
    if is_bad(event):
        return event
    if said.is_bad is None:
        return told(warming_up(event, is_accepted=baseline_from is not None), rule, said.why)
    return _decided(event, said, rule, event.severity if seen.is_graded else Severity.WARNING)


def limit_of(extent: Extent | None, policy: Policy, seen: Observation, baseline_from: datetime | None) -> str:
    """What the next value of a series is held against, in words; before that how far its detector has come."""
    if _has_no_usual_level(seen, policy):
        return REFUSAL
    goes_on = extent is not None and extent.goes_on_with(seen, baseline_from)
    count = extent.value_count if extent is not None and goes_on else 0
    return warm_up(count) or f"new is what is in no pattern of {_last(count)}"


def _refusal(event: Event, seen: Observation, policy: Policy) -> str | None:
    if _has_no_usual_level(seen, policy):
        return REFUSAL
    return None if event.value is not None and sane([event.value]) else NO_VALUE


def _has_no_usual_level(seen: Observation, policy: Policy) -> bool:
    return transform_for(seen.metric, seen.score_type, seen.kind, side_of(policy, seen)) is None


def _last(count: int) -> str:
    return f"the last {min(count, REMEMBERED):,} values"


def _decided(event: Event, said: _Told, rule: str | None, severity: Severity) -> Event:
    if said.is_bad:
        bad = replace(event, state=AlertState.FIRING, severity=severity, decided_by=BY_SERIES)
        return told(bad, rule, said.why)
    if event.state is None:
        return told(replace(event, state=AlertState.RESOLVED, decided_by=BY_SERIES), rule, said.why)
    return event if said.why is None else told(event, rule, said.why)


def warm_up(value_count: int) -> str | None:
    """How far it has come, until it judges."""
    return f"warming up ({value_count}/{WARM_UP})" if value_count < WARM_UP else None


def _of_good(found: Novelty, side: Side) -> str | None:
    if found.score < 1:
        return None
    if not is_towards(found.value - found.before, side):
        return "new, and no trouble: it moved to its good side"
    return f"new, and not told of: there was an alarm within the last {HOLD} values"


def _of_trouble(found: Novelty, trouble_at: datetime | None) -> str:
    since = "" if trouble_at is None else f" at {trouble_at:%d %b %H:%M} UTC"
    about = f"the average, {found.value:.4g}," if found.is_average else f"{found.value:g}"
    return f"still new: {about} is in no pattern that was known before the alarm{since}"
