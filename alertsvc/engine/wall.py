"""Notices when the clock on the wall is set: instants that were written down before mean something else then."""

import time
from collections.abc import Callable
from datetime import timedelta

from alertsvc.clock import Clock

MOST_DRIFT = timedelta(seconds=5)
"""More between two looks, and the clock was set or the machine slept."""

Ticks = Callable[[], float]
"""Seconds of a clock that nobody sets."""


class Wall:
    """A clock that people set, beside one that nobody sets. Look at it often."""

    def __init__(self, clock: Clock, ticks: Ticks = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._ahead = self._seconds_ahead()
        self._set_at: float | None = None

    def _seconds_ahead(self) -> float:
        return self._clock().timestamp() - self._ticks()

    def look(self) -> timedelta:
        """By how much it was set since the last look: zero when it was not, less when it was set back."""
        ahead = self._seconds_ahead()
        by, self._ahead = timedelta(seconds=ahead - self._ahead), ahead
        if abs(by) <= MOST_DRIFT:
            return timedelta(0)
        self._set_at = self._ticks()
        return by

    def was_true_for(self, span: timedelta) -> bool:
        """Whether nobody was seen to set it for so long."""
        return self._set_at is None or self._ticks() - self._set_at >= span.total_seconds()
