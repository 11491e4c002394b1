"""What a limit that follows the series says of a value: where neither its sender nor a band finds it bad."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from alertsvc.core.adaptive.ewma import SPAN, WINDOW, Chart, Judgement, State, judge
from alertsvc.core.adaptive.seasonal import Dated, judge_by_weekday
from alertsvc.core.adaptive.transforms import Side, transform_for
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.numbers import short
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.points import History, Point, values_of
from alertsvc.core.thresholds.policy import OUTSIDE, STREAM, Adaptive, Policy
from alertsvc.core.thresholds.ruling import BY_BANDS, NOBODY
from alertsvc.core.thresholds.words import is_bad, rule_of, told

BY_SERIES = "adaptive"


@dataclass(frozen=True, slots=True)
class Reach:
    """How many earlier points a method looks at: of all the latest, and of those that count as usual."""

    recent: int
    usual: int


REACH = {"ewma": Reach(SPAN, WINDOW), "weekday": Reach(SPAN, 8 * 7 + WINDOW), STREAM: Reach(0, 0)}
"""By the method's name. A weekday is found again among daily values. A stream keeps what it has to know."""
BASELINE = "baseline"
"""The annotation with what is usual for the series, in words."""
LIMIT = "limit"
"""The annotation with the limit that follows from that, in words."""
SUMMARY = "summary"
IN_NUMBERS = re.compile(r" is [-\d.,e+]+( \(alert [^()]*\))?")
"""What follows the name of a metric where its summary says nothing but the value and its limit."""


def adapted(event: Event, policy: Policy, history: History, received_at: datetime) -> Event:
    """Judge a value by the latest of its series, where that is asked for. Bands stay as guard rails: what they find bad
    is bad.

    It is a warning; critical is what is far beyond the limit twice in a row.
    """
    seen, wanted = event.observation, policy.adaptive
    if wanted is None or seen is None or event.value is None or not is_open(event) or is_bad(event):
        return event
    before = history.measured.before(event.observed_at or received_at, received_at, seen.model_version)
    chart = _chart(seen, policy, wanted)
    point = Point(event.observed_at or received_at, event.value)
    found = _judged(point, before.usual, before.recent, chart, wanted)
    rule = rule_of(policy, "adaptive")
    if found.state is State.REFUSED:
        return told(event, rule, found.reason)
    if found.state is State.WARMING:
        return told(warming_up(event, is_accepted=history.baseline_from is not None), rule, found.reason)
    if not found.is_alarm:
        return event if event.state is not None else _said(event, found, before.usual, rule)
    severity = event.severity if seen.is_graded else Severity.WARNING
    if found.state is State.GRAVE and not seen.is_graded and _was_grave(before, received_at, chart, wanted):
        severity = Severity.CRITICAL
    return _said(replace(event, severity=severity), found, before.usual, rule)


def is_open(event: Event) -> bool:
    """Whether a limit that follows the series may be asked of a value: no sender said what it means."""
    if event.observation is None or event.observation.is_settled or event.value is None:
        return False
    return event.decided_by in {NOBODY, BY_BANDS}


def limit_now(seen: Observation, policy: Policy, history: History, now: datetime) -> Judgement | None:
    """The limit that a value would be held against at `now`, as it is with another value like the last.

    None: no limit follows this series.
    """
    if policy.adaptive is None:
        return None
    before, chart = history.measured.before(now, now, seen.model_version), _chart(seen, policy, policy.adaptive)
    value = next(iter(values_of(before.recent[:1])), 0.0)
    return _judged(Point(now, value), before.usual, before.recent, chart, policy.adaptive)


def side_of(policy: Policy, seen: Observation) -> Side:
    """On which side of what is usual a series is bad."""
    return Side(policy.direction or seen.direction or OUTSIDE)


def _chart(seen: Observation, policy: Policy, wanted: Adaptive) -> Chart:
    side = side_of(policy, seen)
    transform = transform_for(seen.metric, seen.score_type, seen.kind, side)
    return Chart(side, transform, wanted.sensitivity)


def _judged(point: Point, usual: Sequence[Point], recent: Sequence[Point], chart: Chart, wanted: Adaptive) -> Judgement:
    """The judgement of a point; both lists have what was before it, the newest first."""
    last = usual[0].observed_at if usual else None
    since = [each for each in recent if not each.is_baseline and (last is None or each.observed_at > last)]
    if wanted.method == "weekday":
        (now,) = _dated([point])
        return judge_by_weekday(_dated(usual)[::-1], now, chart, _dated(since)[::-1])
    (value,) = values_of([point])
    return judge(values_of(usual)[::-1], value, chart, values_of(since)[::-1])


def _dated(points: Sequence[Point]) -> list[Dated]:
    return [Dated(each.observed_at.date(), each.value) for each in points if each.value is not None]


def _was_grave(before: History, received_at: datetime, chart: Chart, wanted: Adaptive) -> bool:
    """Whether the value before was as far beyond the limit."""
    if not before.recent:
        return False
    last = before.recent[0]
    earlier = before.before(last.observed_at, received_at, None)
    return _judged(last, earlier.usual, earlier.recent, chart, wanted).state is State.GRAVE


def warming_up(event: Event, *, is_accepted: bool) -> Event:
    """There is no limit yet. After a person took as normal what it is now, that is fine until there is one again."""
    if event.state is not None:
        return event
    return replace(event, state=AlertState.RESOLVED if is_accepted else None, decided_by=BY_SERIES)


def _said(event: Event, found: Judgement, usual: Sequence[Point], rule: str | None) -> Event:
    limits = [f"{short(found.lower)} at least" if found.lower is not None else ""]
    limits += [f"{short(found.upper)} at most" if found.upper is not None else ""]
    average = "the value itself" if found.is_leap else "the average of the last values"
    words = {
        BASELINE: f"about {short(median(values_of(usual)))} in {found.point_count} values",
        LIMIT: " and ".join(filter(None, limits)),
    }
    if _is_in_numbers(event):
        words[SUMMARY] = _sentence(event, found, words)
    judged = replace(
        event,
        state=AlertState.FIRING if found.is_alarm else AlertState.RESOLVED,
        decided_by=BY_SERIES,
        threshold=found.threshold,
        annotations={**event.annotations, **words},
    )
    if not found.is_alarm:
        return told(judged, rule, None)
    return told(judged, rule, f"{average} leaves what is usual for this series: {words[BASELINE]}, {words[LIMIT]}")


def _about(event: Event) -> str:
    seen = event.observation
    if seen is None:
        return ""
    return f"{seen.metric} of {seen.feature}" if seen.feature else seen.metric


def _is_in_numbers(event: Event) -> bool:
    """Whether its summary was made of its numbers, by a limit that did not decide: its sender wrote none."""
    said = event.annotations.get(SUMMARY, "")
    return IN_NUMBERS.fullmatch(said.removeprefix(_about(event))) is not None


def _sentence(event: Event, found: Judgement, words: Mapping[str, str]) -> str:
    """What a value is beside what is usual: `accuracy is 0.884, usually about 0.918 in 32 values: …`."""
    said = f"{_about(event)} is {short(event.value or 0.0)}"
    if not found.is_alarm:
        return f"{said}, within its usual range: {words[BASELINE]}, {words[LIMIT]}"
    said = f"{said}, usually {words[BASELINE]}"
    side = "above" if found.e > 0 else "below"
    limit = "" if found.threshold is None else f" {short(found.threshold)}"
    if found.is_leap or found.smoothed is None:
        return f"{said}: {side} the limit{limit} for a single value"
    return f"{said}: the average of the latest, {short(found.smoothed)}, is {side} the limit{limit}"
