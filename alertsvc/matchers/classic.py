"""Alertmanager's classic grammar: lax. Braces may be left out, and so may quotes.

Source: https://github.com/prometheus/alertmanager/blob/main/pkg/labels/parse.go
"""

import re
from collections.abc import Iterator

from alertsvc.core.route import Op
from alertsvc.matchers.conditions import Condition
from alertsvc.matchers.faults import NO_NAME, QUOTE_IN_BARE, QUOTE_IN_QUOTES, MatcherError, no_operator, not_closed
from alertsvc.matchers.tokens import SPACES
from alertsvc.quoting import quoted

_SPACES = "\t\n\f\r "
"""What surrounds a name, an operator and a value; fewer characters than what surrounds the last condition."""
_SPACE = re.compile(rf"[{_SPACES}]*")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OP = re.compile(r"=~|=|!=|!~")


def parse(text: str) -> tuple[Condition, ...]:
    """The conditions of `text`. One brace at either end is dropped, whether or not there is one at the other.

    Raises:
        MatcherError: `text` has something that is no condition. Regular expressions are not looked at.
    """
    return tuple(parse_one(part, at) for part, at in parts(text))


def parse_one(text: str, at: int = 0) -> Condition:
    """The condition that `text` is, which begins at character `at` of the text that the offsets are of.

    Raises:
        MatcherError: As `parse` does.
    """
    name_at = _after_space(text, 0)
    name = _NAME.match(text, name_at)
    if name is None:
        raise MatcherError(NO_NAME, at + name_at)
    op_at = _after_space(text, name.end())
    op = _OP.match(text, op_at)
    if op is None:
        raise MatcherError(no_operator(quoted(name.group())), at + op_at)
    value_at = _after_space(text, op.end())
    value = _unescaped(text[value_at:].rstrip(_SPACES), at + value_at)
    return Condition(name.group(), Op(op.group()), value, at + name_at, at + value_at)


def parts(text: str) -> Iterator[tuple[str, int]]:
    """What stands between the commas outside of quotes, and where each part begins. No empty part at the end."""
    start, end = (1 if text.startswith("{") else 0), len(text)
    if end > start and text.endswith("}"):
        end -= 1
    in_quotes = escaped = False
    for index in range(start, end):
        char = text[index]
        if char == ",":
            if not in_quotes:
                yield text[start:index], start
                start = index + 1
        elif char == '"':
            in_quotes ^= not escaped
            escaped = False
        else:
            escaped = char == "\\" and not escaped  # a comma leaves this as it is, there as here
    last = text[start:end]
    if last.strip(SPACES):
        yield last.strip(SPACES), start + len(last) - len(last.lstrip(SPACES))


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _unescaped(raw: str, at: int) -> str:
    r"""The value that `raw` is. `\n`, `\"` and `\\` mean a character; any other backslash is itself: `\d`."""
    is_quoted = raw.startswith('"')
    chars: list[str] = []
    escaped = closed = False
    for index in range(int(is_quoted), len(raw)):
        char, is_last = raw[index], index == len(raw) - 1
        if escaped:
            chars.append({"n": "\n", '"': '"', "\\": "\\"}.get(char, "\\" + char))
            escaped = False
        elif char == "\\" and not is_last:
            escaped = True
        elif char != '"':
            chars.append(char)
        elif is_quoted and is_last:
            closed = True
        else:
            raise MatcherError(QUOTE_IN_QUOTES if is_quoted else QUOTE_IN_BARE, at + index)
    if is_quoted and not closed:
        raise MatcherError(not_closed("value"), at)
    return "".join(chars)
