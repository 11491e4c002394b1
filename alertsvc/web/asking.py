"""How requests ask: cursors, page sizes, versions, identities, words."""

import base64
import binascii
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request

from alertsvc.core.acts import Actor
from alertsvc.core.explain import REACH, is_within_reach
from alertsvc.core.model import Severity
from alertsvc.core.route import Matcher
from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.service import Service
from alertsvc.ingest.clean import has_controls
from alertsvc.matchers import MatcherError, read_matchers
from alertsvc.store import incidents
from alertsvc.web.access import Caller
from alertsvc.web.problems import Problem

DEFAULT_LIMIT = 50
MOST = 500


def cursor_of(after: UUID | None) -> str | None:
    """The text that asks for what follows `after`."""
    return None if after is None else base64.urlsafe_b64encode(after.bytes).decode().rstrip("=")


def after_cursor(cursor: str | None) -> UUID | None:
    """What a cursor stands for.

    Raises:
        Problem: 400, it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
    except (binascii.Error, ValueError):
        raise Problem(400, "bad-cursor", "cursor: not one that this service gave; leave it out to begin") from None


def cursor_of_text(after: str | None) -> str | None:
    """As `cursor_of`, where what follows is found by a name."""
    return None if after is None else base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")


def after_text(cursor: str | None) -> str:
    """What a cursor of a name stands for; the empty text begins.

    Raises:
        Problem: 400, it is not one of ours.
    """
    if cursor is None:
        return ""
    try:
        after = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        after = "\0"
    if has_controls(after):
        raise Problem(400, "bad-cursor", "cursor: not one that this service gave; leave it out to begin")
    return after


async def incident_id(service: Service, reference: str) -> UUID:
    """The identity of the incident that a path names, by number (`412`) or by id.

    Raises:
        UnknownThingError: There is none.
    """
    if reference.isascii() and reference.isdigit() and len(reference) < 16:
        found = await service.database.snapshot(partial(_by_number, int(reference)))
        if found is not None:
            return found
    else:
        try:
            return UUID(reference)
        except ValueError:
            pass
    raise UnknownThingError(f"incident {reference[:80]!r}")


def _by_number(number: int, conn: Any) -> UUID | None:
    return incidents.id_of_number(conn, number)


def wanted_version(request: Request[Any, Any, Any]) -> int | None:
    """The version that If-Match names, or None when the caller does not mind.

    Raises:
        Problem: 400, If-Match is not an ETag of ours.
    """
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    text = header.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Problem(400, "bad-if-match", 'If-Match: the ETag of an incident is its version, such as "7"')
    return int(text)


def has_current(request: Request[Any, Any, Any], version: int) -> bool:
    """Whether If-None-Match names `version`: what the caller has is what there is. Nonsense names nothing."""
    tags = (each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(","))
    return any(each in {"*", etag(version)} for each in tags)


def etag(version: int) -> str:
    """The ETag of what is at `version`."""
    return f'"{version}"'


def actor_of(request: Request[Caller, Any, Any], by: str | None, comment: str = "") -> Actor:
    """Who acts: the person named, or the token."""
    return Actor(by or request.user.name, "api", comment)


def matchers_in(text: str) -> tuple[Matcher, ...]:
    """The matchers of a text in a request, fit to be stored and to be compared with what is.

    Raises:
        MatcherError: They are none, or one has a control character: no label has, and PostgreSQL refuses some.
    """
    found = read_matchers(text)
    for matcher, at in zip(found.matchers, found.begins, strict=True):
        if has_controls(matcher.name) or has_controls(matcher.value):
            raise MatcherError("this matcher has a control character, and no label has one", at)
    return found.matchers


def severities_of(words: list[str] | None) -> list[int]:
    """Severity words as numbers.

    Raises:
        Problem: 400, an unknown word.
    """
    known = {severity.word: int(severity) for severity in Severity}
    unknown = [word for word in words or [] if word.lower() not in known]
    if unknown:
        raise Problem(400, "bad-severity", f"severity: {unknown[0]!r} is not one of {', '.join(known)}")
    return [known[word.lower()] for word in words or []]


def aware(name: str, moment: datetime | None) -> datetime | None:
    """An instant that was given with a time zone, in UTC.

    Raises:
        Problem: 400, it has none, or it is no instant in UTC: the last hours of the year 9999 in the west.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Problem(400, "bad-time", f"{name}: give a time zone, such as 2026-01-31T09:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Problem(400, "bad-time", f"{name}: lies outside the years 1 to 9999 in UTC") from None


def within_reach(name: str, moment: datetime | None) -> datetime | None:
    """An instant that was given with a time zone, in UTC, in a year that calendars and schedules can reckon with.

    Raises:
        Problem: 400, it has no zone, or is too far away.
    """
    found = aware(name, moment)
    if found is not None and not is_within_reach(found):
        raise Problem(400, "bad-time", f"{name}: {REACH}")
    return found


def limit_of(limit: int) -> int:
    """A page size within bounds.

    Raises:
        Problem: 400, outside.
    """
    if not 1 <= limit <= MOST:
        raise Problem(400, "bad-limit", f"limit: from 1 to {MOST}")
    return limit
