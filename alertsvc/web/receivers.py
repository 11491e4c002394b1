"""Receivers: who is behind them, and whether a message really gets there."""

import asyncio

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from alertsvc.engine.commands import UnknownThingError
from alertsvc.engine.probe import probe
from alertsvc.engine.service import Service
from alertsvc.web.access import needs
from alertsvc.web.views import ReceiverListView, ReceiverView, TestResult, TestResultListView


@get("/", guards=[needs("read")])
async def list_receivers(service: NamedDependency[Service]) -> ReceiverListView:
    """The receivers of the configuration in force."""
    listed = [
        ReceiverView(
            name=name,
            destinations=[
                {"id": each.id, "kind": each.kind, "hears": sorted(str(reason) for reason in each.hears)}
                for each in destinations
            ],
        )
        for name, destinations in service.rules.receivers.items()
    ]
    return ReceiverListView(items=listed)


@post("/{name:str}/test", status_code=200, guards=[needs("admin")])
async def test_receiver(name: FromPath[str], service: NamedDependency[Service]) -> TestResultListView:
    """Send one real message to each destination of the receiver, and say what each provider answered."""
    destinations = service.rules.receivers.get(name)
    if destinations is None:
        raise UnknownThingError(f"receiver {name!r}")
    results = await asyncio.gather(*(probe(service.outlets, each, service.moment()) for each in destinations))
    return TestResultListView(items=[TestResult.model_validate(result, from_attributes=True) for result in results])


ROUTER = Router("/api/v1/receivers", route_handlers=[list_receivers, test_receiver], tags=["receivers"])
