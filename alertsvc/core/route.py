"""The routing tree: which routes take an alert. Alertmanager's rules, exactly."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from alertsvc.core.model import Deliver, Labels, Reason, Severity
from alertsvc.core.storm import StormRule

_CLASSIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Op(StrEnum):
    """How a matcher compares. Regular expressions are anchored at both ends."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. A label that is missing counts as the empty string.

    `test` answers for the label's value and carries the compiled expression: which engine compiles it is not
    decided here.
    """

    name: str
    op: Op
    value: str
    test: Callable[[str], bool] = field(repr=False, compare=False)

    def fits(self, labels: Labels) -> bool:
        return self.test(labels.get(self.name, ""))

    def __str__(self) -> str:
        """As both of Alertmanager's grammars take it; a name that the classic one has not stands in quotes."""
        name = self.name if _CLASSIC_NAME.fullmatch(self.name) else _in_quotes(self.name)
        return f"{name}{self.op}{_in_quotes(self.value)}"


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Timing:
    """When a destination of a route is told again."""

    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta


@dataclass(frozen=True, slots=True)
class Destination:
    """One channel of one receiver: the thing that gets told.

    `hears` are the reasons this channel carries; `id` is stable while the channel's own settings are, wherever it
    stands in its list. `storm` says when it is told so much that the rest is summed up; None: never.
    """

    id: str
    receiver: str
    kind: str
    hears: frozenset[Reason]
    storm: StormRule | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree, with everything it inherits filled in.

    `path` is how people find it again (`root/fraud`, `root/routes[1]`). `deliver` has a row for each severity.
    `mute_intervals` and `active_intervals` name intervals; a child does not inherit them.
    """

    path: str
    receiver: str
    timing: Timing
    deliver: Mapping[Severity, Deliver]
    digest: str
    group_by: tuple[str, ...] = ()
    matchers: tuple[Matcher, ...] = ()
    goes_on: bool = False
    routes: tuple["Route", ...] = ()
    mute_intervals: tuple[str, ...] = ()
    active_intervals: tuple[str, ...] = ()

    def fits(self, labels: Labels) -> bool:
        """Whether all its own matchers fit; what its children want is another matter."""
        return fits_all(self.matchers, labels)

    def each(self) -> Iterator["Route"]:
        """It and all below it, depth first."""
        yield self
        for route in self.routes:
            yield from route.each()


def fits_all(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    """Whether every one of `matchers` fits `labels`."""
    for matcher in matchers:  # noqa: SIM110  # a loop: a generator costs as much as the matchers
        if not matcher.fits(labels):
            return False
    return True
