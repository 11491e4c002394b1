"""Shows where a mistake is without showing a secret: of a line only what is known to be harmless is shown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from alertsvc.quoting import quoted
from alertsvc.settings.document import Document, Span
from alertsvc.settings.errors import Fault, Loc, Position, Problem, shown_path
from alertsvc.settings.harmless import Part, is_guarded, may_show_key, parts_of
from alertsvc.settings.inside import position_inside
from alertsvc.settings.shape import Shape
from alertsvc.settings.words import nearest

MASK = "<hidden>"
MAX_SHOWN = 100
"""More mistakes than this are counted, not shown."""

_WIDTH = 160
_BEFORE = 100
_SIGNS = frozenset("-?:,[]{}|>\"'")
_TOKEN = re.compile(r"[^\s{}\[\],:\"']+")
_MAX_KNOWN = 1000
"""Among more words no slip is looked for: that would take seconds."""


def problem_of_unreadable(file: str, text: str, fault: Fault, shape: Shape) -> Problem:
    """The problem of a text that is no tree: of its line only the words are shown that are keys of the model."""
    if fault.at is None:
        return Problem(file, 0, 0, "", fault.message)
    words = shape.words()
    number = fault.at.line
    line = _line(text.splitlines(), number)
    near = max(0, fault.at.column - 10 * _WIDTH), fault.at.column + 10 * _WIDTH
    parts = [
        Part(Span(Position(number, token.start() + 1), Position(number, token.end() + 1)), token.group() in words)
        for token in _TOKEN.finditer(line, *near)
    ]
    source, caret = _picture(line, fault.at, parts)
    return Problem(file, fault.at.line, fault.at.column, "", fault.message, source, caret)


def problems_of(file: str, text: str, document: Document, shape: Shape, faults: Iterable[Fault]) -> list[Problem]:
    """The problems that `faults` are, in the order of the file, each once. Those beyond a hundred are counted."""
    lines = text.splitlines()
    placed = {(_place(fault, document, lines), fault.loc, fault.message): fault for fault in faults}
    first = sorted(((at, fault) for (at, _, _), fault in placed.items()), key=lambda pair: (pair[0], pair[1].message))
    first = first[:MAX_SHOWN]
    slips = _slips(fault for _, fault in first)
    parts = list(parts_of(document, shape, slips))
    by_line = _by_line(parts, {at.line for at, _ in first})
    secrets = {text for part in parts for text in part.secrets}
    problems: list[Problem] = []
    for at, fault in first:
        path, message = _words(fault, document, shape, slips, secrets)
        source, caret = _picture(_line(lines, at.line), at, by_line.get(at.line, []))
        problems.append(Problem(file, at.line, at.column, path, message, source, caret))
    if len(placed) > len(first):
        last = problems[-1]
        problems.append(Problem(file, last.line, last.column, "~", f"and {len(placed) - len(first):,} more"))
    return problems


def _slips(faults: Iterable[Fault]) -> dict[Loc, str]:
    """For each place with a word that was probably meant to be another: the other."""
    near = {fault.loc: nearest(fault.meant, fault.known) for fault in faults if 0 < len(fault.known) <= _MAX_KNOWN}
    return {loc: word for loc, word in near.items() if word is not None}


def _words(
    fault: Fault, document: Document, shape: Shape, slips: Mapping[Loc, str], secrets: Iterable[str]
) -> tuple[str, str]:
    """The path and the message of a fault, without secrets and with a guess at what was meant."""
    path, message = fault.loc, fault.message
    for depth, part in enumerate(fault.loc):
        if isinstance(part, str) and not may_show_key(fault.loc[: depth + 1], document, shape, slips):
            path = (*path[:depth], MASK, *path[depth + 1 :])
            message = message.replace(quoted(part), MASK)
    for secret in secrets if is_guarded(fault.loc) else ():
        message = message.replace(secret, MASK)
    guess = f"; did you mean {quoted(slips[fault.loc])}?" if fault.meant and fault.loc in slips else ""
    return shown_path(path), message + guess


def _place(fault: Fault, document: Document, lines: Sequence[str]) -> Position:
    """Where a fault is: the very character when that can be told."""
    at = fault.at or document.position(fault.loc, on_key=fault.on_key)
    value = document.at(fault.loc)
    if fault.offset == 0 or not isinstance(value, str):
        return at
    return position_inside(lines, at, value, fault.offset) or at


def _by_line(parts: Iterable[Part], numbers: AbstractSet[int]) -> dict[int, list[Part]]:
    """The parts on each of the lines; those that must not be shown come last, so that they have the last word."""
    found: dict[int, list[Part]] = {}
    for part in sorted(parts, key=lambda part: not part.harmless):
        start, end = part.span.start.line, part.span.end.line
        for number in (start,) if start == end else (n for n in numbers if start <= n <= end):
            if number in numbers:
                found.setdefault(number, []).append(part)
    return found


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _picture(line: str, at: Position, parts: Iterable[Part]) -> tuple[str, int]:
    """The line near `at` without its comment, what may not be shown masked, and the column of `at` in that, from 0."""
    begin = max(0, at.column - 1 - _BEFORE)
    window = line[begin : begin + _WIDTH]
    known = _known(len(window), begin, at.line, parts)
    shown: list[str] = []
    caret = masked_at = -1
    for index, char in enumerate(window):
        if known[index] is None and char == "#" and (index == 0 or window[index - 1].isspace()):
            break
        masked = known[index] is False or (known[index] is None and not (char.isspace() or char in _SIGNS))
        if not masked:
            masked_at = -1
            shown.append(char if char.isprintable() else " " if char.isspace() else "?")
        elif masked_at < 0:
            masked_at = len(shown)
            shown += MASK
        if begin + index == at.column - 1:
            caret = masked_at if masked else len(shown) - 1
    text = "".join(shown).rstrip()
    return text, caret if caret >= 0 else len(text)


def _known(width: int, begin: int, number: int, parts: Iterable[Part]) -> list[bool | None]:
    """For each character of a line from column `begin` on: that it may be shown, that it must not, or nothing."""
    known: list[bool | None] = [None] * width
    for part in parts:
        start, end = part.span.start, part.span.end
        first = start.column - 1 if start.line == number else 0
        last = end.column - 1 if end.line == number else begin + width
        for index in range(max(0, first - begin), max(0, min(width, last - begin))):
            known[index] = part.harmless
    return known
