"""An alert that always fires is to come again and again: that it does not is told, and ends when it comes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.clock import new_id
from alertsvc.core.model import AlertState, Event, Severity
from alertsvc.core.watchdogs import Watchdog
from alertsvc.engine.commands import resolve
from alertsvc.engine.freshness import Freshness
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store.database import Database
from tests.world import START, World, rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WATCHED = Watchdog("Watchdog", 10 * MINUTE)


class Watch:
    """A replica that looks, over a world in which an Alertmanager brings a `Watchdog` of each cluster."""

    def __init__(self, world: World, *watchdogs: Watchdog) -> None:
        self.world = world
        self.expect(*watchdogs)
        self.hears_since = START - timedelta(days=1)
        self.freshness = Freshness(
            world.database, lambda: world.rules, lambda: world.now, new_id, hears_since=lambda: self.hears_since
        )

    def expect(self, *watchdogs: Watchdog) -> None:
        """The configuration says so from now on."""
        self.world.rules = replace(self.world.rules, watchdogs=watchdogs)

    async def bark(self, cluster: str = "eu", state: AlertState = AlertState.FIRING) -> None:
        """Its Alertmanager tells of it."""
        labels = {"alertname": "Watchdog", "cluster": cluster, "replica": "a", "severity": "none"}
        known = fingerprint(labels)
        await self.world.post(Event("alertmanager", known, state, Severity.INFO, labels, starts_at=START))

    async def pass_time(self, span: timedelta, *clusters: str, step: timedelta = MINUTE) -> None:
        """Each `step` those clusters are told of, and somebody looks."""
        for _ in range(round(span / step)):
            self.world.now += step
            for each in clusters:
                await self.bark(each)
            await self.freshness.look_at_watchdogs()

    async def silent(self) -> list[str]:
        """What is told of, in words."""
        rows = [row for row in await self.world.rows("alert") if row.labels["alertname"] == "WatchdogSilent"]
        return sorted(row.labels.get("cluster", "any") for row in rows if row.state == "firing")

    async def said(self) -> list[str]:
        """What was told, in its order."""
        ids = {row.id for row in await self.world.rows("alert") if row.labels["alertname"] == "WatchdogSilent"}
        return [row.annotations["summary"] for row in await self.world.rows("event") if row.alert_id in ids]


async def test_its_silence_is_told_once_and_its_next_bark_ends_it(database: Database) -> None:
    watch = Watch(World(database, rules()), WATCHED)
    await watch.pass_time(30 * MINUTE, "eu")
    assert await watch.silent() == []
    await watch.pass_time(9 * MINUTE)
    assert await watch.silent() == []
    await watch.pass_time(30 * MINUTE)
    assert await watch.silent() == ["any"]
    await watch.world.deliver()
    assert watch.world.channel().reasons == ["opened"], "it is critical, and not kept for a digest"
    await watch.pass_time(MINUTE, "eu")
    assert await watch.silent() == []
    assert await watch.said() == [
        "Watchdog has not come since 2026-03-02 09:30 UTC; expected every 10m: what sends alerts is dead, or cannot"
        " reach alertsvc, so other alerts may be missing",
        "Watchdog comes again: 2026-03-02 10:10 UTC",
    ]
    await watch.world.deliver()
    await watch.world.balance()


async def test_an_end_that_its_alertmanager_tells_of_is_no_bark(world: World) -> None:
    """Prometheus is dead, and Alertmanager lets its alerts end."""
    watch = Watch(world, WATCHED)
    await watch.pass_time(5 * MINUTE, "eu")
    await watch.bark(state=AlertState.RESOLVED)
    await watch.pass_time(11 * MINUTE)
    assert await watch.silent() == ["any"]
    await watch.pass_time(6 * HOUR, step=HOUR)
    assert await watch.silent() == ["any"], "that nobody knows of it any more is no recovery"


async def test_what_never_came_is_silent_once_it_could_have_been_heard(world: World) -> None:
    watch = Watch(world, WATCHED)
    watch.hears_since = world.now
    await watch.pass_time(9 * MINUTE)
    assert await watch.silent() == []
    await watch.pass_time(2 * MINUTE)
    assert await watch.silent() == ["any"]
    watch.hears_since = world.now
    await watch.pass_time(MINUTE)
    assert await watch.silent() == ["any"], "another that has not heard for as long does not end it"


async def test_what_could_not_be_heard_is_not_counted(world: World) -> None:
    watch = Watch(world, WATCHED)
    await watch.pass_time(5 * MINUTE, "eu")
    world.now += 3 * HOUR
    watch.hears_since = world.now
    await watch.pass_time(9 * MINUTE)
    assert await watch.silent() == []


async def test_one_of_several_is_enough_unless_they_are_told_apart(world: World) -> None:
    watch = Watch(world, WATCHED)
    await watch.pass_time(5 * MINUTE, "eu", "us")
    await watch.pass_time(15 * MINUTE, "us")
    assert await watch.silent() == []
    watch.expect(replace(WATCHED, by=("cluster",)))
    await watch.pass_time(MINUTE, "us")
    assert await watch.silent() == ["eu"]
    await watch.pass_time(11 * MINUTE)
    assert await watch.silent() == ["eu", "us"]
    await watch.pass_time(MINUTE, "us")
    assert await watch.silent() == ["eu"]
    watch.expect(WATCHED)
    await watch.pass_time(MINUTE, "us")
    assert await watch.silent() == []
    assert (await watch.said())[-1] == "nobody waits for Watchdog of cluster eu any more"


@pytest.mark.parametrize("later", [[], [Watchdog("Other", 24 * HOUR)]], ids=["none", "another"])
async def test_what_nobody_waits_for_any_more_is_not_silent(world: World, later: list[Watchdog]) -> None:
    watch = Watch(world, WATCHED)
    await watch.pass_time(11 * MINUTE)
    assert await watch.silent() == ["any"]
    watch.expect(*later)
    watch.hears_since = world.now
    await watch.pass_time(MINUTE)
    assert await watch.silent() == []


async def test_a_watchdog_that_a_person_ended_and_that_barks_on_is_no_silence(world: World) -> None:
    watch = Watch(world, WATCHED)
    await watch.pass_time(MINUTE, "eu")
    (incident,) = await world.rows("incident")
    await world.act(incident.id, resolve)
    await watch.pass_time(5 * HOUR, "eu", step=5 * MINUTE)
    assert await watch.said() == []


async def test_a_silence_that_a_person_ended_is_not_told_again_before_it_barked(world: World) -> None:
    watch = Watch(world, WATCHED)
    await watch.pass_time(MINUTE, "eu")
    await watch.pass_time(11 * MINUTE)
    (silence,) = [row for row in await world.rows("incident") if row.severity == Severity.CRITICAL]
    await world.act(silence.id, resolve)
    await watch.pass_time(HOUR, step=20 * MINUTE)
    assert await watch.silent() == []
    await watch.pass_time(MINUTE, "eu")
    await watch.pass_time(11 * MINUTE)
    assert await watch.silent() == ["any"]
