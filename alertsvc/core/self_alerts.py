"""What the service says of itself when something is wrong with it: events like any other, about few fixed causes.

Each cause begins at most once in `AT_MOST_EVERY`, however often it comes and goes. That is decided from the alerts as
they are stored: every replica decides the same, and a restart forgets nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.core.alerts import Alert, fired
from alertsvc.core.model import AlertState, Event, Labels, Severity

SOURCE = "alertsvc"
MISMATCH = "AlertsvcAuditMismatch"
CRITICAL_FAILED = "AlertsvcCriticalFailed"
FILE_BROKEN = "AlertsvcConfigurationBroken"
NAMES = (MISMATCH, CRITICAL_FAILED, FILE_BROKEN)
SERVICE_LABEL = ("service", "alertsvc")

AT_MOST_EVERY = timedelta(minutes=15)
FAILED_FOR = timedelta(hours=1)
"""That a critical message has failed stays a cause for so long: nobody says that it is over."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is wrong: `about` tells it from others of its name, `said` and `advice` are for people.

    One that `lasts` ends by itself after so long: nobody might look whether it still is.
    """

    name: str
    about: tuple[tuple[str, str], ...]
    severity: Severity
    said: str
    advice: str
    lasts: timedelta | None = None

    @property
    def labels(self) -> Labels:
        """What its alert is known by."""
        return dict((("alertname", self.name), SERVICE_LABEL, *self.about))


def mismatch(check: str, severity: Severity) -> Cause:
    """A look at the own books found something. What it found is in the log: ids are nothing for a page."""
    said = f"alertsvc has found a fault in itself: the check {check} does not pass"
    return Cause(
        MISMATCH, (("check", check),), severity, said, "Its log names what was found (audit); /health shows it."
    )


def critical_failed(destination: str) -> Cause:
    """A critical message failed for good: whoever is behind the destination was not told."""
    said = f"a critical message to {destination} has failed for good"
    advice = "Tell the people behind it by another way. /api/v1/deliveries?state=failed says which message and why."
    about = (("destination", destination),)  # which may be configured no more when it would have to be ended
    return Cause(CRITICAL_FAILED, about, Severity.CRITICAL, said, advice, lasts=2 * FAILED_FOR)


FILE = Cause(
    FILE_BROKEN,
    (),
    Severity.ERROR,
    "the configuration file of alertsvc is broken: the last good configuration is in force",
    "`alertsvc check-config` and /health list its mistakes.",
)


def events_for(
    known: Mapping[Cause, tuple[str, Alert | None]], present: Collection[Cause], now: datetime
) -> list[Event]:
    """The events that make the alerts what the causes are: those begin that are `present`, the others end.

    `known` has for every cause that there may be the fingerprint of its alert, and the alert if there ever was one.
    """
    found: list[Event] = []
    for cause, (fingerprint, alert) in known.items():
        if cause in present and not fired(alert) and _may_begin(alert, now):
            found.append(_event(cause, fingerprint, AlertState.FIRING, now))
        elif cause not in present and fired(alert):
            found.append(_event(cause, fingerprint, AlertState.RESOLVED, now))
    return found


def _may_begin(alert: Alert | None, now: datetime) -> bool:
    """Whether it has not begun lately. One that began in the future did so before the clock was set back."""
    return alert is None or not timedelta(0) <= now - alert.starts_at < AT_MOST_EVERY


def _event(cause: Cause, fingerprint: str, state: AlertState, now: datetime) -> Event:
    said = {"summary": cause.said, "description": cause.advice}
    until = now + cause.lasts if cause.lasts and state is AlertState.FIRING else None
    return Event(SOURCE, fingerprint, state, cause.severity, cause.labels, said, observed_at=now, expires_at=until)
