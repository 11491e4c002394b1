"""Spans of time in what is sent: `26h` as in the configuration, or `PT26H` as ISO 8601 writes it."""

import re
from datetime import timedelta
from functools import lru_cache

from alertsvc.core.durations import parse_duration
from alertsvc.ingest.clean import BadFieldError

FIELD = "expect_next_within"
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=400)
_ISO = re.compile(
    r"P(?=.)(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?", re.ASCII
)


@lru_cache(maxsize=256)
def read_span(text: str) -> timedelta:
    """How long from one observation to the next.

    Raises:
        BadFieldError: It is no duration, or shorter or longer than anybody waits.
    """
    iso = _ISO.fullmatch(text)
    if iso is not None:
        weeks, days, hours, minutes, seconds = (int(count or 0) for count in iso.groups())
        span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    else:
        try:
            span = parse_duration(text)
        except ValueError as fault:
            raise BadFieldError(FIELD, str(fault)) from None
    if not SHORTEST <= span <= LONGEST:
        raise BadFieldError(FIELD, "from 10s to 400d: how long until the next observation of this series must be here")
    return span
