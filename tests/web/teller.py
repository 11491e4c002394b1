"""The doors over a world: time is moved by hand, nothing happens by itself, and questions are asked over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from alertsvc.core.rules import Rules
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.store.database import Database
from tests.web.applications import application_of
from tests.world import World


@dataclass
class Teller:
    """A world, and somebody who asks about it."""

    world: World
    client: httpx.AsyncClient
    service: Service

    def put_in_force(self, **changes: Any) -> None:
        """Change the rules."""
        self.world.rules = replace(self.world.rules, **changes)
        self.world.outlets = replace(self.world.outlets, rules=self.world.rules)
        self.service.adopt(self.world.outlets, self.service.tuning)

    async def get(self, path: str) -> Any:
        """What is answered, which must be 200."""
        return _good(await self.client.get(f"/api/v1{path}"))

    async def expect(self, **asked: Any) -> Any:
        """What would become of an alert."""
        return _good(await self.client.post("/api/v1/explain", json=asked))

    async def story(self, number: int = 1) -> Any:
        """The story of an incident."""
        return await self.get(f"/incidents/{number}/explain")

    async def of(self, destination: str = "team/chat", number: int = 1) -> Any:
        """The story of one destination of an incident."""
        (found,) = [each for each in (await self.story(number))["destinations"] if each["destination"] == destination]
        return found


def _good(reply: httpx.Response) -> Any:
    assert reply.status_code == 200, reply.text
    return reply.json()


@asynccontextmanager
async def telling(database: Database, rules: Rules) -> AsyncIterator[Teller]:
    """A world with these rules. Its books must balance at the end."""
    world = World(database, rules)
    service = Service(Parts(database, world.outlets, Metrics("test"), clock=lambda: world.now))
    with application_of(service) as app:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Teller(world, client, service)
    await world.balance()
