"""A world whose models are observed: values come in as people post them, under a file of thresholds."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alertsvc.clock import new_id
from alertsvc.engine.receipts import ItemResult, Receipt
from alertsvc.engine.submissions import Submission
from alertsvc.ingest import events
from alertsvc.settings.thresholds_file import parse_thresholds
from alertsvc.web.ingest_items import state_of
from tests.world import World

HOUR = timedelta(hours=1)


def under(world: World, text: str) -> World:
    """`world`, under thresholds."""
    world.rules = replace(world.rules, thresholds=parse_thresholds(text, "thresholds.yaml"))
    return world


def submission(world: World, items: Sequence[dict[str, Any]]) -> Submission:
    """A request with direct events. Fields that are not given are those of the accuracy of a model."""
    body = json.dumps([{"model": "churn", "metric": "accuracy", **item} for item in items]).encode()
    parsed = events.parse(body, world.now, world.rules.severities, thresholds=world.rules.thresholds)
    assert parsed.refused == ()
    return Submission(new_id(), events.SOURCE, world.now, [event for _, event in parsed.events], body)


async def post(world: World, *items: dict[str, Any]) -> Receipt:
    """One request with direct events."""
    return (await world.post_together(submission(world, items)))[0]


async def observe(world: World, *values: float, **fields: Any) -> list[str]:
    """One value an hour; what each comes to."""
    return [state_of(each) for each in await observed(world, *values, **fields)]


async def observed(world: World, *values: float, **fields: Any) -> list[ItemResult]:
    """The same, with everything that is said of it."""
    found: list[ItemResult] = []
    for value in values:
        world.now += HOUR
        found += (await post(world, {"value": value, **fields})).items
    return found


async def found(world: World, *said: dict[str, Any]) -> list[str]:
    """One observation without a number an hour: a verdict, or the sender's state; what each comes to."""
    states: list[str] = []
    for each in said:
        world.now += HOUR
        states += [state_of(item) for item in (await post(world, each)).items]
    return states


async def kept(world: World) -> list[tuple[float | None, bool | None, bool]]:
    """(value, is bad, is usual) of everything that was measured, in the order it was observed."""
    rows = sorted(await world.rows("measurement"), key=lambda row: row.observed_at)
    return [(row.value, row.is_bad, row.is_baseline) for row in rows]


def at(moment: datetime) -> str:
    """An instant as people send it."""
    return moment.isoformat()
