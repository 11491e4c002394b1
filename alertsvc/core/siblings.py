"""An index over siblings: which of them can fit a label set, without asking each of them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from alertsvc.core.model import Labels
from alertsvc.core.route import Matcher, Op

_PLAIN_TEXTS = re.compile(r"\^?(\()?([\w /:@-]+(?:\|[\w /:@-]+)*)(?(1)\))\$?")


@dataclass(frozen=True, slots=True)
class SiblingIndex:
    """Places of siblings, by the text that one of their labels must have.

    `listed` has the places by the label's name and text; `unlisted` those of siblings that have no such condition.
    Places count from 0 and are in ascending order.
    """

    listed: Mapping[str, Mapping[str, tuple[int, ...]]]
    unlisted: tuple[int, ...]

    @classmethod
    def of(cls, siblings: Sequence[tuple[Matcher, ...]]) -> "SiblingIndex":
        """The index over siblings, each given by its matchers."""
        choices = [_choices(matchers) for matchers in siblings]
        crowds = Counter((name, text) for each in choices for name, texts in each.items() for text in texts)
        habits = Counter(name for each in choices for name in each)
        listed: dict[str, dict[str, list[int]]] = {}
        unlisted: list[int] = []
        for place, each in enumerate(choices):
            if not each:
                unlisted.append(place)
                continue
            # the rarest texts leave the fewest to ask; among equals the usual name keeps the look-ups few
            name = min(each, key=lambda name: (sum(crowds[name, text] for text in each[name]), -habits[name], name))
            for text in each[name]:
                listed.setdefault(name, {}).setdefault(text, []).append(place)
        frozen = {name: {text: tuple(places) for text, places in by_text.items()} for name, by_text in listed.items()}
        return cls(frozen, tuple(unlisted))

    def candidates(self, labels: Labels) -> Sequence[int]:
        """The places of those that may fit `labels`, in their order. Every other one does not fit."""
        found: list[tuple[int, ...]] = []
        for name in self.listed if len(self.listed) <= len(labels) else labels:
            by_text = self.listed.get(name)
            places = by_text.get(labels.get(name, "")) if by_text else None
            if places:
                found.append(places)
        if not found:
            return self.unlisted
        return sorted(chain(self.unlisted, *found)) if self.unlisted or len(found) > 1 else found[0]


def _choices(matchers: tuple[Matcher, ...]) -> dict[str, frozenset[str]]:
    """By label name: the only texts with which `matchers` can fit, for each label that they tie to some."""
    found: dict[str, frozenset[str]] = {}
    for matcher in matchers:
        texts = only_texts(matcher)
        if texts is not None:
            found[matcher.name] = texts
    return found


def only_texts(matcher: Matcher) -> frozenset[str] | None:
    """The only texts that fit, or None when they cannot be listed or a label that is missing fits.

    `team="a"` and `team=~"a|b"` can be; a regular expression with anything but plain words between bars cannot.
    """
    match matcher.op:
        case Op.EQUAL:
            return frozenset([matcher.value]) if matcher.value else None
        case Op.MATCHES:
            plain = _PLAIN_TEXTS.fullmatch(matcher.value)
            return frozenset(plain[2].split("|")) if plain else None
        case Op.NOT_EQUAL | Op.NOT_MATCHES:
            return None
