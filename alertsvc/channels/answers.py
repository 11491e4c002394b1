"""What an HTTP answer means where the provider has no words of its own, and how long it asks to be left alone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from alertsvc.channels.clean import clean_line
from alertsvc.channels.http import Reply
from alertsvc.channels.outcome import Fault, Rejected, Retry

MAX_SAID_CHARS = 200
LONGEST_WAIT = timedelta(days=366)
"""Keeps a huge number representable; how long a wait is honoured is not decided here."""
_LATER: Mapping[int, Fault] = {408: Fault.TIMEOUT, 425: Fault.TIMEOUT, 429: Fault.RATE_LIMITED}
_MENDABLE: Mapping[int, Fault] = {
    401: Fault.AUTH_ERROR,
    403: Fault.AUTH_ERROR,
    404: Fault.CONFIGURATION,
    405: Fault.CONFIGURATION,
    407: Fault.AUTH_ERROR,
    410: Fault.CONFIGURATION,
}
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def failure(reply: Reply, now: datetime, said: str | None = None) -> Rejected | Retry:
    """What an answer that is no success means by its status alone.

    What people can mend without touching the message (a credential, an address) is worth trying again; only what
    this message itself did wrong is rejected.

    Args:
        reply: The answer.
        now: When it came, for a `Retry-After` that is a date.
        said: What the answer says, when it is better known than from its body.
    """
    status = reply.status_code
    detail = f"HTTP {status}: {said or body_text(reply)}".rstrip(": ")
    after = retry_after(reply.headers, now)
    later = Fault.SERVER_ERROR if status >= 500 else _LATER.get(status)
    if later is not None:
        return Retry(later, detail, after, status, whole_destination=status == 429 or after is not None)
    if status < 400:
        detail = f"HTTP {status}: a redirect, and redirects are not followed"
    mendable = Fault.CONFIGURATION if status < 400 else _MENDABLE.get(status)
    if mendable is not None:
        return Retry(mendable, detail, status_code=status, whole_destination=True)
    return Rejected(Fault.TOO_LARGE if status == 413 else Fault.CLIENT_ERROR, detail, status)


def body_text(reply: Reply) -> str:
    """The beginning of the body for people, on one line; empty when it is a page."""
    text = clean_line(reply.body, MAX_SAID_CHARS)
    return "" if text.startswith("<") else text


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long `Retry-After` asks to wait: seconds, or a date by the provider's own clock. None when it asks nothing.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    asked = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return timedelta(seconds=min(float(asked), LONGEST_WAIT.total_seconds()))
    until = _date(asked)
    if until is None:
        return None
    wait = until - (_date(headers.get("date", "")) or now)
    return min(wait, LONGEST_WAIT) if wait > timedelta(0) else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
