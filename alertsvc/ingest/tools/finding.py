"""What a tool found out about one thing, and the direct event that tells of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alertsvc.ingest.clean import clean_text
from alertsvc.ingest.decoding import Json, as_number
from alertsvc.ingest.metrics import Direction
from alertsvc.ingest.tools.context import Context

MOST_LISTED = 25
"""So many of what failed stand in the details of a summary; how many there were is said beside them."""
MAX_LISTED_BYTES = 200
MAX_WORDS_BYTES = 2000

Limits = float | dict[str, float]
"""A threshold: a number, or `{"lower": …, "upper": …}` with at least one of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a tool. `breached` is the tool's verdict, or what follows from its numbers; None: nobody can say.

    `is_error`: the monitor ran and could not compute it; its words are `summary`. `shows_value` is False where the tool
    gives no number by design. `is_known_again`: the next run's finding has the same identity, so that it can stand as
    an alert of its own. `name` is what the tool calls it. `chosen_from` are the tests that the tool might have chosen
    for it by itself instead of `test`.
    """

    kind: str
    metric: str
    name: str = ""
    value: float | None = None
    feature: str | None = None
    test: str | None = None
    threshold: Limits | None = None
    direction: Direction | None = None
    score_type: str | None = None
    breached: bool | None = None
    is_error: bool = False
    shows_value: bool = True
    is_known_again: bool = True
    severity: str | None = None
    dataset: str | None = None
    summary: str | None = None
    status: str | None = None
    labels: dict[str, str] = field(default_factory=dict[str, str])
    details: Json = field(default_factory=dict[str, Any])
    links: tuple[dict[str, str], ...] = ()
    window: Json | None = None
    chosen_from: frozenset[str] = frozenset()

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from the other findings of a report."""
        labels = tuple(sorted(self.labels.items()))
        return (self.kind, self.metric, self.feature, self.test, self.dataset, labels)

    @property
    def says_nothing(self) -> bool:
        """Whether it is there for the record only: no verdict, no number, and no want of one."""
        return self.breached is None and self.value is None and not self.is_error

    @property
    def gravity(self) -> int:
        """Which of several findings about one thing counts: the highest."""
        if self.breached:
            return 3
        return 2 if self.is_error else int(self.breached is False)


def limits_of(lower: object, upper: object) -> tuple[Limits | None, Direction | None]:
    """The threshold that two sides make, and where it is bad; nothing where they make none."""
    low, high = as_number(lower), as_number(upper)
    if low is not None and high is not None:
        return ({"lower": low, "upper": high}, Direction.OUTSIDE) if low <= high else (None, None)
    if low is not None:
        return low, Direction.BELOW
    return (high, Direction.ABOVE) if high is not None else (None, None)


def once(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without those about the same thing as a graver one: one alert cannot fire and end at once."""
    found: dict[tuple[object, ...], Finding] = {}
    for each in findings:
        known = found.get(each.identity)
        if known is None or each.gravity > known.gravity:
            found[each.identity] = each
    return list(found.values())


def as_event(finding: Finding, context: Context) -> Json:
    """The direct event that tells of a finding."""
    event: Json = {
        "kind": finding.kind,
        "metric": finding.metric,
        "feature": finding.feature,
        "test": finding.test,
        "direction": finding.direction,
        "score_type": finding.score_type,
        "severity": finding.severity,
        "dataset": context.dataset or finding.dataset,
        "summary": None if finding.summary is None else clean_text(finding.summary, MAX_WORDS_BYTES),
        "model": context.model,
        "model_version": context.model_version,
        "environment": context.environment,
        "observed_at": context.observed_at,
        "run_id": context.run_id,
        "labels": finding.labels or None,
        "details": finding.details or None,
        "links": list(finding.links) or None,
        "window": finding.window,
        "expect_next_within": context.expect_next_within if finding.feature is None else None,  # columns come and go
    }
    is_judged = finding.breached is not None and not finding.is_error
    if finding.direction is not None or is_judged:
        event["threshold"] = finding.threshold  # without a side and a verdict it would be refused
    event = {name: value for name, value in event.items() if value is not None}
    if finding.is_error:
        return {**event, "value": None}
    if finding.breached is not None:
        event["breached"] = finding.breached
    if finding.shows_value and finding.value is not None:
        event["value"] = finding.value
    return event


def count_of(findings: Sequence[Finding], noun: str) -> str:
    """`3 of 8 tests failed`, with those that could not be computed."""
    failed = sum(1 for each in findings if each.breached)
    errors = sum(1 for each in findings if each.is_error)
    said = f"{failed} of {len(findings)} {noun} failed"
    return f"{said}, {errors} could not be computed" if errors else said


def listed(findings: Iterable[Finding]) -> Json:
    """The details of a summary: what failed and what could not be computed, the first of each."""
    every = list(findings)
    failed = [_in_short(each) for each in every if each.breached and not each.is_error]
    errors = [_in_short(each) for each in every if each.is_error]
    found: Json = {}
    for name, items in (("failed", failed), ("not_computed", errors)):
        if items:
            found[name] = items[:MOST_LISTED]
            if len(items) > MOST_LISTED:
                found[f"{name}_count"] = len(items)
    return found


def _in_short(finding: Finding) -> Json:
    said = {
        "name": clean_text(finding.name or finding.metric, MAX_LISTED_BYTES),
        "feature": None if finding.feature is None else clean_text(finding.feature, MAX_LISTED_BYTES),
        "value": finding.value,
        "threshold": finding.threshold,
        "test": None if finding.test is None else clean_text(finding.test, MAX_LISTED_BYTES),
        "severity": finding.severity,
        "why": None if not finding.is_error or not finding.summary else clean_text(finding.summary, MAX_LISTED_BYTES),
    }
    return {name: value for name, value in said.items() if value is not None}
