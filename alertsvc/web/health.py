"""Whether it lives, whether it can take work, and what Prometheus wants to know."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from litestar import HttpMethod, Response, get, route
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from alertsvc import __version__
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Service
from alertsvc.observe.gauges import Readings
from alertsvc.store.database import StoreUnavailableError
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

    @property
    def is_ready(self) -> bool:
        """Nothing speaks against it."""
        return not self.causes


async def readiness(service: Service) -> Readiness:
    """Look at the database, the schema, the backlog and the loops."""
    causes: list[Cause] = []
    schema: SchemaState | None = None
    if service.is_draining:
        causes.append(Cause("draining", "the service is shutting down"))
    causes += [Cause("loop_ended", f"{name} has ended") for name in service.silent_loops]
    try:
        schema = await service.database.snapshot(state_of)
    except StoreUnavailableError as fault:
        causes.append(Cause("database_unavailable", str(fault)))
    else:
        if service.write_trouble is not None:  # it can be read: is it a standby, or locked?
            causes.append(Cause("database_not_writable", service.write_trouble))
    if service.committer.is_full:  # asked last, as a silent database takes its time above
        causes.append(Cause("backlog_full", f"{service.committer.waiting_count} requests wait to be stored"))
    if schema is not None and not schema.fits:
        detail = f"the database is at revision {schema.current}, this version needs {schema.head}"
        causes.append(Cause("schema_mismatch", detail))
    return Readiness(causes, schema)


@get(["/-/healthy", "/livez"], media_type="text/plain", tags=["operation"])
async def healthy(service: NamedDependency[Service]) -> Response[str]:
    """200 while the process works. It never asks the database: that one being down is no reason to restart this."""
    ended = service.silent_loops
    return Response("OK\n" if not ended else f"ended: {', '.join(ended)}\n", status_code=500 if ended else 200)


@get(["/-/ready", "/readyz"], tags=["operation"])
async def ready(service: NamedDependency[Service]) -> Response[dict[str, Any]]:
    """200 when it can take work, 503 with the causes when it cannot."""
    found = await readiness(service)
    content = {"ready": found.is_ready, "causes": _listed(found.causes), "notes": _listed(_mismatches(service))}
    return Response(content, status_code=200 if found.is_ready else 503)


@get("/health", tags=["operation"])
async def health(service: NamedDependency[Service], reloader: NamedDependency[Reloader | None]) -> dict[str, Any]:
    """How it is, for people. What is wrong with the configuration's file keeps no work from being done."""
    found, gauges = await asyncio.gather(readiness(service), service.gauging.read())  # a silent database: wait once
    causes = [*found.causes, *_nobody_sends(service), *_broken_file(reloader), *_mismatches(service)]
    audited = service.auditor.last
    return {
        "status": "degraded" if causes else "ok",
        "version": __version__,
        "role": str(service.role),
        "uptime_seconds": round((service.clock() - service.started_at).total_seconds()),
        "database": service.database.dialect,
        "schema": {"current": found.schema.current, "needed": found.schema.head} if found.schema else None,
        "causes": _listed(causes),
        "audited_at": None if audited is None else audited.at.isoformat(),
        "deadman": _deadman(service),
        "requests_waiting": service.committer.waiting_count,
        "messages_in_flight": service.sender.in_flight_count,
        "messages_pending": _total(gauges, "outbox_pending"),
        "incidents_open": _total(gauges, "incidents_open"),
        "quarantined": _total(gauges, "quarantine_rows"),
        "destinations": sorted(service.outlets.by_destination),
    }


def _listed(causes: Iterable[Cause]) -> list[dict[str, str]]:
    return [{"code": cause.code, "detail": cause.detail} for cause in causes]


def _mismatches(service: Service) -> list[Cause]:
    """What the last look at the books found.

    No reason to be unready: whatever is wrong in the books, what comes in can be stored and is better stored here than
    nowhere, and every replica would find the same and be unready with it.
    """
    audited = service.auditor.last
    if audited is None:
        return []
    said = (f"the check {name} finds {count}; the log says what (audit)" for name, count in audited.failing.items())
    return [Cause("audit_mismatch", each) for each in said]


def _deadman(service: Service) -> dict[str, Any] | None:
    """When the dead-man's switch was pressed last, and why it is not; None: there is none."""
    deadman = service.deadman
    if not deadman.is_set:
        return None
    at = deadman.last_success
    return {"last_success": None if at is None else at.isoformat(), "withheld": list(deadman.withheld)}


def _total(gauges: Readings, name: str) -> int | None:
    """A count that was read; None: it could not be."""
    return int(sum(gauges[name].values())) if name in gauges else None


def _nobody_sends(service: Service) -> list[Cause]:
    """It keeps no request from being taken, and so is no reason to take this process out of a balancer."""
    seconds = service.lookout.missed_seconds
    if seconds is None:
        return []
    detail = f"no process that sends was connected to the database for {seconds:.0f} s: messages wait"
    return [Cause("nobody_sends", detail)]


def _broken_file(reloader: Reloader | None) -> list[Cause]:
    if reloader is None or not reloader.trouble:
        return []
    first, *others = reloader.trouble
    more = f" (and {len(others)} more)" if others else ""
    detail = f"the last good configuration is in force, because of the file: {first.headline}{more}"
    return [Cause("configuration_broken", detail)]


@get("/metrics", media_type="text/plain", tags=["operation"])
async def metrics(service: NamedDependency[Service]) -> Response[bytes]:
    """Prometheus' text format. Without the database the process's own counters are still there."""
    service.metrics.show(await service.gauging.read())
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


ASKED_BY_MACHINES = (healthy, ready, health, metrics)


def _by_head(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The same for HEAD, which some balancers and monitors ask with. The server leaves the body of the answer away."""
    door = route(
        sorted(handler.paths), http_method=[HttpMethod.HEAD], media_type=handler.media_type, include_in_schema=False
    )
    return door(handler.fn)


HANDLERS = [*ASKED_BY_MACHINES, *(_by_head(each) for each in ASKED_BY_MACHINES)]
