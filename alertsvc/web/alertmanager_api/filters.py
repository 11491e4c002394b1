"""What a question for alerts asks for, in Alertmanager's parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alertsvc.core.route import Matcher, Route
from alertsvc.engine.standing import Standing
from alertsvc.matchers import MatcherError, compile_pattern
from alertsvc.web import asking
from alertsvc.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts, and which of their receivers. What a flag is False for is left out."""

    matchers: Sequence[Matcher]
    receiver: Callable[[str], bool] | None
    receiver_matchers: Sequence[Matcher]
    active: bool
    silenced: bool
    inhibited: bool

    def takes(self, standing: Standing) -> bool:
        """Whether an alert is asked for, receivers aside."""
        labels = standing.alert.labels
        if not all(matcher.fits(labels) for matcher in self.matchers):
            return False
        if not self.active and not standing.is_suppressed:
            return False
        return (self.silenced or not standing.silenced_by) and (self.inhibited or not standing.inhibited_by)

    def takes_route(self, route: Route) -> bool:
        """Whether the receiver of a route is asked for. Receivers here have no labels of their own."""
        if self.receiver is not None and not self.receiver(route.receiver):
            return False
        return all(matcher.fits({}) for matcher in self.receiver_matchers)


def parse_filter(
    filters: Sequence[str] | None,
    receiver: str | None,
    receiver_matchers: Sequence[str] | None,
    *,
    active: bool,
    silenced: bool,
    inhibited: bool,
) -> Filter:
    """The filter of a request.

    Raises:
        Problem: 400, a matcher or the regular expression is none.
    """
    return Filter(
        matchers=parse_matcher_list("filter", filters),
        receiver=_pattern(receiver),
        receiver_matchers=parse_matcher_list("receiver_matchers", receiver_matchers),
        active=active,
        silenced=silenced,
        inhibited=inhibited,
    )


def parse_matcher_list(name: str, texts: Sequence[str] | None) -> list[Matcher]:
    """The matchers of a parameter that may come several times.

    Raises:
        Problem: 400.
    """
    try:
        return [matcher for text in texts or () for matcher in asking.matchers_in(text)]
    except MatcherError as fault:
        raise Problem(400, "bad-matcher", f"failed to parse {name} param: {fault}") from None


def _pattern(text: str | None) -> Callable[[str], bool] | None:
    try:
        return None if text is None else compile_pattern(text)
    except ValueError as fault:
        raise Problem(400, "bad-receiver", f"failed to parse receiver param: {fault}") from None
