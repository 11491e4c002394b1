"""The doors of foreign senders. Their status codes are chosen for what the sender does with them.

Alertmanager repeats after a 5xx and forgets after a 4xx; it follows redirects with an empty GET. So: 4xx only for what
no repetition can mend, 503 for everything that is ours, and never a redirect.
"""

import asyncio
import time
from typing import Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency

from alertsvc import failpoints
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.receive import OverloadedError
from alertsvc.engine.service import Service
from alertsvc.engine.submissions import Refused, Submission
from alertsvc.ingest import alertmanager
from alertsvc.ingest.parsed import BadPayloadError, Parsed
from alertsvc.store.database import StoreUnavailableError
from alertsvc.web.access import Caller, needs
from alertsvc.web.bodies import read_json_body
from alertsvc.web.ingest_views import IngestAnswer, summary
from alertsvc.web.problems import Problem

PATH = "/api/v1/hooks/alertmanager"
SOURCE = "alertmanager"
ANSWER_SECONDS = 6.0
"""Alertmanager waits for 10 s at least; whoever waits holds a connection here and its own queue there."""

Asked = Request[Caller, Any, Any]


@post(PATH.rpartition("/")[2], status_code=202, guards=[needs("ingest")], request_max_body_size=None, tags=["ingest"])
async def alertmanager_hook(request: Asked, service: NamedDependency[Service]) -> Response[IngestAnswer]:
    """Alertmanager's webhook, version 4, and Grafana's superset of it. 202: every alert in it is on durable storage."""
    receipt = await take_webhook(service, await read_counted(request, service, SOURCE))
    return Response(summary(receipt), status_code=202)


async def take_webhook(service: Service, body: bytes) -> Receipt:
    """Make the alerts of a webhook's body durable.

    Raises:
        Problem: 400, it is none.
        OverloadedError, StoreUnavailableError: As `take_in`.
    """
    failpoints.reach("ingest.body")
    try:
        parsed = alertmanager.parse(body, service.rules.severities)
    except BadPayloadError as fault:
        raise refused(service, SOURCE, fault) from None
    return await take_in(service, SOURCE, submission_of(service, SOURCE, body, parsed))


async def read_counted(request: Asked, service: Service, source: str) -> bytes:
    """The body; what is refused is counted.

    Raises:
        Problem: As `read_json_body`.
        OverloadedError: Too much waits, or came at the same time: refused before the body is read, or while it is.
    """
    if service.committer.is_full or service.is_draining:
        raise shed(service, source)
    try:
        with service.committer.reading() as count:
            return await read_json_body(request, service.tuning.max_body_bytes, count)
    except OverloadedError:
        raise shed(service, source) from None
    except Problem as fault:
        service.metrics.ingest_requests.labels(source, str(fault.status_code)).inc()
        raise


def shed(service: Service, source: str) -> OverloadedError:
    """There is no room for a request: count it."""
    service.metrics.ingest_shed.labels(source).inc()
    service.metrics.ingest_requests.labels(source, "503").inc()
    return OverloadedError("too many requests wait to be stored")


def refused(service: Service, source: str, fault: BadPayloadError) -> Problem:
    """What a sender can never mend by repeating: 400, with the field and the fix."""
    service.metrics.ingest_requests.labels(source, "400").inc()
    return Problem(400, "bad-payload", str(fault))


def submission_of(
    service: Service, source: str, body: bytes, parsed: Parsed, *, sender: str | None = None
) -> Submission:
    """A parsed request as the engine takes it. `sender` is who sent it where the body does not say."""
    return Submission(
        id=service.new_id(),
        source=source,
        received_at=service.clock(),
        events=parsed.events,
        body=body,
        refused=[Refused(item.index, item.reason, item.raw) for item in parsed.bad],
        sender=parsed.sender or sender,
        truncated_count=parsed.truncated_count,
        receiver=parsed.receiver,
        group_key=parsed.group_key,
    )


async def take_in(service: Service, source: str, submission: Submission, *, answered: int = 202) -> Receipt:
    """Make a submission durable, and count it as answered with a status: 422 where its idempotency key was used.

    Raises:
        OverloadedError, StoreUnavailableError: It is not, or nobody knows: what came too late to be answered may be
            stored all the same. Then it is a duplicate when it comes again.
    """
    since = time.perf_counter()
    metrics = service.metrics
    try:
        receipt = await _committed(service, submission)
    except (OverloadedError, StoreUnavailableError) as fault:
        metrics.ingest_requests.labels(source, "503").inc()
        if isinstance(fault, OverloadedError):
            metrics.ingest_shed.labels(source).inc()
        raise
    metrics.ingest_requests.labels(source, "422" if receipt.key_was_used else str(answered)).inc()
    metrics.ingest_duration.labels(source).observe(time.perf_counter() - since)
    counts = receipt.counts
    for result in ("new", "updated", "duplicate", "stale", "recorded", "quarantined"):
        number = getattr(counts, result)
        if number:
            metrics.ingest_events.labels(source, result).inc(number)
    if submission.truncated_count:
        metrics.truncated_upstream.labels(source).inc(submission.truncated_count)
    return receipt


async def _committed(service: Service, submission: Submission) -> Receipt:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await service.committer.submit(submission)
    except TimeoutError:
        raise StoreUnavailableError(f"not stored within {ANSWER_SECONDS:.0f} s") from None


ROUTER = Router(PATH.rpartition("/")[0], route_handlers=[alertmanager_hook])
