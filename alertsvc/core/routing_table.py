"""The routing tree compiled: what an alert costs does not grow with the number of routes."""

from collections.abc import Iterator
from dataclasses import dataclass

from alertsvc.core.label_cache import CACHED_COUNT, LabelCache
from alertsvc.core.model import Labels
from alertsvc.core.route import Route
from alertsvc.core.siblings import SiblingIndex


class RoutingTable:
    """Which routes of a tree take an alert. It belongs to one configuration and ends with it."""

    def __init__(self, root: Route, cache_size: int = CACHED_COUNT) -> None:
        top = _compiled(root)

        def walk(labels: Labels) -> tuple[Route, ...]:
            return tuple(top.taken(labels)) if root.fits(labels) else ()

        self._routes = LabelCache(_names(root), walk, cache_size)

    def routes_for(self, labels: Labels) -> tuple[Route, ...]:
        """The routes that take an alert with `labels`: depth first, the same ones for the same labels.

        The first sibling that fits ends the search unless it goes on; a route takes the alert itself when none of its
        children does. Empty only when the root itself does not fit.
        """
        return self._routes(labels)


@dataclass(frozen=True, slots=True)
class _Node:
    """A route and the index over its children."""

    route: Route
    children: tuple["_Node", ...]
    index: SiblingIndex

    def taken(self, labels: Labels) -> list[Route]:
        """The routes below and including this one, which fits, that take an alert with `labels`."""
        found: list[Route] = []
        for place in self.index.candidates(labels):
            child = self.children[place]
            if child.route.fits(labels):
                found += child.taken(labels)
                if not child.route.goes_on:
                    break
        return found or [self.route]


def _compiled(route: Route) -> _Node:
    children = tuple(_compiled(child) for child in route.routes)
    return _Node(route, children, SiblingIndex.of([child.matchers for child in route.routes]))


def _names(route: Route) -> Iterator[str]:
    """Every label that a route of the tree asks for."""
    yield from (matcher.name for matcher in route.matchers)
    for child in route.routes:
        yield from _names(child)
