"""Which of Alertmanager's two grammars holds for a text: both are tried, as its current release does.

Where both take it and differ, the classic one holds; a text that one takes is what that one says. What Alertmanager
takes with a line in its log is taken here with a doubt.

Source: https://github.com/prometheus/alertmanager/blob/main/matcher/compat/parse.go
"""

from collections.abc import Callable
from dataclasses import dataclass

from alertsvc.core.route import Matcher
from alertsvc.matchers import classic, utf8
from alertsvc.matchers.conditions import Condition, matchers_of
from alertsvc.matchers.doubts import doubts_of
from alertsvc.matchers.faults import EXAMPLE, Doubt, MatcherError
from alertsvc.matchers.slips import most_helpful

MAX_CHARS = 16_384
MAX_MATCHERS = 32
"""More matchers than this in one text are refused: a costly expression takes 60 ms to compile."""

Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says, and why that may not be what its author means.

    `begins` are the characters in it, from 0, where the matchers begin, in their order.
    """

    matchers: tuple[Matcher, ...]
    doubts: tuple[Doubt, ...] = ()
    begins: tuple[int, ...] = ()


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of `text`: one, several between commas, in braces or not. `{}` and an empty text have none.

    Raises:
        MatcherError: Neither grammar takes `text`, or a regular expression in it is none.
    """
    return read_matchers(text).matchers


def parse_matcher(text: str) -> Matcher:
    """The one matcher that `text` is, without braces.

    Raises:
        MatcherError: Neither grammar takes `text`, or its regular expression is none.
    """
    return read_matcher(text).matchers[0]


def read_matchers(text: str) -> Reading:
    """As `parse_matchers`, with what is doubtful."""
    return _read(text, classic.parse, utf8.parse)


def read_matcher(text: str) -> Reading:
    """As `parse_matcher`, with what is doubtful."""
    for braces, at in ((text.startswith("{"), 0), (text.endswith("}"), len(text) - 1)):
        if braces:
            raise MatcherError("one matcher is needed here, and braces are for several", at)
    return _read(text, lambda text: (classic.parse_one(text),), _one)


def _one(text: str) -> Conditions:
    found = utf8.parse(text)
    if not found:
        raise MatcherError(EXAMPLE, 0)
    if len(found) > 1:
        raise MatcherError(f"one matcher is needed here, and there are {len(found)}", found[1].name_at)
    return found


def _read(text: str, older: Callable[[str], Conditions], newer: Callable[[str], Conditions]) -> Reading:
    _check(text)
    old, new = _tried(older, text), _tried(newer, text)
    if not isinstance(old, MatcherError):
        held = old
    elif not isinstance(new, MatcherError):
        held = new
    else:
        raise most_helpful(text, old, new)
    if len(held) > MAX_MATCHERS:
        raise MatcherError(f"one text may have at most {MAX_MATCHERS} matchers", held[MAX_MATCHERS].name_at)
    return Reading(matchers_of(held), doubts_of(text, held, old, new), tuple(each.name_at for each in held))


def _tried(parse: Callable[[str], Conditions], text: str) -> Conditions | MatcherError:
    try:
        found = parse(text)
        matchers_of(found[:MAX_MATCHERS])
    except MatcherError as fault:
        return fault
    return found


def _check(text: str) -> None:
    if len(text) > MAX_CHARS:
        raise MatcherError(f"matchers may have at most {MAX_CHARS:,} characters", 0)
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise MatcherError("this character is half of a pair and so is no text", fault.start) from None
