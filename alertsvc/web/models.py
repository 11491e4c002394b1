"""Models: what is known of them, what was measured, and the end of a series."""

from datetime import datetime
from typing import Any

from litestar import Request, Router, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy import Connection

from alertsvc.engine.model_pages import ModelPage, model_page, models_page
from alertsvc.engine.retiring import retire
from alertsvc.engine.service import Service
from alertsvc.store import models
from alertsvc.store.models import MeasurementFilter
from alertsvc.web import asking
from alertsvc.web.access import Caller, needs
from alertsvc.web.model_views import MeasurementPageView, ModelDetailView, ModelPageView, ModelView


@get("/models", guards=[needs("read")])
async def list_models(
    service: NamedDependency[Service],
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> ModelPageView:
    """Models that were observed, have an open incident or stand in the configuration, by name."""
    after, most, moment = asking.after_text(cursor), asking.limit_of(limit), service.moment()
    page, following = await service.database.snapshot(lambda conn: models_page(conn, moment, after, most))
    return ModelPageView(items=[ModelView.of(each) for each in page], next_cursor=asking.cursor_of_text(following))


@get("/models/{model:str}", guards=[needs("read")])
async def show_model(
    model: FromPath[str],
    service: NamedDependency[Service],
    limit: FromQuery[int] = 200,
    cursor: FromQuery[str | None] = None,
) -> ModelDetailView:
    """One model: its open incidents, series a page at a time, versions and latest deployments."""
    after, most, moment = asking.after_text(cursor), asking.limit_of(limit), service.moment()

    def read(conn: Connection) -> ModelPage:
        return model_page(conn, moment, model, after, most)

    page = await service.database.snapshot(read)
    return ModelDetailView.about(page, moment.now, asking.cursor_of_text(page.next_after))


@get("/measurements", guards=[needs("read")])
async def list_measurements(
    *,
    service: NamedDependency[Service],
    model: FromQuery[str],
    metric: FromQuery[str],
    feature: FromQuery[str | None] = None,
    environment: FromQuery[str | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    limit: FromQuery[int] = asking.DEFAULT_LIMIT,
    cursor: FromQuery[str | None] = None,
) -> MeasurementPageView:
    """What was measured of a metric of a model, the latest observed first; `since` and `until` are of that time."""
    wanted = MeasurementFilter(
        model=model,
        metric=metric,
        feature=feature,
        environment=environment,
        since=asking.aware("since", since),
        until=asking.aware("until", until),
    )
    after, most = asking.after_cursor(cursor), asking.limit_of(limit)
    rows = await service.database.snapshot(lambda conn: models.measurements(conn, wanted, after, most + 1))
    following = rows[most - 1].id if len(rows) > most else None
    return MeasurementPageView.of(model, metric, rows[:most], asking.cursor_of(following))


@delete("/series/{fingerprint:str}", status_code=204, guards=[needs("act")])
async def retire_series(
    fingerprint: FromPath[str], request: Request[Caller, Any, Any], service: NamedDependency[Service]
) -> None:
    """Nothing is expected of it any more: its alerts end. What was measured stays; measured again it is a new one."""
    await retire(service.database, fingerprint, request.user.name, service.moment())
    service.something_is_due()


ROUTER = Router("/api/v1", route_handlers=[list_models, show_model, list_measurements, retire_series], tags=["models"])
