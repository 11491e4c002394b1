"""An alert that flaps is told of once, and then what it comes to."""

from dataclasses import replace
from datetime import timedelta

from alertsvc.core.flap_rule import FlapRule
from alertsvc.core.model import AlertState, Severity
from alertsvc.web.views import AlertView
from tests.world import World, event

MINUTE = timedelta(minutes=1)
RULE = FlapRule(3, 60 * MINUTE, 15 * MINUTE)


async def flap(world: World, changes: int, severity: Severity = Severity.CRITICAL) -> None:
    """The alert begins and ends every two minutes, so often."""
    world.rules = replace(world.rules, flapping=RULE)
    world.outlets = replace(world.outlets, rules=world.rules)
    start = world.now
    for number in range(changes):
        if number % 2 == 0:
            start = world.now
        state = AlertState.FIRING if number % 2 == 0 else AlertState.RESOLVED
        await world.post(event(severity, state, start=start))
        await world.deliver()
        await world.pass_time(2 * MINUTE, MINUTE)


async def test_one_notice_then_quiet_then_the_end(world: World) -> None:
    await flap(world, 20)
    assert world.channel().reasons == ["opened", "resolved", "opened", "resolved", "flapping"]
    await world.pass_time(16 * MINUTE, MINUTE)
    assert world.channel().reasons[5:] == ["resolved"]
    changes = [row.change for row in await world.rows("event")]
    assert (len(changes), changes.count("flapped")) == (21, 15)
    assert [row.end_is_held for row in await world.rows("alert")] == [False]


async def test_one_that_goes_on_firing_is_told_of_as_stable(world: World) -> None:
    await flap(world, 7)
    assert world.channel().reasons[4:] == ["flapping"]
    await world.pass_time(16 * MINUTE, MINUTE)
    assert world.channel().reasons[4:] == ["flapping", "updated"]
    (incident,) = [row for row in await world.rows("incident") if row.status != "resolved"]
    kinds = [row.kind for row in await world.rows("history") if row.incident_id == incident.id]
    assert [kind for kind in kinds if kind in {"alert_flapping", "alert_settled"}] == [
        "alert_flapping",
        "alert_settled",
    ]


async def test_a_person_who_resolves_it_is_believed(world: World) -> None:
    from alertsvc.engine import commands

    await flap(world, 7)
    (incident,) = [row for row in await world.rows("incident") if row.status != "resolved"]
    await world.act(incident.id, commands.resolve)
    await world.deliver()
    assert world.channel().reasons[4:] == ["flapping", "resolved"]
    await world.pass_time(30 * MINUTE, MINUTE)
    assert world.channel().reasons[4:] == ["flapping", "resolved"]
    (alert,) = await world.rows("alert")
    assert (alert.state, alert.stable_at, alert.due_at) == ("resolved", None, None)


async def test_a_warning_that_flaps_waits_for_its_digest_as_one_line(world: World) -> None:
    await flap(world, 12, Severity.WARNING)
    await world.pass_time(60 * MINUTE, MINUTE)
    assert world.channel().reasons == ["digest"]


async def test_an_alert_is_shown_as_flapping_until_it_is_stable(world: World) -> None:
    await flap(world, 2)
    shown = [AlertView.of(row).flapping for row in await world.rows("alert")]
    await flap(world, 5)
    shown += [AlertView.of(row).flapping for row in await world.rows("alert")]
    await world.pass_time(16 * MINUTE, MINUTE)
    shown += [AlertView.of(row).flapping for row in await world.rows("alert")]
    assert shown == [False, True, False]
