"""Turns YAML text into a document: follows aliases and merges, and finds keys that stand twice."""

from alertsvc.quoting import quoted
from alertsvc.settings.document import Document, Span
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.nodes import MAX_DEPTH, MAX_VALUES, Items, Leaf, Node, Pairs, UnreadableError, read_nodes
from alertsvc.settings.scalars import Tree

MERGE = "<<"


def compose(text: str) -> tuple[Document, list[Fault]]:
    """The document of `text`, and the mistakes that leave it readable.

    Raises:
        UnreadableError: `text` is not YAML, is empty, has several documents, or goes beyond a limit.
    """
    root, faults = read_nodes(text)
    builder = _Builder()
    tree = builder.build(root, (), 0)
    document = Document(tree, builder.values, builder.keys, frozenset(builder.empty), builder.repeated)
    return document, [*faults, *builder.faults.values()]


class _Builder:
    """Builds the tree from nodes and notes where each part of it stands."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, Span], Fault] = {}  # each once, however many aliases lead there
        self.values: dict[Loc, Span] = {}
        self.keys: dict[Loc, Span] = {}
        self.empty: set[Loc] = set()
        self.repeated: dict[Span, Loc] = {}
        self._visit_count = 0

    def build(self, node: Node, loc: Loc, depth: int) -> Tree:
        """The tree below `node`, which stands at `loc`."""
        self._visit(node, depth)
        self.values[loc] = node.span
        if isinstance(node, Leaf):
            return node.value
        if isinstance(node, Items):
            return [self.build(item, (*loc, index), depth + 1) for index, item in enumerate(node.items)]
        built: dict[str, Tree] = {}
        for name, (key, value) in self._by_key(node, loc, depth).items():
            here = (*loc, name)
            self.keys[here] = key.span
            if isinstance(value, Leaf) and value.value is None:
                self.empty.add(here)
            else:
                built[name] = self.build(value, here, depth + 1)
        return built

    def _by_key(self, node: Pairs, loc: Loc, depth: int) -> dict[str, tuple[Leaf, Node]]:
        """The pairs of a mapping: its own first, then those it merges in."""
        own: dict[str, tuple[Leaf, Node]] = {}
        merged: list[Pairs] = []
        for key, value in node.pairs:
            name = str(key.value)
            if name == MERGE and key.plain:
                merged += self._merged(value, loc)
            elif name in own:
                first = own[name][0].span.start.line
                self.repeated[key.span] = (*loc, name)
                self._complain(f"{quoted(name)} stands here twice (first on line {first})", key.span, (*loc, name))
            else:
                own[name] = (key, value)
        for source in merged:
            self._visit(source, depth + 1)
            for name, pair in self._by_key(source, loc, depth + 1).items():
                own.setdefault(name, pair)
        return own

    def _merged(self, value: Node, loc: Loc) -> list[Pairs]:
        listed = value.items if isinstance(value, Items) else [value]
        mappings = [item for item in listed if isinstance(item, Pairs)]
        if len(mappings) < len(listed):
            self._complain("only a mapping, or a list of mappings, can be merged with '<<'", value.span, loc)
        return mappings

    def _visit(self, node: Node, depth: int) -> None:
        self._visit_count += 1 + (len(node.pairs) if isinstance(node, Pairs) else 0)
        if self._visit_count > 2 * MAX_VALUES:
            raise UnreadableError(Fault(f"aliases expand to more than {MAX_VALUES:,} values", at=node.span.start))
        if depth > MAX_DEPTH:
            raise UnreadableError(Fault(f"aliases nest more than {MAX_DEPTH} levels deep", at=node.span.start))

    def _complain(self, message: str, span: Span, loc: Loc) -> None:
        self.faults.setdefault((message, span), Fault(message, loc, at=span.start))
