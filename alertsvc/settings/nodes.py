"""Reads YAML text into nodes: strict where YAML guesses, and bounded before anything is built."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

import yaml
from yaml import events

from alertsvc.settings.document import Span
from alertsvc.settings.errors import Fault, Position
from alertsvc.settings.scalars import Scalar, read_plain

MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_VALUES = 100_000

_NO_ANCHOR = "no anchor before this alias has its name; a text that begins with * needs quotes"
_NO_TAG = "tags are not supported; a text that begins with ! needs quotes"
_EMPTY = "the file is empty: it needs at least a route and a receiver"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


_parse = cast(
    "Callable[[str, type[yaml.CSafeLoader]], Iterator[events.Event]]",
    yaml.parse,  # pyright: ignore[reportUnknownMemberType]  # its stub leaves the stream open
)


class UnreadableError(Exception):
    """The text is no YAML document, or none that may be read. Nothing after the fault is known."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Leaf:
    """A word, a text or a number. `plain` when it stands without quotes."""

    value: Scalar
    span: Span
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: list["Node"]
    span: Span


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping as it stands in the file: in its order, keys twice if they are."""

    pairs: list[tuple[Leaf, "Node"]]
    span: Span


Node: TypeAlias = Leaf | Items | Pairs
"""One part of a file. The same object stands wherever an alias names it."""


def read_nodes(text: str) -> tuple[Node, list[Fault]]:
    """The root of `text`, and the mistakes that leave it readable.

    Raises:
        UnreadableError: `text` is not YAML, is empty, has several documents, or goes beyond a limit.
    """
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        before = (text[: forbidden.start()] + "x").splitlines()
        raise UnreadableError(Fault(_forbids(forbidden.group()), at=Position(len(before), len(before[-1]))))
    reader = _Reader(_parse(text, yaml.CSafeLoader))
    try:
        return reader.document(), reader.faults
    except yaml.MarkedYAMLError as fault:
        raise UnreadableError(_syntax_fault(fault, text)) from None
    except yaml.YAMLError:
        raise UnreadableError(Fault("not valid YAML", at=Position(1, 1))) from None


class _Reader:
    def __init__(self, parsed: Iterator[events.Event]) -> None:
        self.faults: list[Fault] = []
        self._events = parsed
        self._anchors: dict[str, Node] = {}
        self._alias_count = 0
        self._value_count = 0

    def document(self) -> Node:
        """The one document there is."""
        next(self._events)
        if isinstance(next(self._events), events.StreamEndEvent):
            raise UnreadableError(Fault(_EMPTY))
        root = self._node(next(self._events), 0)
        if isinstance(root, Leaf) and root.value is None:
            raise UnreadableError(Fault(_EMPTY))
        next(self._events)
        after = next(self._events)
        if not isinstance(after, events.StreamEndEvent):
            raise UnreadableError(Fault("a second document begins here; a file holds one", at=_span(after).start))
        return root

    def _node(self, event: events.Event, depth: int) -> Node:
        start = _span(event).start
        self._value_count += 1
        if self._value_count > MAX_VALUES:
            raise UnreadableError(Fault(f"the file has more than {MAX_VALUES:,} values", at=start))
        if depth > MAX_DEPTH:
            raise UnreadableError(Fault(f"nested more than {MAX_DEPTH} levels deep", at=start))
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        node = self._new_node(event, depth)
        if isinstance(event, events.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _new_node(self, event: events.Event, depth: int) -> Node:
        if isinstance(event, events.ScalarEvent):
            return self._leaf(event)
        if isinstance(event, events.SequenceStartEvent):
            return self._items(event, depth)
        if isinstance(event, events.MappingStartEvent):
            return self._pairs(event, depth)
        raise UnreadableError(Fault("a value is missing", at=_span(event).start))

    def _alias(self, event: events.AliasEvent) -> Node:
        self._alias_count += 1
        if self._alias_count > MAX_ALIASES:
            raise UnreadableError(Fault(f"the file has more than {MAX_ALIASES} aliases", at=_span(event).start))
        name = event.anchor or ""
        if name not in self._anchors:
            raise UnreadableError(Fault(_NO_ANCHOR, at=_span(event).start))
        return self._anchors[name]

    def _leaf(self, event: events.ScalarEvent) -> Leaf:
        span = _span(event)
        text: str = event.value
        self._check_tag(event.tag, span)
        forbidden = _FORBIDDEN.search(text)
        if forbidden:
            self.faults.append(Fault(_forbids(forbidden.group()), at=span.start))
            text = _FORBIDDEN.sub("?", text)
        plain: bool = event.tag is None and event.implicit[0]
        return Leaf(read_plain(text) if plain else text, span, plain)

    def _items(self, event: events.SequenceStartEvent, depth: int) -> Items:
        self._check_tag(event.tag, _span(event))
        items: list[Node] = []
        while not isinstance(after := next(self._events), events.SequenceEndEvent):
            items.append(self._node(after, depth + 1))
        return Items(items, Span(_span(event).start, _span(after).end))

    def _pairs(self, event: events.MappingStartEvent, depth: int) -> Pairs:
        self._check_tag(event.tag, _span(event))
        pairs: list[tuple[Leaf, Node]] = []
        while not isinstance(after := next(self._events), events.MappingEndEvent):
            key = self._key(after, depth + 1)
            pairs.append((key, self._node(next(self._events), depth + 1)))
        return Pairs(pairs, Span(_span(event).start, _span(after).end))

    def _key(self, event: events.Event, depth: int) -> Leaf:
        """A key, always as text: `1:` is the key `1`."""
        node = self._node(event, depth)
        if isinstance(event, events.ScalarEvent) and event.value:
            plain = isinstance(node, Leaf) and node.plain
            return Leaf(_FORBIDDEN.sub("?", event.value), node.span, plain)
        raise UnreadableError(Fault("a key must be a word", at=_span(event).start))

    def _check_tag(self, tag: str | None, span: Span) -> None:
        if tag is not None and tag not in _TEXT_TAGS:
            self.faults.append(Fault(_NO_TAG, at=span.start))


def _span(event: events.Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(Position(start.line + 1, start.column + 1), Position(end.line + 1, end.column + 1))


def _forbids(char: str) -> str:
    return f"the character U+{ord(char):04X} is not allowed"


def _syntax_fault(fault: yaml.MarkedYAMLError, text: str) -> Fault:
    mark = fault.problem_mark or fault.context_mark
    at = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    lines = text.splitlines()
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        tab = Position(at.line, indent.index("\t") + 1)
        return Fault("a tab stands in the indentation: YAML takes spaces only", at=tab)
    begun = fault.context_mark.line + 1 if fault.context_mark else at.line
    context = f", {fault.context} that begins on line {begun}" if begun != at.line else ""
    return Fault(f"not valid YAML: {fault.problem}{context}", at=at)
