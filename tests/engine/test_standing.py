"""How firing alerts stand: which routes take them, and who or what keeps their news back."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.engine.standing import Standing, standings
from alertsvc.matchers import parse_matchers
from alertsvc.store.database import Database
from tests.engine.test_muting import DOWN_HIDES_DRIFT, RESOLVED, expire, silence
from tests.world import DELIVER, TIMING, World, destination, event, rules


async def seen(world: World) -> dict[str, Standing]:
    """What fires, by its name."""
    found = await world.database.snapshot(partial(standings, rules=world.rules, now=world.now, after="", limit=100))
    return {each.alert.labels["alertname"]: each for each in found}


async def test_it_is_said_which_alert_and_which_silence_keep_news_back(database: Database) -> None:
    world = World(database, rules(inhibit=(DOWN_HIDES_DRIFT,)))
    await world.post(event(alertname="ModelDown"), event(), event(alertname="Gone"))
    await world.post(event(alertname="Gone", state=RESOLVED))
    name = await silence(world, 'alertname="ModelDown"')
    stands = await seen(world)
    assert set(stands) == {"ModelDown", "Drift"}
    assert (stands["ModelDown"].silenced_by, stands["ModelDown"].inhibited_by) == ((str(name),), ())
    down = stands["ModelDown"].alert.fingerprint
    assert (stands["Drift"].silenced_by, stands["Drift"].inhibited_by) == ((), (down,))
    await expire(world, name)
    await world.post(event(alertname="ModelDown", state=RESOLVED))
    assert not (await seen(world))["Drift"].is_suppressed
    await world.balance()


async def test_all_routes_that_take_it_are_named(database: Database) -> None:
    taken = [
        Route(
            f"root/{name}", name, TIMING, DELIVER, "hourly", matchers=parse_matchers('model="churn"'), goes_on=goes_on
        )
        for name, goes_on in (("one", True), ("two", False), ("three", False))
    ]
    known = rules()
    receivers = {name: (destination("chat", receiver=name),) for name in ("team", "one", "two", "three")}
    chosen: Rules = replace(known, root=replace(known.root, routes=tuple(taken)), receivers=receivers)
    world = World(database, chosen)
    await world.post(event())
    assert [route.receiver for route in (await seen(world))["Drift"].routes] == ["one", "two"]


async def test_pages_follow_each_other(world: World) -> None:
    await world.post(*(event(feature=f"f{number}") for number in range(7)))
    names: list[str] = []
    while True:
        after, now = (names[-1] if names else ""), world.now
        page = await world.database.snapshot(partial(_page, world.rules, now, after))
        names += [each.alert.fingerprint for each in page]
        if len(page) < 3:
            break
    assert (names, len(set(names))) == (sorted(names), 7)


def _page(known: Rules, now: datetime, after: str, conn: object) -> list[Standing]:
    return standings(conn, known, now, after, 3)  # type: ignore[arg-type]
