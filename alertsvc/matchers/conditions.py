"""Conditions as they are written, and as they are tested."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alertsvc.core.route import Matcher, Op
from alertsvc.matchers.faults import MatcherError
from alertsvc.matchers.patterns import compile_pattern


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a text, without its quotes and escapes.

    `name_at` and `value_at` are the characters in the text, from 0, where the name and the value begin.
    """

    name: str
    op: Op
    value: str
    name_at: int
    value_at: int


def matchers_of(conditions: Iterable[Condition]) -> tuple[Matcher, ...]:
    """The conditions as matchers.

    Raises:
        MatcherError: A regular expression is none.
    """
    return tuple(_matcher(condition) for condition in conditions)


def matchers_from_map(equal: Mapping[str, str], regex: Mapping[str, str]) -> tuple[Matcher, ...]:
    """The conditions of a route's `match` and `match_re`.

    Raises:
        ValueError: A regular expression is none.
    """
    plain = tuple(new_matcher(name, Op.EQUAL, value) for name, value in sorted(equal.items()))
    return plain + tuple(new_matcher(name, Op.MATCHES, value) for name, value in sorted(regex.items()))


def new_matcher(name: str, op: Op, value: str) -> Matcher:
    """A condition that can be tested.

    Raises:
        ValueError: `value` is not a regular expression and `op` needs one.
    """
    match op:
        case Op.EQUAL:
            return Matcher(name, op, value, lambda text: text == value)
        case Op.NOT_EQUAL:
            return Matcher(name, op, value, lambda text: text != value)
        case Op.MATCHES:
            return Matcher(name, op, value, compile_pattern(value))
        case Op.NOT_MATCHES:
            fits = compile_pattern(value)
            return Matcher(name, op, value, lambda text: not fits(text))


def _matcher(condition: Condition) -> Matcher:
    try:
        return new_matcher(condition.name, condition.op, condition.value)
    except ValueError as fault:
        raise MatcherError(str(fault), condition.value_at) from None
