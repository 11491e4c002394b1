"""Deployments: what happened to versions of models, told and listed."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody

from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.deploying import KeyWasUsedError, identity_of, record_deployments
from alertsvc.engine.service import Service
from alertsvc.ingest.clean import clean_instant
from alertsvc.ingest.events import MOST_AHEAD
from alertsvc.store import deployments
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.events import idempotency_key
from alertsvc.web.model_views import DeploymentPageView, DeploymentRequest, DeploymentView
from alertsvc.web.problems import Problem

SOURCE = "api"


@get("/", guards=[needs("read")])
async def list_deployments(
    service: NamedDependency[Service],
    model: FromQuery[str | None] = None,
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> DeploymentPageView:
    """What happened to versions of a model, or of all: the latest first."""
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)
    records = await service.database.snapshot(lambda conn: deployments.of_model(conn, model, after, most + 1))
    following = records[most - 1].id if len(records) > most else None
    items = [DeploymentView.of(each) for each in records[:most]]
    return DeploymentPageView(items=items, next_cursor=asking.cursor_of(following))


@post(
    "/",
    status_code=201,
    guards=[needs("ingest")],
    responses={200: ResponseSpec(DeploymentView, generate_examples=False, description="It was taken before")},
)
async def create_deployment(
    data: JSONBody[DeploymentRequest], request: Request[Caller, Any, Any], service: NamedDependency[Service]
) -> Response[DeploymentView]:
    """It stands in the timelines of the model's open incidents, and baselines begin anew. It raises no alert.

    With `Idempotency-Key` it is taken once: 200 answers what was taken with the key before, 422 that the key came with
    another body.
    """
    key = idempotency_key(request)
    once = None if key is None else f"{request.user.name}:{key}"
    made = data.made(request.user.name or SOURCE, _happened_at(data.happened_at, service.clock()))
    try:
        records = await record_deployments(
            service.database, service.lately, [made], service.moment(), once=once, body=await request.body()
        )
    except KeyWasUsedError:
        raise Problem(422, "idempotency-key-reused", "Idempotency-Key: it came with another body before") from None
    service.something_is_due()
    if records or once is None:
        return Response(DeploymentView.of(records[0]), status_code=201)
    known = await service.database.snapshot(lambda conn: deployments.by_id(conn, identity_of(once)))
    if known is None:
        raise UnknownThingError("deployment that came with this Idempotency-Key before: it was forgotten")
    return Response(DeploymentView.of(known), status_code=200)


def _happened_at(given: datetime | None, now: datetime) -> datetime:
    """When it happened, in UTC.

    Raises:
        Problem: 422, it lies in the future, or in no year that anything happens in.
    """
    at = asking.aware("happened_at", given)
    if at is None:
        return now
    if clean_instant(at) is None or at > now + MOST_AHEAD:
        said = "must be a time from 1970 to now; leave it out if it just happened"
        raise Problem(422, "invalid", f"happened_at: {said}", errors=[{"pointer": "/happened_at", "message": said}])
    return at


ROUTER = Router("/api/v1/deployments", route_handlers=[list_deployments, create_deployment], tags=["models"])
