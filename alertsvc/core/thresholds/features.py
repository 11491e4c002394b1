"""Many features tested at once: a few that are bad by chance are no news."""

from collections.abc import Callable, Sequence
from datetime import datetime

from alertsvc.core.model import Event
from alertsvc.core.thresholds.persistence import BY_FEATURES
from alertsvc.core.thresholds.policy import FeatureShare, Policy
from alertsvc.core.thresholds.ruling import FINAL
from alertsvc.core.thresholds.words import is_bad, rule_of, unsaid

_Run = tuple[str, str, str, str | None, str | None, str | datetime | None]


def spared(events: Sequence[Event], policy_of: Callable[[Event], Policy]) -> list[Event]:
    """The events of one request, with those unsaid that are bad in a run where too few features are.

    A run is one metric of one model over the features of one dataset. Of a test at 0.05 every twentieth feature is bad
    when nothing drifts at all.
    """
    runs: dict[_Run, list[int]] = {}
    for place, event in enumerate(events):
        run = _run_of(event)
        if run is not None:
            runs.setdefault(run, []).append(place)
    found = list(events)
    for places in runs.values():
        for place in [place for place in places if is_bad(events[place])]:
            policy = policy_of(events[place])
            wanted = policy.feature_share
            bad_count = sum(is_bad(events[each]) for each in places)
            if wanted and len(places) >= wanted.at_least and bad_count <= wanted.share * len(places):
                why = _words(events[place], bad_count, len(places), wanted)
                found[place] = unsaid(events[place], BY_FEATURES, rule_of(policy, "feature_share"), why)
    return found


def _run_of(event: Event) -> _Run | None:
    seen = event.observation
    if seen is None or seen.feature is None or event.state is None or event.decided_by in FINAL:
        return None
    run = event.annotations.get("run_id") or event.observed_at
    return (seen.model, seen.metric, seen.environment, seen.dataset, seen.model_version, run)


def _words(event: Event, bad_count: int, count: int, wanted: FeatureShare) -> str:
    """What it was: `3 of 120 features are bad, not more than 30 %; 6 would be by chance at 0.05`."""
    said = f"{bad_count} of {count} features are bad, not more than {wanted.share:.0%}"
    is_p_value = event.observation is not None and event.observation.score_type == "p_value"
    if not is_p_value or event.threshold is None or not 0 < event.threshold < 1:
        return said
    return f"{said}; {round(count * event.threshold)} would be by chance at {event.threshold:g}"
