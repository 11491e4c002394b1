"""Who is to hear of what fires by new rules: found in what was there when they came."""

from itertools import count
from typing import Any

from alertsvc.engine import firing
from alertsvc.engine.firing import with_strangers
from alertsvc.store.database import Database
from tests.world import World, destination, event, rules


class Busy:
    """A database in which another alert begins to fire whenever somebody has read something."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = count()

    async def snapshot(self, work: Any) -> Any:
        """See `Database`."""
        found = await self._world.database.snapshot(work)
        await self._world.post(event(model=f"later-{next(self._numbers)}"))
        return found


async def test_the_look_at_what_fires_ends_however_much_begins_meanwhile(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(firing, "PAGE", 1)
    world = World(database, rules(destination("chat")))
    before = [(await world.post(event(model=f"m{number}"))).incident_ids[0] for number in range(5)]
    busy: Any = Busy(world)
    assert await with_strangers(busy, rules(destination("chat"))) == []
    found = await with_strangers(busy, rules(destination("chat"), destination("mail")))
    assert set(before) < set(found)
    assert len(found) < 20
