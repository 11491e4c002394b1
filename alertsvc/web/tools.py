"""The doors of ML tools: a report as the tool writes it, and of what model it is in the address or around it."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from alertsvc.engine.deploying import record_deployments
from alertsvc.engine.service import Service
from alertsvc.engine.submissions import Refused, Submission
from alertsvc.ingest import grafana
from alertsvc.ingest.parsed import BadPayloadError
from alertsvc.ingest.signatures import MLFLOW_DELIVERY
from alertsvc.ingest.tools import mlflow, reading
from alertsvc.ingest.tools.context import BadContextError, Context, UnknownShapeError
from alertsvc.ingest.tools.reading import ParsedReport
from alertsvc.web.access import Caller, needs
from alertsvc.web.events import all_refused, idempotency_key
from alertsvc.web.hooks import read_counted, refused, submission_of, take_in
from alertsvc.web.ingest_items import foreseen, told
from alertsvc.web.ingest_views import DryRunAnswer, IngestAnswer, ToolAnswer, summary
from alertsvc.web.problems import Problem
from alertsvc.web.signed import check_signature, signed_or

Asked = Request[Caller, Any, Any]
REPORTS = ("evidently", "great-expectations", "nannyml", "alibi-detect", "deepchecks", "whylogs")
MAX_DELIVERY_CHARS = 200
DRY = {200: ResponseSpec(DryRunAnswer, generate_examples=False, description="`dry_run=true`: nothing is kept")}


@post(
    [f"/{name}" for name in REPORTS],
    status_code=202,
    guards=[needs("ingest")],
    request_max_body_size=None,
    tags=["ingest"],
    responses=DRY,
)
async def report_hook(
    request: Asked,
    service: NamedDependency[Service],
    *,
    model: FromQuery[str | None] = None,
    model_version: FromQuery[str | None] = None,
    environment: FromQuery[str | None] = None,
    dataset: FromQuery[str | None] = None,
    observed_at: FromQuery[str | None] = None,
    run_id: FromQuery[str | None] = None,
    split: FromQuery[str | None] = None,
    expect_next_within: FromQuery[str | None] = None,
    dry_run: FromQuery[bool] = False,
) -> Response[ToolAnswer | DryRunAnswer]:
    """A report as the tool writes it, good or bad: what failed opens an alert, and what passes ends it.

    Which model it is about stands in the address, or around it: `{"model": …, "report": …}`. 202: it is on durable
    storage, item by item; a finding that could not be used waits in the quarantine. 422: it is no report of this tool,
    and is kept in the quarantine.
    """
    source = request.scope["path"].rstrip("/").rpartition("/")[2].replace("-", "_")
    context = Context(model, model_version, environment, dataset, observed_at, run_id, split, expect_next_within)
    key = idempotency_key(request)
    body = await read_counted(request, service, source)
    return await _take(_Sent(service, source, request.user.name, body, key), context, dry_run=dry_run)


@post(
    "/mlflow",
    status_code=202,
    guards=[signed_or("ingest", mlflow.SOURCE)],
    request_max_body_size=None,
    tags=["ingest"],
    responses=DRY,
)
async def mlflow_hook(
    request: Asked,
    service: NamedDependency[Service],
    *,
    environment: FromQuery[str | None] = None,
    dry_run: FromQuery[bool] = False,
) -> Response[ToolAnswer | DryRunAnswer]:
    """MLflow's webhooks: what happens to models is kept with them; a failed validation or a spent budget is an event.

    A delivery is taken once, by `X-MLflow-Delivery-Id`. Where a secret is configured the signature stands for a token.
    """
    body = await read_counted(request, service, mlflow.SOURCE)
    check_signature(request, service, mlflow.SOURCE, body)
    delivery = request.headers.get(MLFLOW_DELIVERY) or idempotency_key(request)
    key = delivery[:MAX_DELIVERY_CHARS] if delivery else None
    sent = _Sent(service, mlflow.SOURCE, request.user.name, body, key)
    return await _take(sent, Context(environment=environment), dry_run=dry_run)


@post(
    "/grafana",
    status_code=202,
    guards=[signed_or("ingest", grafana.SOURCE)],
    request_max_body_size=None,
    tags=["ingest"],
)
async def grafana_hook(request: Asked, service: NamedDependency[Service]) -> Response[IngestAnswer]:
    """Grafana's alerting webhook. 202: every alert in it is on durable storage.

    What ended for want of data did not recover: it goes on firing, and says so. Where a secret is configured the
    signature stands for a token.
    """
    body = await read_counted(request, service, grafana.SOURCE)
    check_signature(request, service, grafana.SOURCE, body)
    try:
        parsed = grafana.parse(body, service.rules.severities)
    except UnknownShapeError as fault:
        kept = reading.packed(grafana.SOURCE, body, Context())
        raise await _set_aside(_Sent(service, grafana.SOURCE, request.user.name, body), kept, fault) from None
    except BadPayloadError as fault:
        raise refused(service, grafana.SOURCE, fault) from None
    submission = submission_of(service, grafana.SOURCE, body, parsed, sender=request.user.name)
    receipt = await take_in(service, grafana.SOURCE, submission)
    return Response(summary(receipt), status_code=202)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request that was read: which source's, who sent it, and the name that it goes by, if any."""

    service: Service
    source: str
    sender: str
    body: bytes
    key: str | None = None

    def refused(self, status: int) -> None:
        """Count that it was answered so."""
        self.service.metrics.ingest_requests.labels(self.source, str(status)).inc()


