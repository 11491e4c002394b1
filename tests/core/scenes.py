"""What may be known about an incident, and a telling at 09:01 about it. Whoever knows of it was told at 09:00."""

from dataclasses import replace

from alertsvc.core.incidents import Incident
from alertsvc.core.model import Deliver, IncidentStatus, Reason
from alertsvc.core.tell import Telling
from tests.core.builders import (
    CHAT,
    MAIL,
    MINUTE,
    NOW,
    SILENT,
    WARNING,
    believer,
    covered,
    incident,
    live,
    moment,
    rules,
    situation,
    uid,
)
from tests.core.reading import told

AT = NOW + MINUTE
FIRING, ACKNOWLEDGED, RESOLVED = IncidentStatus.FIRING, IncidentStatus.ACKNOWLEDGED, IncidentStatus.RESOLVED
DIGEST = Deliver.DIGEST

OPENED, UPDATED, RAISED, REPEATED = Reason.OPENED, Reason.UPDATED, Reason.RAISED, Reason.REPEATED
ENDED, TAKEN, GIVEN_BACK = Reason.RESOLVED, Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED

# What a destination may believe, and what may be on its way there
KNOWS = believer()
UNTOLD = believer("pending")
WAITS = believer("pending", DIGEST, severity=WARNING)
READ_IT = believer("told", DIGEST, severity=WARNING)
HEARD_THE_END = believer("ended")
LISTED = covered(OPENED)
IN_MADE_DIGEST = replace(covered(OPENED), delivery_id=uid(40))

CRITICAL_NOW = "route root: critical is delivered immediately"
ERROR_NOW = "route root: error is delivered immediately"
WARNING_LATER = "route root: warning is delivered in a digest"
INFO_NEVER = "route root: info is kept in history only"
BUNDLED = "bundled by group_interval 0:05:00"
HAD_FAILED = "the opening had failed"
FIRED_AGAIN = "fired again before it left"


def sending(reason: Reason, number: int = 11):
    """A message that is being sent."""
    return live(reason, "sending", id=uid(number))


def maybe_left(reason: Reason, number: int = 11):
    """A message that will be tried again, and that its provider may have."""
    return live(reason, id=uid(number), maybe_left=True)


def unsent(reason: Reason, number: int = 12, **changes):
    """A message that surely has not left."""
    return live(reason, changes.pop("state", "pending"), id=uid(number), **changes)


def telling(*known, now: Incident | None = None, before: Incident | None = None, **changes):
    """A telling about `now`, which was `before`, where `known` is known."""
    before = before or now or incident()
    about = situation(before, *known)
    return Telling(now or before, about, moment(rules(CHAT, MAIL, SILENT, **changes), AT)), about


def read(found):
    """What was decided, as lines."""
    decided, about = found
    return told(decided.finish(), about)
