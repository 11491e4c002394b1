"""Spans of time in letters, as Prometheus writes them: `30s`, `5m`, `1h30m`, `7d`."""

import re
from datetime import timedelta

from alertsvc.quoting import quoted

_FORM = re.compile(
    r"(?:(?P<years>\d+)y)?(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?"
    r"(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?(?:(?P<milliseconds>\d+)ms)?",
    re.ASCII,
)
_UNITS = {
    "years": timedelta(days=365),
    "weeks": timedelta(weeks=1),
    "days": timedelta(days=1),
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
    "seconds": timedelta(seconds=1),
    "milliseconds": timedelta(milliseconds=1),
}
_LONGEST = timedelta(days=100 * 365)
_MAX_CHARS = 60


def parse_duration(text: str) -> timedelta:
    """The span that `text` means: units from large to small, each at most once; `0` needs none. A year is 365 days.

    Raises:
        ValueError: It is not of that form, or longer than 100 years.

    Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/ (`<duration>`)
    """
    if text == "0":
        return timedelta(0)
    form = _FORM.fullmatch(text) if len(text) <= _MAX_CHARS else None
    counts = {unit: int(count) for unit, count in form.groupdict().items() if count} if form else {}
    if not counts:
        got = f", got {quoted(text)}" if text else ""
        raise ValueError(f"a duration such as 30s, 5m, 1h30m or 7d is needed{got}")
    if any(count * _UNITS[unit].total_seconds() > _LONGEST.total_seconds() for unit, count in counts.items()):
        raise ValueError("a duration may be at most 100 years")
    return sum((_UNITS[unit] * count for unit, count in counts.items()), timedelta(0))


def write_duration(span: timedelta) -> str:
    """`span` as `parse_duration` reads it, in days and smaller units; what is below a millisecond is dropped."""
    milliseconds = span // timedelta(milliseconds=1)
    written = ""
    for sign, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        written += f"{count}{sign}" if count else ""
    return written or "0s"
