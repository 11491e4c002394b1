"""Lets go of series whose tool has chosen another test: with the report that says so, in its transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.endings import OTHER_TEST
from alertsvc.core.freshness import SOURCE, Watched
from alertsvc.core.other_tests import TEST, Tested, replaced
from alertsvc.core.rules import Moment
from alertsvc.engine.farewells import Farewell, farewells
from alertsvc.engine.submissions import Submission
from alertsvc.store import freshness, measurements, series


@dataclass(frozen=True, slots=True)
class Superseded:
    """Series that are let go, and what ends their alerts: take that in with what let them go."""

    found: Sequence[Watched]
    ends: Sequence[Submission]

    def forget(self, conn: Connection) -> None:
        """Forget the series, once their alerts are ended.

        Raises:
            ConflictError: Something came of one of them meanwhile.
        """
        series.delete(conn, [(each.fingerprint, each.last_received_at) for each in self.found])


def superseded(
    conn: Connection, submissions: Sequence[Submission], repeated: frozenset[UUID], moment: Moment
) -> Superseded | None:
    """What `submissions` let go of; None, as nearly always: nothing. Then nothing is read either.

    What comes with one of them itself is observed still. `repeated` ones came before.
    """
    choosing = [
        event.observation
        for each in submissions
        for event in each.events
        if event.observation is not None and event.observation.instead_of and each.id not in repeated
    ]
    if not choosing:
        return None
    coming = {event.fingerprint for each in submissions for event in each.events}
    rows = [Tested(each.fingerprint, each.labels, each.last_observed_at) for each in series.tested(conn, choosing)]
    rows = [each for each in rows if each.fingerprint not in coming]
    if not rows:
        return None
    before = measurements.last_observed(conn, coming)
    found: dict[str, str] = {}
    for each in submissions:
        if each.id not in repeated:
            found |= replaced([(event, each.received_at) for event in each.events], rows, before)
    gone = freshness.watched(conn, list(found)) if found else []
    if not gone:
        return None
    listed = [(each, _farewell(each, found[each.fingerprint])) for each in gone]
    events = farewells(conn, listed, moment.now)
    return Superseded(gone, [Submission(moment.new_id(), SOURCE, moment.now, events, b"")] if events else ())


def _farewell(each: Watched, test: str) -> Farewell:
    before = each.labels.get(TEST, "another test")
    return Farewell(f"is tested with {test} now, and no more with {before}", OTHER_TEST)
