"""When a digest is due by the clock on the wall: cron in a time zone, right on the days the clocks change.

cronsim reads the expression and knows which days it means. The hours of a day are placed here, because an hour that
does not exist, one that exists twice and a change of half an hour need more than steps along the wall clock:

- times that are named (`30 2 * * *`) come once a day: at the end of the gap when the clocks jump over them, at the
  first of the two when the clocks are set back (as Debian's cron does);
- times that repeat (`*/15 * * * *`, `0 * * * *`) come whenever a clock on the wall shows them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from alertsvc.core.digests import EPOCH
from alertsvc.quoting import quoted

MAX_CHARS = 200
FURTHEST = timedelta(days=60 * 366)
"""How far a due day is looked for. The rarest one that exists, a certain weekday on 29 February, is 40 years off."""
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields in the time zone `timezone` (IANA). A `core.digests.Schedule`.

    Make it with `parse_cron`, which checks both.
    """

    expression: str
    timezone: str

    def next_after(self, instant: datetime) -> datetime:
        """The first due instant strictly later than `instant`. Aware, in UTC."""
        day = instant.astimezone(ZoneInfo(self.timezone)).date() - _DAY
        while True:
            day = _due_day(self, day, _DAY)
            later = [due for due in _due_on(self, day) if due > instant]
            if later:
                return later[0]
            day += _DAY

    def last_before(self, instant: datetime) -> datetime:
        """The last due instant strictly earlier than `instant`. Aware, in UTC."""
        day = instant.astimezone(ZoneInfo(self.timezone)).date() + _DAY
        while True:
            day = _due_day(self, day, -_DAY)
            earlier = [due for due in _due_on(self, day) if due < instant]
            if earlier:
                return earlier[-1]
            day -= _DAY


def parse_cron(expression: str, timezone: str) -> Cron:
    """A schedule of minute, hour, day of month, month and day of week, or of an alias such as `@daily`.

    As in cron, a day counts when the day of month or the day of week fits if both are restricted. Sunday is 0 or 7.

    Raises:
        ValueError: `expression` is no such schedule, or never comes.
    """
    text = expression.strip()
    fields = ALIASES.get(text.lower(), text)
    if text.startswith("@") and fields is text:
        raise ValueError(f"{quoted(text)} is not known; there are {', '.join(ALIASES)}")
    if len(fields) > MAX_CHARS or len(fields.split()) != 5:
        raise ValueError("a schedule has five fields: minute, hour, day of month, month, day of week")
    cron = Cron(fields, timezone)
    try:
        _due_day(cron, EPOCH.date(), _DAY)
    except (CronSimError, ValueError, AssertionError, TypeError) as fault:
        reason = str(fault) if isinstance(fault, CronSimError | _NeverError) else "not a cron expression"
        raise ValueError(f"{quoted(text)}: {reason[:1].lower()}{reason[1:]}") from None
    return cron


class _NeverError(ValueError):
    pass


@lru_cache(maxsize=256)
def _parsed(expression: str) -> CronSim:
    """The fields of `expression`; only what depends on no instant is used of it."""
    return CronSim(expression, datetime(2000, 1, 1))  # noqa: DTZ001  # its clock is not used


@lru_cache(maxsize=1024)
def _due_day(cron: Cron, day: date, step: timedelta) -> date:
    """The first day from `day` on, in the direction of `step`, that the expression means."""
    fields = _parsed(cron.expression)
    limit = day + step * FURTHEST.days
    while day != limit:
        if day.month in fields.months and fields.match_day(day):
            return day
        day += step
    raise _NeverError("this day never comes")


@lru_cache(maxsize=1024)
def _due_on(cron: Cron, day: date) -> tuple[datetime, ...]:
    """The due instants of one day on the wall, in UTC, in order. Empty when the clocks jump over all of them."""
    fields = _parsed(cron.expression)
    minute, hour = cron.expression.split()[:2]
    repeats = minute.startswith("*") or hour.startswith("*")
    zone = ZoneInfo(cron.timezone)
    walls = (datetime.combine(day, time(hour, minute)) for hour in fields.hours for minute in fields.minutes)
    return tuple(sorted({due for wall in walls for due in _instants(wall, zone, repeats=repeats)}))


def _instants(wall: datetime, zone: ZoneInfo, *, repeats: bool) -> list[datetime]:
    """The instants, in UTC, at which clocks in `zone` show `wall`, as far as they are due."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return [first]
    if first < second:  # the clocks show it twice
        return [first, second] if repeats else [first]
    if repeats:  # the clocks jump over it
        return []
    while _is_skipped(wall, zone):
        wall += _MINUTE
    return [wall.replace(tzinfo=zone, fold=0).astimezone(UTC)]


def _is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    there = wall.replace(tzinfo=zone, fold=0)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall
