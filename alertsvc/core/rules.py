"""The checked configuration as the decisions see it: one immutable value, swapped whole on reload."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from alertsvc.core.correlate import CorrelateRule, CorrelateTable
from alertsvc.core.digests import DigestRule
from alertsvc.core.flap_rule import FlapRule
from alertsvc.core.freshness import Freshness
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.intervals import Interval
from alertsvc.core.model import Labels
from alertsvc.core.route import Destination, Route
from alertsvc.core.routing_table import RoutingTable
from alertsvc.core.severity import SeverityRule
from alertsvc.core.storm import StormRule
from alertsvc.core.storms import Storms
from alertsvc.core.thresholds.policy import Thresholds
from alertsvc.core.watchdogs import Watchdog


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What people wrote down about a model, joined by the `model` label.

    Something is to be observed of it every `expect_event_every`; None: nobody waits.
    """

    name: str
    owner: str | None = None
    runbook_url: str | None = None
    expect_event_every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a decision needs to know of the configuration.

    `receivers` maps a receiver's name to its destinations, `digests` a digest's name to its rule, `intervals` an
    interval's name to its times. `stale_after` is for how long a source may not tell of what fires; None: for ever.
    Every name a route uses is a key there. When `correlate` is empty or none of its rules fits, the first route's
    `group_by` decides.

    `routing` and `correlating` are `root` and `correlate` compiled, for whoever asks about labels. `storm_rules`
    has what the destinations say, by their ids, and `timed_by` the intervals that routes to a destination name.
    """

    root: Route
    receivers: Mapping[str, tuple[Destination, ...]]
    digests: Mapping[str, DigestRule]
    correlate: tuple[CorrelateRule, ...] = ()
    severities: SeverityRule = field(default_factory=SeverityRule)
    inhibit: tuple[InhibitRule, ...] = ()
    flapping: FlapRule | None = None
    stale_after: timedelta | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict[str, Interval])
    models: Mapping[str, ModelFacts] = field(default_factory=dict[str, ModelFacts])
    thresholds: Thresholds = field(default_factory=Thresholds)
    freshness: Freshness = field(default_factory=Freshness)
    watchdogs: tuple[Watchdog, ...] = ()
    fingerprint: str = ""
    routing: RoutingTable = field(init=False, repr=False, compare=False)
    correlating: CorrelateTable = field(init=False, repr=False, compare=False)
    storm_rules: Mapping[str, StormRule] = field(init=False, repr=False, compare=False)
    timed_by: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "routing", RoutingTable(self.root))
        object.__setattr__(self, "correlating", CorrelateTable(self.correlate))
        listed = (each for destinations in self.receivers.values() for each in destinations)
        object.__setattr__(self, "storm_rules", {each.id: each.storm for each in listed if each.storm is not None})
        object.__setattr__(self, "timed_by", self._intervals_by_destination())

    def _intervals_by_destination(self) -> Mapping[str, frozenset[str]]:
        named: dict[str, frozenset[str]] = {}
        for route in self.root.each():
            names = frozenset((*route.mute_intervals, *route.active_intervals))
            for destination in self.receivers.get(route.receiver, ()) if names else ():
                named[destination.id] = named.get(destination.id, frozenset()) | names
        return named

    def correlate_rule(self, labels: Labels, routing_labels: Labels) -> CorrelateRule:
        """What makes the incident of an alert with `labels`: a rule that fits, else the first route's `group_by`.

        `routing_labels` are what routes see of it.
        """
        rule = self.correlating.rule_for(labels)
        if rule is not None:
            return rule
        route = self.routing.routes_for(routing_labels)[0]
        return CorrelateRule(f"route:{route.path}", route.group_by)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision is told about the world: the rules in force, the present instant, and where identities come from.

    `now` is aware, in UTC; every effect of the decision carries it. `storms` are those of one transaction: they note
    what the decision makes of them. By default nothing is ever held up by one.
    """

    rules: Rules
    now: datetime
    new_id: Callable[[], UUID]
    storms: Storms = field(default_factory=Storms)
