"""When clocks on the wall of a time zone show a time, and when they are put forward or back."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=4096)
def instants_of(zone: tzinfo, day: date, minute: int) -> tuple[datetime, datetime]:
    """When clocks in `zone` show that minute of `day`, the first and the last time, in UTC.

    What it is for a minute that they jump over does not matter: `shift_on` has that place.
    """
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)


@lru_cache(maxsize=4096)
def shift_on(zone: tzinfo, day: date) -> datetime | None:
    """The instant on `day`, in UTC, at which clocks in `zone` are put forward or back. There is at most one."""
    early = datetime.combine(day, time(), UTC)
    late = early + _DAY
    before = early.astimezone(zone).utcoffset()
    if late.astimezone(zone).utcoffset() == before:
        return None
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
