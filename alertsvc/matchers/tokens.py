"""The words of Alertmanager's UTF-8 grammar.

Source: https://github.com/prometheus/alertmanager/blob/main/matcher/parse/lexer.go
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from alertsvc.matchers.faults import MatcherError, not_closed

SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)
"""What Go calls a space. Python counts four control characters more."""

_SPACE = re.compile(f"[{SPACES}]*")
_BARE = re.compile(rf"[^{SPACES}{{}}!=~,\\\"'`]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)


class Kind(Enum):
    """What a token is."""

    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    OPERATOR = auto()
    QUOTED = auto()
    BARE = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text, as it is written. It begins at character `at`, from 0, and ends before `end`."""

    kind: Kind
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


_SIGNS = {"{": Kind.OPEN, "}": Kind.CLOSE, ",": Kind.COMMA}
_OPERATORS = ("=~", "=", "!=", "!~")


def token_at(text: str, start: int, what: str) -> Token:
    """The first token of `text` from character `start` on; `what` a token in quotes is to be called.

    Raises:
        MatcherError: No token begins there.
    """
    space = _SPACE.match(text, start)
    at = space.end() if space else start
    if at == len(text):
        return Token(Kind.END, "", at)
    char = text[at]
    if char in _SIGNS:
        return Token(_SIGNS[char], char, at)
    for operator in _OPERATORS:
        if text.startswith(operator, at):
            return Token(Kind.OPERATOR, operator, at)
    quote = _QUOTED.match(text, at)
    if quote is not None:
        return Token(Kind.QUOTED, quote.group(), at)
    bare = _BARE.match(text, at)
    if bare is not None:
        return Token(Kind.BARE, bare.group(), at)
    raise _no_token(char, at, what)


def _no_token(char: str, at: int, what: str) -> MatcherError:
    match char:
        case '"':
            return MatcherError(not_closed(what), at)
        case "!":
            return MatcherError("after ! there must be = or ~", at)
        case "'" | "`":
            return MatcherError("only double quotes quote here", at)
        case _:
            return MatcherError(f"{char} must stand in double quotes", at)
