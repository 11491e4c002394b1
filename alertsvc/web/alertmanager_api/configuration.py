"""The routes in force as an Alertmanager configuration: what amtool reads to show and to test them.

It has the route tree and the names of receivers. Channels and their secrets are not in it.
"""

from typing import Any

import yaml

from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.settings.durations import write_duration


def as_alertmanager_yaml(rules: Rules) -> str:
    """A file that Alertmanager would take."""
    tree = {
        "route": _route(rules.root, above=None),
        "receivers": [{"name": name} for name in rules.receivers],
        "templates": [],
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000)


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
    if route.routes:
        found["routes"] = [_route(child, route) for child in route.routes]
    return found
