"""What of a file is taken and may not mean what its author thinks."""

from collections.abc import Iterable, Iterator

from alertsvc.matchers import MatcherError, read_matchers, splits_anchors, unanchored
from alertsvc.settings.document import Document
from alertsvc.settings.errors import Fault, Loc
from alertsvc.settings.file import CONFIGS, ConfigFile
from alertsvc.settings.scalars import Tree

_SECTIONS = ("route", "correlate", "inhibit_rules")
_MATCHERS = frozenset({"matchers", "source_matchers", "target_matchers"})
_EQUAL = frozenset({"match", "source_match", "target_match"})
_REGEX = frozenset({"match_re", "source_match_re", "target_match_re"})


def doubts_in(document: Document) -> list[Fault]:
    """The doubts about the matchers of a file that has passed its checks, with their places."""
    return [doubt for section in _SECTIONS for doubt in _below((section,), document.at((section,)))]


def channel_doubts(file: ConfigFile, kinds: Iterable[str]) -> list[Fault]:
    """What the channels of a checked file say of their entries."""
    return [
        Fault(said, ("receivers", index, kind + CONFIGS, place, key))
        for index, receiver in enumerate(file.receivers)
        for kind in kinds
        for place, entry in enumerate(receiver.configs(kind))
        for key, said in entry.doubts().items()
    ]


def _below(loc: Loc, tree: Tree) -> Iterator[Fault]:
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _below((*loc, index), value)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key in _MATCHERS:
                yield from _in_texts((*loc, key), value)
            elif key in _REGEX:
                yield from _in_patterns((*loc, key), value)
            elif key not in _EQUAL:
                yield from _below((*loc, key), value)


def _in_texts(loc: Loc, tree: Tree) -> Iterator[Fault]:
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _in_texts((*loc, index), value)
    elif isinstance(tree, str):
        try:
            doubts = read_matchers(tree).doubts
        except MatcherError:
            return
        for doubt in doubts:
            yield Fault(doubt.message, loc, offset=doubt.offset)


def _in_patterns(loc: Loc, tree: Tree) -> Iterator[Fault]:
    for name, pattern in tree.items() if isinstance(tree, dict) else ():
        if isinstance(pattern, str) and splits_anchors(pattern):
            yield Fault(unanchored(pattern), (*loc, name))