async def _take(sent: _Sent, context: Context, *, dry_run: bool) -> Response[ToolAnswer | DryRunAnswer]:
    service, source = sent.service, sent.source
    try:
        rules = service.rules
        parsed = reading.parse(
            source, sent.body, context, service.clock(), rules.severities, thresholds=rules.thresholds
        )
    except UnknownShapeError as fault:
        if not dry_run:
            raise await _set_aside(sent, reading.packed(source, sent.body, context), fault) from None
        sent.refused(422)
        raise Problem(422, "unknown-report", str(fault)) from None
    except BadContextError as fault:
        sent.refused(422)
        errors = [{"pointer": fault.field, "message": str(fault)}]
        raise Problem(422, "bad-context", str(fault), errors=errors) from None
    except BadPayloadError as fault:
        raise refused(service, source, fault) from None
    if parsed.events.refused and not parsed.events.events:
        raise all_refused(service, source, parsed.events)
    if dry_run:
        return Response(await foreseen(service, parsed.events), status_code=200)
    return Response(await _stored(sent, parsed), status_code=202)


async def _stored(sent: _Sent, parsed: ParsedReport) -> ToolAnswer:
    service, source = sent.service, sent.source
    key = f"{sent.sender}:{source}:{sent.key}" if sent.key else None
    submission = Submission(
        id=service.new_id(),
        source=source,
        received_at=service.clock(),
        events=[event for _, event in parsed.events.events],
        body=sent.body,
        refused=[Refused(item.index, item.reason, item.raw) for item in parsed.events.refused],
        sender=sent.sender,
        idempotency_key=key,
    )
    receipt = await take_in(service, source, submission)
    if receipt.key_was_used:
        raise Problem(422, "idempotency-key-reused", "the key of this request came with another body before")
    if parsed.deployments:  # in a transaction of its own: what fails here comes again, and its events are duplicates
        await record_deployments(service.database, service.lately, parsed.deployments, service.moment(), once=key)
        service.something_is_due()
    answer = told(parsed.events, receipt)
    return {**answer, "deployments": len(parsed.deployments), "notes": list(parsed.notes)}


async def _set_aside(sent: _Sent, kept: bytes, fault: UnknownShapeError) -> Problem:
    """Keep a body that cannot be read until somebody looks at it: it may be of a version that is not known yet."""
    service, source = sent.service, sent.source
    submission = Submission(
        id=service.new_id(),
        source=source,
        received_at=service.clock(),
        events=(),
        body=sent.body,
        refused=[Refused(0, str(fault), kept)],
        sender=sent.sender,
    )
    await take_in(service, source, submission, answered=422)
    return Problem(422, "unknown-report", f"{fault}. It is kept in the quarantine")


ROUTER = Router("/api/v1/hooks", route_handlers=[report_hook, mlflow_hook, grafana_hook])
