"""Alertmanager's newer grammar: strict. Names may be any text; what is not a plain word stands in double quotes.

Source: https://github.com/prometheus/alertmanager/blob/main/matcher/parse/parse.go
"""

from alertsvc.core.route import Op
from alertsvc.matchers.conditions import Condition
from alertsvc.matchers.escapes import unquoted
from alertsvc.matchers.faults import NO_NAME, QUOTE_IN_BARE, QUOTE_IN_QUOTES, MatcherError, no_operator
from alertsvc.matchers.tokens import Kind, Token, token_at
from alertsvc.quoting import quoted


def parse(text: str) -> tuple[Condition, ...]:
    """The conditions of `text`. Braces are both there or both left out.

    Raises:
        MatcherError: `text` is not of that grammar. Regular expressions are not looked at.
    """
    return _Parser(text).parse()


class _Parser:
    """Reads a text from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> tuple[Condition, ...]:
        opened = self._take_if(Kind.OPEN)
        found: list[Condition] = []
        goes_on = self._peek().kind not in {Kind.CLOSE, Kind.END}
        while goes_on:
            found.append(self._condition())
            goes_on = self._take_if(Kind.COMMA) and self._peek().kind not in {Kind.CLOSE, Kind.END}
        self._end(opened=opened)
        return tuple(found)

    def _condition(self) -> Condition:
        name = self._take("name", Kind.QUOTED, Kind.BARE, otherwise=NO_NAME)
        op = self._take("name", Kind.OPERATOR, otherwise=no_operator(quoted(name.text)))
        value = self._take("value", Kind.QUOTED, Kind.BARE, otherwise='a value is missing; an empty one is ""')
        self._check_end(value)
        return Condition(_content(name), Op(op.text), _content(value), name.at, value.at)

    def _check_end(self, value: Token) -> None:
        """After a value there is a comma, a brace, or nothing more."""
        if value.kind is Kind.BARE and self._text.startswith('"', value.end):
            raise MatcherError(QUOTE_IN_BARE, value.end)
        after = self._peek()
        if after.kind in {Kind.COMMA, Kind.CLOSE, Kind.END}:
            return
        if value.kind is Kind.BARE and after.kind is not Kind.QUOTED:
            inside = "spaces" if after.kind is Kind.BARE else after.text
            raise MatcherError(f"a value with {inside} must stand in double quotes", value.at)
        if value.kind is Kind.QUOTED and after.at == value.end and not after.text.startswith(";"):
            raise MatcherError(f"a comma is missing after this quote, or {QUOTE_IN_QUOTES}", value.end - 1)
        raise MatcherError("a comma is missing", after.at)

    def _end(self, *, opened: bool) -> None:
        after = self._peek()
        if opened and after.kind is Kind.END:
            raise MatcherError("the closing brace is missing", after.at)
        if not opened and after.kind is Kind.CLOSE:
            raise MatcherError("this brace closes nothing", after.at)
        if opened:
            self._take("name", Kind.CLOSE, otherwise="a comma is missing")
        self._take("name", Kind.END, otherwise="nothing may follow the closing brace")

    def _peek(self, what: str = "name") -> Token:
        return token_at(self._text, self._at, what)

    def _take(self, what: str, *kinds: Kind, otherwise: str) -> Token:
        token = self._peek(what)
        if token.kind not in kinds:
            raise MatcherError(otherwise, token.at)
        self._at = token.end
        return token

    def _take_if(self, kind: Kind) -> bool:
        token = self._peek()
        if token.kind is kind:
            self._at = token.end
        return token.kind is kind


def _content(token: Token) -> str:
    return unquoted(token.text, token.at) if token.kind is Kind.QUOTED else token.text
