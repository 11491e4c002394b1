"""What follows from one try to send: done, again later, or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.core.model import Severity

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
LONGEST_CRITICAL_DELAY = timedelta(minutes=5)
SLOW_FIRST_DELAY = timedelta(minutes=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)
MIN_JITTER = 0.5


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at `due_at`."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Its horizon has passed, or nobody will ever take it."""

    why: str


def backoff(attempt_count: int, severity: Severity, chance: float, *, slow: bool) -> timedelta:
    """How long to wait after try number `attempt_count`, doubling each time, jittered.

    `chance` is uniform in [0, 1). `slow` is for faults that only a person can mend (a refused credential).
    """
    first = SLOW_FIRST_DELAY if slow else FIRST_DELAY
    longest = LONGEST_CRITICAL_DELAY if severity is Severity.CRITICAL and not slow else LONGEST_DELAY
    full = min(first * 2 ** min(attempt_count - 1, 20), longest)
    return full * (MIN_JITTER + (1 - MIN_JITTER) * chance)


def after_failure(
    *,
    attempt_count: int,
    severity: Severity,
    now: datetime,
    expires_at: datetime,
    chance: float,
    retry_after: timedelta | None = None,
    slow: bool = False,
) -> Again | GivenUp:
    """What follows when a message was not taken, or nobody knows.

    `retry_after` is honoured between the schedule's own delay and one hour. A last try is made at the horizon itself.
    """
    if now >= expires_at:
        return GivenUp("its time to be delivered has passed")
    delay = backoff(attempt_count, severity, chance, slow=slow)
    if retry_after is not None:
        delay = min(max(delay, retry_after), LONGEST_RETRY_AFTER)
    return Again(min(now + delay, max(expires_at, now + FIRST_DELAY)))
