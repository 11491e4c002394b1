"""Makes the messages of a digest when its window is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.core.effects import Delivery, DigestWindow, digest_lane
from alertsvc.core.model import Reason, Severity
from alertsvc.core.outgoing import horizon
from alertsvc.core.rules import Moment
from alertsvc.store import digests, outbox
from alertsvc.store.digests import DueDigest
from alertsvc.store.insertions import Insertions

CLOCK_TOLERANCE = timedelta(seconds=2)
"""A window is closed this long after its end, so that a replica whose clock is behind can still join it."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a window: its deliveries, the gravest that they say, and how many notifications they cover."""

    deliveries: Sequence[Delivery] = ()
    severity: Severity = Severity.INFO
    covered_count: int = 0


def send_digest(digest_id: UUID, moment: Moment, conn: Connection) -> int:
    """Make the deliveries of what waits in a window, unless another replica did. Returns how many.

    One that is sent before its time stays open for what comes until then.
    """
    return len(make_digest(digest_id, moment, conn).deliveries)


def make_digest(digest_id: UUID, moment: Moment, conn: Connection) -> Made:
    """As `send_digest`."""
    window = digests.hold_open(conn, digest_id)
    if window is None:
        return Made()
    failpoints.reach("digest.held")
    made = _make(conn, window, moment)
    if window.due_at <= moment.now - CLOCK_TOLERANCE:
        digests.close(conn, window.id, moment.now)
    return made


def _make(conn: Connection, window: DueDigest, moment: Moment) -> Made:
    severity = Severity(window.highest_severity)
    deliveries = [new_delivery(window, name, Reason.UPDATED, severity, moment) for name in window.destinations]
    put_out(conn, deliveries)
    covered = sum(digests.assign(conn, window.id, each.destination, each.id) for each in deliveries)
    failpoints.reach("digest.assigned")
    return Made(deliveries, severity, covered)


def put_out(conn: Connection, deliveries: Sequence[Delivery]) -> None:
    """Put deliveries into the lanes of their digests."""
    outbox.lock_lanes(conn, [each.lane for each in deliveries])
    new = Insertions()
    outbox.add(new, outbox.with_places(conn, deliveries))
    new.write(conn)
    outbox.promote(conn, {each.lane for each in deliveries})


def new_delivery(
    window: DigestWindow | DueDigest, destination: str, reason: Reason, severity: Severity, moment: Moment
) -> Delivery:
    """The message about a window to one destination. Its place in the lane is to be found."""
    return Delivery(
        id=moment.new_id(),
        lane=digest_lane(window.name, destination),
        sequence=0,
        destination=destination,
        receiver=window.receiver,
        incident_id=None,
        digest_id=window.id,
        reason=reason,
        severity=severity,
        behind=False,
        created_at=moment.now,
        due_at=moment.now,
        expires_at=moment.now + horizon(severity),
    )
