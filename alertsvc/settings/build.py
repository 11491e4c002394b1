"""Turns the checked file into what decisions are made from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from alertsvc.core.correlate import CorrelateRule
from alertsvc.core.digests import DigestRule, Every
from alertsvc.core.freshness import Freshness
from alertsvc.core.model import Deliver, Severity
from alertsvc.core.route import Destination, Matcher, Route, Timing
from alertsvc.core.rules import ModelFacts, Rules
from alertsvc.core.self_alerts import NAMES, SERVICE_LABEL
from alertsvc.core.severity import SeverityRule
from alertsvc.core.watchdogs import Watchdog
from alertsvc.matchers import matchers_from_map, parse_matchers
from alertsvc.settings.file import ConfigFile
from alertsvc.settings.intervals import build_intervals
from alertsvc.settings.names import HOURLY
from alertsvc.settings.routing import DigestEntry, RouteNode, SeveritiesSection
from alertsvc.settings.schedules import parse_cron

T = TypeVar("T")

DEFAULT_TIMING = Timing(
    group_wait=timedelta(0),  # Alertmanager waits 30 s; a first notice here waits only where a route says so
    group_interval=timedelta(minutes=5),
    repeat_interval=timedelta(hours=4),
)
DEFAULT_DELIVER: Mapping[Severity, Deliver] = {
    Severity.CRITICAL: Deliver.IMMEDIATE,
    Severity.ERROR: Deliver.IMMEDIATE,
    Severity.WARNING: Deliver.DIGEST,
    Severity.INFO: Deliver.NONE,
}
DEFAULT_DIGEST = DigestRule(HOURLY, Every(timedelta(hours=1)))
MODEL_RULES = (
    CorrelateRule("model", ("model", "environment"), parse_matchers('model!=""')),
    CorrelateRule("rule", ("rulename",), parse_matchers('{alertname=~"Datasource(NoData|Error)",rulename!=""}')),
    CorrelateRule("alert", ("alertname",)),
)
"""What makes one incident when neither `correlate` nor any `group_by` says so."""


def build_rules(file: ConfigFile, receivers: Mapping[str, tuple[Destination, ...]], fingerprint: str) -> Rules:
    """The rules of a file that has passed its checks."""
    digests = {entry.name: _digest(entry) for entry in file.digests} or {HOURLY: DEFAULT_DIGEST}
    return Rules(
        root=_root(file, HOURLY if HOURLY in digests else next(iter(digests))),
        receivers=receivers,
        digests=digests,
        correlate=_correlate(file),
        severities=_severities(file.severities),
        inhibit=tuple(entry.rule(index) for index, entry in enumerate(file.inhibit_rules)),
        flapping=file.flapping.rule,
        stale_after=file.stale_after or None,
        intervals=build_intervals((*file.time_intervals, *file.mute_time_intervals)),
        models={
            entry.name: ModelFacts(entry.name, entry.owner, entry.runbook_url, entry.expect_event_every)
            for entry in file.models
        },
        freshness=Freshness(file.freshness.severity),
        watchdogs=tuple(Watchdog(entry.name, entry.within, entry.by, entry.severity) for entry in file.watchdogs),
        fingerprint=fingerprint,
    )


def _root(file: ConfigFile, digest: str) -> Route:
    said = {severity: file.severities.entry(severity).deliver for severity in Severity}
    above = Route(
        path="",
        receiver="",
        timing=DEFAULT_TIMING,
        deliver={**DEFAULT_DELIVER, **{severity: deliver for severity, deliver in said.items() if deliver is not None}},
        digest=digest,
    )
    root = _route(file.route, "root", above)
    receiver = file.self_alerts.receiver
    return root if receiver is None else replace(root, routes=(_to_self_alerts(receiver, root), *root.routes))


def _to_self_alerts(receiver: str, root: Route) -> Route:
    """The route before all others that takes what the service says of itself. No route of a file has such a name."""
    own = parse_matchers(f'{{{SERVICE_LABEL[0]}="{SERVICE_LABEL[1]}",alertname=~"{"|".join(NAMES)}"}}')
    return replace(root, path="root/[self_alerts]", receiver=receiver, matchers=own, routes=())


def _route(node: RouteNode, path: str, above: Route) -> Route:
    """The route that `node` is, with what it does not say taken from the route above."""
    own = Route(
        path=path,
        receiver=_or(node.receiver, above.receiver),
        timing=Timing(
            group_wait=_or(node.group_wait, above.timing.group_wait),
            group_interval=_or(node.group_interval, above.timing.group_interval),
            repeat_interval=_or(node.repeat_interval, above.timing.repeat_interval),
        ),
        deliver=node.deliver.overlaid(above.deliver),
        digest=_or(node.digest, above.digest),
        group_by=_or(node.group_by, above.group_by),
        matchers=_matchers(node),
        goes_on=node.goes_on,
        mute_intervals=node.mute_time_intervals,
        active_intervals=node.active_time_intervals,
    )
    children = (
        _route(child, f"{path}/{child.name or f'routes[{index}]'}", own) for index, child in enumerate(node.routes)
    )
    return replace(own, routes=tuple(children))


def _matchers(node: RouteNode) -> tuple[Matcher, ...]:
    listed = tuple(matcher for matchers in node.matchers for matcher in matchers)
    return matchers_from_map(node.match, node.match_re) + listed


def _correlate(file: ConfigFile) -> tuple[CorrelateRule, ...]:
    if file.correlate:
        return tuple(
            CorrelateRule(entry.name, entry.by, tuple(m for ms in entry.matchers for m in ms), entry.reopen_within)
            for entry in file.correlate
        )
    return () if _groups(file.route) else MODEL_RULES


def _groups(node: RouteNode) -> bool:
    return node.group_by is not None or any(_groups(child) for child in node.routes)


def _digest(entry: DigestEntry) -> DigestRule:
    schedule = (
        parse_cron(entry.schedule, entry.timezone) if entry.schedule else Every(entry.every or timedelta(hours=1))
    )
    return DigestRule(entry.name, schedule, entry.timezone, entry.max_items, entry.urgent_after)


def _severities(section: SeveritiesSection) -> SeverityRule:
    words = {word.strip().lower(): severity for severity in Severity for word in section.entry(severity).also}
    return SeverityRule(words, section.default, {kind.value: severity for kind, severity in section.kinds.items()})


def _or(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value
