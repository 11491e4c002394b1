"""Monitoring dies silently: that nothing comes, or comes without a value, is an alert of its own."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from alertsvc.clock import new_id
from alertsvc.core.model import Event, Severity
from alertsvc.core.rules import ModelFacts, Moment
from alertsvc.core.severity import SeverityRule
from alertsvc.engine.admit import admit
from alertsvc.engine.attempt import Attempt
from alertsvc.engine.commands import resolve
from alertsvc.engine.freshness import AT_ONCE, Freshness
from alertsvc.engine.receipts import Receipt
from alertsvc.engine.submissions import Submission
from alertsvc.ingest import events
from alertsvc.store.database import Database, StoreUnavailableError
from alertsvc.store.insertions import Insertions
from alertsvc.store.recall import Recall
from alertsvc.store.tables import idempotency
from tests.world import START, World, event, rules

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAILY = {"model": "churn", "metric": "psi", "value": 0.1, "threshold": 0.2, "expect_next_within": "26h"}


def read(now: datetime = START, **fields: Any) -> events.ParsedEvents:
    """What somebody sends of what was measured."""
    parsed = events.parse(json.dumps({**DAILY, **fields}).encode(), now, SeverityRule())
    assert parsed.refused == ()
    return parsed


def told(**fields: Any) -> tuple[Event, ...]:
    """The events of that."""
    return tuple(each for _, each in read(**fields).events)


class Watch:
    """A replica that looks, over a world; it has heard since `hears_since`."""

    def __init__(self, world: World, hears_since: datetime = START - timedelta(days=1)) -> None:
        self.world = world
        self.hears_since = hears_since
        self.freshness = Freshness(
            world.database, lambda: world.rules, lambda: world.now, new_id, hears_since=lambda: self.hears_since
        )

    async def observe(self, **fields: Any) -> Receipt:
        """Somebody sends what was measured."""
        return await self.world.post(*(each for _, each in read(self.world.now, **fields).events))

    async def look_after(self, span: timedelta) -> None:
        """Time passes, and somebody looks."""
        self.world.now += span
        await self.freshness.look()
        await self.freshness.look_at_models()
        await self.freshness.look_at_watchdogs()

    async def firing(self) -> list[str]:
        """The names of what fires."""
        rows = await self.world.rows("alert")
        return sorted(row.labels["alertname"] for row in rows if row.state == "firing")

    async def changes(self, alertname: str) -> list[str]:
        """What became of an alert, in order."""
        ids = {row.id for row in await self.world.rows("alert") if row.labels["alertname"] == alertname}
        return [row.change for row in await self.world.rows("event") if row.alert_id in ids]

    async def trouble(self) -> str | None:
        """How the only series is marked."""
        (row,) = await self.world.rows("series")
        return row.trouble


@pytest.fixture
def watch(world: World) -> Watch:
    """A replica that has been up for long."""
    return Watch(world)


async def test_an_observation_that_does_not_come_is_told_once_and_ends_when_the_next_one_comes(watch: Watch) -> None:
    await watch.observe()
    await watch.look_after(26 * HOUR - MINUTE)
    assert await watch.firing() == []
    await watch.look_after(2 * MINUTE)
    await watch.look_after(24 * HOUR)
    assert await watch.firing() == ["MissingObservations"]
    assert await watch.changes("MissingObservations") == ["opened"]
    assert await watch.trouble() == "missing"
    await watch.observe()
    await watch.look_after(MINUTE)
    assert await watch.firing() == []
    assert await watch.changes("MissingObservations") == ["opened", "ended"]
    assert await watch.trouble() is None


async def test_what_is_told_names_the_series_since_when_and_how_often_it_should_come(watch: Watch) -> None:
    await watch.observe(feature="age", dataset="eu", labels={"team": "growth"})
    await watch.look_after(27 * HOUR)
    (alert,) = [row for row in await watch.world.rows("alert") if row.state == "firing"]
    assert alert.labels == {
        "alertname": "MissingObservations",
        "condition": "missing",
        "metric": "psi",
        "model": "churn",
        "environment": "production",
        "feature": "age",
        "dataset": "eu",
        "kind": "health",
        "team": "growth",
    }
    assert alert.severity == Severity.WARNING
    assert alert.annotations["summary"] == (
        "psi of age of churn has not been observed since 2026-03-02 09:00 UTC; expected every 1d2h: "
        "the job did not run, or could not send"
    )


async def test_the_severity_is_the_operators(watch: Watch) -> None:
    watch.world.rules = replace(watch.world.rules, freshness=replace(rules().freshness, severity=Severity.CRITICAL))
    await watch.observe()
    await watch.look_after(27 * HOUR)
    await watch.world.deliver()
    assert watch.world.channel().reasons == ["opened"]


async def test_two_replicas_that_look_at_once_tell_it_once(watch: Watch) -> None:
    other = Watch(watch.world)
    await watch.observe()
    watch.world.now += 27 * HOUR
    await asyncio.gather(watch.freshness.look(), other.freshness.look(), watch.freshness.look())
    assert await watch.changes("MissingObservations") == ["opened"]
    await watch.observe()
    await asyncio.gather(watch.freshness.look(), other.freshness.look())
    assert await watch.changes("MissingObservations") == ["opened", "ended"]


async def test_what_came_while_it_was_decided_is_looked_at_again(watch: Watch) -> None:
    await watch.observe()
    watch.world.now += 27 * HOUR
    await asyncio.gather(watch.freshness.look(), watch.observe(), watch.freshness.look())
    await watch.freshness.look()
    assert await watch.firing() == []
    assert await watch.trouble() is None


async def test_more_series_than_one_transaction_takes_are_all_told_of(watch: Watch) -> None:
    count = AT_ONCE + 5
    for start in range(0, count, 50):
        body = json.dumps([{**DAILY, "feature": f"f{each}"} for each in range(start, min(count, start + 50))]).encode()
        parsed = events.parse(body, watch.world.now, SeverityRule())
        await watch.world.post(*(each for _, each in parsed.events))
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations"] * count


@pytest.mark.parametrize(
    ("expected", "granted"),
    [pytest.param("26h", HOUR, id="a-day"), pytest.param("20m", 20 * MINUTE, id="minutes")],
)
async def test_what_could_not_be_heard_is_not_counted(watch: Watch, expected: str, granted: timedelta) -> None:
    await watch.observe(expect_next_within=expected)
    watch.world.now += 30 * HOUR
    watch.hears_since = watch.world.now
    await watch.look_after(granted - MINUTE)
    assert await watch.firing() == []
    await watch.look_after(2 * MINUTE)
    assert await watch.firing() == ["MissingObservations"]


async def test_a_restart_ends_nothing_that_is_missing(watch: Watch) -> None:
    await watch.observe()
    await watch.look_after(27 * HOUR)
    watch.hears_since = watch.world.now
    await watch.look_after(MINUTE)
    assert await watch.firing() == ["MissingObservations"]


async def test_what_a_person_ended_is_not_told_again_before_something_came(watch: Watch) -> None:
    await watch.observe()
    await watch.look_after(27 * HOUR)
    (incident,) = await watch.world.rows("incident")
    await watch.world.act(incident.id, resolve)
    await watch.look_after(24 * HOUR)
    assert await watch.firing() == []
    await watch.observe()
    await watch.look_after(MINUTE)
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations"]


async def test_nobody_waits_where_no_next_one_was_announced(watch: Watch) -> None:
    await watch.observe(expect_next_within=None)
    await watch.look_after(timedelta(days=30))
    assert await watch.firing() == []


@pytest.mark.parametrize(
    ("broken", "alertname"),
    [
        pytest.param({"value": None}, "NoValue", id="null"),
        pytest.param({"value": float("nan")}, "NoValue", id="nan"),
        pytest.param({"window": {"n_current": 0}}, "NoRows", id="no-rows"),
        pytest.param({"value": 0.9, "window": {"n_current": 0}}, "NoRows", id="no-rows-and-a-number"),
    ],
)
async def test_a_run_without_a_result_is_an_alert_of_its_own_and_leaves_that_of_the_metric_as_it_is(
    watch: Watch, broken: dict[str, Any], alertname: str
) -> None:
    await watch.observe(value=0.4)
    assert await watch.firing() == ["psi"]
    watch.world.now += HOUR
    receipt = await watch.observe(**broken)
    assert [item.decided_by for item in receipt.items] == ["no_value" if alertname == "NoValue" else "no_rows"]
    assert await watch.firing() == [alertname, "psi"]
    await watch.look_after(MINUTE)
    assert await watch.firing() == [alertname, "psi"]
    watch.world.now += HOUR
    await watch.observe(value=0.1)
    await watch.look_after(MINUTE)
    assert await watch.firing() == []
    assert await watch.changes(alertname) == ["opened", "ended"]
    assert len(await watch.world.rows("measurement")) == 2


@pytest.mark.parametrize("broken", [{"value": None}, {"window": {"n_current": 0}}], ids=["no-value", "no-rows"])
async def test_a_run_without_a_result_never_reads_as_fine(watch: Watch, broken: dict[str, Any]) -> None:
    await watch.observe(**broken)
    await watch.look_after(MINUTE)
    (row,) = await watch.world.rows("series")
    assert row.last_state != "ok"
    assert await watch.firing() != []


async def test_another_trouble_takes_the_place_of_the_first(watch: Watch) -> None:
    await watch.observe(value=None)
    watch.world.now += HOUR
    await watch.observe(window={"n_current": 0})
    await watch.look_after(MINUTE)
    assert await watch.firing() == ["NoRows"]
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations", "NoRows"]
    assert await watch.trouble() == "missing no_rows"
    await watch.observe(value=None)
    await watch.look_after(MINUTE)
    assert await watch.firing() == ["NoValue"]
    await watch.observe()
    await watch.look_after(MINUTE)
    assert await watch.firing() == []


async def test_a_late_run_without_a_value_does_not_stay_after_a_newer_one_with(watch: Watch) -> None:
    earlier = (watch.world.now - 2 * HOUR).isoformat()
    await watch.observe()
    await watch.observe(value=None, observed_at=earlier)
    await watch.look_after(MINUTE)
    assert await watch.firing() == []
    assert await watch.trouble() is None
    await watch.observe(value=None, observed_at=(watch.world.now - HOUR // 2).isoformat())
    assert await watch.changes("NoValue") == ["opened", "ended"], "that one is late, too"
    watch.world.now += HOUR
    await watch.observe(value=None, observed_at=(watch.world.now - HOUR // 4).isoformat())
    assert await watch.firing() == ["NoValue"]


async def test_a_sender_whose_clock_was_fast_is_heard_once_it_is_right(watch: Watch) -> None:
    await watch.observe(expect_next_within="1m", observed_at=(watch.world.now + 4 * MINUTE).isoformat())
    watch.world.now += MINUTE
    await watch.observe(expect_next_within="1m", value=0.15, observed_at=watch.world.now.isoformat())
    await watch.look_after(MINUTE / 2)
    assert await watch.firing() == []
    (row,) = await watch.world.rows("series")
    assert row.last_value == 0.15


async def test_a_series_goes_on_after_the_clock_was_set_back(database: Database) -> None:
    watch = Watch(World(database, rules()))
    await watch.observe(value=None, expect_next_within="1h")
    watch.world.now -= 3 * HOUR
    watch.hears_since = watch.world.now - HOUR
    await watch.observe(expect_next_within="1h")
    await watch.look_after(MINUTE)
    assert await watch.firing() == [], "the value is there again"
    await watch.look_after(HOUR)
    assert await watch.firing() == ["MissingObservations"], "whoever died since is missed"


def expecting(every: timedelta | None = 26 * HOUR) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.rules = replace(world.rules, models={"churn": ModelFacts("churn", expect_event_every=every)})

    return change


async def test_a_model_of_which_nothing_comes_is_silent_in_each_environment(watch: Watch) -> None:
    expecting()(watch.world)
    for environment, metric in (("production", "psi"), ("production", "mae"), ("staging", "psi")):
        await watch.observe(environment=environment, metric=metric, expect_next_within=None)
    watch.world.now += 20 * HOUR
    await watch.observe(expect_next_within=None)
    await watch.look_after(7 * HOUR)
    (alert,) = [row for row in await watch.world.rows("alert") if row.state == "firing"]
    assert (alert.labels["alertname"], alert.labels["environment"]) == ("ModelSilent", "staging")
    assert alert.annotations["summary"] == (
        "nothing of churn in staging has been observed since 2026-03-02 09:00 UTC; expected every 1d2h: "
        "its jobs do not run, or cannot send"
    )
    await watch.look_after(20 * HOUR)
    assert await watch.firing() == ["ModelSilent", "ModelSilent"]
    await watch.observe(environment="staging", metric="mae", expect_next_within=None)
    await watch.look_after(MINUTE)
    assert await watch.firing() == ["ModelSilent"]


async def test_a_model_that_was_never_heard_of_is_silent_too(watch: Watch) -> None:
    expecting()(watch.world)
    watch.hears_since = watch.world.now
    await watch.look_after(25 * HOUR)
    assert await watch.firing() == []
    await watch.look_after(2 * HOUR)
    assert await watch.firing() == ["ModelSilent"]
    watch.hears_since = watch.world.now
    await watch.look_after(MINUTE)
    assert await watch.firing() == ["ModelSilent"], "another that has not heard for as long does not end it"
    await watch.observe()
    await watch.look_after(MINUTE)
    assert await watch.firing() == []


async def test_a_model_of_which_nothing_is_expected_any_more_is_not_silent(watch: Watch) -> None:
    expecting()(watch.world)
    await watch.observe(expect_next_within=None)
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["ModelSilent"]
    expecting(None)(watch.world)
    await watch.look_after(MINUTE)
    assert await watch.firing() == []
    (end,) = [row for row in await watch.world.rows("event") if row.change == "ended"]
    assert end.annotations["summary"] == "nobody expects anything of churn in production any more"


async def test_a_model_that_could_not_be_heard_is_not_silent(watch: Watch) -> None:
    expecting()(watch.world)
    await watch.observe(expect_next_within=None)
    watch.world.now += 30 * HOUR
    watch.hears_since = watch.world.now
    await watch.look_after(59 * MINUTE)
    assert await watch.firing() == []
    await watch.look_after(2 * MINUTE)
    assert await watch.firing() == ["ModelSilent"]


async def test_the_ledger_of_a_database_balances_after_many_looks(database: Database) -> None:
    watch = Watch(World(database, rules()))
    for _ in range(3):
        await watch.observe()
        await watch.observe(feature="age", value=None)
        await watch.look_after(27 * HOUR)
        await watch.world.deliver()
    await watch.world.balance()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(lambda: (event(),), id="an-alert-of-alertmanager"),
        pytest.param(lambda: told(value=0.1), id="an-observation"),
        pytest.param(lambda: told(value=0.1, threshold=None), id="one-that-nobody-judges"),
        pytest.param(lambda: told(value=0.4, severity="critical"), id="one-that-fires"),
        pytest.param(lambda: told(value=None, severity="critical"), id="one-without-a-value"),
    ],
)
async def test_what_is_new_is_taken_in_with_one_statement_that_commits_it(
    database: Database, taken: Callable[[], tuple[Event, ...]]
) -> None:
    """After it the transaction takes nothing more: the server refuses it."""
    moment, recall = Moment(rules(), START, new_id), Recall()

    def take(conn: Connection, given: Sequence[Event]) -> None:
        admit(conn, [Submission(new_id(), "events", START, given, b"{}")], moment, Attempt(recall))

    def work(conn: Connection) -> None:
        take(conn, taken())
        new = Insertions()
        new.add(idempotency, [{"key": "k", "body_hash": "h", "created_at": START}])
        new.write(conn)

    await database.transaction(lambda conn: take(conn, [event(model="known")]))  # silences are read once
    with pytest.raises(StoreUnavailableError, match="read-only"):
        await database.transaction(work)
