"""The fields of an event as keywords, for editors and type checkers.

At run time none of them is checked here: a field that the service does not know is refused by the service, which names
the nearest one. So a slip in a name is reported as any other error is, and ends no training.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, SupportsFloat, TypedDict

Kind = Literal[
    "data_drift",
    "target_drift",
    "prediction_drift",
    "concept_drift",
    "performance",
    "data_quality",
    "health",
    "lifecycle",
    "custom",
]
Severity = Literal["info", "warning", "error", "critical"]


class Limits(TypedDict, total=False):
    """A threshold with two sides."""

    lower: SupportsFloat
    upper: SupportsFloat


class Link(TypedDict, total=False):
    """Something to click on. `url` is needed, and http or https."""

    url: str
    title: str


class Window(TypedDict, total=False):
    """The data an observation was made over; the instants are aware, the counts are rows."""

    start: datetime | str
    end: datetime | str
    n_reference: int
    n_current: int


class Named(TypedDict, total=False):
    """What an alert is known by besides its model and metric: what is sent to end it has to be the same."""

    environment: str
    feature: str
    dataset: str
    segment: Mapping[str, object]
    model_version: str
    kind: Kind
    test: str
    labels: Mapping[str, object]
    dedup_key: str


class Described(Named, total=False):
    """What may be told of an alert in any state. `expect_next_within` is a span such as "26h": then silence alerts."""

    score_type: Literal["p_value", "distance", "rate", "score"]
    run_id: str
    experiment_id: str
    links: Sequence[Link | str]
    window: Window
    observed_at: datetime | str
    summary: str
    description: str
    details: Mapping[str, Any]
    event_id: str
    expect_next_within: timedelta | str
    severity: Severity


class Judged(Described, total=False):
    """What a measurement is judged by. `breached` is your own verdict, and beats the numbers."""

    threshold: SupportsFloat | Limits
    direction: Literal["above", "below", "outside"]
    breached: bool
    status: Literal["firing", "resolved"]


class Valued(Described, total=False):
    """What a state may be sent with: the numbers that made somebody decide it."""

    value: SupportsFloat | None
    threshold: SupportsFloat | Limits
    direction: Literal["above", "below", "outside"]


class EventFields(Judged, total=False):
    """Every field of an event."""

    model: str
    metric: str
    value: SupportsFloat | None


class Deployed(TypedDict, total=False):
    """What may be told of a deployment. `happened_at` is aware; when it is left out, it is now. `details` are texts."""

    environment: str
    alias: str
    action: str
    happened_at: datetime
    details: Mapping[str, object]


class IncidentFilters(TypedDict, total=False):
    """Which incidents: all of these have to fit. `status` also takes "open", `filter` Alertmanager's matchers."""

    status: str | Sequence[str]
    severity: Severity | Sequence[Severity]
    model: str
    environment: str
    q: str
    since: datetime
    until: datetime
    filter: str | Sequence[str]
