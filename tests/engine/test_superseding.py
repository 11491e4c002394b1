"""A tool that tests a column with another test than before: what the test before found is over, and says why."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from alertsvc.clock import new_id
from alertsvc.core.rules import Moment
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.admit import admit_one_by_one
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.submissions import Submission
from alertsvc.engine.superseding import superseded
from alertsvc.ingest import events
from alertsvc.ingest.tools import reading
from alertsvc.ingest.tools.context import Context
from tests.engine.observing import HOUR, at
from tests.ingest.ml_captures import raw
from tests.world import START, World, rules

KS = "v04_report_datadrift_drift_json.json"
PSI = "v04_report_datadrift_psi_js_drift_json.json"
CHOSEN, BY_HAND = "v07_datadrift_drift_tests.json", "v07_datadrift_drift_psi_js_share03_tests.json"
WORDS = SeverityRule()
OF_KS = [("age", "K-S p_value"), ("channel", "chi-square p_value"), ("income", "K-S p_value")]
OF_PSI = [("age", "PSI"), ("channel", "Jensen-Shannon distance"), ("income", "PSI")]


def recorded(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw(f"evidently/{file}"))
    return found


def without_drift(file: str) -> dict[str, Any]:
    """The same of data that does not drift."""
    text = json.dumps(recorded(file))
    for word in ("drift_detected", "dataset_drift"):
        text = text.replace(f'"{word}": true', f'"{word}": false')
    return cast(dict[str, Any], json.loads(text))


def of(world: World, body: dict[str, Any], **said: str) -> Submission:
    """A report, an hour later, as its door takes it in."""
    world.now += HOUR
    content = json.dumps(body).encode()
    context = Context(**{"model": "churn", "split": "feature", **said})
    parsed = reading.parse("evidently", content, context, world.now, world.rules.severities)
    return Submission(new_id(), "evidently", world.now, [event for _, event in parsed.events.events], content)


async def report(world: World, body: dict[str, Any], **said: str) -> Receipt:
    return (await world.post_together(of(world, body, **said)))[0]


async def drifting(world: World) -> list[tuple[str, str]]:
    """(column, test) of what fires."""
    found = [row.labels for row in await world.rows("alert") if row.state == "firing"]
    return sorted((labels["feature"], labels["test"]) for labels in found if "feature" in labels)


async def tests_of(world: World) -> set[str]:
    return {row.test for row in await world.rows("series") if row.test is not None}


async def test_another_test_ends_what_the_one_before_found_and_says_so(world: World) -> None:
    await report(world, recorded(KS))
    assert await drifting(world) == OF_KS
    receipt = await report(world, recorded(PSI))
    assert receipt.counts.total == 8
    assert await drifting(world) == OF_PSI
    assert await tests_of(world) == {"PSI", "Jensen-Shannon distance"}
    ended = [row.annotations["summary"] for row in await world.rows("event") if row.change == "ended"]
    assert len(ended) == 3
    assert (
        "drift_score of age of churn is tested with PSI now, and no more with K-S p_value; "
        "it was last observed at 2026-03-02 10:00 UTC"
    ) in ended
    (incident,) = await world.rows("incident")
    assert incident.status == "firing"


async def test_when_the_other_test_finds_nothing_the_incident_ends(world: World) -> None:
    await report(world, recorded(KS))
    await report(world, without_drift(PSI))
    (incident,) = await world.rows("incident")
    assert (incident.status, await drifting(world)) == ("resolved", [])
    ends = [row.detail for row in await world.rows("history") if row.kind == "resolved"]
    assert ends == ["its last alert ended: its tool tests with another test now"]


async def test_a_test_that_comes_back_ends_the_other_again(world: World) -> None:
    for body in (recorded(KS), recorded(PSI), without_drift(KS), without_drift(KS)):
        await report(world, body)
    assert await drifting(world) == []
    assert await tests_of(world) == {"K-S p_value", "chi-square p_value", "Z-test p_value"}


async def test_tests_side_by_side_in_one_report_leave_each_other_alone(world: World) -> None:
    both = {"metrics": [*recorded(KS)["metrics"], *recorded(PSI)["metrics"]]}
    for _ in range(3):
        await report(world, both)
        assert await drifting(world) == sorted([*OF_KS, *OF_PSI])
    for _ in range(2):  # once might be a turn
        await report(world, recorded(PSI))
    assert await drifting(world) == OF_PSI


async def test_tests_in_reports_that_take_turns_leave_each_other_alone(world: World) -> None:
    for file in (KS, PSI, KS, PSI, KS):
        await report(world, recorded(file))
    assert await drifting(world) == sorted([*OF_KS, *OF_PSI])


async def test_a_test_that_somebody_chose_neither_ends_another_nor_is_ended(world: World) -> None:
    await report(world, recorded(CHOSEN))
    await report(world, recorded(BY_HAND))
    assert len(await drifting(world)) == 6
    await report(world, recorded(CHOSEN))
    assert len(await drifting(world)) == 6


@pytest.mark.parametrize("other", [{"dataset": "eu"}, {"environment": "staging"}, {"model_version": "2"}])
async def test_what_is_tested_elsewhere_is_another_thing(world: World, other: dict[str, str]) -> None:
    await report(world, recorded(KS))
    await report(world, recorded(PSI), **other)
    assert await drifting(world) == sorted([*OF_KS, *OF_PSI])


async def test_a_late_report_ends_nothing(world: World) -> None:
    early = at(world.now)
    await report(world, recorded(KS))
    await report(world, without_drift(PSI), observed_at=early)
    assert await drifting(world) == OF_KS


async def test_a_report_that_comes_again_ends_nothing(world: World) -> None:
    for file in (KS, PSI, KS):
        await report(world, recorded(file))
    for _ in range(2):
        asked = replace(of(world, recorded(PSI)), idempotency_key="k")
        await world.post_together(asked)
        assert await drifting(world) == sorted([*OF_KS, *OF_PSI])


async def test_a_request_that_is_taken_apart_ends_the_test_before_too(world: World) -> None:
    await report(world, recorded(KS))
    asked = of(world, recorded(PSI))
    receipt = await world.database.transaction(lambda conn: admit_one_by_one(conn, asked, world.moment()))
    assert receipt.counts.total == 8
    assert await drifting(world) == OF_PSI


def test_where_no_tool_chooses_its_tests_nothing_is_read() -> None:
    nobody: Any = None
    (_, event), *_ = events.parse(b'{"model": "m", "metric": "psi", "value": 1, "test": "PSI"}', START, WORDS).events
    asked = [Submission(new_id(), events.SOURCE, START, [event], b"")]
    assert superseded(nobody, asked, frozenset(), Moment(rules(), START, new_id)) is None
