"""Writes out what Alertmanager means where nothing is said, as far as this service means something else."""

from collections.abc import Iterator

from alertsvc.settings.alertmanager.parts import Part
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.file import CONFIGS

ROOT = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
QUIET_ABOUT_THE_END = ("email", "slack")
"""Kinds that do not tell of the end unless they are asked to."""
SEVERITIES = ("critical", "error", "warning", "info")
PRINTED = "console_configs"
CONDITIONS = ("matchers", "match", "match_re")
INTERVALS = ("time_intervals", "mute_time_intervals")


def write_out(whole: Part) -> None:
    """Say in `whole` what Alertmanager does by itself. See its `DefaultRouteOpts` and `Default<Kind>Config`."""
    route = whole.below("route")
    if route is not None and isinstance(route.value, dict):
        for key, value in ROOT.items():
            route.say(key, value)
        route.value.setdefault("group_by", Part(route.origin, []))  # one group for all that the route takes
    for receiver in _items(whole.below("receivers")):
        for kind in QUIET_ABOUT_THE_END:
            for entry in _items(receiver.below(kind + CONFIGS)):
                entry.say("send_resolved", False)


def severities() -> Part:
    """Alertmanager knows no severities: whatever fires is told at once."""
    at_once = {word: Part((), {"deliver": Part((), "immediate")}) for word in SEVERITIES}
    return Part((), {**at_once})


def group_conflicts(whole: Part) -> Iterator[Fault]:
    """Routes that pass alerts on to others that group them differently: here the first of them decides for all."""
    route = whole.below("route")
    if route is not None:
        yield from _conflicts(route, _group_by(route, ()))


def _conflicts(route: Part, inherited: tuple[str, ...]) -> Iterator[Fault]:
    children = _items(route.below("routes"))
    for index, child in enumerate(children):
        own = _group_by(child, inherited)
        goes_on = child.below("continue")
        later = {found for sibling in children[index + 1 :] for found in _groupings(sibling, inherited)}
        if goes_on is not None and goes_on.value is True and later - {own}:
            why = (
                "it goes on here too, but the next routes group by other labels, and that is not carried over: "
                "an alert is in one incident here, and the first route that takes it decides which"
            )
            yield Fault(why, goes_on.origin, on_key=True)
        yield from _conflicts(child, own)


def _groupings(route: Part, inherited: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    own = _group_by(route, inherited)
    yield own
    for child in _items(route.below("routes")):
        yield from _groupings(child, own)


def _group_by(route: Part, inherited: tuple[str, ...]) -> tuple[str, ...]:
    said = route.below("group_by")
    return inherited if said is None else tuple(sorted(str(part.value) for part in _items(said)))


def _items(part: Part | None) -> list[Part]:
    return part.value if part is not None and isinstance(part.value, list) else []


def place_of_whole(loc: Loc) -> Loc | None:
    """The inhibit rule, the entry of a time interval, or the route of which `loc` is a condition, or None.

    Without one of its conditions it would fit more than it does in Alertmanager, at worst everything.
    """
    if loc[:1] == ("inhibit_rules",):
        return loc[:2] if len(loc) > 2 else None
    if loc[:1] == ("route",):
        below = 1
        while loc[below : below + 1] == ("routes",):
            below += 2
        return loc[:below] if below > 1 and loc[below : below + 1] and loc[below] in CONDITIONS else None
    is_entry = len(loc) > 4 and loc[0] in INTERVALS and loc[2] == "time_intervals"
    return loc[:4] if is_entry else None


def place_of_entry(loc: Loc) -> Loc | None:
    """The entry of a receiver's channels that `loc` is in, or None."""
    return loc[:4] if len(loc) >= 4 and loc[0] == "receivers" and str(loc[2]).endswith(CONFIGS) else None
