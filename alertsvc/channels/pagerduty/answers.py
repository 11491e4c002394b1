"""What PagerDuty's answers mean.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview#response-codes--retry-logic
"""

from datetime import datetime
from typing import cast

from alertsvc.channels.answers import failure
from alertsvc.channels.clean import clean_line
from alertsvc.channels.http import Reply
from alertsvc.channels.json_body import decoded
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry

MAX_DETAIL_CHARS = 300


def pagerduty_outcome(reply: Reply, now: datetime) -> Outcome:
    """What the Events API answered. 202 says that the event was taken; what becomes of it follows later."""
    said = decoded(reply.body)
    invalid = "invalid" in str(said.get("status", ""))
    if 200 <= reply.status_code < 300 and not invalid:
        return Accepted(_text(reply) or "accepted", status_code=reply.status_code)
    if reply.status_code == 400 or (invalid and reply.status_code < 300):
        return _refused(reply)
    return failure(reply, now, _text(reply) or None)


def _refused(reply: Reply) -> Rejected | Retry:
    """The event is at fault, unless it is its key: that can be mended, and then the event is still wanted."""
    detail = f"HTTP {reply.status_code}: {_text(reply) or 'invalid event'}"
    about_key = any(word in reply.body.lower() for word in ("routing_key", "routing key", "invalid key"))
    if about_key:
        return Retry(Fault.CONFIGURATION, detail, status_code=reply.status_code, whole_destination=True)
    return Rejected(Fault.CLIENT_ERROR, detail, reply.status_code)


def _text(reply: Reply) -> str:
    said = decoded(reply.body)
    errors = said.get("errors")
    listed = cast("list[object]", errors) if isinstance(errors, list) else []
    return clean_line("; ".join(str(text) for text in (said.get("message"), *listed) if text), MAX_DETAIL_CHARS)
