"""Why an alert goes where it goes: the reasoning of the routing tree, and what keeps news of it back, as a value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alertsvc.core.correlate import CorrelateRule, Correlation, correlation_of
from alertsvc.core.findings import Finding, Standing, walk
from alertsvc.core.model import Deliver, Labels, Severity
from alertsvc.core.mutes import Mute, Mutes
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Rules
from alertsvc.core.severity import with_severity

ASKED = "explain"
"""The source of an alert that somebody thinks of."""
REACH = "an instant from the year 1971 to 9000 is needed"
"""What `is_within_reach` asks for, in words."""


def is_within_reach(instant: datetime) -> bool:
    """Whether schedules and intervals can be reckoned from `instant`, with room before and after."""
    return 1971 <= instant.year <= 9000


@dataclass(frozen=True, slots=True)
class Taking:
    """What a route that takes the alert does with it.

    `deliver` is for the alert's own severity, `digest` the digest it then travels in, if any. `mutes` keep the news
    back that goes by this route.
    """

    route: Route
    destinations: tuple[Destination, ...]
    deliver: Deliver
    digest: str | None
    mutes: tuple[Mute, ...] = ()

    @property
    def weight(self) -> tuple[int, int]:
        """What counts for a destination that several routes lead to: rather told than muted, rather that than never."""
        if self.deliver is Deliver.NONE:
            return (0, 0)
        return (1 if self.mutes else 2, self.deliver.urgency)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole reasoning about one label set.

    `labels` are what routes see: the alert's own and its severity. `rule` is what makes the incident. `at` is the
    instant it is about; without one nothing is said of mutes.
    """

    labels: Labels
    severity: Severity
    rule: CorrelateRule
    correlation: Correlation
    tree: Finding
    taken: tuple[Taking, ...]
    at: datetime | None = None

    @property
    def receivers(self) -> tuple[str, ...]:
        """The receiver of each route that takes the alert, in the order of the tree. One may stand there twice."""
        return tuple(taking.route.receiver for taking in self.taken)

    @property
    def mutes(self) -> tuple[Mute, ...]:
        """Everything that keeps news back on some of the routes, each once."""
        return tuple({mute.ref: mute for taking in self.taken for mute in taking.mutes}.values())

    @property
    def told(self) -> dict[str, Taking]:
        """By destination: the route that counts for it. Of equals the first."""
        return told_by(self.taken)


def told_by(taken: Iterable[Taking]) -> dict[str, Taking]:
    """By destination: the route that counts for it among those that take an alert. Of equals the first."""
    found: dict[str, Taking] = {}
    for taking in taken:
        for destination in taking.destinations:
            known = found.get(destination.id)
            if known is None or taking.weight > known.weight:
                found[destination.id] = taking
    return found


def explain(rules: Rules, labels: Labels, severity: Severity | None = None, mutes: Mutes | None = None) -> Explanation:
    """What would become of a firing alert with `labels`, and why, while `mutes` are in force.

    `severity` is what its source says of it, where that is not the label `severity`. Without either routes see none.
    """
    graded = graded_by(rules, labels, severity)
    seen = labels if severity is None else with_severity(labels, graded, ASKED)
    tree = walk(rules.root, seen)
    rule = rules.correlate_rule(labels, seen)
    takes = [finding.route for finding in tree.each() if finding.standing is Standing.TAKES]
    return Explanation(
        labels=seen,
        severity=graded,
        rule=rule,
        correlation=correlation_of(rule, labels),
        tree=tree,
        taken=tuple(_taking(rules, route, graded, mutes.on(seen, route) if mutes else ()) for route in takes),
        at=mutes.now if mutes else None,
    )


def takings(rules: Rules, labels: Labels, severity: Severity, mutes: Mutes) -> tuple[Taking, ...]:
    """What every route does that takes an alert with these routing labels, without the reasoning about the others."""
    return tuple(_taking(rules, route, severity, mutes.on(labels, route)) for route in rules.routing.routes_for(labels))


def graded_by(rules: Rules, labels: Labels, severity: Severity | None) -> Severity:
    """The severity of an alert: what its source says of it, else what its label means."""
    return rules.severities.read(labels.get("severity")) if severity is None else severity


def _taking(rules: Rules, route: Route, severity: Severity, mutes: tuple[Mute, ...]) -> Taking:
    deliver = route.deliver[severity]
    digest = route.digest if deliver is Deliver.DIGEST else None
    return Taking(route, rules.receivers[route.receiver], deliver, digest, mutes)
