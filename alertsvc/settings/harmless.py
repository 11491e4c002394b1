"""Which parts of a file may be shown when it has a mistake. What is not known to be harmless may be a secret."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alertsvc.settings.document import Document, Span
from alertsvc.settings.errors import Loc
from alertsvc.settings.scalars import Tree
from alertsvc.settings.shape import Shape

_GUARDED = frozenset({"database", "auth", "global", "receivers", "deadman"})
"""Sections with secrets: what stands in the wrong place there may be one."""
_KEY = re.compile(r"[a-z]{1,20}(?:_[a-z0-9]{1,20}){0,5}")
_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the file, and whether it may be shown. `secrets` are the texts in it that must not be shown."""

    span: Span
    harmless: bool
    secrets: tuple[str, ...] = ()


def is_guarded(loc: Loc) -> bool:
    """Whether secrets stand around `loc`."""
    return not loc or loc[0] in _GUARDED


def may_show_key(loc: Loc, document: Document, shape: Shape, slips: Mapping[Loc, str]) -> bool:
    """Whether the key that leads to `loc` is one, and no secret that came to stand where keys do.

    `slips` are places with a word that was probably meant to be another, with the other.
    """
    key, above = str(loc[-1]), shape.at(loc[:-1])
    if key in above.keys or loc in slips:
        return True
    if above.is_known and not above.keys and not is_guarded(loc):
        return True  # any key is allowed there: a label's name
    return loc not in document.empty and _KEY.fullmatch(key) is not None


def parts_of(document: Document, shape: Shape, slips: Mapping[Loc, str]) -> Iterator[Part]:
    """What the file has. `slips` is as in `may_show_key`."""
    yield from _below((), document.tree, document, shape, slips)
    for loc, span in document.keys.items():
        yield Part(span, may_show_key(loc, document, shape, slips))
    for span, loc in document.repeated.items():
        yield Part(span, may_show_key(loc, document, shape, slips))


def _below(loc: Loc, tree: Tree, document: Document, shape: Shape, slips: Mapping[Loc, str]) -> Iterator[Part]:
    hidden = not shape.is_known or shape.is_secret or (is_guarded(loc) and _is_misplaced(tree, shape))
    if hidden or not isinstance(tree, dict | list):
        yield Part(document.values[loc], not hidden, tuple(_texts(tree)) if hidden and is_guarded(loc) else ())
        return
    for part, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        here = (*loc, part)
        below = shape.below(part)
        if here in slips and not below.is_known and not is_guarded(loc):
            below = shape.below(slips[here])
        yield from _below(here, value, document, below, slips)


def _is_misplaced(tree: Tree, shape: Shape) -> bool:
    """Whether it is a value where none belongs, a mapping that the model has not, or a long text for a number."""
    if isinstance(tree, dict):
        return not shape.keys
    is_long = isinstance(tree, str) and len(tree) >= _SHORTEST_SECRET
    return not isinstance(tree, list) and (not shape.takes_leaf or (is_long and bool(shape.strict_kinds)))


def _texts(value: Tree) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
