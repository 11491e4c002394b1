"""Tries thresholds on values that nobody sent: each as if a direct event had brought it, one a day or a minute."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from alertsvc.core.model import Event
from alertsvc.core.severity import SeverityRule
from alertsvc.core.thresholds.persistence import Settled
from alertsvc.core.thresholds.policy import Thresholds
from alertsvc.core.thresholds.trial import tried
from alertsvc.core.thresholds.words import BECAUSE, RULE
from alertsvc.ingest.events import read_event

FIRST_DAY = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
"""Where nobody says when the first value was observed."""
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
"""The pace of values that a stream's detector looks at."""


@dataclass(frozen=True, slots=True)
class Series:
    """Which values they are."""

    model: str
    metric: str
    environment: str = "production"
    feature: str | None = None
    row_count: int | None = None
    score_type: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a value came to, what decided, and the limit beside it."""

    value: float
    state: str
    severity: str
    decided_by: str
    rule: str | None
    limit: float | None
    because: str | None

    def as_json(self) -> dict[str, object]:
        """The same for machines."""
        return asdict(self)


def try_values(
    series: Series,
    earlier: Sequence[tuple[float, datetime | None]],
    values: Sequence[float],
    thresholds: Thresholds,
) -> list[Tried]:
    """What each of `values` comes to after the `earlier` ones.

    Raises:
        BadFieldError: Such events would be refused.
    """
    events: list[tuple[Event, datetime]] = []
    policy = thresholds.policy(series.model.strip(), series.metric.strip().lower(), series.environment, series.feature)
    pace, then = MINUTE if policy.is_stream else DAY, FIRST_DAY
    for value, at in [*earlier, *((value, None) for value in values)]:
        then = at or (then + pace)
        events.append((_event(series, value, then, thresholds), then))
    was_firing = False
    found: list[Tried] = []
    for settled in tried(events, policy, uuid4):
        found.append(_said(settled, was_firing=was_firing))
        was_firing = found[-1].state == "firing" or (was_firing and settled.event.state is None)
    return found[len(earlier) :]


def _event(series: Series, value: float, then: datetime, thresholds: Thresholds) -> Event:
    item = {
        "model": series.model,
        "metric": series.metric,
        "environment": series.environment,
        "feature": series.feature,
        "score_type": series.score_type,
        "window": None if series.row_count is None else {"n_current": series.row_count},
        "value": value,
    }
    return read_event(item, then, SeverityRule(), thresholds=thresholds)[0]


def _said(settled: Settled, *, was_firing: bool) -> Tried:
    event = settled.event
    state = str(event.state) if event.state is not None else "pending" if event.is_pending else "recorded"
    if state == "resolved" and not was_firing:
        state = "ok"
    return Tried(
        value=event.value or 0.0,
        state=state,
        severity=event.severity.word if state in {"firing", "pending"} else "-",
        decided_by=event.decided_by,
        rule=event.annotations.get(RULE),
        limit=event.threshold,
        because=event.annotations.get(BECAUSE),
    )
