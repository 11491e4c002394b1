"""Inhibition: an alert that fires keeps back the news of others that agree with it on some labels."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alertsvc.core.model import Labels
from alertsvc.core.route import Matcher


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """A firing alert that `source` fits mutes those that `target` fits and that agree with it on the labels `equal`.

    A label that both lack counts as agreement, unless `present` is asked for. `key` is the same wherever the same rule
    stands, so that a reload which moves it changes nothing.
    """

    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    present: bool = False
    key: str = field(init=False)

    def __post_init__(self) -> None:
        sides = (map(str, sorted(self.source, key=str)), map(str, sorted(self.target, key=str)), sorted(self.equal))
        parts = [part for side in sides for part in (*side, "")]
        object.__setattr__(self, "key", _digest([*parts, str(self.present)]))

    def is_source(self, labels: Labels) -> bool:
        """Whether an alert with `labels` mutes others while it fires."""
        return all(matcher.fits(labels) for matcher in self.source)

    def is_target(self, labels: Labels) -> bool:
        """Whether an alert with `labels` may be muted."""
        return all(matcher.fits(labels) for matcher in self.target)

    def spot(self, labels: Labels) -> str | None:
        """Where a source and its targets meet: the same for labels that agree. None when one is missing and may not.

        The order in which `equal` names the labels says nothing, here as in `key`.
        """
        values = [labels.get(name, "") for name in sorted(self.equal)]
        if self.present and not all(values):
            return None
        return _digest(values)


@dataclass(frozen=True, slots=True)
class Place:
    """A spot of a rule: what sources are found by. As text, `rule:spot`."""

    rule_key: str
    spot: str

    def __str__(self) -> str:
        return f"{self.rule_key}:{self.spot}"


@dataclass(frozen=True, slots=True)
class Source:
    """A firing alert at a place. `two_sided`: it is itself one that the rule mutes."""

    place: Place
    fingerprint: str
    two_sided: bool


Sources = Mapping[Place, tuple[Source, ...]]
"""The firing sources there are, by place."""


def sources_of(rules: Iterable[InhibitRule], fingerprint: str, labels: Labels) -> list[Source]:
    """The places from which an alert mutes others while it fires."""
    found: list[Source] = []
    for rule in rules:
        spot = rule.spot(labels) if rule.is_source(labels) else None
        if spot is not None:
            found.append(Source(Place(rule.key, spot), fingerprint, rule.is_target(labels)))
    return found


def places_for(rules: Iterable[InhibitRule], labels: Labels) -> list[tuple[InhibitRule, Place]]:
    """The places whose sources would mute an alert with `labels`, each with its rule."""
    found: list[tuple[InhibitRule, Place]] = []
    for rule in rules:
        spot = rule.spot(labels) if rule.is_target(labels) else None
        if spot is not None:
            found.append((rule, Place(rule.key, spot)))
    return found


def inhibitors(rules: Iterable[InhibitRule], labels: Labels, sources: Sources) -> list[tuple[InhibitRule, Source]]:
    """What mutes an alert with `labels`: for each rule one of its sources.

    An alert that fits both sides of a rule is not muted by another that does, and so never by itself.

    Source: https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings
    """
    found: list[tuple[InhibitRule, Source]] = []
    for rule, place in places_for(rules, labels):
        two_sided = rule.is_source(labels)
        for source in sources.get(place, ()):
            if not (two_sided and source.two_sided):
                found.append((rule, source))
                break
    return found


def _digest(parts: Iterable[str]) -> str:
    """Sixteen hexadecimal digits over length-prefixed parts."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()
