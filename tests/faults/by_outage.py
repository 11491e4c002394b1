"""A provider is away for six hours. Nobody waits for that: the engine lives through it by a clock that we move."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from alertsvc.channels.base import Envelope
from alertsvc.channels.message import IncidentMessage, Message
from alertsvc.channels.outcome import Accepted, Retry
from alertsvc.channels.outcome import Fault as Refusal
from alertsvc.channels.outcome import Outcome as Sent
from alertsvc.clock import new_id
from alertsvc.core.model import AlertState, Reason, Severity
from alertsvc.engine.deliver import Sender
from alertsvc.store.connect import open_database
from tests.engine.test_outage import Working
from tests.faults.fault import Fault, Outcome, Place
from tests.world import Recorder, World, event, rules

HOURS = 6
STEP_MINUTES = 2
AWAY = Retry(Refusal.SERVER_ERROR, "503", status_code=503)


class Away(Recorder):
    """A provider that counts how often it is tried."""

    tries = 0

    async def send(self, message: Message, envelope: Envelope) -> Sent:
        """See `Channel`."""
        self.tries += 1
        return await super().send(message, envelope)


async def outage(place: Place) -> Outcome:
    """Alerts of two severities begin and end meanwhile; then the provider is back."""
    database, outcome = open_database(place.database_url), Outcome()
    try:
        await _live_through(World(database, rules()), place, outcome)
    finally:
        await database.close()
    return outcome


async def _live_through(world: World, place: Place, outcome: Outcome) -> None:
    provider = Away(concurrency=1, otherwise=AWAY)
    object.__setattr__(world.outlets.by_destination["team/chat"], "channel", provider)
    world.channels["team/chat"] = provider
    working = Working(world.database)
    sender = Sender(
        working,
        lambda: world.outlets,
        lambda: world.now,
        new_id,
        worker="w",
        ticks=lambda: world.now.timestamp(),  # noqa: PLW0108 - it moves
    )
    running = asyncio.create_task(sender.run())
    began, ended = world.now, set[str]()
    for minute in range(0, HOURS * 60, STEP_MINUTES):
        if minute % 30 == 0:
            name = f"m{minute}"
            severity = place.chance.choice([Severity.CRITICAL, Severity.ERROR])
            await world.post(event(severity, start=world.now, model=name), event(Severity.CRITICAL, model=f"{name}+"))
            outcome.acknowledged += 2
            if minute % 60 == 0:
                ended.add(name)
        if minute % 30 == 20 and f"m{minute - 20}" in ended:
            await world.post(event(state=AlertState.RESOLVED, start=world.now, model=f"m{minute - 20}"))
            outcome.acknowledged += 1
        await _a_while(sender, working, world, timedelta(minutes=STEP_MINUTES))
    if provider.tries > HOURS * 3600 / 30 + 10:
        outcome.broken.append(f"{provider.tries} tries: more than one each 30 s")
    provider.otherwise = Accepted()
    back = world.now
    await _until(lambda: _is_empty(world), sender, working, world)
    outcome.recovery_seconds = (world.now - back).total_seconds()
    sender.close()
    await running
    told = [each for each in provider.sent if isinstance(each, IncidentMessage)]
    outcome.messages = len(told)
    outcome.remarks.append(f"{provider.tries} tries during {(back - began)}")
    await _judge(world, told, ended, outcome)


async def _judge(world: World, told: list[IncidentMessage], ended: set[str], outcome: Outcome) -> None:
    overtaken = sum(earlier.severity < later.severity for earlier, later in pairwise(told[1:]))
    if overtaken > 1:  # one may have left while the end of the outage was written down
        outcome.broken.append(f"{overtaken} times something lesser left before something graver")
    fresh = [each.labels["model"] for each in told if each.reason is Reason.OPENED and each.labels["model"] in ended]
    if fresh:
        outcome.broken.append(f"what had ended was told as if it fired: {fresh}")
    early = [each for each in told if world.now - each.opened_at > timedelta(hours=1) and each.delayed_since is None]
    if early:
        names = [each.labels["model"] for each in early]
        outcome.broken.append(f"{len(early)} of {len(told)} messages do not say that they are late: {names}")
    firing = {each.labels["model"] for each in await world.rows("incident") if each.status != "resolved"}
    heard = {each.labels["model"] for each in told}
    outcome.untold = len(firing - heard)
    if outcome.untold:
        outcome.broken.append(f"nobody was told of {sorted(firing - heard)}")
    try:
        await world.balance()
    except AssertionError as fault:
        outcome.mismatches += 1
        outcome.broken.append(f"the books do not balance: {fault}")


async def _is_empty(world: World) -> bool:
    return not await world.rows("outbox")


async def _until(check: Callable[[], object], sender: Sender, working: Working, world: World) -> None:
    for _ in range(120):
        found = check()
        if await found if asyncio.iscoroutine(found) else found:
            return
        await _a_while(sender, working, world, timedelta(seconds=1))


async def _a_while(sender: Sender, working: Working, world: World, span: timedelta) -> None:
    """Time goes by, and the sender does all that it can then."""
    world.now += span
    sender.wake()
    idle_turns = 0
    while idle_turns < 3:
        await asyncio.sleep(0.002)
        idle_turns = 0 if working.count or sender.in_flight_count else idle_turns + 1


OUTAGES = [Fault("outage-6h", "a provider is away for six hours, by a clock that is moved", outage)]
