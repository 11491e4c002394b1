"""Streams in the transaction that takes values in: what their detectors know is kept with the values, or not at all."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, update
from sqlalchemy.engine import Engine

from alertsvc.core.acts import Actor
from alertsvc.core.deployments import Deployment
from alertsvc.core.model import Severity
from alertsvc.engine.acceptance import accept
from alertsvc.engine.admit import ItemResult, Submission, admit
from alertsvc.engine.deploying import record_deployments
from alertsvc.engine.judging import foreseen
from alertsvc.engine.retiring import forget_series, retire
from alertsvc.store import tables
from alertsvc.store.database import Database
from alertsvc.web.ingest_items import state_of
from tests.engine.observing import at, kept, post, submission, under
from tests.world import World, rules

MINUTE = timedelta(minutes=1)
STREAM = "metrics: {queue_length: {adaptive: stream}, accuracy: {critical: 0.8, adaptive: ewma}}\n"
USUAL = [10.0, 11.0] * 80
RULE = "metrics.queue_length.adaptive"


def stream(*values: float, world: World, **fields: Any) -> list[dict[str, Any]]:
    """Direct events with values a minute apart, the last observed now."""
    first = world.now - (len(values) - 1) * MINUTE
    return [
        {"metric": "queue_length", "value": value, "observed_at": at(first + place * MINUTE), **fields}
        for place, value in enumerate(values)
    ]


async def minutes(world: World, *values: float, **fields: Any) -> list[ItemResult]:
    """One value a minute, all in one request; what each comes to."""
    world.now += len(values) * MINUTE
    return list((await post(world, *stream(*values, world=world, **fields))).items)


def states(items: Sequence[ItemResult]) -> list[str]:
    return [state_of(each) for each in items]


@pytest.fixture
async def known(world: World) -> World:
    """A world with a series whose usual values are known."""
    under(world, STREAM)
    await minutes(world, *USUAL)
    return world


async def test_it_warms_up_and_tells_of_what_is_new_until_it_is_as_before(world: World) -> None:
    under(world, STREAM + "defaults: {clear_after: 2}\n")
    first = await minutes(world, *USUAL)
    assert [first[place].because for place in (0, 42, 149, 150)] == [
        "warming up (0/150)",
        "warming up (42/150)",
        "warming up (149/150)",
        None,
    ]
    (new,) = await minutes(world, 831.2)
    assert (new.decided_by, new.rule, new.severity) == ("adaptive", RULE, Severity.WARNING)
    assert new.because == "new: 831.2; the last 160 values were 10 to 11"
    (line,) = [row for row in await world.rows("history") if row.kind == "alert_refired"]
    (named,) = line.facts["alerts"]
    assert (named["rule"], named["because"]) == (RULE, new.because)
    (alert,) = [row for row in await world.rows("alert") if row.state == "firing"]
    assert alert.annotations["because"] == new.because
    assert set(states(await minutes(world, *[830.0] * 5))) == {"firing"}
    after = await minutes(world, *USUAL[:20])
    end = states(after).index("resolved")
    assert set(states(after[end + 1 :])) == {"ok"}
    assert (after[end - 1].decided_by, after[end - 1].because) == (
        "clear_after",
        "1 of 2 good values in a row: it fires until then",
    )
    assert await world.rows("detector") != []


@pytest.mark.parametrize(
    ("patience", "values", "expected"),
    [
        pytest.param("for: 3", [50.0] * 4, ["pending", "pending", "firing", "firing"], id="for"),
        pytest.param("for: 2", [50.0, 11.0, 10.0], ["pending", "ok", "ok"], id="one-value-does-not-last"),
        pytest.param(
            "cooldown: 3h",
            [50.0, *USUAL[1:119], 90.0],
            ["firing", "resolved", *["ok"] * 117, "recorded"],
            id="cooldown",
        ),
    ],
)
async def test_what_has_to_last_does_so_as_with_other_limits(
    known: World, patience: str, values: list[float], expected: list[str]
) -> None:
    under(known, STREAM + f"defaults: {{{patience}}}\n")
    assert states(await minutes(known, *values)) == expected


async def test_one_request_with_many_values_comes_to_what_many_requests_do(database: Database) -> None:
    values = [*USUAL[:152], 90.0, 91.0, *USUAL[:10]]
    one, many = (under(World(database, rules()), STREAM) for _ in range(2))
    together = states(await minutes(one, *values, feature="a"))
    apart = [state for value in values for state in states(await minutes(many, value, feature="b"))]
    assert together == apart
    first, second = await one.rows("detector")
    assert (first.state, first.value_count) == (second.state, second.value_count)


async def test_only_series_that_ask_for_it_have_a_detector(known: World) -> None:
    heard: list[str] = []

    def hear(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        heard.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        await post(known, {"value": 0.9}, {"metric": "psi", "value": 0.1})
        assert not [each for each in heard if "detector" in each]
        await minutes(known, 10.0)
        assert [each for each in heard if "detector" in each]
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    assert len(await known.rows("detector")) == 1


async def test_a_late_value_and_one_that_comes_again_are_not_taken_in(known: World) -> None:
    await minutes(known, 90.0, event_id="a")
    (before,) = await known.rows("detector")
    again = (await post(known, *stream(90.0, world=known, event_id="a"))).items[0]
    same = (await post(known, *stream(90.0, world=known))).items[0]
    early = {"metric": "queue_length", "value": 500.0, "observed_at": at(known.now - 2 * MINUTE)}
    known.now += MINUTE
    late = (await post(known, early)).items[0]
    assert [each.change for each in (again, same, late)] == [None, "duplicate", None]
    assert (state_of(same), late.decided_by) == ("firing", "late")
    assert await known.rows("detector") == [before]


class _KilledError(Exception):
    """Stands for the end of the process: what was not committed is gone."""


async def test_a_value_and_what_its_detector_knows_are_kept_together_or_not_at_all(known: World) -> None:
    before = [await known.rows(name) for name in ("detector", "measurement", "alert")]
    known.now += MINUTE
    request = submission(known, stream(90.0, world=known))

    def killed(conn: Connection) -> None:
        admit(conn, [request], known.moment())
        changed = conn.execute(tables.detector.select()).one()
        assert changed.value_count == len(USUAL) + 1
        raise _KilledError

    with pytest.raises(_KilledError):
        await known.database.transaction(killed)
    assert [await known.rows(name) for name in ("detector", "measurement", "alert")] == before
    assert state_of((await known.post_together(request))[0].items[0]) == "firing"


async def test_two_writers_of_one_series_lose_no_value(database: Database) -> None:
    replicas = [under(World(database, rules()), STREAM) for _ in range(2)]
    await minutes(replicas[0], *USUAL)
    replicas[0].now = replicas[1].now = replicas[0].now + 40 * MINUTE
    halves = [stream(*USUAL[:20], world=replicas[0])[half::2] for half in range(2)]
    await asyncio.gather(*(_one_by_one(world, half) for world, half in zip(replicas, halves, strict=True)))
    (row,) = await replicas[0].rows("detector")
    late = sum(each.is_bad is None for each in await replicas[0].rows("measurement")) - 150
    assert row.value_count == len(USUAL) + 20 - late


async def _one_by_one(world: World, items: Sequence[dict[str, Any]]) -> None:
    for each in items:
        await world.database.transaction(partial(_admit, world, submission(world, [each])))


def _admit(world: World, request: Submission, conn: Connection) -> None:
    admit(conn, [request], world.moment())


@pytest.mark.parametrize("version", ["2", None])
async def test_a_new_version_begins_anew_whether_its_values_or_a_deployment_say_so(
    world: World, version: str | None
) -> None:
    under(world, STREAM)
    await minutes(world, *USUAL, dedup_key="k", model_version="1")
    if version is None:
        world.now += MINUTE
        made = Deployment("churn", "deployed", world.now, "ci", "2")
        await record_deployments(world.database, world.lately, [made], world.moment())
    said = await minutes(world, 90.0, 91.0, dedup_key="k", model_version=version)
    assert [each.because for each in said] == ["warming up (0/150)", "warming up (1/150)"]
    assert (await minutes(world, 90.0, dedup_key="k"))[0].because == "warming up (2/150)"


async def test_a_new_normal_begins_anew_and_ends_the_alert(known: World) -> None:
    (fires,) = await minutes(known, 90.0)
    assert await accept(known.database, fires.fingerprint, Actor("ann", "api"), known.moment())
    said = await minutes(known, 90.0)
    assert (states(said), said[0].because) == (["resolved"], "warming up (0/150)")
    assert set(states(await minutes(known, *[90.0, 91.0] * 90))) == {"ok"}
    assert states(await minutes(known, 10.0)) == ["firing"]


async def test_it_goes_with_its_series(known: World) -> None:
    (row,) = await known.rows("series")
    await retire(known.database, row.fingerprint, "ann", known.moment())
    assert await known.rows("detector") == []
    assert (await minutes(known, 10.0))[0].because == "warming up (0/150)"
    known.now += timedelta(days=91)
    assert await forget_series(known.database, timedelta(days=90), known.moment()) == 1
    assert await known.rows("detector") == []


async def test_what_cannot_be_read_begins_anew_and_stops_nobody(known: World) -> None:
    await known.database.transaction(lambda conn: conn.execute(update(tables.detector).values(state="{")))
    assert (await minutes(known, 90.0))[0].because == "warming up (0/150)"
    assert [row.value_count for row in await known.rows("detector")] == [1]


async def test_a_band_stays_as_a_guard_rail(world: World) -> None:
    under(world, "metrics: {queue_length: {direction: above, critical: 100, adaptive: stream}}\n")
    await minutes(world, *USUAL)
    (broke,) = await minutes(world, 831.2)
    assert (broke.decided_by, broke.rule) == ("thresholds.yaml", "metrics.queue_length.critical")
    assert broke.severity is Severity.CRITICAL
    (less,) = await minutes(world, 60.0)
    assert (less.decided_by, less.severity, state_of(less)) == ("adaptive", Severity.WARNING, "firing")
    assert await kept(world) != []


async def test_what_is_foreseen_is_not_taken_in(known: World) -> None:
    (before,) = await known.rows("detector")
    known.now += MINUTE
    sent = submission(known, stream(90.0, world=known)).events
    told = await known.database.snapshot(lambda conn: foreseen(conn, sent, known.moment()))
    assert [(str(each.state), each.decided_by) for each in told] == [("firing", "adaptive")]
    assert await known.rows("detector") == [before]


async def test_of_p_values_nothing_is_learned(world: World) -> None:
    under(world, "defaults: {adaptive: stream}")
    (said,) = (await post(world, {"metric": "drift", "value": 0.3, "score_type": "p_value"})).items
    assert (said.state, (said.because or "").partition(":")[0]) == (None, "a p-value has no usual level")
    assert await world.rows("detector") == []
