"""The routing tree as Alertmanager walks it: every sibling is asked. The oracle for the compiled one."""

from alertsvc.core.model import Labels
from alertsvc.core.route import Route


def routes_for(node: Route, labels: Labels) -> list[Route]:
    """The routes below and including `node` that take an alert with `labels`: depth first.

    Source: `Route.Match` in https://github.com/prometheus/alertmanager/blob/main/dispatch/route.go
    """
    if not all(matcher.fits(labels) for matcher in node.matchers):
        return []
    taken: list[Route] = []
    for child in node.routes:
        found = routes_for(child, labels)
        taken += found
        if found and not child.goes_on:
            break
    return taken or [node]
