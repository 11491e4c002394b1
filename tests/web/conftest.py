"""The application over real HTTP semantics, in process, with channels that remember."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from litestar.testing import AsyncTestClient

from alertsvc.channels.outcome import Fault, Retry
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.tuning import Tuning
from alertsvc.observe.metrics import Metrics
from alertsvc.store.connect import open_database
from tests.web.applications import application_of
from tests.world import Recorder, rules

Client = AsyncTestClient


@pytest.fixture
def recorder() -> Recorder:
    """The channel behind the only destination."""
    return Recorder()


@pytest.fixture
async def client(database_url: str, recorder: Recorder) -> AsyncIterator[Client]:
    """A client of a running service, once on SQLite and once on PostgreSQL."""
    async with opened(database_url, recorder, max_body_bytes=2 * 1024 * 1024) as found:
        yield found


@asynccontextmanager
async def opened(database_url: str, recorder: Recorder, max_body_bytes: int) -> AsyncIterator[Client]:
    """A client of a service that runs meanwhile."""
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", recorder)})
    tuning = Tuning(max_body_bytes=max_body_bytes)
    service = Service(Parts(open_database(database_url), outlets, Metrics("test"), tuning))
    async with client_of(service) as found:
        yield found


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[Client]:
    """A client of a service, which runs meanwhile."""
    with application_of(service) as app:
        async with AsyncTestClient(app, base_url="http://127.0.0.1") as found:
            yield found


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    """A running service, whose only destination takes nothing."""
    recorder = Recorder(otherwise=Retry(Fault.NETWORK, "down"))
    outlets = Outlets(rules(), {"team/chat": Outlet("team/chat", "chat", recorder)})
    made = Service(Parts(open_database(database_url), outlets, Metrics("test")))
    await made.start()
    yield made
    await made.stop()
