"""Puts the doors before the service: the Litestar application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, get
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from alertsvc import __version__, failpoints
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Service
from alertsvc.ingest.signatures import Signing
from alertsvc.web import (
    alertmanager_api,
    configuration,
    deliveries,
    deployments,
    digests,
    events,
    explanations,
    health,
    hooks,
    incidents,
    models,
    quarantine,
    receivers,
    series,
    silences,
    tokens,
    tools,
)
from alertsvc.web.access import Gate
from alertsvc.web.contract import Contract, document_router, operation_id, refuse_unknown_queries, schema
from alertsvc.web.headers import completed, identity_of
from alertsvc.web.problems import HANDLERS, Problem


@dataclass(slots=True)
class Seat:
    """What an application serves. Without `reloader` the configuration is none of a file, and stays as it is."""

    service: Service
    reloader: Reloader | None = None


def create_app(service: Service, reloader: Reloader | None = None) -> Litestar:
    """The application for a service. It starts the service when it starts, and stops it when it ends."""
    return application(Seat(service, reloader))


def application(seat: Seat) -> Litestar:
    """The application for whatever sits in `seat` while it runs, of which its state is to be told (`state_of`)."""

    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncGenerator[None]:
        service, reloader = seat.service, seat.reloader
        await service.start()
        if reloader is not None:
            await reloader.start()
        try:
            yield
        finally:
            await service.stop()

    def provide_service() -> Service:
        return seat.service

    def provide_reloader() -> Reloader | None:
        return seat.reloader

    return Litestar(
        route_handlers=[
            index,
            schema,
            hooks.ROUTER,
            tools.ROUTER,
            events.ROUTER,
            alertmanager_api.ROUTER,
            incidents.ROUTER,
            explanations.ROUTER,
            deliveries.ROUTER,
            digests.ROUTER,
            receivers.ROUTER,
            silences.ROUTER,
            models.ROUTER,
            deployments.ROUTER,
            quarantine.ROUTER,
            series.ROUTER,
            tokens.ROUTER,
            configuration.reload,
            *health.HANDLERS,
        ],
        dependencies={
            "service": Provide(provide_service, sync_to_thread=False),
            "reloader": Provide(provide_reloader, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        lifespan=[running],
        middleware=[request_identity],
        openapi_config=OpenAPIConfig(
            title="alertsvc",
            version=__version__,
            description="Alert routing and incidents. Errors are RFC 9457 problem documents.",
            use_handler_docstrings=True,
            operation_id_creator=operation_id,
            openapi_router=document_router(),
            render_plugins=[Contract()],
            components=Components(
                security_schemes={
                    "bearer": SecurityScheme(type="http", scheme="bearer"),
                    "basic": SecurityScheme(type="http", scheme="basic", description="The token is the password."),
                }
            ),
        ),
        state=State(state_of(seat.service)),
        request_max_body_size=1024 * 1024,
        logging_config=None,
    )


def state_of(service: Service) -> dict[str, Any]:
    """What guards need to know of a service: they are given a connection, and no dependencies."""

    def signing_of(source: str) -> Signing | None:
        return service.tuning.signing.get(source)

    return {
        "gate": Gate(service.database, service.clock, tokens_required=lambda: service.tuning.tokens_required),
        "metrics": service.metrics,
        "signing_of": signing_of,
    }


@get("/", include_in_schema=False)
async def index() -> dict[str, str]:
    """Where things are."""
    return {
        "service": f"alertsvc {__version__}",
        "incidents": "/api/v1/incidents",
        "schema": "/schema",
        "health": "/health",
        "metrics": "/metrics",
    }


def request_identity(app: ASGIApp) -> ASGIApp:
    """Give each request an id (its own, when it brings a decent one), and each answer the id and safe headers.

    An address with a NUL ends here: PostgreSQL can neither store nor compare it. So does one that asks for what would
    be ignored: as a guard that would cost every request a copy of its handler.
    """

    async def identified(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        identity = identity_of(scope)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, "bad-url", "the address has a NUL character")
        if scope["query_string"]:
            refuse_unknown_queries(ASGIConnection(scope))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message["headers"], identity)
            await send(message)
            failpoints.reach("web.answer_started" if message["type"] == "http.response.start" else "web.answer_ended")

        await app(scope, receive, send_with_headers)

    return identified
