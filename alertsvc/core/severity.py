"""How foreign words for "how bad" become one of the four severities."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alertsvc.core.model import Labels, Severity

KNOWN_WORDS: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "error": Severity.ERROR,
    "err": Severity.ERROR,
    "high": Severity.ERROR,
    "major": Severity.ERROR,
    "p2": Severity.ERROR,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "medium": Severity.WARNING,
    "minor": Severity.WARNING,
    "p3": Severity.WARNING,
    "info": Severity.INFO,
    "informational": Severity.INFO,
    "notice": Severity.INFO,
    "low": Severity.INFO,
    "none": Severity.INFO,
    "ok": Severity.INFO,
    "p4": Severity.INFO,
    "p5": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """Reads a severity word. `words` are the operator's own (lower case) and beat the known ones.

    `kinds` is how bad trouble of a kind (`performance`, `data_drift`, …) is about whose severity nothing is said.
    """

    words: Mapping[str, Severity] = field(default_factory=dict[str, Severity])
    default: Severity = Severity.WARNING
    kinds: Mapping[str, Severity] = field(default_factory=dict[str, Severity])

    def read(self, word: str | None) -> Severity:
        """The severity that `word` means, in any case; the default when it is missing or unknown."""
        if not word:
            return self.default
        key = word.strip().lower()
        found = self.words.get(key)
        return found if found is not None else KNOWN_WORDS.get(key, self.default)


SAY_IT_BY_LABEL = frozenset({"alertmanager", "alertmanager_api", "grafana"})
"""Sources whose alerts have no severity but the label. Routes see it missing there, as Alertmanager's do."""


def with_severity(labels: Labels, severity: Severity, source: str) -> Labels:
    """The labels that routes see: an alert's own, and its severity where its source says that in another way."""
    if labels.get("severity") or source in SAY_IT_BY_LABEL:
        return labels
    return {**labels, "severity": severity.word}
