"""A file as a tree, with the place in the text of each part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alertsvc.settings.errors import Loc, Position
from alertsvc.settings.scalars import Tree


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text; `end` is the position after its last character."""

    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Document:
    """The tree of a file. `values` says where each part stands, `keys` where the key stands that leads to it.

    A key without a value is not in the tree: it means the same as leaving the key out. `empty` has those keys.
    `repeated` are the keys that stood there before, with their places; what they say is nowhere in the tree.
    """

    tree: Tree
    values: Mapping[Loc, Span]
    keys: Mapping[Loc, Span]
    empty: frozenset[Loc]
    repeated: Mapping[Span, Loc] = field(default_factory=dict[Span, Loc])

    def at(self, loc: Loc) -> Tree:
        """The part of the tree at `loc`, or None when there is none."""
        here = self.tree
        for part in loc:
            if isinstance(here, dict) and isinstance(part, str):
                here = here.get(part)
            elif isinstance(here, list) and isinstance(part, int) and part < len(here):
                here = here[part]
            else:
                return None
        return here

    def nearest(self, loc: Loc) -> Loc:
        """`loc` without the parts that the file does not have: a validator's own names, keys that are missing."""
        found: Loc = ()
        for part in loc:
            if (*found, part) in self.values or (*found, part) in self.keys:
                found = (*found, part)
        return found

    def position(self, loc: Loc, *, on_key: bool = False) -> Position:
        """Where `loc` or the nearest part above it begins."""
        found = self.nearest(loc)
        spans = (self.keys, self.values) if on_key else (self.values, self.keys)
        for span in (spans[0].get(found), spans[1].get(found)):
            if span is not None:
                return span.start
        return Position(1, 1)
