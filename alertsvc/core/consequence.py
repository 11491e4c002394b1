"""Which of several troubles of a model people must hear of first, and what they are together.

A model that answers wrong comes before one that answers otherwise than it did, and that before inputs that changed:
forty drifting features are the detail of a drop in accuracy, not its headline.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from alertsvc.core.model import Labels, Severity

MONITORING = "monitoring"
"""Trouble with what watches a model: it says nothing of the model itself, and so comes late. Its alerts have the label
`condition`.
"""
RANKS: Mapping[str, int] = {
    "health": 0,
    "performance": 1,
    "concept_drift": 2,
    "prediction_drift": 3,
    "target_drift": 3,
    "custom": 4,
    "": 4,
    "data_quality": 5,
    "data_drift": 6,
    MONITORING: 7,
    "lifecycle": 8,
}
"""By the label `kind`, the gravest consequence first. Of an alert of any other or no kind nobody knows."""
UNKNOWN_RANK = RANKS[""]
MOST_PHRASES = 4
FURTHEST = 1e200
TINY, HUGE = 1e-100, 1e100
"""Beyond these sizes a ratio is not computed: the databases would not agree on it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts of an incident that have the same consequence.

    `called` is what the only one is called, empty where there are several; `feature_count` is how many features they
    are about, 0: about none.
    """

    kind: str
    severity: Severity
    alert_count: int
    called: str = ""
    feature_count: int = 0

    @property
    def is_known(self) -> bool:
        """Whether its alerts are about a model, so that it can be said what they come to."""
        return self.kind in RANKS and self.kind != ""

    @property
    def order(self) -> tuple[bool, int, int, str]:
        """The gravest consequence first; what is for information alone comes last."""
        return (self.severity is Severity.INFO, RANKS.get(self.kind, UNKNOWN_RANK), -self.severity, self.kind)


def kind_of(labels: Labels) -> str:
    """What an alert is about, as far as that tells its consequence; empty where nobody said."""
    kind = labels.get("kind", "")
    return MONITORING if kind == "health" and labels.get("condition") else kind


def order_of(labels: Labels, severity: Severity) -> tuple[bool, int, int]:
    """Where an alert stands among others: by its consequence, then by how bad it is."""
    return (severity is Severity.INFO, RANKS.get(kind_of(labels), UNKNOWN_RANK), -severity)


def excess(value: float | None, threshold: float | None) -> float:
    """How many times its limit a value is, or its limit the value: more is further beyond, on whichever side is bad."""
    if value is None or threshold is None:
        return 0.0
    size, limit = abs(value), abs(threshold)
    if min(size, limit) < TINY or max(size, limit) > HUGE:
        return 1.0 if size == limit else FURTHEST
    return max(size / limit, limit / size)


def grouped(alerts: Iterable[tuple[Labels, Severity]]) -> list[Group]:
    """The alerts by their consequence, the gravest first."""
    listed = sorted(((kind_of(labels), labels, severity) for labels, severity in alerts), key=lambda each: each[0])
    found = [
        _group(kind, [(each[1], each[2]) for each in members])
        for kind, members in groupby(listed, key=lambda each: each[0])
    ]
    return sorted(found, key=lambda each: each.order)


def _group(kind: str, members: list[tuple[Labels, Severity]]) -> Group:
    features = {labels["feature"] for labels, _ in members if labels.get("feature")}
    return Group(
        kind=kind,
        severity=max(severity for _, severity in members),
        alert_count=len(members),
        called=called(members[0][0]) if len(members) == 1 else "",
        feature_count=len(features),
    )


def called(labels: Labels) -> str:
    """What an alert is called among others of a model: `psi of age`, `no value of accuracy`. Else by its name."""
    name, kind = labels.get("alertname", ""), kind_of(labels)
    if not name or not kind:
        return name
    words = _CONDITIONS.get(labels.get("condition", "")) if kind == MONITORING else None
    if words is not None:
        name = words.format(labels.get("metric") or "the model")
    feature, drift = labels.get("feature"), _DRIFTS.get(kind)
    name = f"{name} of {feature}" if feature else name
    return f"{drift}, {name}" if drift else name


_CONDITIONS: Mapping[str, str] = {
    "missing": "no news of {}",
    "no_value": "no value of {}",
    "no_rows": "no rows for {}",
    "silent": "no news of {}",
}
_DRIFTS: Mapping[str, str] = {
    "concept_drift": "concept drift",
    "prediction_drift": "prediction drift",
    "target_drift": "target drift",
}
_OF_MANY: Mapping[str, str] = {
    "health": "{} health checks",
    "performance": "{} performance alerts",
    "custom": "{} other alerts",
    "": "{} other alerts",
    "data_quality": "{} data quality checks",
    "data_drift": "{} data drift alerts",
    MONITORING: "{} series without news",
    "lifecycle": "{} lifecycle events",
}


def phrases(groups: Sequence[Group]) -> list[str]:
    """What fires, in the words of a title: `accuracy`, `prediction drift`, `drift of 12 features`.

    Empty where nothing of it is about a model.
    """
    if not any(group.is_known for group in groups):
        return []
    said = [_phrase(group, leads=place == 0) for place, group in enumerate(groups)]
    more = len(said) - MOST_PHRASES
    return said if more <= 0 else [*said[: MOST_PHRASES - 1], f"{more + 1} more kinds of trouble"]


def _phrase(group: Group, *, leads: bool) -> str:
    drift = _DRIFTS.get(group.kind)
    if group.alert_count == 1:
        return group.called if drift is None or leads else drift
    if group.feature_count > 1 and (drift or group.kind == "data_drift"):
        return f"{drift or 'drift'} of {group.feature_count:,} features"
    if drift is not None:
        return drift
    return _OF_MANY.get(group.kind, _OF_MANY[""]).format(f"{group.alert_count:,}")
