"""The file of thresholds, as people write it: what holds for all, for metrics, and for the metrics of single models."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from alertsvc.core.thresholds.policy import STREAM, FeatureShare, Often
from alertsvc.ingest.metrics import Direction
from alertsvc.settings.durations import Duration, Interval
from alertsvc.settings.process import Section

MOST_VALUES = 100
_OFTEN = re.compile(r"(\d{1,3}) of (\d{1,3})", re.ASCII)
_HOW_OFTEN = "a count of values such as 3, or '2 of 3' is needed"


def _often(value: object) -> Often:
    if isinstance(value, Often):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        bad, of = value, value
    else:
        form = _OFTEN.fullmatch(value.strip()) if isinstance(value, str) else None
        if form is None:
            raise ValueError(_HOW_OFTEN)
        bad, of = int(form[1]), int(form[2])
    if not 1 <= bad <= of <= MOST_VALUES:
        raise ValueError(f"{_HOW_OFTEN}: from 1 to {MOST_VALUES}, the first not more than the second")
    return Often(bad, of)


Times = Annotated[
    Often,
    PlainValidator(_often),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MOST_VALUES},
                {"type": "string", "pattern": r"^\s*\d{1,3} of \d{1,3}\s*$"},
            ],
            "examples": [3, "2 of 3"],
        }
    ),
]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class LimitEntry(Section):
    """Where a band begins: `at` a number on the side that the direction says, or on two sides; or not at all."""

    at: Finite | None = None
    lower: Finite | None = None
    upper: Finite | None = None
    off: bool = False

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        sides = [side for side in (self.lower, self.upper) if side is not None]
        if [self.at is not None, bool(sides), self.off].count(True) != 1:
            raise ValueError("a number, {lower: …, upper: …} or false is needed")
        if sides != sorted(sides):
            raise ValueError("lower is more than upper; swap them")
        return self


def _limit(value: object) -> object:
    if value is False:
        return {"off": True}
    return {"at": value} if isinstance(value, str | bool | int | float) else value


Limit = Annotated[LimitEntry, BeforeValidator(_limit, json_schema_input_type=Finite | Literal[False] | LimitEntry)]
"""A number, two sides, or false for a band that is said elsewhere and does not hold here."""


class AdaptiveEntry(Section):
    """A limit that follows the series; `sensitivity` is in standard deviations, more of it means fewer alarms.

    `stream` is for values at the pace of minutes, and has none: what is new to it is in no pattern that it knows.
    """

    method: Literal["ewma", "weekday", "stream", "off"] = "ewma"
    sensitivity: Annotated[float, Field(ge=1, le=10)] = 3.0

    @model_validator(mode="after")
    def _has_a_sensitivity(self) -> Self:
        if self.method == STREAM and "sensitivity" in self.model_fields_set:
            raise ValueError(
                "a stream has no sensitivity: its limit is no distance from what is usual;"
                " take it away, or have fewer alarms with for or cooldown"
            )
        return self


def _adaptive(value: object) -> object:
    if isinstance(value, bool):
        return {"method": "ewma" if value else "off"}
    return {"method": value} if isinstance(value, str) else value


class ShareEntry(Section):
    """Of at least `at_least` features of one run more than this share must be bad; 0: each of them counts."""

    above: Annotated[float, Field(ge=0, lt=1)]
    at_least: Annotated[int, Field(ge=2, le=100_000)] = FeatureShare(0).at_least


def _share(value: object) -> object:
    if value is False:
        return {"above": 0}
    return {"above": value} if isinstance(value, str | bool | int | float) else value


class PatienceEntry(Section):
    """What has to last, and what it takes to be judged at all. What is left out is inherited."""

    adaptive: (
        Annotated[AdaptiveEntry, BeforeValidator(_adaptive, json_schema_input_type=bool | str | AdaptiveEntry)] | None
    ) = None
    often: Times | None = Field(default=None, alias="for")
    clear_after: Annotated[int, Field(ge=1, le=MOST_VALUES)] | None = None
    cooldown: Duration | None = None
    min_samples: Annotated[int, Field(ge=0)] | None = None
    expect_next_within: Interval | None = None
    share_of_features: (
        Annotated[ShareEntry, BeforeValidator(_share, json_schema_input_type=float | Literal[False] | ShareEntry)]
        | None
    ) = None
    freeze: Annotated[Duration, Field(le=timedelta(days=400))] | None = None


class BandEntry(PatienceEntry):
    """A metric's bands: from where on it is how bad."""

    direction: Direction | None = None
    warning: Limit | None = None
    error: Limit | None = None
    critical: Limit | None = None


class MetricEntry(BandEntry):
    """The same, with what differs for some features."""

    features: dict[str, BandEntry] = Field(default_factory=dict[str, BandEntry])


class ModelSection(BaseModel):
    """The metrics of a model by their names, and what differs in some environments."""

    model_config = ConfigDict(extra="allow", frozen=True)
    # how pydantic is told what the other keys hold
    __pydantic_extra__: dict[str, MetricEntry] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    environments: dict[str, dict[str, MetricEntry]] = Field(default_factory=dict[str, dict[str, MetricEntry]])

    @property
    def metrics(self) -> dict[str, MetricEntry]:
        """The metrics."""
        return self.__pydantic_extra__


class ThresholdsFile(Section):
    """Everything a file of thresholds may say."""

    version: Literal[1] = 1
    defaults: PatienceEntry = PatienceEntry()
    metrics: dict[str, MetricEntry] = Field(default_factory=dict[str, MetricEntry])
    models: dict[str, ModelSection] = Field(default_factory=dict[str, ModelSection])
