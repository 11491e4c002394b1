"""What is wrong with the monitoring itself: an observation that did not come, or came without a value or without rows.

Each is an alert of its own beside that of the metric, which such an observation neither fires nor ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alertsvc.core.alerts import PERSON, Alert, fired
from alertsvc.core.durations import write_duration
from alertsvc.core.model import AlertState, Event, Labels, Severity
from alertsvc.core.observation import Trouble

SOURCE = "freshness"
NAMES: Mapping[Trouble, str] = {
    Trouble.MISSING: "MissingObservations",
    Trouble.NO_VALUE: "NoValue",
    Trouble.NO_ROWS: "NoRows",
}
CHANGED = "changed"
"""What a series is marked with that must be looked at again, whatever was told of it."""
GRACE = timedelta(hours=1)
"""After this service could not hear for a while, senders have as long to come again as their interval, and so long at
most: else each restart would hide for another day that a daily job is dead.
"""
_TOLD = ("no_value", "no_rows")


@dataclass(frozen=True, slots=True)
class Watched:
    """What decides about a series. The next observation is to come within `within`, until `expected_at`."""

    fingerprint: str
    labels: Labels
    last_observed_at: datetime
    last_received_at: datetime
    last_state: str
    within: timedelta | None
    expected_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How bad it is that nothing came."""

    severity: Severity = Severity.WARNING


def about(labels: Labels, trouble: Trouble) -> dict[str, str]:
    """The labels of the alert that `trouble` is, for the series with `labels`: the same, but for four."""
    metric = labels.get("alertname", "")
    return {**labels, "alertname": NAMES[trouble], "metric": metric, "condition": trouble, "kind": "health"}


def state_of(event: Event) -> str:
    """What was made of an observation, in a word for its series."""
    observation = event.observation
    if observation is not None and observation.trouble is not None:
        return observation.trouble
    if event.state is None:
        return "pending" if event.is_pending else "recorded"
    return "firing" if event.state is AlertState.FIRING else "ok"


def has_listened(within: timedelta, hears_since: datetime, now: datetime) -> bool:
    """Whether this service has been able to hear for long enough to count silence against a sender."""
    return hears_since + min(within, GRACE) <= now


def is_late(expected_at: datetime | None, now: datetime) -> bool:
    """Whether an observation should be here that is not."""
    return expected_at is not None and expected_at <= now


def troubles(series: Watched, now: datetime) -> frozenset[Trouble]:
    """What is wrong with a series now, as far as its row says."""
    found: set[Trouble] = {Trouble(series.last_state)} if series.last_state in _TOLD else set()
    return frozenset(found | {Trouble.MISSING} if is_late(series.expected_at, now) else found)


def mark_of(present: Iterable[Trouble]) -> str | None:
    """How a series is marked of which so much is told: the words in their order, None when nothing is wrong."""
    told = set(present)
    return " ".join(each for each in Trouble if each in told) or None


def turns(
    series: Watched, known: Mapping[Trouble, Alert], hears_since: datetime, now: datetime
) -> tuple[dict[Trouble, AlertState], str | None]:
    """What the alerts of a series are to become, and how it is marked once they are.

    `known` are those of its alerts that there are. That nothing came begins here; the others begin as they arrive.
    """
    present = troubles(series, now)
    fires = {trouble for trouble in Trouble if fired(known.get(trouble))}
    changes = {trouble: AlertState.RESOLVED for trouble in Trouble if trouble in fires - present}
    if Trouble.MISSING in present - fires:
        if series.within is not None and not has_listened(series.within, hears_since, now):
            return changes, mark_of(present - {Trouble.MISSING})
        if not was_dismissed(known.get(Trouble.MISSING), series.expected_at):
            changes[Trouble.MISSING] = AlertState.FIRING
    return changes, mark_of(present)


def was_dismissed(alert: Alert | None, since: datetime | None) -> bool:
    """Whether a person has said that it is over since it began."""
    return (
        alert is not None
        and alert.closed_by == PERSON
        and alert.closed_at is not None
        and since is not None
        and alert.closed_at >= since
    )


def named(labels: Labels) -> str:
    """A series in words: "psi of age of churn"."""
    parts = (labels.get("alertname", ""), labels.get("feature"), labels.get("model"))
    return " of ".join(part for part in parts if part)


def instant(moment: datetime) -> str:
    """An instant for people, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def said_of_missing(series: Watched) -> str:
    """Why nobody may trust that all is well."""
    within = f"; expected every {write_duration(series.within)}" if series.within else ""
    since = instant(series.last_observed_at)
    return f"{named(series.labels)} has not been observed since {since}{within}: the job did not run, or could not send"


def said_of_end(series: Watched, trouble: Trouble) -> str:
    """Why it is over."""
    if trouble is Trouble.MISSING:
        if series.expected_at is None:
            return f"{named(series.labels)} is observed again; its sender announces no next time"
        return f"{named(series.labels)} is observed again: {instant(series.last_observed_at)}"
    said = "has a value again" if trouble is Trouble.NO_VALUE else "has rows again"
    return f"{named(series.labels)} {said}: {instant(series.last_observed_at)}"
