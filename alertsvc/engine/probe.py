"""Sends one real test message to a destination and reports what came back. Nothing is stored or retried."""

import time
from dataclasses import dataclass

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import AlertLine, IncidentMessage
from alertsvc.channels.outcome import Accepted, Unknown
from alertsvc.core.model import AlertState, IncidentStatus, Reason, Severity
from alertsvc.core.route import Destination
from alertsvc.core.rules import Moment
from alertsvc.engine.outlets import Outlets


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said to a test message."""

    destination: str
    outcome: str
    fault: str | None
    status_code: int | None
    detail: str
    seconds: float


async def probe(outlets: Outlets, destination: Destination, moment: Moment) -> Answer:
    """Send a test message to `destination` now."""
    channel = outlets.by_destination[destination.id].channel
    message = test_message(destination, moment)
    since = time.monotonic()
    outcome = await channel.send(message, Envelope(moment.new_id(), 1, moment.now))
    return Answer(
        destination=destination.id,
        outcome=type(outcome).__name__.lower(),
        fault=None if isinstance(outcome, Accepted) else str(outcome.fault),
        status_code=None if isinstance(outcome, Unknown) else outcome.status_code,
        detail=outcome.detail,
        seconds=round(time.monotonic() - since, 3),
    )


def test_message(destination: Destination, moment: Moment) -> IncidentMessage:
    """A message that nobody can mistake for a real one."""
    alert = AlertLine(
        fingerprint="0000000000000000",
        name="TestNotification",
        state=AlertState.FIRING,
        severity=Severity.INFO,
        labels={"alertname": "TestNotification"},
        annotations={"summary": "Somebody tests that this destination can be reached."},
        starts_at=moment.now,
    )
    return IncidentMessage(
        reason=Reason.TEST,
        incident_id=moment.new_id(),
        number=0,
        title="Test of this destination: nothing is wrong",
        status=IncidentStatus.FIRING,
        severity=Severity.INFO,
        opened_at=moment.now,
        happened_at=moment.now,
        destination=destination.id,
        receiver=destination.receiver,
        route="test",
        summary="Somebody tests that this destination can be reached. There is nothing to do.",
        alerts=(alert,),
        firing_count=1,
    )
