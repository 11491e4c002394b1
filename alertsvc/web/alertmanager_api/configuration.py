"""The routes in force as an Alertmanager configuration: what amtool reads to show and to test them.

It has the route tree, the time intervals and the names of receivers. Channels and their secrets are not in it.
"""

import json
from typing import Any

import yaml

from alertsvc.core.durations import write_duration
from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.web.alertmanager_api.time_intervals import NotSayableError, as_entries


def as_alertmanager_yaml(rules: Rules) -> str:
    """A file that Alertmanager would take. Comments at its end name what of the time intervals it could not say."""
    intervals, unsaid = _intervals(rules)
    tree = {
        "route": _route(rules.root, above=None),
        "receivers": [{"name": name} for name in rules.receivers],
        "templates": [],
        **({"time_intervals": intervals} if intervals else {}),
    }
    shown = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000)
    return shown + "".join(f"# {line}\n" for line in unsaid)


def _intervals(rules: Rules) -> tuple[list[dict[str, Any]], list[str]]:
    """The intervals, and a line about each entry that is left out of one."""
    listed: list[dict[str, Any]] = []
    unsaid: list[str] = []
    for name, interval in rules.intervals.items():
        entries: list[dict[str, Any]] = []
        for number, entry in enumerate(interval.entries):
            try:
                entries += as_entries(entry)
            except NotSayableError as why:
                unsaid.append(f"time interval {json.dumps(name)}: entry {number} is left out: {why}")
        listed.append({"name": name, "time_intervals": entries})
    return listed, unsaid


def _route(route: Route, above: Route | None) -> dict[str, Any]:
    """A route with what it does not inherit."""
    timing, inherited = route.timing, above.timing if above else None
    found: dict[str, Any] = {"receiver": route.receiver}
    if above is None or route.group_by != above.group_by:
        found["group_by"] = list(route.group_by)
    if above is not None and route.matchers:
        found["matchers"] = [str(matcher) for matcher in route.matchers]
    if route.goes_on:
        found["continue"] = True
    for name in ("group_wait", "group_interval", "repeat_interval"):
        span = getattr(timing, name)
        if inherited is None or span != getattr(inherited, name):
            found[name] = write_duration(span)
    if above is not None:  # the root is never muted: a file that says otherwise is refused
        names = {"mute_time_intervals": route.mute_intervals, "active_time_intervals": route.active_intervals}
        found |= {key: list(listed) for key, listed in names.items() if listed}
    if route.routes:
        found["routes"] = [_route(child, route) for child in route.routes]
    return found
