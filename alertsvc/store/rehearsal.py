"""Runs the statements of sending once, about a delivery that does not exist.

Making them takes SQLAlchemy tens of milliseconds, which the first page would wait for. Nothing is found or changed.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.model import Reason, Severity
from alertsvc.store import briefs, outbox, settling
from alertsvc.store.outbox import Claimed
from alertsvc.store.settling import Covered

_NOTHING = UUID(int=0)


def rehearse(conn: Connection, now: datetime) -> None:
    """Have the statements made."""
    claimed = Claimed(
        id=_NOTHING,
        lane="",
        sequence=0,
        destination="",
        receiver="",
        incident_id=None,
        digest_id=None,
        reason=Reason.TEST,
        severity=Severity.INFO,
        attempt_count=0,
        unknown_count=0,
        created_at=now,
        due_at=now,
        expires_at=now,
        progress={},
    )
    covered = [Covered(_NOTHING, _NOTHING, "", Reason.OPENED)]
    briefs.incident_brief(conn, _NOTHING, "")
    settling.covered_by(conn, [_NOTHING])
    settling.hold_lanes(conn, [each.lane for each in covered])
    outbox.end(conn, claimed, "accepted", "", now, unknown=False)
    outbox.promote(conn, [""])
    settling.end_covered(conn, [], "delivered", "", now)
    settling.has_been_told(conn, covered, {}, now)
    settling.arm_repeats(conn, covered, now)
