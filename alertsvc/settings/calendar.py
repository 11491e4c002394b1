"""Days and times as Alertmanager writes them: `monday:friday`, `-3:-1`, `january:march`, `2026:2028`, `09:00`.

Each reader takes a text or a number without quotes. What it cannot read it refuses with a ValueError that says what is
needed. Weekdays and months may also run over the end of the week or the year, which Alertmanager refuses.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from alertsvc.core.intervals import DateRange, DayRange, YearlyRange, YearRange
from alertsvc.quoting import quoted
from alertsvc.settings.errors import SlipError

ValueT = TypeVar("ValueT")

WEEKDAYS: Mapping[str, int] = {
    "monday": 1,
    "tuesday": 2,
    "wednesday": 3,
    "thursday": 4,
    "friday": 5,
    "saturday": 6,
    "sunday": 7,
}
MONTHS: Mapping[str, int] = {
    "january": 1,
    "february": 2,
    "march": 3,
    "april": 4,
    "may": 5,
    "june": 6,
    "july": 7,
    "august": 8,
    "september": 9,
    "october": 10,
    "november": 11,
    "december": 12,
}

_NUMBER = re.compile(r"[-+]?[0-9]{1,9}")
_TIME = re.compile(r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})")
_DATE = re.compile(r"(?:(?P<year>[0-9]{4})-)?(?P<month>[0-9]{2})-(?P<day>[0-9]{2})")
_A_LEAP_YEAR = 2000


def read_weekdays(value: object) -> frozenset[int]:
    """Days of the week, 1 for Monday to 7: `monday`, `monday:friday`, `saturday:monday`."""
    return _round(*_ends(value, _weekday, "a weekday such as monday, or monday:friday,"), 7)


def read_months(value: object) -> frozenset[int]:
    """Months, 1 to 12: `march`, `3`, `january:march`, `1:3`, `november:february`."""
    return _round(*_ends(value, _month, "a month such as march or 3, or january:march,"), 12)


def read_days_of_month(value: object) -> DayRange:
    """Days of a month; negative ones count from its end: `1`, `1:5`, `-3:-1`, `15:-1`."""
    first, last = _ends(value, _day_of_month, "a day of the month such as 1, -1 for the last, or 1:5,")
    if first < 0 < last:
        raise ValueError(f"{first}:{last} begins at the end of the month: it must end with a negative day too")
    if _in_the_longest_month(first) > _in_the_longest_month(last):
        raise ValueError(f"{last} is before {first}: over the end of a month write two, such as '25:-1' and '1:5'")
    return DayRange(first, last)


def read_years(value: object) -> YearRange:
    """Years: `2026`, `2026:2028`."""
    first, last = _ends(value, _year, "a year such as 2026, or 2026:2028,")
    if first > last:
        raise ValueError(f"{last} is before {first}: the first year comes first")
    return YearRange(first, last)


def read_dates(value: object) -> DateRange | YearlyRange:
    """Dates, of one year or of every year: `2026-12-25`, `2026-12-24:2027-01-02`, `12-25`, `12-24:01-02`."""
    first, last = _ends(value, _date, "a date such as 2026-12-25, or 12-25 for every year, or two with a colon between")
    match first, last:
        case date(), date():
            if first > last:
                raise ValueError(f"{last} is before {first}: the first date comes first")
            return DateRange(first, last)
        case tuple(), tuple():
            return YearlyRange(first, last)
        case _:
            raise ValueError("write the year of both dates, or of none")


def read_time(value: object) -> int:
    """A time of the day as minutes since midnight: `09:00`, and `24:00` for the end of the day."""
    text = value.strip() if isinstance(value, str) else ""
    form = _TIME.fullmatch(text)
    hour, minute = (int(form["hour"]), int(form["minute"])) if form else (24, 60)
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise ValueError(f"a time from 00:00 to 24:00 is needed, such as 09:00{_got(value)}")
    padded = f"{hour:02}:{minute:02}"
    if text != padded:
        raise ValueError(f"a time has two digits for the hour: write {padded}")
    return hour * 60 + minute


def _ends(value: object, read: Callable[[str], ValueT], needed: str) -> tuple[ValueT, ValueT]:
    """The ends of what is written `one` or `first:last`, in any case."""
    is_written = isinstance(value, str | int) and not isinstance(value, bool)
    parts = [part.strip() for part in str(value).lower().split(":")] if is_written else []
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise ValueError(f"{needed} is needed{_got(value)}")
    return read(parts[0]), read(parts[-1])


def _got(value: object) -> str:
    return f", got {quoted(str(value))}" if isinstance(value, str | int) and value != "" else ""


def _round(first: int, last: int, length: int) -> frozenset[int]:
    """From `first` to `last` of what comes round after `length`, both included."""
    return frozenset((first - 1 + step) % length + 1 for step in range((last - first) % length + 1))


def _weekday(word: str) -> int:
    if word not in WEEKDAYS:
        raise SlipError(f"{quoted(word)} is no weekday such as monday", word, frozenset(WEEKDAYS))
    return WEEKDAYS[word]


def _month(word: str) -> int:
    number = _number(word)
    if number is None and word not in MONTHS:
        raise SlipError(f"{quoted(word)} is no month such as march or 3", word, frozenset(MONTHS))
    if number is not None and not 1 <= number <= 12:
        raise ValueError(f"there is no month {number}: months are 1 to 12")
    return MONTHS[word] if number is None else number


def _day_of_month(word: str) -> int:
    number = _number(word)
    if number is None:
        raise ValueError(f"{quoted(word)} is no day of the month such as 1, or -1 for the last")
    if not 1 <= abs(number) <= 31:
        raise ValueError(f"there is no day {number}: days are 1 to 31, or -1 (the last) to -31")
    return number


def _in_the_longest_month(day: int) -> int:
    return day + 32 if day < 0 else day


def _year(word: str) -> int:
    number = _number(word)
    if number is None or not 1000 <= number <= 9999:
        raise ValueError(f"{quoted(word)} is no year such as 2026")
    return number


def _date(word: str) -> date | tuple[int, int]:
    form = _DATE.fullmatch(word)
    if form is None:
        raise ValueError(f"{quoted(word)} is no date such as 2026-12-25, or 12-25 for every year")
    year, month, day = form["year"], int(form["month"]), int(form["day"])
    try:
        found = date(int(year) if year else _A_LEAP_YEAR, month, day)
    except ValueError:
        hint = ": the month comes before the day" if month > 12 else ""
        raise ValueError(f"there is no date {quoted(word)}{hint}") from None
    return found if year else (month, day)


def _number(word: str) -> int | None:
    return int(word) if _NUMBER.fullmatch(word) else None
