"""What a client says in the log of the program it is in: little, and never the token."""

import logging
import time
from collections.abc import Callable

from alertsvc.client.errors import AlertsvcError, ApiError, BadValueError

log = logging.getLogger("alertsvc.client")

AGAIN_AFTER = 3600.0
MOST_KINDS = 100


class Complaints:
    """Warns once of each kind of trouble, and again after an hour at the earliest: a loop must not fill a log."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._told: dict[str, float] = {}
        self._kept: dict[str, int] = {}

    def tell(self, fault: AlertsvcError) -> None:
        """Warn of `fault`, unless its like was told of lately."""
        kind = kind_of(fault)
        now = self._ticks()
        last = self._told.get(kind)
        if last is not None and now - last < AGAIN_AFTER:
            self._kept[kind] = self._kept.get(kind, 0) + 1
            return
        if len(self._told) >= MOST_KINDS:
            self._told.clear()
            self._kept.clear()
        self._told[kind] = now
        kept = self._kept.pop(kind, 0)
        more = f"; {kept} more of this kind since it was told last" if kept else ""
        log.warning("an alert could not be sent: %s%s", fault, more)


def kind_of(fault: AlertsvcError) -> str:
    """What makes two faults one kind: their class, and the status or the field."""
    kind = type(fault).__name__
    if isinstance(fault, ApiError):
        return f"{kind} {fault.status} {fault.kind}"
    return f"{kind} {fault.field}" if isinstance(fault, BadValueError) else kind
