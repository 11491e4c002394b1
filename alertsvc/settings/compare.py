"""What changed from one configuration to the next, by name: no value is shown, and so no secret."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import cast

from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.settings.load import Loaded, Settings
from alertsvc.settings.process import DatabaseSection, Section

_RULES_BY_NAME = {"digests": "digest", "models": "model", "correlate": "correlate rule"}
_BY_PART = frozenset({"root", "receivers", "fingerprint"})
_WHOLE = tuple(field.name for field in fields(Rules) if field.compare and field.name not in _BY_PART)


class How(StrEnum):
    """What became of a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was: `route root/fraud`, `retention.incidents`."""

    what: str
    how: How

    def __str__(self) -> str:
        return f"{self.what} {self.how}"


def differences(before: Loaded, after: Loaded) -> tuple[Difference, ...]:
    """Everything in which `after` differs."""
    return (
        *_of_settings(before.settings, after.settings),
        *_of_rules(before.rules, after.rules),
        *_by_name("destination", before.channels, after.channels),
        *_by_name("template", before.templates, after.templates),
    )


def needing_restart(before: Loaded, after: Loaded) -> tuple[str, ...]:
    """What differs and cannot change while the service runs."""
    differ = {
        "server.listen": before.settings.server.listen != after.settings.server.listen,
        "server.role": before.settings.server.role != after.settings.server.role,
        "database.url": before.settings.database.secret != after.settings.database.secret,
    }
    return tuple(name for name, differs in differ.items() if differs)


def without_restart(before: Loaded, after: Loaded) -> Loaded:
    """`after`, with what cannot change while the service runs as it was before."""
    fixed = {"listen": before.settings.server.listen, "role": before.settings.server.role}
    server = after.settings.server.model_copy(update=fixed)
    keeps = after.settings.database.keep_configuration
    database: DatabaseSection = before.settings.database.model_copy(update={"keep_configuration": keeps})
    return replace(after, settings=replace(after.settings, server=server, database=database))


def _of_settings(before: Settings, after: Settings) -> Iterator[Difference]:
    for field in fields(Settings):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if isinstance(old, Section):
            for name in type(old).model_fields:
                if getattr(old, name) != getattr(new, name):
                    yield Difference(f"{field.name}.{name}", How.CHANGED)
        elif old != new:
            yield Difference(f"global.{field.name}", How.CHANGED)


def _of_rules(before: Rules, after: Rules) -> Iterator[Difference]:
    yield from _by_name("receiver", dict.fromkeys(before.receivers), dict.fromkeys(after.receivers))
    old, new = dict(_routes(before.root)), dict(_routes(after.root))
    yield from _by_name("route", old, new)
    if list(old) != list(new) and set(old) == set(new):
        yield Difference("order of the routes", How.CHANGED)
    for name in _WHOLE:
        yield from _of_part(name, getattr(before, name), getattr(after, name))


def _of_part(name: str, old: object, new: object) -> Iterator[Difference]:
    """A part of the rules: by the names of what is in it where it has names, else as a whole."""
    named_old, named_new = _named(old), _named(new)
    if name in _RULES_BY_NAME and named_old is not None and named_new is not None:
        yield from _by_name(_RULES_BY_NAME[name], named_old, named_new)
        if list(named_old) == list(named_new) or set(named_old) != set(named_new):
            return
        yield Difference(f"order of {name}", How.CHANGED)
    elif old != new:
        yield Difference(name, How.CHANGED)


def _named(part: object) -> Mapping[str, object] | None:
    if isinstance(part, Mapping):
        return cast("Mapping[str, object]", part)
    if isinstance(part, tuple):
        return {str(getattr(each, "name", "")): each for each in cast("tuple[object, ...]", part)}
    return None


def _routes(route: Route) -> Iterator[tuple[str, Route]]:
    yield route.path, replace(route, routes=())
    for child in route.routes:
        yield from _routes(child)


def _by_name(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Difference]:
    yield from (Difference(f"{kind} {name}", How.REMOVED) for name in old if name not in new)
    for name, value in new.items():
        if name not in old:
            yield Difference(f"{kind} {name}", How.ADDED)
        elif old[name] != value:
            yield Difference(f"{kind} {name}", How.CHANGED)
