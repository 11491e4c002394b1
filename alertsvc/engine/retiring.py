"""Ends what is expected of a series: a person retires it, a version is superseded, or nothing came for very long.

Its alerts end with it. Nobody would ever tell of them again, and nobody is to be paged for ever by what is gone.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from alertsvc.core.alerts import fired
from alertsvc.core.endings import FORGOTTEN, RETIRED
from alertsvc.core.freshness import SOURCE, Watched, instant, named
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.observation import Trouble
from alertsvc.core.rules import Moment
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.freshness import ended, known_alerts, take_in
from alertsvc.store import alerts, freshness, series
from alertsvc.store.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Series that one transaction forgets."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why series are let go, in words and in one. Without `ends_metric` the alert of the metric fires on: nobody said
    that it ended.
    """

    why: str
    decided_by: str
    ends_metric: bool = True


GONE_WITH_TIME = Farewell("has been silent for so long that it is forgotten", FORGOTTEN, ends_metric=False)


async def retire(database: Database, fingerprint: str, by: str, moment: Moment) -> None:
    """A person says that nothing is expected of a series any more. If it is measured again it is a new one.

    Raises:
        UnknownThingError: There is none.
    """
    await database.transaction(partial(_retire, fingerprint, by, moment))


def _retire(fingerprint: str, by: str, moment: Moment, conn: Connection) -> None:
    found = freshness.watched(conn, [fingerprint])
    if not found:
        raise UnknownThingError(f"series {fingerprint!r}")
    let_go(conn, found, Farewell(f"was retired by {by}", RETIRED), moment)


async def forget_series(database: Database, kept: timedelta, moment: Moment) -> int:
    """Forget the series of which nothing came for longer than measurements are kept. Returns how many.

    Raises:
        StoreUnavailableError: What is left is forgotten next time.
    """
    gone = 0
    while step := await database.transaction(partial(_forget, moment.now - kept, moment)):
        gone += step
        if step < AT_ONCE:
            break
    return gone


def _forget(before: datetime, moment: Moment, conn: Connection) -> int:
    found = freshness.watched(conn, series.unheard(conn, before, AT_ONCE))
    let_go(conn, found, GONE_WITH_TIME, moment)
    return len(found)


def let_go(conn: Connection, found: Sequence[Watched], farewell: Farewell, moment: Moment) -> None:
    """End the alerts of series, and forget the series.

    Raises:
        ConflictError: Something came of one of them meanwhile.
    """
    about = known_alerts(conn, found)
    own = alerts.known(conn, [each.fingerprint for each in found]) if farewell.ends_metric else {}
    events: list[Event] = []
    for each in found:
        said = f"{named(each.labels)} {farewell.why}; it was last observed at {instant(each.last_observed_at)}"
        known = about.get(each.fingerprint, {})
        firing = [trouble for trouble in Trouble if fired(known.get(trouble))]
        events += [ended(each, trouble, said, moment.now, farewell.decided_by) for trouble in firing]
        if fired(own.get(each.fingerprint)):
            events.append(_end_of_metric(each, said, farewell.decided_by, moment.now))
    take_in(conn, events, moment)
    series.delete(conn, [(each.fingerprint, each.last_received_at) for each in found])


def _end_of_metric(each: Watched, said: str, decided_by: str, now: datetime) -> Event:
    summary, resolved = {"summary": said}, AlertState.RESOLVED
    return Event(
        SOURCE, each.fingerprint, resolved, Severity.INFO, each.labels, summary, observed_at=now, decided_by=decided_by
    )
