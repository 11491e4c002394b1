"""JSON as tools really write it: strict, or with the bare NaN and Infinity of Python's own writer."""

import json
import math
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from alertsvc.ingest.complaint import BYTE_ORDER_MARK, complaint
from alertsvc.ingest.parsed import BadPayloadError

Json = dict[str, Any]
"""An object of JSON, of which nothing is known yet."""


def decode(body: bytes) -> object:
    """What `body` says. A number that is none (NaN, an infinity) stays one, so that it is not lost for its notation.

    Raises:
        BadPayloadError: It is not JSON, by either reading.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return msgspec.json.decode(body)
    except (UnicodeDecodeError, RecursionError) as fault:
        raise BadPayloadError(f"not JSON: {complaint(fault)}") from None
    except msgspec.DecodeError as strict:
        try:  # NaN is what a broken monitor sends: it must not be lost for a broken notation
            return json.loads(body.decode())
        except (ValueError, RecursionError):
            raise BadPayloadError(f"not JSON: {complaint(strict)}") from None


def encode(value: object) -> bytes:
    """JSON that keeps what strict JSON has not: half characters, numbers that are none or too long.

    Raises:
        RecursionError: It is nested too deeply.
    """
    return json.dumps(value).encode()


def as_object(value: object) -> Json:
    """`value` if it is an object, else an empty one."""
    return cast(Json, value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """`value` if it is a text with something in it."""
    return value if isinstance(value, str) and value else None


def as_number(value: object) -> float | None:
    """`value` as a finite number; None for everything else, also for true and false."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def objects(value: object) -> list[Json]:
    """The objects of a list; whatever else stands there is left out."""
    return [cast(Json, item) for item in as_list(value) if isinstance(item, dict)]


def first_of(given: Mapping[str, Any], *names: str) -> object:
    """What stands under the first of `names` that is there and not null."""
    return next((given[name] for name in names if given.get(name) is not None), None)
