"""Storms of destinations: their states for whoever decides, and what happens when a summary is due."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from alertsvc.core.effects import DigestWindow
from alertsvc.core.model import Reason
from alertsvc.core.rules import Moment
from alertsvc.core.storm import StormState, goes_on, is_due, is_over
from alertsvc.core.storms import KnownStorm, Storms, window_name, window_of
from alertsvc.engine.digesting import CLOCK_TOLERANCE, Made, make_digest, new_delivery, put_out
from alertsvc.store import digests, storms


def with_storms(conn: Connection, moment: Moment, at_hand: Mapping[str, KnownStorm] | None = None) -> Moment:
    """The moment with the storms as they are, for the decisions of one transaction about news. They are not read again
    where they are `at_hand`.
    """
    rules = moment.rules.storm_rules
    known = at_hand if at_hand is not None or not rules else storms.known(conn, rules)
    return replace(moment, storms=Storms(rules, known or {}))


def storms_due(moment: Moment, conn: Connection) -> list[str]:
    """The destinations whose summary is due."""
    return [name for name, state in storms.on(conn).items() if is_due(state, moment.now - CLOCK_TOLERANCE)]


def tend_storm(destination: str, moment: Moment, conn: Connection) -> int:
    """Make the summary of a destination that is due, unless another replica did; without anything in it the storm ends.

    Returns how many notifications the summary covers. Whoever decides that something joins it waits meanwhile.
    """
    known = storms.hold(conn, destination)
    if known is None or not is_due(known.state, moment.now - CLOCK_TOLERANCE):
        return 0
    state = known.state
    receiver = digests.receiver_of(conn, window_name(destination))
    window = None if receiver is None else window_of(destination, receiver, state)
    made = Made() if window is None else make_digest(window.id, moment, conn)
    if made.deliveries:
        after = goes_on(state, [each.id for each in made.deliveries], made.severity, moment.now)
    else:
        after = is_over(state, moment.now)
        if window is not None and state.told_in:
            _tell_of_end(conn, destination, window, state, moment)
    storms.write(conn, destination, after, known.version)
    return made.covered_count


def _tell_of_end(conn: Connection, destination: str, window: DigestWindow, state: StormState, moment: Moment) -> None:
    """Tell those who were told of the storm that it is over."""
    mark = window.storm
    if mark is None:
        return
    incident_count, open_count = storms.totals(conn, state.told_in)
    over = replace(mark, is_over=True, incident_count=incident_count, open_count=open_count)
    last = replace(window, window_start=mark.since, storm=over)
    digests.add_last_of_storm(conn, last, moment.now)
    put_out(conn, [new_delivery(last, destination, Reason.RESOLVED, state.worst, moment)])
