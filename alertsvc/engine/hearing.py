"""Whether this process has been able to hear its senders for long enough that their silence means something."""

import time
from datetime import datetime, timedelta

from alertsvc.clock import Clock
from alertsvc.engine.wall import Ticks


class Hearing:
    """Begins anew at a start, after trouble, and when the clock on the wall is set: promises were made by another."""

    def __init__(self, clock: Clock, ticks: Ticks = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._since = ticks()

    def begin_anew(self) -> None:
        """Something may have been missed until now."""
        self._since = self._ticks()

    def since(self) -> datetime:
        """Since when nothing can have been missed."""
        return self._clock() - timedelta(seconds=self._ticks() - self._since)

    def lasts(self, span: timedelta) -> bool:
        """Whether nothing can have been missed for so long."""
        return self._ticks() - self._since >= span.total_seconds()
