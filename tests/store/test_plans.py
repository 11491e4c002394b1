"""What happens for each request, message and tick is looked up by an index, however much there is, on both databases.

The databases themselves are asked how they would run each statement. A table that is read whole makes everything slower
the longer the service runs, which no test with a few rows feels.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from alertsvc.channels.outcome import Fault, Retry
from alertsvc.clock import new_id
from alertsvc.core.deployments import Deployment
from alertsvc.core.inhibition import InhibitRule
from alertsvc.core.model import AlertState, Severity
from alertsvc.core.rules import ModelFacts
from alertsvc.core.watchdogs import Watchdog
from alertsvc.engine import commands, silencing
from alertsvc.engine.audit import CHECKS, TIMELY, Asked, look
from alertsvc.engine.backdrop import backdrop_of
from alertsvc.engine.deploying import record_deployments
from alertsvc.engine.model_pages import model_page
from alertsvc.engine.retiring import forget_series
from alertsvc.engine.self_alerts import wanted
from alertsvc.engine.silencing import Wanted
from alertsvc.store import deployments, gauges, models, overdue, tables
from alertsvc.store.database import Database
from alertsvc.store.forgetting import PARTS, forget_some
from alertsvc.store.housekeeping import Retention
from alertsvc.store.models import MeasurementFilter
from alertsvc.store.silences import SilenceRecord
from tests.core.builders import matcher
from tests.engine.observing import under
from tests.engine.test_freshness import Watch
from tests.world import START, World, destination, rules
from tests.world import event as alert

RESOLVED = AlertState.RESOLVED
WARNING = Severity.WARNING
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
GROWING = ("alert", "arrival", "attempt", "believer", "delivery", "episode", "event", "history", "incident")
GROWING += ("series", "detector", "deployment")
GROWING += ("digest", "inhibitor", "measurement", "notification", "notification_mute", "outbox", "quarantine", "timer")
SQLITE_SCAN = re.compile(r"\bSCAN (\w+)(?! USING (?:COVERING )?INDEX (?:ix|uq)_)")
"""An index of ours that is read whole is one of what is open, waiting or due: that does not grow with the years."""
POSTGRES_SCAN = re.compile(r"Seq Scan on (\w+)")

Statements = dict[str, Any]


@contextmanager
def listening(statements: Statements) -> Iterator[None]:
    """Every statement that runs meanwhile, with parameters that it ran with."""

    def heard(
        _conn: Connection, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
    ) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            statements.setdefault(statement, parameters[0] if many else parameters)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def a_silence(world: World) -> Wanted:
    """Something is known and not to be told for an hour."""
    found = (("model", "=", "quiet"),)
    return Wanted(SilenceRecord(new_id(), found, world.now, world.now + HOUR, "ann", "known", world.now, world.now))


async def a_busy_day(world: World) -> None:
    """Opened, joined, repeated, muted, raised, delayed, taken, digested, ended, fired again."""
    receipt = await world.post(alert(model="a"), alert(WARNING, model="b"), alert(model="c", alertname="Down"))
    await world.post(alert(model="a"), alert(model="a", feature="f"))
    await world.database.transaction(partial(silencing.make, a_silence(world), world.moment()))
    await world.post(alert(model="quiet"))
    world.channel().answers.append(Retry(Fault.NETWORK, "down"))
    await world.deliver()
    await world.pass_time(5 * HOUR, step=HOUR)
    await world.act(receipt.incident_ids[0], commands.acknowledge)
    await world.post(alert(WARNING, RESOLVED, model="b"), alert(Severity.ERROR, model="c"))
    await world.deliver()
    await world.post(alert(state=RESOLVED, model="a"), alert(state=RESOLVED, model="a", feature="f"))
    await world.post(alert(model="a", start=world.now))
    await world.pass_time(2 * HOUR, step=HOUR)
    await world.act(receipt.incident_ids[2], commands.resolve)
    await world.deliver()


def plans(conn: Connection, statements: Statements) -> dict[str, str]:
    """How each statement would be run."""
    is_sqlite = conn.dialect.name == "sqlite"
    if not is_sqlite:
        conn.execute(text("SET LOCAL enable_seqscan = off"))  # so it is taken only where nothing else is possible
    found: dict[str, str] = {}
    for statement, parameters in statements.items():
        explained = f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}"
        found[statement] = "\n".join(str(row[-1]) for row in conn.exec_driver_sql(explained, parameters))
    return found


async def test_nothing_that_happens_all_the_time_reads_a_table_whole(database: Database) -> None:
    down = InhibitRule("down", (matcher("alertname", "Down"),), (matcher("alertname", "Drift"),), ("model",))
    world = World(database, replace(rules(destination("chat"), destination("mail")), inhibit=(down,)))
    await world.ticker.sweep()  # what new rules make of everything that fires is found once, by reading all of it
    statements: Statements = {}
    with listening(statements):
        await a_busy_day(world)
    assert len(statements) > 30
    await none_reads_whole(database, statements, GROWING)


async def none_reads_whole(database: Database, statements: Statements, growing: Collection[str]) -> None:
    """Fail with the statements that read one of these tables whole, and how."""
    explained = await database.transaction(lambda conn: plans(conn, statements))
    scan = SQLITE_SCAN if database.dialect == "sqlite" else POSTGRES_SCAN
    whole = {
        statement: plan
        for statement, plan in explained.items()
        if any(found in growing for found in scan.findall(plan))
    }
    assert not whole, "\n\n".join(f"{statement}\n{plan}" for statement, plan in whole.items())


def audit_and_speak(world: World, conn: Connection) -> None:
    """What a look at the books asks of the database, and what is to be said of what it finds."""
    asked = Asked(world.now, world.now - MINUTE, world.rules, "here")
    found = {**look(conn, asked, CHECKS), **look(conn, asked, TIMELY)}
    assert [name for name, ids in found.items() if ids] == ["replicas"], "it did not write itself down"
    wanted(conn, found, world.channels, world.now, are_on=True)


async def test_watching_and_auditing_read_no_more_the_longer_the_service_runs(database: Database) -> None:
    world = World(database, rules())
    await a_busy_day(world)
    statements: Statements = {}
    with listening(statements):
        await database.snapshot(lambda conn: gauges.stored(conn, lambda: world.now))
        await database.snapshot(partial(audit_and_speak, world))
    assert len(statements) >= 18
    waiting_only = {"outbox"}  # whatever is in it has not ended
    await none_reads_whole(database, statements, set(GROWING) - waiting_only)


async def test_looking_after_models_reads_no_more_the_more_of_them_there_are(database: Database) -> None:
    expected = rules(models={"churn": ModelFacts("churn", expect_event_every=2 * HOUR)})
    world = World(database, replace(expected, watchdogs=(Watchdog("Watchdog", 10 * MINUTE),)))
    under(world, "metrics: {psi: {adaptive: stream}}")
    watch = Watch(world)
    statements: Statements = {}
    with listening(statements):
        await watch.observe(value=None)
        await watch.observe(threshold=None)
        await watch.observe(feature="age", expect_next_within="1h", model_version="6")
        await watch.look_after(3 * HOUR)
        for version in ("6", "7"):
            made = Deployment("churn", "deployed", world.now, "ci", version)
            await record_deployments(database, world.lately, [made], world.moment())
        await watch.look_after(MINUTE)
        await forget_series(database, HOUR, world.moment())
        await watch.look_after(MINUTE)
        asked = MeasurementFilter("churn", "psi", since=START)
        await database.snapshot(lambda conn: models.measurements(conn, asked, None, 10))
        page = await database.snapshot(lambda conn: model_page(conn, world.moment(), "churn", "", 10))
        await database.snapshot(lambda conn: deployments.of_model(conn, "churn"))
        assert await database.snapshot(lambda conn: backdrop_of(conn, page.incidents[0])) is None  # it began before
        await world.lately.refresh()
    assert len(statements) > 30
    await none_reads_whole(database, statements, GROWING)


async def test_what_is_old_is_found_without_reading_what_is_not(database: Database) -> None:
    world = World(database, rules())
    await a_busy_day(world)
    statements: Statements = {}
    with listening(statements):
        later = world.now + 5000 * 24 * HOUR
        await database.transaction(lambda conn: [forget_some(conn, part, Retention(), later, 500) for part in PARTS])
    assert len(statements) == len(PARTS)
    await none_reads_whole(database, statements, (*GROWING, "idempotency", "silence"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whether_anything_is_due_is_found_by_an_index_before_a_table_is_analysed(database: Database) -> None:
    """SQLite takes the index always. PostgreSQL guesses that a third of the rows are due, until it has looked."""
    world = World(database, rules())
    await world.post(alert())
    columns = [column.name for column in tables.alert.columns]
    other = {"id": "gen_random_uuid()", "fingerprint": "lpad(to_hex(n), 16, '0')"}
    copied = ", ".join(other.get(name, name) for name in columns)

    def many(conn: Connection) -> None:
        listed = ", ".join(columns)
        conn.exec_driver_sql(f"INSERT INTO alert ({listed}) SELECT {copied} FROM alert, generate_series(1, 20000) AS n")

    await database.transaction(many)
    statements: Statements = {}
    with listening(statements):
        assert not await database.snapshot(lambda conn: overdue.is_any(conn, world.now))

    def explained(conn: Connection) -> str:
        ((statement, parameters),) = statements.items()
        return "\n".join(str(row[0]) for row in conn.exec_driver_sql(f"EXPLAIN {statement}", parameters))

    assert "ix_alert_due_at" in await database.snapshot(explained)
