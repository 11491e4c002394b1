"""Whether this process has been able to hear its senders for long enough that their silence means something."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from alertsvc.clock import Clock

MOST_DRIFT = timedelta(seconds=5)
"""More between two looks, and the clock was set or the machine slept."""

Ticks = Callable[[], float]
"""Seconds of a clock that nobody sets."""


class Hearing:
    """Begins anew at a start, after trouble, and when the clock on the wall jumps: promises were made by another."""

    def __init__(self, clock: Clock, ticks: Ticks = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._since = ticks()
        self._ahead = self._seconds_ahead()

    def _seconds_ahead(self) -> float:
        return self._clock().timestamp() - self._ticks()

    def begin_anew(self) -> None:
        """Something may have been missed until now."""
        self._since = self._ticks()

    def since(self) -> datetime:
        """Since when nothing can have been missed."""
        return self._clock() - timedelta(seconds=self._ticks() - self._since)

    def lasts(self, span: timedelta) -> bool:
        """Whether nothing can have been missed for so long."""
        ahead = self._seconds_ahead()
        if abs(ahead - self._ahead) > MOST_DRIFT.total_seconds():
            self.begin_anew()
        self._ahead = ahead
        return self._ticks() - self._since >= span.total_seconds()
