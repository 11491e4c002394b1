"""Which alerts are one incident: the correlation key."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from alertsvc.core.model import Labels
from alertsvc.core.route import Matcher, fits_all
from alertsvc.core.siblings import SiblingIndex

ALL_LABELS = "..."


@dataclass(frozen=True, slots=True)
class CorrelateRule:
    """Alerts that fit `matchers` and agree on the labels `by` are one incident while it is open.

    `by` may be `("...",)`: every label. An incident that was resolved less than `reopen_within` ago opens again
    instead of making a new one.
    """

    name: str
    by: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()
    reopen_within: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Correlation:
    """The incident an alert belongs to: its key, and the labels that make it."""

    key: str
    labels: Labels
    reopen_within: timedelta


class CorrelateTable:
    """Rules compiled: finding the first that fits does not cost more when there are many."""

    def __init__(self, rules: tuple[CorrelateRule, ...]) -> None:
        self._rules = rules
        self._index = SiblingIndex.of([rule.matchers for rule in rules])

    def rule_for(self, labels: Labels) -> CorrelateRule | None:
        """The first rule that fits `labels`, or None when none does."""
        for place in self._index.candidates(labels):
            rule = self._rules[place]
            if fits_all(rule.matchers, labels):
                return rule
        return None


def correlation_of(rule: CorrelateRule, labels: Labels) -> Correlation:
    """The correlation that `rule` gives. A label the alert lacks counts as empty, and an empty one as missing."""
    names = sorted(name for name in labels if labels[name]) if ALL_LABELS in rule.by else rule.by
    return _correlation(rule.name, tuple([(name, labels.get(name, "")) for name in names]), rule.reopen_within)


@lru_cache(maxsize=4096)
def _correlation(rule_name: str, chosen: tuple[tuple[str, str], ...], reopen_within: timedelta) -> Correlation:
    """Remembered: each event is asked about twice, and many alerts are of one incident."""
    labels = dict(chosen)
    return Correlation(_key(rule_name, tuple(sorted(labels.items()))), labels, reopen_within)


def _key(rule_name: str, chosen: tuple[tuple[str, str], ...]) -> str:
    """`v1:` and 32 hexadecimal digits over length-prefixed parts: no two different part lists give the same bytes.

    `chosen` is sorted: the order in which a rule names its labels does not matter.
    """
    digest = hashlib.sha256()
    for part in (rule_name, *(part for pair in chosen for part in pair)):
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return f"v1:{digest.hexdigest()[:32]}"
