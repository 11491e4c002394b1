"""When time alone changes an alert."""

from datetime import datetime

from alertsvc.core.alerts import Alert, fired


def due_at(alert: Alert) -> datetime | None:
    """The earliest instant at which somebody must look at `alert` although nothing arrives; None: never."""
    return earliest(alert.expires_at if fired(alert) else None, alert.stable_at, alert.silent_at)


def earliest(*instants: datetime | None) -> datetime | None:
    """The first of those that are known."""
    return min((instant for instant in instants if instant is not None), default=None)
