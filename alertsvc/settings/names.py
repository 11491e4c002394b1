"""Checks what one part of the file says about another: names that are used and not defined, or defined twice.

It reads the tree, not the model, so that these mistakes are reported beside those of any other kind.
"""

from collections.abc import Iterator

from alertsvc.quoting import quoted
from alertsvc.settings.document import Document
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.file import CONFIGS
from alertsvc.settings.scalars import Tree
from alertsvc.settings.words import nearest

HOURLY = "hourly"
"""The digest there is when the file defines none."""
_NOT_FOR_ROOT = {
    "matchers": "the root route takes every alert and so has no matchers",
    "match": "the root route takes every alert and so has no matchers",
    "match_re": "the root route takes every alert and so has no matchers",
    "continue": "the root route has nothing to continue with",
    "mute_time_intervals": "the root route is never muted; put this on the routes below it",
    "active_time_intervals": "the root route is always active; put this on the routes below it",
}
_INTERVAL_SECTIONS = ("time_intervals", "mute_time_intervals")
_SECRET_SUFFIXES = ("", "_file", "_env")


def check_names(document: Document) -> list[Fault]:
    """The mistakes between the parts of a file."""
    faults = [
        *_twice(document, "receiver", ("receivers",)),
        *_twice(document, "rule", ("correlate",)),
        *_twice(document, "digest", ("digests",)),
        *_twice(document, "model", ("models",)),
        *_twice(document, "watchdog", ("watchdogs",)),
        *_twice(document, "time interval", *((section,) for section in _INTERVAL_SECTIONS)),
        *_root(document),
        *_words(document),
    ]
    receivers = _defined(document, "receivers")
    if isinstance(document.at(("receivers",)), list):
        faults += _undefined(document, ("self_alerts", "receiver"), "receiver", receivers)
    digests = _defined(document, "digests") or frozenset({HOURLY})
    for loc in _routes(document.at(("route",)), ("route",)):
        faults += _twice(document, "route", (*loc, "routes"))
        if isinstance(document.at(("receivers",)), list):
            faults += _undefined(document, (*loc, "receiver"), "receiver", receivers)
        faults += _undefined(document, (*loc, "digest"), "digest", digests)
        faults += _undefined_intervals(document, loc)
    for loc in _secret_holders(document):
        faults += _given_twice(document, loc)
    return faults


def _items(tree: Tree) -> list[Tree]:
    return tree if isinstance(tree, list) else []


def _defined(document: Document, section: str) -> frozenset[str]:
    names = (document.at((section, index, "name")) for index in range(len(_items(document.at((section,))))))
    return frozenset(name for name in names if isinstance(name, str))


def _twice(document: Document, what: str, *sections: Loc) -> Iterator[Fault]:
    """Names that stand twice in the `sections` together."""
    first: dict[str, Loc] = {}
    places = ((*section, index) for section in sections for index in range(len(_items(document.at(section)))))
    for place in places:
        loc: Loc = (*place, "name")
        name = document.at(loc)
        if isinstance(name, str) and first.setdefault(name, loc) != loc:
            line = document.position(first[name]).line
            yield Fault(f"there is already a {what} {quoted(name)} (line {line})", loc)


def _undefined(document: Document, loc: Loc, what: str, defined: frozenset[str]) -> Iterator[Fault]:
    name = document.at(loc)
    if isinstance(name, str) and name not in defined:
        yield Fault(f"there is no {what} {quoted(name)}", loc, meant=name, known=defined)


def _undefined_intervals(document: Document, route: Loc) -> Iterator[Fault]:
    sections = [document.at((section,)) for section in _INTERVAL_SECTIONS]
    if any(section is not None and not isinstance(section, list) for section in sections):
        return  # nothing is known of what they define
    defined = frozenset[str]().union(*(_defined(document, section) for section in _INTERVAL_SECTIONS))
    for key in ("mute_time_intervals", "active_time_intervals"):
        for index in range(len(_items(document.at((*route, key))))):
            yield from _undefined(document, (*route, key, index), "time interval", defined)


def _routes(tree: Tree, loc: Loc) -> Iterator[Loc]:
    if not isinstance(tree, dict):
        return
    yield loc
    for index, child in enumerate(_items(tree.get("routes"))):
        yield from _routes(child, (*loc, "routes", index))


def _root(document: Document) -> Iterator[Fault]:
    root = document.at(("route",))
    if not isinstance(root, dict):
        return
    for key, message in _NOT_FOR_ROOT.items():
        if root.get(key):
            yield Fault(message, ("route", key), on_key=True)
    if "receiver" not in root and nearest("receiver", root) is None:
        yield Fault("the root route needs a receiver", ("route",))


def _words(document: Document) -> Iterator[Fault]:
    """Foreign words for severities: each means one of them, and none is the name of one."""
    names = ("critical", "error", "warning", "info")
    meant: dict[str, str] = {}
    for severity in names:
        also: Loc = ("severities", severity, "also")
        for index, word in enumerate(_items(document.at(also))):
            if not isinstance(word, str):
                continue
            key = word.strip().lower()
            if key in names:
                yield Fault(f"{quoted(word)} is a severity itself", (*also, index))
            elif meant.setdefault(key, severity) != severity:
                yield Fault(f"{quoted(word)} already means {meant[key]}", (*also, index))


def _secret_holders(document: Document) -> Iterator[Loc]:
    """The mappings that may hold a secret."""
    yield from (("database",), ("auth",), ("global",), ("deadman",), ("sources", "mlflow"), ("sources", "grafana"))
    for index, receiver in enumerate(_items(document.at(("receivers",)))):
        for key, entries in receiver.items() if isinstance(receiver, dict) else ():
            if key.endswith(CONFIGS):
                yield from (("receivers", index, key, place) for place in range(len(_items(entries))))


def _given_twice(document: Document, loc: Loc) -> Iterator[Fault]:
    held = document.at(loc)
    if not isinstance(held, dict):
        return
    names = {key.removesuffix("_file").removesuffix("_env") for key in held}
    for name in sorted(names):
        given = [name + suffix for suffix in _SECRET_SUFFIXES if name + suffix in held]
        if len(given) > 1:
            last = max(given, key=lambda key: document.position((*loc, key), on_key=True))
            yield Fault(f"give only one of {name}, {name}_file and {name}_env", (*loc, last), on_key=True)
