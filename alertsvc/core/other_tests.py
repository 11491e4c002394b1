"""Which series are over because the tool tests the same thing with another test now.

A test is part of what a series is: a p-value and a distance are never compared. So when the tool chooses another one,
as Evidently does once there are more rows, nobody would ever say of the series before it that it is fine again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alertsvc.core.model import Event, Labels

TEST = "test"

_Thing = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Tested:
    """A series of one test, by the fingerprint and the labels of its alert, and when it was last observed."""

    fingerprint: str
    labels: Labels
    last_observed_at: datetime


def replaced(
    report: Iterable[tuple[Event, datetime]], known: Iterable[Tested], before: Mapping[str, datetime]
) -> Mapping[str, str]:
    """The series that a report ends, by fingerprint, with the test that took the place of each.

    Several tests in one report stand side by side. So do those of reports that take turns: a series is not over that
    was observed since the test in this report was, the time before.

    Args:
        report: The events of one request, each with when it was received.
        known: The series of the same things, as they were before it.
        before: When the series of the report were observed before it, by fingerprint, if they were.
    """
    events = list(report)
    here: dict[_Thing, set[str]] = {}
    for event, _ in events:
        if event.observation is not None and event.observation.test is not None:
            here.setdefault(_thing(_labels_of(event)), set()).add(event.observation.test)
    others: dict[_Thing, list[Tested]] = {}
    for each in known:
        others.setdefault(_thing(each.labels), []).append(each)
    found: dict[str, str] = {}
    for event, received_at in events:
        seen = event.observation
        if seen is None or seen.test is None or seen.trouble is not None or event.state is None:
            continue
        thing, at = _thing(event.labels), event.observed_at or received_at
        since = min(at, before.get(event.fingerprint, at))
        for each in others.get(thing, ()):
            test = each.labels.get(TEST)
            if test in seen.instead_of and test not in here[thing] and each.last_observed_at < since:
                found[each.fingerprint] = seen.test
    return found


def _labels_of(event: Event) -> Labels:
    """Those of the metric's alert, also where the event is about its monitoring."""
    series = event.observation.series if event.observation else None
    return series.labels if series else event.labels


def _thing(labels: Labels) -> _Thing:
    """What is tested, whatever with."""
    return frozenset((name, value) for name, value in labels.items() if name != TEST)
