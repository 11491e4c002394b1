"""What the answer of a webhook's receiver means.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from dataclasses import replace
from datetime import datetime

from alertsvc.channels.answers import failure
from alertsvc.channels.http import Reply
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry

GONE = 410


def webhook_outcome(reply: Reply, now: datetime) -> Outcome:
    """Any 2xx is success, whatever the body says; 410 is an end. Everything else is tried again: it may be mended."""
    status = reply.status_code
    if 200 <= status < 300:
        return Accepted(f"HTTP {status}", status_code=status)
    if status == GONE:
        return Rejected(Fault.CLIENT_ERROR, "HTTP 410: the receiver says it is gone for good", status)
    failed = failure(reply, now)
    if isinstance(failed, Rejected):
        return Retry(failed.fault, failed.detail, status_code=status)
    return replace(failed, whole_destination=failed.whole_destination or status in {502, 504})
