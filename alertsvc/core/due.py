"""When time alone changes an alert."""

from datetime import datetime

from alertsvc.core.alerts import Alert, fired


def due_at(alert: Alert) -> datetime | None:
    """The earliest instant at which somebody must look at `alert` although nothing arrives; None: never."""
    reasons = [alert.expires_at if fired(alert) else None, alert.stable_at]
    return min((instant for instant in reasons if instant is not None), default=None)
