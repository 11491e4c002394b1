"""Values under thresholds, in the transaction that takes them in: what lasts fires, what is over ends, and why."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from alertsvc.clock import new_id
from alertsvc.core.acts import Actor
from alertsvc.core.model import Severity
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.acceptance import accept
from alertsvc.engine.admit import admit, admit_one_by_one
from alertsvc.engine.judging import Observed, judging_of
from alertsvc.engine.submissions import Submission
from alertsvc.ingest import events
from alertsvc.settings.thresholds_file import parse_thresholds
from alertsvc.store.database import Database
from tests.engine.observing import HOUR, at, found, kept, observe, observed, post, submission, under
from tests.world import START, World, rules

BANDS = "metrics: {accuracy: {warning: 0.85, critical: 0.80}}\n"


@pytest.mark.parametrize(
    ("patience", "values", "states"),
    [
        pytest.param("", [0.9, 0.85, 0.84, 0.86], ["ok", "firing", "firing", "resolved"], id="at-once"),
        pytest.param("for: 2", [0.8, 0.9, 0.8, 0.8], ["pending", "ok", "pending", "firing"], id="two-in-a-row"),
        pytest.param("for: 2 of 3", [0.8, 0.9, 0.8, 0.9], ["pending", "ok", "firing", "resolved"], id="two-of-three"),
        pytest.param("for: 3 of 3", [0.8] * 4, ["pending", "pending", "firing", "firing"], id="three-of-three"),
        pytest.param(
            "clear_after: 2",
            [0.8, 0.9, 0.8, 0.9, 0.9],
            ["firing", "firing", "firing", "firing", "resolved"],
            id="holds",
        ),
        pytest.param(
            "cooldown: 3h",
            [0.84, 0.9, 0.84, 0.84, 0.84],
            ["firing", "resolved", "recorded", "recorded", "firing"],
            id="cools-down",
        ),
        pytest.param("cooldown: 3h", [0.84, 0.9, 0.79], ["firing", "resolved", "firing"], id="unless-graver"),
        pytest.param("cooldown: 3h", [0.9, 0.84], ["ok", "firing"], id="no-cooling-of-what-never-fired"),
    ],
)
async def test_what_lasts_fires_and_what_is_over_ends(
    world: World, patience: str, values: list[float], states: list[str]
) -> None:
    under(world, BANDS + f"defaults: {{{patience}}}")
    assert await observe(world, *values) == states


async def test_each_answer_says_which_entry_decided_and_why(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2, clear_after: 2, cooldown: 5h}")
    said = [
        (each.decided_by, each.rule, each.because) for each in await observed(world, 0.84, 0.79, 0.9, 0.91, 0.84, 0.8)
    ]
    assert said[:5] == [
        ("thresholds.yaml", "defaults.for", "1 of the last 2 values bad: it fires at 2"),
        ("thresholds.yaml", "metrics.accuracy.critical", None),
        ("clear_after", "defaults.clear_after", "1 of 2 good values in a row: it fires until then"),
        ("thresholds.yaml", "metrics.accuracy.warning", None),
        ("thresholds.yaml", "defaults.for", "1 of the last 2 values bad: it fires at 2"),
    ]
    assert said[5][:2] == ("cooldown", "defaults.cooldown")
    assert said[5][2] == "it ended at 13:00 UTC, and fires before 02 Mar 18:00 only if it is graver"
    (alert,) = await world.rows("alert")
    assert (alert.decided_by, alert.annotations["rule"]) == ("thresholds.yaml", "metrics.accuracy.warning")
    opened = next(row for row in await world.rows("history") if row.kind == "opened")
    assert opened.facts["alerts"][0]["rule"] == "metrics.accuracy.critical"


async def test_what_is_held_stays_as_grave_as_it_was_and_nobody_is_told_of_it(world: World) -> None:
    under(world, BANDS + "defaults: {clear_after: 3}")
    first, second = await observed(world, 0.7, 0.9)
    assert (first.severity, second.severity) == (Severity.CRITICAL, Severity.CRITICAL)
    await world.deliver()
    assert world.channel().reasons == ["opened"]
    assert await observe(world, 0.9, 0.9) == ["firing", "resolved"]
    await world.deliver()
    assert world.channel().reasons == ["opened", "resolved"]


async def test_what_the_tool_says_has_to_last_too_but_not_what_the_sender_keeps(world: World) -> None:
    under(world, "defaults: {for: 2, clear_after: 2}")
    assert await observe(world, 0.1, breached=True) == ["pending"]
    assert await observe(world, 0.1, breached=True) == ["firing"]
    assert await observe(world, 0.9, breached=False) == ["firing"]
    assert await observe(world, 0.9, threshold=0.5) == ["resolved"]
    assert await observe(world, 0.1, status="firing") == ["firing"]
    assert await observe(world, 0.1, status="resolved") == ["resolved"]


BAD, GOOD = {"breached": True}, {"breached": False}


async def test_a_verdict_without_a_number_has_to_last_too(world: World) -> None:
    under(world, "defaults: {for: 2, clear_after: 2}")
    assert await found(world, BAD, BAD, GOOD, GOOD) == ["pending", "firing", "firing", "resolved"]
    assert await kept(world) == [(None, each, False) for each in (True, True, False, False)]
    rows = await world.rows("measurement")
    assert {(row.model, row.metric, row.threshold, row.observed_at == row.received_at) for row in rows} == {
        ("churn", "accuracy", None, True)
    }


async def test_verdicts_with_and_without_a_number_count_together(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2 of 3, clear_after: 2}")
    assert await observe(world, 0.8) == ["pending"]
    assert await found(world, GOOD, BAD) == ["ok", "firing"]
    assert await observe(world, 0.9) == ["firing"]
    assert await found(world, GOOD) == ["resolved"]


async def test_what_the_sender_keeps_stands_at_once_and_is_what_was_before(world: World) -> None:
    under(world, "defaults: {for: 2, clear_after: 2}")
    assert await found(world, {"status": "firing"}, GOOD) == ["firing", "firing"]
    assert await found(world, {"status": "firing"}, GOOD, GOOD) == ["firing", "firing", "resolved"]
    assert [bad for _, bad, _ in await kept(world)] == [True, False, True, False, False]


async def test_a_late_verdict_without_a_number_changes_nothing(world: World) -> None:
    under(world, "defaults: {for: 2}")
    assert await found(world, BAD) == ["pending"]
    (late,) = (await post(world, {**BAD, "observed_at": at(world.now - 2 * HOUR)})).items
    assert (late.change, late.decided_by) == (None, "late")
    assert await found(world, GOOD, BAD, BAD) == ["ok", "pending", "firing"]


async def test_what_says_nothing_at_all_is_no_point(world: World) -> None:
    under(world, "defaults: {for: 2, min_samples: 10}")
    assert await found(world, {}, {**BAD, "window": {"n_current": 3}}, {"value": None}) == [
        "recorded",
        "recorded",
        "firing",
    ]
    assert await kept(world) == []


async def test_too_few_rows_neither_fire_nor_end_and_are_no_part_of_what_is_usual(world: World) -> None:
    under(world, BANDS + "defaults: {min_samples: 100}")
    few, many = {"n_current": 99}, {"n_current": 100}
    (unsure,) = await observed(world, 0.5, window=few)
    assert (unsure.decided_by, unsure.rule) == ("min_samples", "defaults.min_samples")
    assert unsure.because == "99 rows are fewer than the 100 that are needed"
    assert await observe(world, 0.5, window=many) == ["firing"]
    assert await observe(world, 0.9, window=few) == ["recorded"]
    assert (await world.rows("alert"))[0].state == "firing"
    assert await kept(world) == [(0.5, None, False), (0.5, True, False), (0.9, None, False)]


async def test_a_late_value_is_kept_and_changes_nothing(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2}")
    assert await observe(world, 0.84) == ["pending"]
    early = at(world.now - 2 * HOUR)
    (late,) = (await post(world, {"value": 0.7, "observed_at": early})).items
    assert (late.change, late.decided_by) == (None, "late")
    assert await world.rows("alert") == []
    assert await observe(world, 0.84) == ["firing"]
    assert [value for value, *_ in await kept(world)] == [0.7, 0.84, 0.84]


async def test_an_event_that_comes_again_counts_once(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2}")
    assert await observe(world, 0.8, event_id="a") == ["pending"]
    again = (await post(world, {"value": 0.8, "event_id": "a"})).items[0]
    assert again.is_pending is False
    assert len(await kept(world)) == 1
    assert await world.rows("alert") == []


async def test_the_same_observation_told_twice_is_one(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2}")
    same = {"value": 0.8, "observed_at": at(world.now)}
    world.now += HOUR
    assert [(await post(world, same)).items[0].is_pending for _ in range(3)] == [True, True, True]


async def test_a_request_with_many_values_of_a_series_is_judged_in_their_order(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2, clear_after: 2}")
    values = [0.8, 0.9, 0.8, 0.8, 0.9, 0.9]
    sent = [{"value": value, "observed_at": at(world.now - (6 - n) * HOUR)} for n, value in enumerate(values)]
    items = (await post(world, *sent)).items
    assert [each.is_pending for each in items] == [True, False, True, False, False, False]
    assert [str(each.state) for each in items] == ["None", "resolved", "None", "firing", "firing", "resolved"]


async def test_two_writers_of_one_series_see_each_others_values(database: Database) -> None:
    replicas = [under(World(database, rules()), BANDS + "defaults: {for: 2}") for _ in range(2)]
    replicas[1].now += timedelta(seconds=1)
    features = [f"f{n}" for n in range(20)]
    sent = [
        submission(each, [{"value": 0.8, "feature": name} for name in names])
        for each, names in zip(replicas, (features, features[::-1]), strict=True)
    ]
    takes = [partial(_admit, each, request) for each, request in zip(replicas, sent, strict=True)]
    await asyncio.gather(*(database.transaction(take) for take in takes))
    assert len(await kept(replicas[0])) == 40
    assert [row.state for row in await replicas[0].rows("alert")] == ["firing"] * 20


def _admit(world: World, request: Submission, conn: Connection) -> None:
    admit(conn, [request], world.moment())


async def test_a_series_shows_what_its_last_value_came_to_and_when_the_next_is_due(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2, expect_next_within: 26h}")
    await observe(world, 0.84)
    (series,) = await world.rows("series")
    assert (series.last_state, series.last_decided_by, series.last_value) == ("pending", "thresholds.yaml", 0.84)
    assert series.expected_at == world.now + timedelta(hours=26)
    await observe(world, 0.84)
    (series,) = await world.rows("series")
    assert (series.last_state, series.last_threshold) == ("firing", 0.85)


async def test_a_value_that_could_not_be_computed_says_nothing_of_the_metric(world: World) -> None:
    under(world, BANDS + "defaults: {for: 2, clear_after: 2}")
    assert await observe(world, 0.8, 0.8) == ["pending", "firing"]
    world.now += HOUR
    (none,) = (await post(world, {"value": None})).items
    assert (str(none.state), none.decided_by) == ("firing", "no_value")
    assert await observe(world, 0.9, 0.9) == ["firing", "resolved"]
    assert [value for value, *_ in await kept(world)] == [0.8, 0.8, 0.9, 0.9]


# What follows the series


LEVEL = [0.90, 0.91, 0.89, 0.905, 0.895] * 4
FOLLOWS = "metrics: {accuracy: {adaptive: {method: ewma, sensitivity: 3}}}\n"


async def test_a_series_that_leaves_its_level_is_a_warning_and_says_what_was_usual(world: World) -> None:
    under(world, FOLLOWS)
    first = await observed(world, *LEVEL)
    assert {each.decided_by for each in first} == {"adaptive"}
    assert [each.because for each in first[:2]] == ["warming up (0/15)", "warming up (1/15)"]
    assert (first[14].because, first[15].because) == ("warming up (14/15)", None)
    assert [each.state for each in first[:15]] == [None] * 15
    left = await observed(world, 0.80, 0.78)
    assert left[-1].severity >= Severity.WARNING
    assert left[-1].rule == "metrics.accuracy.adaptive"
    (alert,) = await world.rows("alert")
    assert alert.state == "firing"
    assert 0.80 < alert.threshold < 0.90
    assert alert.annotations["baseline"].startswith("about 0.9")
    assert "leaves what is usual for this series" in alert.annotations["because"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("method", ["ewma", "weekday"])
async def test_a_verdict_without_a_number_is_no_part_of_what_is_usual(world: World, method: str) -> None:
    under(world, f"metrics: {{accuracy: {{adaptive: {method}}}}}")
    said: list[tuple[str | None, str | None]] = []
    for model, verdicts in (("plain", ()), ("mixed", (GOOD, BAD, GOOD))):
        told = [each for value in LEVEL for each in ({"value": value}, *verdicts)]
        world.now += len(told) * HOUR
        times = [at(world.now - (len(told) - place) * HOUR) for place in range(len(told))]
        await post(
            world, *({**each, "model": model, "observed_at": time} for each, time in zip(told, times, strict=True))
        )
        (left,) = await observed(world, 0.5, model=model)
        said.append((left.because, left.rule))
    assert said[0] == said[1]
    usual = [row for row in await world.rows("measurement") if row.model == "mixed" and row.is_baseline]
    assert [row.value for row in usual][: len(LEVEL)] == LEVEL


async def test_what_is_told_of_while_it_fires_does_not_become_usual(world: World) -> None:
    under(world, FOLLOWS)
    await observe(world, *LEVEL)
    assert (await observe(world, *[0.7] * 40))[-1] == "firing"
    assert [is_usual for value, _, is_usual in await kept(world) if value == 0.7] == [False] * 40
    assert (await observe(world, *[0.9] * 20))[-1] == "ok"


async def test_what_lasts_longer_than_the_freeze_becomes_usual(world: World) -> None:
    under(world, FOLLOWS + "defaults: {freeze: 10h}\n")
    await observe(world, *LEVEL)
    assert await observe(world, 0.7) == ["firing"]
    await observe(world, *[0.7, 0.71] * 60)
    assert (await world.rows("alert"))[0].state == "resolved"


async def test_a_band_stays_as_a_guard_rail_and_its_severity_counts(world: World) -> None:
    under(world, "metrics: {accuracy: {critical: 0.8, adaptive: ewma}}\n")
    first = await observed(world, *LEVEL)
    assert {(each.decided_by, str(each.state)) for each in first} == {("thresholds.yaml", "resolved")}
    (broke,) = await observed(world, 0.75)
    assert (broke.decided_by, broke.rule) == ("thresholds.yaml", "metrics.accuracy.critical")
    assert broke.severity is Severity.CRITICAL


async def test_a_new_version_begins_anew(world: World) -> None:
    under(world, FOLLOWS)
    await observe(world, *LEVEL, dedup_key="k", model_version="1")
    said = await observed(world, 0.5, 0.51, dedup_key="k", model_version="2")
    assert [each.because for each in said] == ["warming up (0/15)", "warming up (1/15)"]


async def test_a_p_value_has_no_usual_level(world: World) -> None:
    under(world, "defaults: {adaptive: ewma}")
    (said,) = await observed(world, 0.3, metric="drift", score_type="p_value")
    assert (said.state, said.decided_by) == (None, "none")
    assert said.because is not None
    assert said.because.startswith("a p-value has no usual level")


async def test_what_a_person_takes_as_normal_is_from_then_on(world: World) -> None:
    under(world, FOLLOWS)
    await observe(world, *LEVEL)
    (fires,) = (await observed(world, 0.8, 0.7))[-1:]
    assert await accept(world.database, fires.fingerprint, Actor("ann", "api"), world.moment())
    history = await world.rows("history")
    assert [(row.kind, row.actor) for row in history if row.kind == "accepted"] == [("accepted", "ann")]
    assert await observe(world, 0.7) == ["resolved"]
    assert set(await observe(world, *[0.7, 0.71, 0.69] * 7)) == {"ok"}
    assert (await observe(world, 0.5, 0.5))[-1] == "firing"


async def test_nobody_can_accept_a_series_that_is_not_there(world: World) -> None:
    assert not await accept(world.database, "00000000000000ff", Actor("ann", "api"), world.moment())


# Many features at once

GUARDED = "metrics: {psi: {direction: above, warning: 0.1, share_of_features: {above: 0.3, at_least: 10}}}"


@pytest.mark.parametrize(("bad", "fires"), [(1, False), (3, False), (4, True)])
async def test_a_few_bad_features_of_many_are_no_news(world: World, bad: int, fires: bool) -> None:
    under(world, GUARDED)
    world.now += HOUR
    sent = [{"metric": "psi", "feature": f"f{n}", "value": 0.3 if n < bad else 0.01} for n in range(10)]
    items = (await post(world, *sent)).items
    assert {str(each.state) for each in items[:bad]} == ({"firing"} if fires else {"None"})
    assert {str(each.state) for each in items[bad:]} == {"resolved"}
    if not fires:
        assert {each.decided_by for each in items[:bad]} == {"share_of_features"}
        assert items[0].because == f"{bad} of 10 features are bad, not more than 30%"


@pytest.mark.parametrize(("bad", "fires"), [(3, False), (4, True)])
async def test_features_are_counted_over_a_request_that_is_taken_apart(world: World, bad: int, fires: bool) -> None:
    """One that came before has no say, here as there; the ids that are looked at are not used up by that."""
    under(world, GUARDED)
    world.now += HOUR
    sent = [
        {"metric": "psi", "feature": f"f{n}", "value": 0.3 if n < bad else 0.01, "event_id": f"run-{n}"}
        for n in range(10)
    ]
    asked = submission(world, sent)
    receipt = await world.database.transaction(lambda conn: admit_one_by_one(conn, asked, world.moment()))
    assert {str(each.state) for each in receipt.items[:bad]} == ({"firing"} if fires else {"None"})
    assert {str(each.state) for each in receipt.items[bad:]} == {"resolved"}
    if not fires:
        assert {each.decided_by for each in receipt.items[:bad]} == {"share_of_features"}
    assert receipt.counts.duplicate == 0
    assert len(await kept(world)) == 10
    again = await world.database.transaction(
        lambda conn: admit_one_by_one(conn, replace(asked, id=new_id()), world.moment())
    )
    assert again.counts.duplicate == 10
    assert len(await kept(world)) == 10


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="no-thresholds"),
        pytest.param(BANDS, id="bands"),
        pytest.param("defaults: {min_samples: 100}", id="too-few-rows"),
        pytest.param(GUARDED, id="features"),
    ],
)
def test_where_no_earlier_value_has_a_say_nothing_is_read(text: str) -> None:
    nobody: Any = None
    thresholds = parse_thresholds(text, "thresholds.yaml")
    (_, event), *_ = events.parse(b'{"model": "m", "metric": "psi", "value": 1}', START, SeverityRule()).events
    observed = [Observed(event, None, START)]
    judging = judging_of(nobody, thresholds, observed, holds=True)
    assert judging.settle(0, *judging.judged(), None).observation == event.observation
