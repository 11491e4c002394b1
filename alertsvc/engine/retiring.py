"""Ends what is expected of a series: a person retires it, a version is superseded, or nothing came for very long.

Its alerts end with it. Nobody would ever tell of them again, and nobody is to be paged for ever by what is gone.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from alertsvc.core.endings import FORGOTTEN, RETIRED
from alertsvc.core.freshness import Watched
from alertsvc.core.rules import Moment
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.farewells import Farewell, farewells
from alertsvc.engine.freshness import take_in
from alertsvc.store import freshness, series
from alertsvc.store.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Series that one transaction forgets."""

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
    events = farewells(conn, [(each, farewell) for each in found], moment.now)
    take_in(conn, events, moment)
    series.delete(conn, [(each.fingerprint, each.last_received_at) for each in found])
