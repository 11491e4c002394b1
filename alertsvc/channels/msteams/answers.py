"""What the answers of a flow mean. Success says that the flow has begun, not that a card was posted.

Source: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

import re
from dataclasses import replace
from datetime import datetime

from alertsvc.channels.answers import failure
from alertsvc.channels.clean import clean_line
from alertsvc.channels.http import Reply
from alertsvc.channels.json_body import decoded, mapping
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry

FAILED = "Webhook message delivery failed"
"""Stands in the body of answers that say 200."""
_INNER = re.compile(r"HTTP error (\d{3})")
SWITCHED_OFF = re.compile("NotEnabled|Disabled|Suspended|Expired|AuthorizationScheme|Signature", re.IGNORECASE)
"""Codes that come with 400 and are about the flow, not about the card."""


def teams_outcome(reply: Reply, now: datetime) -> Outcome:
    """What a flow answered."""
    if 200 <= reply.status_code < 300:
        if FAILED in reply.body:
            return _inner_failure(reply, now)
        return Accepted("the flow accepted it; whether it was posted is not told", status_code=reply.status_code)
    code = _error_code(reply)
    if reply.status_code == 400 and SWITCHED_OFF.search(code):
        return Retry(Fault.CONFIGURATION, f"HTTP 400: {code}", status_code=400, whole_destination=True)
    return failure(reply, now, code or None)


def _inner_failure(reply: Reply, now: datetime) -> Rejected | Retry:
    """The failure that a body tells of: its own status counts, not that of the answer."""
    found = _INNER.search(reply.body)
    if found is None:
        return Retry(Fault.OTHER, FAILED, status_code=reply.status_code)
    return failure(replace(reply, status_code=int(found[1])), now, f"{FAILED}: HTTP error {found[1]}")


def _error_code(reply: Reply) -> str:
    """The code and the message of an error in Azure's form; empty when it is not of that form."""
    known = mapping(decoded(reply.body).get("error"))
    return clean_line(" ".join(str(known[name]) for name in ("code", "message") if known.get(name)), 200)
