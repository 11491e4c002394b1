"""What becomes of each route of the tree for one label set, and why: the first matcher that fails, who was before it.

It asks the same matchers as live traffic, one after the other, and keeps what they said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from alertsvc.core.model import Labels
from alertsvc.core.route import Matcher, Route


class Standing(StrEnum):
    """What became of a route."""

    TAKES = "takes"
    """It takes the alert: it fits, and none of its children does."""
    LEADS = "leads"
    """It fits, and children of it take the alert."""
    FAILS = "fails"
    """One of its matchers does not fit."""
    NOT_REACHED = "not reached"
    """Nobody looked: a sibling before it fits and does not go on."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first matcher of a route that does not fit, and what the label is; None when there is no such label."""

    matcher: Matcher
    found: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a route and of those below it.

    `misfit` belongs to `fails`. `stopped_by` belongs to `not reached`: the path of the sibling that ended the search.
    `stops` says that this one ended it: it fits, does not go on, and siblings follow. Below a route that fails or was
    not reached nothing is listed.
    """

    route: Route
    standing: Standing
    misfit: Misfit | None = None
    stopped_by: str | None = None
    stops: bool = False
    below: tuple["Finding", ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the alert goes to this route or to some below it."""
        return self.standing in {Standing.TAKES, Standing.LEADS}

    def each(self) -> Iterator["Finding"]:
        """This one and all below, depth first."""
        yield self
        for finding in self.below:
            yield from finding.each()


def walk(route: Route, labels: Labels) -> Finding:
    """What becomes of `route` and of those below it, for an alert with `labels`."""
    misfit = _misfit(route, labels)
    if misfit is not None:
        return Finding(route, Standing.FAILS, misfit)
    below: list[Finding] = []
    stopped_by: str | None = None
    for child in route.routes:
        if stopped_by is not None:
            below.append(Finding(child, Standing.NOT_REACHED, stopped_by=stopped_by))
            continue
        finding = walk(child, labels)
        if finding.fits and not child.goes_on:
            stopped_by = child.path
            finding = replace(finding, stops=child is not route.routes[-1])
        below.append(finding)
    standing = Standing.LEADS if any(finding.fits for finding in below) else Standing.TAKES
    return Finding(route, standing, below=tuple(below))


def _misfit(route: Route, labels: Labels) -> Misfit | None:
    for matcher in route.matchers:
        if not matcher.fits(labels):
            return Misfit(matcher, labels.get(matcher.name))
    return None
