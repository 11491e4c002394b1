"""Spans of time in a configuration."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from alertsvc.core.durations import parse_duration


def _read(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    is_written = isinstance(value, str | int | float) and not isinstance(value, bool)
    return parse_duration(str(value) if is_written else "")


def _not_zero(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("must not be zero")
    return value


Duration = Annotated[
    timedelta,
    PlainValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(?=.)(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$"},
                {"const": 0},
            ],
            "examples": ["30s", "5m", "1h30m", "7d"],
        }
    ),
]
"""A span of time in a configuration."""

Interval = Annotated[Duration, AfterValidator(_not_zero)]
"""A span that is not zero."""
