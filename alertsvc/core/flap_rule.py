"""How often is too often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class FlapRule:
    """An alert flaps once it began or ended more than `changes` times `within` a span, until it is stable for `hold`.

    Stable: it neither began nor ended.
    """

    changes: int
    within: timedelta
    hold: timedelta

    def noted(self, before: Sequence[float], now: datetime) -> tuple[float, ...]:
        """The instants of `before`, as seconds since 1970, that still count at `now`, and `now`; the latest last."""
        since = (now - self.within).timestamp()
        kept = [each for each in before if since < each <= now.timestamp()][-self.changes :]
        return (*kept, now.timestamp())

    def is_exceeded(self, noted: Sequence[float]) -> bool:
        """Whether that is too often."""
        return len(noted) > self.changes
