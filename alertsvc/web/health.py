"""Whether it lives, whether it can take work, and what Prometheus wants to know."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import Connection

from alertsvc import __version__
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Service
from alertsvc.store import gauges
from alertsvc.store.database import StoreUnavailableError
from alertsvc.store.gauges import Gauges
from alertsvc.store.migrate import SchemaState, state_of


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason not to be ready, for machines and for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the service can take work, and why not."""

    causes: list[Cause] = field(default_factory=list[Cause])
    schema: SchemaState | None = None
    gauges: Gauges = field(default_factory=dict[str, dict[tuple[str, ...], float]])

    @property
    def is_ready(self) -> bool:
        """Nothing speaks against it."""
        return not self.causes


async def readiness(service: Service) -> Readiness:
    """Look at the database, the schema, the backlog and the loops."""
    causes: list[Cause] = []
    schema: SchemaState | None = None
    values: Gauges = {}
    if service.is_draining:
        causes.append(Cause("draining", "the service is shutting down"))
    causes += [Cause("loop_ended", f"{name} has ended") for name in service.silent_loops]
    try:
        schema, values = await service.database.snapshot(lambda conn: _look(conn, service.clock()))
    except StoreUnavailableError as fault:
        causes.append(Cause("database_unavailable", str(fault)))
    else:
        if service.ticker.trouble is not None:  # it can be read: is it a standby, or locked?
            causes.append(Cause("database_not_writable", service.ticker.trouble))
    if service.committer.is_full:  # asked last, as a silent database takes its time above
        causes.append(Cause("backlog_full", f"{service.committer.waiting_count} requests wait to be stored"))
    if schema is not None and not schema.fits:
        detail = f"the database is at revision {schema.current}, this version needs {schema.head}"
        causes.append(Cause("schema_mismatch", detail))
    return Readiness(causes, schema, values)


def _look(conn: Connection, now: datetime) -> tuple[SchemaState, Gauges]:
    return state_of(conn), gauges.stored(conn, now)


@get(["/-/healthy", "/livez"], media_type="text/plain", include_in_schema=False)
async def healthy(service: NamedDependency[Service]) -> Response[str]:
    """200 while the process works. It never asks the database: that one being down is no reason to restart this."""
    ended = service.silent_loops
    return Response("OK\n" if not ended else f"ended: {', '.join(ended)}\n", status_code=500 if ended else 200)


@get(["/-/ready", "/readyz"], tags=["operation"])
async def ready(service: NamedDependency[Service]) -> Response[dict[str, Any]]:
    """200 when it can take work, 503 with the causes when it cannot."""
    found = await readiness(service)
    listed = [{"code": cause.code, "detail": cause.detail} for cause in found.causes]
    return Response({"ready": found.is_ready, "causes": listed}, status_code=200 if found.is_ready else 503)


@get("/health", tags=["operation"])
async def health(service: NamedDependency[Service], reloader: NamedDependency[Reloader | None]) -> dict[str, Any]:
    """How it is, for people. What is wrong with the configuration's file keeps no work from being done."""
    found = await readiness(service)
    causes = [*found.causes, *_broken_file(reloader)]
    return {
        "status": "degraded" if causes else "ok",
        "version": __version__,
        "uptime_seconds": round((service.clock() - service.started_at).total_seconds()),
        "database": service.database.dialect,
        "schema": {"current": found.schema.current, "needed": found.schema.head} if found.schema else None,
        "causes": [{"code": cause.code, "detail": cause.detail} for cause in causes],
        "requests_waiting": service.committer.waiting_count,
        "messages_in_flight": service.sender.in_flight_count,
        "messages_pending": sum(found.gauges.get("outbox_pending", {}).values()),
        "incidents_open": sum(found.gauges.get("incidents_open", {}).values()),
        "quarantined": sum(found.gauges.get("quarantine_rows", {}).values()),
        "destinations": sorted(service.outlets.by_destination),
    }


def _broken_file(reloader: Reloader | None) -> list[Cause]:
    if reloader is None or not reloader.trouble:
        return []
    first, *others = reloader.trouble
    more = f" (and {len(others)} more)" if others else ""
    detail = f"the last good configuration is in force, because of the file: {first.headline}{more}"
    return [Cause("configuration_broken", detail)]


@get("/metrics", media_type="text/plain", include_in_schema=False)
async def metrics(service: NamedDependency[Service]) -> Response[bytes]:
    """Prometheus' text format. Without the database the process's own counters are still there."""
    try:
        stored = await service.database.snapshot(lambda conn: gauges.stored(conn, service.clock()))
        up = 1.0
    except StoreUnavailableError:
        stored, up = {}, 0.0
    own = {"inbox_pending": {(): float(service.committer.waiting_count)}, "database_up": {(): up}}
    service.metrics.observe_stored({**stored, **own})
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


HANDLERS = [healthy, ready, health, metrics]
