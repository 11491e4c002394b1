"""The routing tree as text for people."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from alertsvc.core.durations import write_duration
from alertsvc.core.route import Matcher, Route, Timing
from alertsvc.quoting import printable

NodeT = TypeVar("NodeT")

_Placed: TypeAlias = tuple[Route, Route | None]
"""A route and the one above it."""


def shown_tree(root: Route) -> list[str]:
    """The tree as `amtool config routes show` draws it; behind the receiver stands what a route says of its own."""
    head, *rest = drawn((root, None), _route_line, _children)
    return ["Routing tree:", ".", f"└── {head}", *(f"    {line}" for line in rest)]


def drawn(node: NodeT, line: Callable[[NodeT], str], below: Callable[[NodeT], Sequence[NodeT]]) -> list[str]:
    """A tree as lines: each node's own, and its children below it."""
    lines = [printable(line(node))]
    children = below(node)
    for place, child in enumerate(children):
        first, later = ("└── ", "    ") if place == len(children) - 1 else ("├── ", "│   ")
        head, *rest = drawn(child, line, below)
        lines += [first + head, *(later + each for each in rest)]
    return lines


def _children(pair: _Placed) -> list[_Placed]:
    route, _ = pair
    return [(child, route) for child in route.routes]


def _route_line(pair: _Placed) -> str:
    route, above = pair
    parts = [_conditions(route.matchers)]
    parts += ["continue: true"] if route.goes_on else []
    parts += [f"receiver: {route.receiver}", *_own(route, above)]
    return "  ".join(parts)


def _conditions(matchers: Sequence[Matcher]) -> str:
    listed = sorted(matchers, key=lambda each: (each.name, each.value))
    return f"{{{','.join(map(str, listed))}}}" if listed else "default-route"


def _own(route: Route, above: Route | None) -> Iterator[str]:
    """What a route does not inherit. The root inherits nothing."""
    name = route.path.rpartition("/")[2]
    if above is not None and not name.startswith("routes["):
        yield f"name: {name}"
    own = {each: deliver for each, deliver in route.deliver.items() if above is None or above.deliver[each] != deliver}
    if own:
        yield "deliver: " + ",".join(f"{each.word}={own[each]}" for each in sorted(own, reverse=True))
    if above is None or above.digest != route.digest:
        yield f"digest: {route.digest}"
    if above is None or above.group_by != route.group_by:
        yield f"group_by: [{', '.join(route.group_by)}]"
    for key, span in _spans(route.timing).items():
        if above is None or _spans(above.timing)[key] != span:
            yield f"{key}: {span}"
    for key, names in (("mute", route.mute_intervals), ("active", route.active_intervals)):
        if names:
            yield f"{key}_time_intervals: [{', '.join(names)}]"


def _spans(timing: Timing) -> dict[str, str]:
    keys = ("group_wait", "group_interval", "repeat_interval")
    return {key: write_duration(getattr(timing, key)) for key in keys}
