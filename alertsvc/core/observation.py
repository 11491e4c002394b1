"""What a sender measured, beside what its event says of the alert: what thresholds and freshness go by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Trouble(StrEnum):
    """What may be wrong with the monitoring of a series: nothing came, or it came without a value or over no rows."""

    MISSING = "missing"
    NO_VALUE = "no_value"
    NO_ROWS = "no_rows"


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Which series an observation is of: the fingerprint and the labels of the metric's alert."""

    fingerprint: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement of a series. Which series that is says the fingerprint of its event, or `series` where the event
    is about the monitoring itself: then that has `trouble`.

    `kind`, `direction` and `score_type` are the words of the direct event; None: nobody said and nothing follows from
    names. `has_value` is False where the monitor ran and could not compute it. `is_settled`: the sender said by itself
    what the value means (a status, the tool's verdict, a threshold), so no threshold of ours is asked; `is_graded`: and
    how bad that is. `row_count` is how many rows it was computed over. The next one is expected within
    `expect_next_within`; None: nobody waits. `instead_of` are the tests that the sender's tool might have chosen by
    itself for the same thing: it uses one of them at a time.
    """

    model: str
    metric: str
    kind: str
    environment: str
    feature: str | None = None
    dataset: str | None = None
    test: str | None = None
    model_version: str | None = None
    score_type: str | None = None
    direction: str | None = None
    is_graded: bool = False
    has_value: bool = True
    is_settled: bool = False
    row_count: int | None = None
    expect_next_within: timedelta | None = None
    trouble: Trouble | None = None
    series: SeriesKey | None = None
    instead_of: frozenset[str] = frozenset()
