"""The sections about noise: which alerts keep others quiet, what flaps, and when so much comes that it is summed up."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from alertsvc.channels.base import Crowd
from alertsvc.core.flapping import FlapRule
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.route import Matcher
from alertsvc.core.storm import StormRule
from alertsvc.matchers import matchers_from_map
from alertsvc.settings.durations import Interval
from alertsvc.settings.process import Section
from alertsvc.settings.routing import Matchers, Pattern
from alertsvc.settings.words import LabelName, Name


class InhibitEntry(Section):
    """While an alert that the source side fits fires, those that the target side fits are muted.

    Both must agree on the labels `equal`; a label that both lack agrees, unless `equal_present` is true.
    """

    name: Name | None = None
    source_matchers: Matchers = ()
    source_match: dict[str, str] = Field(default_factory=dict[str, str])
    source_match_re: dict[str, Pattern] = Field(default_factory=dict[str, str])
    target_matchers: Matchers = ()
    target_match: dict[str, str] = Field(default_factory=dict[str, str])
    target_match_re: dict[str, Pattern] = Field(default_factory=dict[str, str])
    equal: tuple[LabelName, ...] = ()
    equal_present: bool = False

    def rule(self, index: int) -> InhibitRule:
        """The rule that it is, the `index`-th of its file."""
        source = matchers_from_map(self.source_match, self.source_match_re) + _flat(self.source_matchers)
        target = matchers_from_map(self.target_match, self.target_match_re) + _flat(self.target_matchers)
        return InhibitRule(self.name or f"inhibit_rules[{index}]", source, target, self.equal, self.equal_present)


def _flat(listed: tuple[tuple[Matcher, ...], ...]) -> tuple[Matcher, ...]:
    return tuple(matcher for matchers in listed for matcher in matchers)


class FlappingSection(Section):
    """An alert that began or ended more than `changes` times `within` a span flaps, until it is stable for `hold`.

    `changes: 0` switches that off.
    """

    changes: Annotated[int, Field(ge=0, le=100)] = 6
    within: Interval = timedelta(hours=1)
    hold: Interval = timedelta(minutes=15)

    @property
    def rule(self) -> FlapRule | None:
        """What decisions go by; None when it is switched off."""
        return FlapRule(self.changes, self.within, self.hold) if self.changes else None


class StormSection(Section):
    """What one destination gets beyond so many messages `within` a span is summed up until it is quiet again.

    `messages` is for what people read, `pages` for PagerDuty and webhooks. 0 switches it off.
    """

    messages: Annotated[int, Field(ge=0, le=1000)] = 5
    pages: Annotated[int, Field(ge=0, le=1000)] = 50
    within: Interval = timedelta(minutes=1)

    def rule(self, crowd: Crowd) -> StormRule | None:
        """What decisions about a destination go by; None when it is never summed up."""
        match crowd:
            case Crowd.MESSAGES:
                return StormRule(self.messages, self.within) if self.messages else None
            case Crowd.PAGES:
                return StormRule(self.pages, self.within, ends_singly=True) if self.pages else None
            case Crowd.NEVER:
                return None
