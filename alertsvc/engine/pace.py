"""How fast one destination is sent to: its rate, its slots, and its pauses. Time is an argument, in seconds."""

from dataclasses import dataclass, field
from enum import IntEnum

FAILURES_BEFORE_PAUSE = 3
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
OUTAGE_SECONDS = 20.0
"""A destination that kept failing for so long had an outage: what failed meanwhile waits far too long by its end."""
LONGEST_WAIT = 3600.0
"""What a destination asks for is honoured up to here: some ask for years."""


class Breaker(IntEnum):
    """Whether messages leave for a destination: they do, one finds out whether they can again, or none does."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(slots=True)
class Pace:
    """A token bucket, a number of slots, and a gate that shuts when the destination asks for it or keeps failing.

    Times are of a monotonic clock. `rate` is messages a second, `burst` how many at once.
    """

    rate: float
    burst: int
    concurrency: int
    in_flight: int = 0
    failures: int = 0
    shut_until: float = 0.0
    failing_since: float = 0.0
    _tokens: float = field(default=-1.0)
    _filled_at: float = 0.0

    def free(self, now: float) -> int:
        """How many messages may leave now."""
        if now < self.shut_until:
            return 0
        self._fill(now)
        slots = self.concurrency - self.in_flight
        if self.failures >= FAILURES_BEFORE_PAUSE:  # one probe finds out whether it is back
            slots = min(slots, 1 - self.in_flight)
        return max(0, min(slots, int(self._tokens)))

    def breaker(self, now: float) -> Breaker:
        """How its gate stands: it is open also while the destination has asked everything to wait."""
        if now < self.shut_until:
            return Breaker.OPEN
        return Breaker.HALF_OPEN if self.failures >= FAILURES_BEFORE_PAUSE else Breaker.CLOSED

    def wait(self, now: float) -> float:
        """How many seconds until time alone lets a message leave; 0 when one may, or when slots are what is missing."""
        if now < self.shut_until:
            return self.shut_until - now
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate)

    def become(self, rate: float, burst: int, concurrency: int) -> None:
        """Keep another rate from now on. What is under way counts on; its tokens are no more than fit."""
        self.rate, self.burst, self.concurrency = rate, burst, concurrency

    def open_again(self) -> None:
        """Forget failures and pauses: it is reached in another way now."""
        self.failures = 0
        self.shut_until = 0.0

    def left(self) -> None:
        """A message leaves."""
        self._tokens -= 1
        self.in_flight += 1

    def came_back(self, now: float, *, well: bool, wait: float | None = None) -> bool:
        """A try ended. `wait` is what the destination asked everything for it to wait, in seconds.

        What comes back badly while the gate is shut had left before and says nothing new: it does not count. Returns
        whether this is the end of an outage.
        """
        self.in_flight -= 1
        news = well or now >= self.shut_until
        if not well and not self.failures:
            self.failing_since = now
        was_out = self.failures >= FAILURES_BEFORE_PAUSE and now - self.failing_since >= OUTAGE_SECONDS
        self.failures = 0 if well else self.failures + int(news)
        if wait is not None:
            self.shut_until = max(self.shut_until, now + min(wait, LONGEST_WAIT))
        elif news and self.failures >= FAILURES_BEFORE_PAUSE:
            turn = min(self.failures - FAILURES_BEFORE_PAUSE, 10)
            self.shut_until = max(self.shut_until, now + min(FIRST_PAUSE * 2**turn, LONGEST_PAUSE))
        return well and was_out

    def handed_back(self) -> None:
        """A message did not leave after all."""
        self.in_flight -= 1
        self._tokens += 1

    def _fill(self, now: float) -> None:
        if self._tokens < 0 and self._filled_at == 0.0:
            self._tokens = float(self.burst)
        else:
            self._tokens = min(float(self.burst), self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
