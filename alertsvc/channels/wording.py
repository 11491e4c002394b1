"""How spans, numbers and instants are written for people: the same everywhere."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alertsvc.core.numbers import short


def duration(span: timedelta) -> str:
    """`span` in its two largest units: `45 s`, `14 m`, `2 h 14 m`, `3 d 4 h`. A negative one is `0 s`."""
    seconds = max(0, int(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return _two(days, "d", hours % 24, "h")
    if hours:
        return _two(hours, "h", minutes % 60, "m")
    return f"{minutes} m" if minutes else f"{seconds} s"


def number(value: float | None) -> str:
    """`value` with three significant digits; whole digits are never dropped. Empty for None."""
    return "" if value is None else short(value)


def moment(instant: datetime | None, timezone: str = "UTC") -> str:
    """`instant` to the minute with its zone: `2026-11-24 09:12 UTC`. Empty for None."""
    return "" if instant is None else f"{_local(instant, timezone):%Y-%m-%d %H:%M %Z}"


def time_of_day(instant: datetime | None, timezone: str = "UTC") -> str:
    """`instant` as `09:12`, for lines whose day and zone are said nearby. Empty for None."""
    return "" if instant is None else f"{_local(instant, timezone):%H:%M}"


def counted(count: int, noun: str) -> str:
    """`count` and its noun: `1 alert`, `3 alerts`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    head = f"{large} {large_unit}"
    return f"{head} {small} {small_unit}" if small else head


def _local(instant: datetime, timezone: str) -> datetime:
    try:
        return instant.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return instant.astimezone(UTC)
