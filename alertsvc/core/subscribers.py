"""Who wants to hear of an alert: the destinations that routes give, each with its route."""

from alertsvc.core.model import Event, Labels
from alertsvc.core.route import Destination, Route
from alertsvc.core.rules import Rules
from alertsvc.core.severity import with_severity


def event_labels(event: Event) -> Labels:
    """The labels that routes and mutes see of an event."""
    return with_severity(event.labels, event.severity, event.source)


def subscribers(rules: Rules, labels: Labels) -> list[tuple[Destination, Route]]:
    """The destinations of every route that takes an alert with these routing labels, in the order of the routes."""
    return [
        (destination, route)
        for route in rules.routing.routes_for(labels)
        for destination in rules.receivers[route.receiver]
    ]
