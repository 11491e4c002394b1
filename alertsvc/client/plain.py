"""Values as JSON has them: what numpy, torch, pandas and decimal make of numbers is taken, and none is imported."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from numbers import Real
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from alertsvc.client.errors import BadValueError

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

Number = Callable[[Real | Decimal], float | None]
"""What is made of a number that is neither an int nor a bool."""

MOST_DEEP = 32
"""How deep lists and mappings may be in each other. What contains itself ends here, too."""
_NOT_THERE = frozenset({"NAType", "NaTType"})
AWARE = "has no time zone; send an aware one, such as datetime.now(UTC)"


def encoded(body: JSON, *, allow_nan: bool = False) -> bytes:
    """The JSON text of a plain value, in ASCII.

    Raises:
        BadValueError: A whole number has more digits than Python is willing to write.
    """
    try:
        return json.dumps(body, allow_nan=allow_nan, separators=(",", ":")).encode()
    except ValueError as fault:
        raise BadValueError("", f"cannot be written as JSON: {fault}") from None


def written(report: JSON) -> bytes:
    """The text of a tool's report as its own writer would have it: a NaN stays one, as it says that something is lost.

    Raises:
        BadValueError: As `encoded`.
    """
    return encoded(report, allow_nan=True)


def plain(name: str, value: object, depth: int = 0, number: Number | None = None) -> JSON:
    """A value as JSON has it: NaN and infinities become null, times RFC 3339, an array a list.

    Args:
        name: The field, for the error.
        value: Anything a detail may be.
        depth: How deep it lies in others.
        number: What numbers become; None: `finite`.

    Raises:
        BadValueError: It is none of that; the text names the place.
    """
    if depth > MOST_DEEP:
        raise BadValueError(name, f"is more than {MOST_DEEP} levels deep, or contains itself")
    value = unwrapped(value)
    if isinstance(value, Enum):
        return plain(name, value.value, depth + 1, number)
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Real | Decimal):
        return (number or finite)(value)
    return _named(name, value) or _nested(name, value, depth, number)


def _named(name: str, value: object) -> JSON:
    """What is a text in JSON; None for anything else."""
    if isinstance(value, datetime):
        return instant(name, value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | PurePath) else None


def _nested(name: str, value: object, depth: int, number: Number | None) -> JSON:
    if isinstance(value, Mapping):
        entries = cast(Mapping[object, object], value).items()
        return {word(name, key): plain(f"{name}.{key}", each, depth + 1, number) for key, each in entries}
    tolist = getattr(value, "tolist", None)  # an array or a series
    if callable(tolist):
        return plain(name, tolist(), depth + 1, number)
    if isinstance(value, list | tuple | set | frozenset):
        listed = cast(Iterable[object], value)
        return [plain(f"{name}[{index}]", each, depth + 1, number) for index, each in enumerate(listed)]
    raise BadValueError(name, f"{type(value).__name__} cannot be sent; send a number, a text, a list or a mapping")


def unwrapped(value: object) -> object:
    """The Python value in a scalar of numpy, or in an array or tensor without dimensions; anything else as it is.

    What is marked as not there is None: pandas' NA and NaT; a masked value, whose `item()` would be a number.
    """
    if type(value).__name__ in _NOT_THERE:
        return None
    if getattr(value, "shape", None) == ():
        for way in ("tolist", "item"):
            read = getattr(value, way, None)
            if callable(read):
                return read()
    return value


def finite(value: Real | Decimal) -> float | None:
    """A number as a float, or None where it is none: NaN, an infinity, or too large for one."""
    try:
        number = float(value)
    except (ValueError, OverflowError):  # a signalling NaN; a fraction of enormous parts
        return None
    return number if math.isfinite(number) else None


def as_written(value: Real | Decimal) -> float:
    """A number as a float; NaN stays what it is, and what is no number becomes it."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def measured(name: str, value: object) -> JSON:
    """What was measured: no number (NaN, an infinity, None) is null, for the service "no value"; True is 1.

    Raises:
        BadValueError: It is neither a number nor a text; the service says what is wrong with a text.
    """
    value = unwrapped(value)
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, Real | Decimal):
        return finite(value)
    raise BadValueError(name, f"{type(value).__name__} is no number; send float(x), or None when there is none")


def limits(name: str, value: object) -> JSON:
    """A threshold: a number, or one for each side. One that is no number would never alert, so it is refused.

    Raises:
        BadValueError: It is NaN or infinite, or no number.
    """
    if isinstance(value, Mapping):
        sides = cast(Mapping[object, object], value).items()
        return {word(name, side): limits(f"{name}.{side}", each) for side, each in sides if each is not None}
    number = measured(name, value)
    if number is None:
        raise BadValueError(name, "must be a finite number")
    return number


def instant(name: str, value: object) -> JSON:
    """A time as RFC 3339; a text is left to the service.

    Raises:
        BadValueError: It is naive, or no time.
    """
    value = unwrapped(value)
    if isinstance(value, str):
        return value
    if not isinstance(value, datetime):
        raise BadValueError(name, f"{type(value).__name__} is no time; send an aware datetime or RFC 3339")
    if value.tzinfo is None or value.utcoffset() is None:
        raise BadValueError(name, AWARE)
    return datetime.isoformat(value)


def texts(name: str, value: object) -> JSON:
    """Labels: names and values are text, numbers become text, and what is None is left out.

    Raises:
        BadValueError: It is no mapping, or a value has parts.
    """
    if not isinstance(value, Mapping):
        raise BadValueError(name, 'send a mapping of names to texts, such as {"team": "growth"}')
    entries = cast(Mapping[object, object], value).items()
    return {word(name, key): word(f"{name}.{key}", each) for key, each in entries if each is not None}


def whole(text: str, most: int) -> str:
    """The first characters of a text, each a whole one: half a character (a surrogate) would have it refused."""
    return text[:most].encode("utf-8", "replace").decode()


def word(name: str, value: object) -> str:
    """A text, or a number, choice, path or id as text.

    Raises:
        BadValueError: It has parts, or says nothing.
    """
    found: Any = plain(name, value)
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, str | int | float):
        return str(found)
    raise BadValueError(name, "must be a text")
