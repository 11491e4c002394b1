"""Where in the file's text a character of a value stands: quotes, escapes and blocks make that another place."""

import re
from collections.abc import Sequence

from alertsvc.settings.errors import Position

_BEFORE = re.compile(r"(?:[&!]\S*\s+)*")
"""An anchor or a tag in front of a value."""
_CHARS = {
    "'": re.compile(r"''|[^']"),
    '"': re.compile(r'\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|[^"\\]'),
}
"""One character of the value, as it is written between quotes of each kind."""


def position_inside(lines: Sequence[str], start: Position, value: str, offset: int) -> Position | None:
    """Where character `offset` of `value` stands, which begins at `start`. None when that cannot be told.

    `offset` may be the end of the value. A text that is folded over several lines is not looked through.
    """
    line = _line(lines, start.line)
    before = _BEFORE.match(line, start.column - 1)
    at = before.end() if before else start.column - 1
    opening = line[at : at + 1]
    if opening == "|":
        return _in_block(lines, start.line, value, offset)
    if opening in _CHARS:
        column = _in_quotes(line, at + 1, opening, len(value), offset)
    else:
        column = at + offset if line[at : at + len(value)] == value else None
    return None if column is None else Position(start.line, column + 1)


def _in_quotes(line: str, at: int, quote: str, length: int, offset: int) -> int | None:
    """The column, from 0, of a character of the value that begins at column `at` and has `length` characters."""
    found: int | None = None
    for count in range(length):
        if count == offset:
            found = at
        char = _CHARS[quote].match(line, at)
        if char is None:
            return None
        at = char.end()
    if line[at : at + 1] != quote:
        return None
    return at if offset == length else found


def _in_block(lines: Sequence[str], number: int, value: str, offset: int) -> Position | None:
    before = value[:offset].split("\n")
    first, row = value.split("\n", maxsplit=1)[0], len(before) - 1
    indent = len(_line(lines, number + 1)) - len(first)
    wanted = value.split("\n")[row]
    line = _line(lines, number + 1 + row)
    return Position(number + 1 + row, indent + len(before[-1]) + 1) if line[max(0, indent) :] == wanted else None


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""
