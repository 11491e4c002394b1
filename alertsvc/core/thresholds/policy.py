"""The limits and the patience that hold for one observation: what several entries of the file say, laid together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from alertsvc.core.model import Severity
from alertsvc.core.observation import Observation

ABOVE, BELOW, OUTSIDE = "above", "below", "outside"
OPPOSITES = {ABOVE: BELOW, BELOW: ABOVE}
GRADES = (Severity.CRITICAL, Severity.ERROR, Severity.WARNING)
"""The severities that a band may have, the gravest first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a band begins. A `number` alone is on the side that the direction says; outside means that far from 0."""

    number: float | None = None
    lower: float | None = None
    upper: float | None = None

    def sides(self, direction: str | None) -> tuple[float | None, float | None]:
        """The lower and the upper limit, as far as the direction has them."""
        lower, upper = self.lower, self.upper
        if self.number is not None:
            lower, upper = (-abs(self.number), abs(self.number)) if direction == OUTSIDE else (self.number, self.number)
        return (None if direction == ABOVE else lower, None if direction == BELOW else upper)


@dataclass(frozen=True, slots=True)
class Often:
    """It fires when `bad` of the last `of` values are bad."""

    bad: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A limit that follows the series. `sensitivity` is its distance from what is usual, in standard deviations.

    A `stream` has none: what is new to it is in no pattern that it knows.
    """

    method: str = "ewma"
    sensitivity: float = 3.0


@dataclass(frozen=True, slots=True)
class FeatureShare:
    """Of at least `at_least` features of one run more than `share` must be bad, else none of them is news."""

    share: float
    at_least: int = 10


STREAM = "stream"
"""The method of a limit that keeps what it knows of a series, beside those that look at its latest values."""
OFF = False
"""What an entry says of a thing that another entry has, to be without it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the file, as it stands there at `path`. What is None it does not say; OFF takes a thing away."""

    path: str = ""
    direction: str | None = None
    limits: Mapping[Severity, Limits | bool] = field(default_factory=dict[Severity, Limits | bool])
    adaptive: Adaptive | bool | None = None
    often: Often | None = None
    clear_after: int | None = None
    cooldown: timedelta | None = None
    min_samples: int | None = None
    expect_next_within: timedelta | None = None
    feature_share: FeatureShare | bool | None = None
    freeze: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of a metric, and of some features in particular."""

    said: Said
    features: Mapping[str, Said] = field(default_factory=dict[str, Said])

    def layers(self, feature: str | None) -> Iterable[Said]:
        """What concerns `feature`, the general first."""
        yield self.said
        if feature is not None and feature in self.features:
            yield self.features[feature]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is said of a model's metrics, and of them in some environments."""

    metrics: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    environments: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict[str, Mapping[str, Entry]])


@dataclass(frozen=True, slots=True)
class Band:
    """Values at `lower` or below it, at `upper` or above it, are of `severity`. `rule` says where that stands."""

    severity: Severity
    lower: float | None
    upper: float | None
    rule: str

    def holds(self, value: float) -> bool:
        """Whether `value` is in it."""
        return (self.lower is not None and value <= self.lower) or (self.upper is not None and value >= self.upper)

    def edge(self, value: float) -> tuple[str, float | None]:
        """The limit that `value` is beyond or nearest to, after the side on which it is bad."""
        if self.lower is None:
            return ABOVE, self.upper
        is_nearer = self.upper is None or value - self.lower < self.upper - value
        return (BELOW, self.lower) if is_nearer else (ABOVE, self.upper)


@dataclass(frozen=True, slots=True)
class Policy:
    """How an observation is judged. `bands` are in the order of their severity, the gravest first.

    An alert fires when `often` is reached, and ends after `clear_after` good values in a row. For `cooldown` after its
    end it does not fire again unless it is graver. Fewer rows than `min_samples` are not judged. While it fires its
    values are no part of what is usual, for `freeze` at most. `rules` say where each of these stands, by name.
    """

    direction: str | None = None
    bands: tuple[Band, ...] = ()
    adaptive: Adaptive | None = None
    often: Often = Often()
    clear_after: int = 1
    cooldown: timedelta = timedelta(0)
    min_samples: int = 0
    expect_next_within: timedelta | None = None
    feature_share: FeatureShare | None = None
    freeze: timedelta = timedelta(days=14)
    rules: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)

    @property
    def is_stateful(self) -> bool:
        """Whether earlier values, or how the alert stands, have a say."""
        return (
            self.adaptive is not None or self.often != Often() or self.clear_after > 1 or self.cooldown > timedelta(0)
        )

    @property
    def is_stream(self) -> bool:
        """Whether a detector of streams follows the series."""
        return self.adaptive is not None and self.adaptive.method == STREAM

    @property
    def memory(self) -> int:
        """How many earlier values have a say, those of an adaptive limit aside."""
        return max(self.often.of, self.clear_after) - 1

    def crossed(self, value: float) -> Band | None:
        """The gravest band that `value` is in."""
        return next((band for band in self.bands if band.holds(value)), None)


_WHOLE = ("direction", "often", "clear_after", "cooldown", "min_samples", "expect_next_within", "freeze")
_MAY_BE_OFF = ("adaptive", "feature_share")


def merged(layers: Iterable[Said], direction: str | None = None) -> Policy:
    """What `layers` come to: what a later one says counts. `direction` is known where none of them says it."""
    found: dict[str, Any] = {}
    limits: dict[Severity, tuple[Limits, str]] = {}
    rules: dict[str, str] = {}
    for said in layers:
        for name in (*_WHOLE, *_MAY_BE_OFF):
            value = getattr(said, name)
            if value is not None:
                found[name] = None if value is OFF else value
                rules[name] = said.path
        for severity, limit in said.limits.items():
            limits.pop(severity, None)
            if isinstance(limit, Limits):
                limits[severity] = (limit, said.path)
    found.setdefault("direction", direction)
    bands = [
        Band(severity, *limits[severity][0].sides(found["direction"]), f"{limits[severity][1]}.{severity.word}")
        for severity in GRADES
        if severity in limits
    ]
    return replace(Policy(), bands=tuple(bands), rules=rules, **found)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All that the file says. `directions` are those of metrics whose name says it, where the file does not."""

    defaults: Said = Said("defaults")
    metrics: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    models: Mapping[str, ModelEntry] = field(default_factory=dict[str, ModelEntry])
    directions: Mapping[str, str] = field(default_factory=dict[str, str])
    _known: dict[tuple[str | None, ...], Policy] = field(
        init=False, repr=False, compare=False, default_factory=dict[tuple[str | None, ...], Policy]
    )

    def policy_for(self, observed: Observation) -> Policy:
        """How `observed` is judged: the defaults, the metric, the model, its environment; what is nearer counts."""
        return self.policy(observed.model, observed.metric, observed.environment, observed.feature)

    def policy(self, model: str, metric: str, environment: str | None = None, feature: str | None = None) -> Policy:
        """The same by names. What is remembered is no more than what the file has."""
        about = self.models.get(model)
        entries = [
            self.metrics.get(metric),
            about.metrics.get(metric) if about else None,
            about.environments.get(environment or "", {}).get(metric) if about else None,
        ]
        listed = [entry for entry in entries if entry is not None]
        key = (
            model if about else None,
            metric if listed else None,
            environment if entries[2] else None,
            feature if any(feature in entry.features for entry in listed) else None,
        )
        known = self._known.get(key)
        if known is None:
            layers = [self.defaults, *(said for entry in listed for said in entry.layers(feature))]
            known = self._known[key] = merged(layers, self.directions.get(metric))
        return known
