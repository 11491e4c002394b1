"""The ends of all that is told of series from which nothing more is expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.core.alerts import Alert, fired
from alertsvc.core.freshness import SOURCE, Watched, about, instant, named
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Trouble
from alertsvc.ingest.monitoring import fingerprint_about
from alertsvc.store import alerts


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why series are let go, in words and in one. Without `ends_metric` the alert of the metric fires on: nobody said
    that it ended.
    """

    why: str
    decided_by: str
    ends_metric: bool = True


def farewells(conn: Connection, found: Sequence[tuple[Watched, Farewell]], now: datetime) -> list[Event]:
    """What ends the alerts of series that are let go."""
    known = known_alerts(conn, [each for each, _ in found])
    own = alerts.known(conn, [each.fingerprint for each, farewell in found if farewell.ends_metric])
    events: list[Event] = []
    for each, farewell in found:
        said = f"{named(each.labels)} {farewell.why}; it was last observed at {instant(each.last_observed_at)}"
        told = known.get(each.fingerprint, {})
        firing = [trouble for trouble in Trouble if fired(told.get(trouble))]
        events += [ended(each, trouble, said, now, farewell.decided_by) for trouble in firing]
        if fired(own.get(each.fingerprint)):
            events.append(_end_of_metric(each, said, farewell.decided_by, now))
    return events


def known_alerts(conn: Connection, watched: Sequence[Watched]) -> Mapping[str, Mapping[Trouble, Alert]]:
    """The alerts about the monitoring of series that there are, by the fingerprints of the series."""
    places = {
        fingerprint_about(each.fingerprint, trouble): (each.fingerprint, trouble)
        for each in watched
        for trouble in Trouble
    }
    found: dict[str, dict[Trouble, Alert]] = {}
    for name, alert in alerts.known(conn, places).items():
        series, trouble = places[name]
        found.setdefault(series, {})[trouble] = alert
    return found


def ended(series: Watched, trouble: Trouble, said: str, at: datetime, decided_by: str = SOURCE) -> Event:
    """The event that ends the alert that `trouble` with a series is."""
    return Event(
        SOURCE,
        fingerprint_about(series.fingerprint, trouble),
        AlertState.RESOLVED,
        Severity.INFO,
        about(series.labels, trouble),
        {"summary": said},
        observed_at=at,
        decided_by=decided_by,
    )


def _end_of_metric(each: Watched, said: str, decided_by: str, now: datetime) -> Event:
    summary, resolved = {"summary": said}, AlertState.RESOLVED
    return Event(
        SOURCE, each.fingerprint, resolved, Severity.INFO, each.labels, summary, observed_at=now, decided_by=decided_by
    )
