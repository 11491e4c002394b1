"""How much an operator's template may build and do in one rendering."""

from collections.abc import Iterable, Sequence
from typing import cast

MAX_TURNS = 20_000
MAX_BUILT = 64 * 1024
MAX_RANGE = 1_000
MAX_BITS = 256
MAX_UNKNOWN = 5


class TooMuchError(Exception):
    """A template did or built more than it may."""


class Run:
    """What one rendering has used up, and the names it asked for that nobody knows."""

    __slots__ = ("turns", "unknown")

    def __init__(self) -> None:
        self.turns = 0
        self.unknown: list[str] = []

    def turn(self) -> None:
        """Count one turn of a loop, or one call of a macro."""
        self.turns += 1
        if self.turns > MAX_TURNS:
            raise TooMuchError(f"more than {MAX_TURNS:,} turns of loops and macros")

    def note_unknown(self, name: str, line: int | str) -> None:
        """Remember that `line` asked for `name`, which nobody knows."""
        found = f"line {line}: nothing is called {name!r}"
        if found not in self.unknown and len(self.unknown) < MAX_UNKNOWN:
            self.unknown.append(found)


def measured(text: str) -> str:
    """`text` itself.

    Raises:
        TooMuchError: It is longer than 64 Ki characters.
    """
    if len(text) > MAX_BUILT:
        raise TooMuchError(f"a text of more than {MAX_BUILT:,} characters")
    return text


def joined(values: Iterable[object], separator: str = "") -> str:
    """The values as one text, measured before it is built."""
    pieces = [str(value) for value in values]
    if sum(map(len, pieces)) + len(separator) * len(pieces) > MAX_BUILT:
        raise TooMuchError(f"a text of more than {MAX_BUILT:,} characters")
    return separator.join(pieces)


def short_range(*bounds: int) -> range:
    """A range of at most a thousand numbers."""
    found = range(*bounds)
    if len(found) > MAX_RANGE:
        raise TooMuchError(f"a range of more than {MAX_RANGE:,}")
    return found


def check_operation(left: object, operator: str, right: object) -> None:
    """Let `left operator right` pass when its result is of a usual size.

    Raises:
        TooMuchError: It would be huge.
    """
    too_much = {"+": _sum_is_huge, "*": _product_is_huge, "**": _power_is_huge}.get(operator)
    if too_much is not None and too_much(left, right):
        raise TooMuchError(f"{operator} would make something huge")


def _sum_is_huge(left: object, right: object) -> bool:
    return _length(left) + _length(right) > MAX_BUILT


def _product_is_huge(left: object, right: object) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length() > MAX_BITS
    times = left if isinstance(left, int) else right if isinstance(right, int) else 0
    return times * max(_length(left), _length(right)) > MAX_BUILT


def _power_is_huge(left: object, right: object) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * max(right, 0) > MAX_BITS
    return False


def _length(value: object) -> int:
    return len(cast("Sequence[object]", value)) if isinstance(value, str | list | tuple) else 0
