"""The schema: what the migrations make is what the models say, and back again, with rows in every table."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.sqltypes import JSON, Boolean, DateTime, Float, Integer, LargeBinary, Uuid

from alertsvc.clock import new_id, utc_now
from alertsvc.store import migrate, tables


def test_there_is_one_head() -> None:
    scripts = ScriptDirectory.from_config(migrate.script_config())
    assert len(scripts.get_heads()) == 1


def test_models_and_migrations_do_not_differ(database_url: str) -> None:
    def check(conn: Connection) -> None:
        command.check(migrate.script_config(conn))

    migrate.on_connection(database_url, check)


def test_up_down_up_works_with_rows_in_every_table(database_url: str) -> None:
    migrate.on_connection(database_url, fill_every_table)
    assert migrate.downgrade(database_url, "base").current is None
    assert migrate.on_connection(database_url, lambda conn: inspect(conn).get_table_names()) == ["alembic_version"]
    assert migrate.upgrade(database_url).fits


def test_what_muted_a_notification_before_is_still_known_after_an_upgrade(database_url: str) -> None:
    migrate.on_connection(database_url, fill_every_table)
    migrate.downgrade(database_url, "0005")
    migrate.upgrade(database_url)
    known = select(tables.notification.c.id, tables.notification.c.muted_by)
    kept = select(tables.notification_mute.c.notification_id, tables.notification_mute.c.ref)
    before, after = migrate.on_connection(
        database_url, lambda conn: [list(map(tuple, conn.execute(chosen))) for chosen in (known, kept)]
    )
    assert before == after
    assert len(after) == 1


def test_before_0013_a_measurement_has_a_value(database_url: str) -> None:
    measurement, values = tables.measurement, select(tables.measurement.c.value)
    migrate.on_connection(database_url, fill_every_table)

    def add_one_without(conn: Connection) -> None:
        row = {column.name: sample(measurement, column.name, {"measurement": new_id()}) for column in measurement.c}
        conn.execute(measurement.insert(), [{**row, "value": None}])

    migrate.on_connection(database_url, add_one_without)
    migrate.downgrade(database_url, "0012")
    indexes = migrate.on_connection(database_url, lambda conn: inspect(conn).get_indexes("measurement"))
    assert {each["name"] for each in indexes} == {each.name for each in measurement.indexes}
    with pytest.raises(IntegrityError):
        migrate.on_connection(database_url, add_one_without)
    migrate.upgrade(database_url)
    assert migrate.on_connection(database_url, lambda conn: list(conn.execute(values).scalars())) == [0.5]
    migrate.on_connection(database_url, add_one_without)


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    migrate.on_connection(database_url, fill_every_table)
    assert migrate.upgrade(database_url).fits
    counts = migrate.on_connection(database_url, count_rows)
    assert set(counts.values()) == {1}


def count_rows(conn: Connection) -> dict[str, int]:
    return {name: len(conn.execute(select(table)).all()) for name, table in tables.metadata.tables.items()}


SAMPLES = {
    "state": {
        "alert": "firing",
        "event": "firing",
        "notification": "pending",
        "outbox": "pending",
        "digest": "open",
        "quarantine": "open",
        "believer": "told",
    },
    "reason": {"notification": "opened", "outbox": "opened", "delivery": "opened"},
    "outcome": {"delivery": "accepted", "attempt": "accepted"},
    "status": {"incident": "firing"},
    "deliver": {"believer": "immediate"},
    "form": {"quarantine": "item"},
}


def fill_every_table(conn: Connection) -> None:
    """One row in each table, with references that hold."""
    ids = {name: new_id() for name in tables.metadata.tables}
    for table in tables.metadata.sorted_tables:
        row = {column.name: sample(table, column.name, ids) for column in table.columns}
        conn.execute(table.insert(), [row])


def sample(table: Table, name: str, ids: dict[str, object]) -> object:
    column = table.c[name]
    if column.foreign_keys and isinstance(column.type, Uuid):
        return ids[next(iter(column.foreign_keys)).column.table.name]
    if name == "id" and isinstance(column.type, Uuid):
        return ids[table.name]
    if table.name in SAMPLES.get(name, {}):
        return SAMPLES[name][table.name]
    if name == "ended_at" and table.name == "notification":
        return None
    return of_type(column.type)


def of_type(kind: object) -> object:
    samples = [
        (Uuid, new_id()),
        (JSON, {"a": "b"}),
        (DateTime, utc_now()),
        (Boolean, False),
        (Integer, 0),
        (Float, 0.5),
        (LargeBinary, b"raw"),
    ]
    for base, value in samples:
        if isinstance(getattr(kind, "impl_instance", kind), base):
            return value
    return "text"
