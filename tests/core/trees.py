"""Random routing trees and label sets, for comparing ways to walk them."""

from itertools import count, product

from hypothesis import strategies as st

from alertsvc.core.route import Matcher, Op, Route
from alertsvc.matchers import new_matcher
from tests.core.builders import route

NAMES = ("team", "env", "zone")
TEXTS = ("", "a", "b", "ab", "a|b", "^a")
PATTERNS = ("", "a", "a|b", "^(a|b)$", "^a|b$", "(a|b)b", "a|", "a.*", ".*", ".+", "a b|ab", "[^a].*", "(?i:A)")

LABEL_SETS = tuple(
    {name: text for name, text in zip(NAMES, texts, strict=True) if text is not None}
    for texts in product((None, *TEXTS), repeat=len(NAMES))
)
"""Every one that the matchers below can tell apart, with missing labels beside empty ones."""

MATCHERS: st.SearchStrategy[Matcher] = st.sampled_from(
    [new_matcher(name, op, text) for name in NAMES for op in (Op.EQUAL, Op.NOT_EQUAL) for text in TEXTS]
    + [new_matcher(name, op, text) for name in NAMES for op in (Op.MATCHES, Op.NOT_MATCHES) for text in PATTERNS]
)
CONDITIONS = st.lists(MATCHERS, max_size=2).map(tuple)

_SHAPES = st.recursive(
    st.tuples(CONDITIONS, st.booleans(), st.just(())),
    lambda below: st.tuples(CONDITIONS, st.booleans(), st.lists(below, max_size=5).map(tuple)),
    max_leaves=12,
)
TREES: st.SearchStrategy[Route] = st.lists(_SHAPES, max_size=6).map(lambda below: tree_of(((), False, tuple(below))))
"""Trees whose root takes everything. Every route has a path of its own."""


def tree_of(shape, numbers=None) -> Route:
    """The tree of a shape: matchers, whether it goes on, and the shapes below."""
    numbers = numbers or count()
    matchers, goes_on, below = shape
    path = f"r{next(numbers)}"
    return route(path, matchers=matchers, goes_on=goes_on, routes=tuple(tree_of(each, numbers) for each in below))
