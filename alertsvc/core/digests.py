"""When a digest is due, and which window it covers. Windows follow the calendar, never the last run."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(Protocol):
    """Instants at which something is due. Both methods take and give aware instants, in UTC."""

    def next_after(self, instant: datetime) -> datetime:
        """The first due instant strictly later than `instant`."""
        ...

    def last_before(self, instant: datetime) -> datetime:
        """The last due instant strictly earlier than `instant`."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Due each `period`, counted from the epoch in UTC, so that every replica finds the same instants."""

    period: timedelta

    def next_after(self, instant: datetime) -> datetime:
        return EPOCH + self.period * ((instant - EPOCH) // self.period + 1)

    def last_before(self, instant: datetime) -> datetime:
        return self.next_after(instant) - self.period * (2 if (instant - EPOCH) % self.period == timedelta(0) else 1)


@dataclass(frozen=True, slots=True)
class DigestRule:
    """A digest people named. `timezone` (IANA) is what its times are shown in; at most `max_items` are listed.

    `urgent_after`: so many waiting incidents for one receiver send it before its time.
    """

    name: str
    schedule: Schedule
    timezone: str = "UTC"
    max_items: int = 200
    urgent_after: int | None = None
