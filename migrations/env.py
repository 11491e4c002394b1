"""Runs the migrations, for the service (`alertsvc db upgrade`) and for `alembic` in a checkout."""

import os

from alembic import context
from sqlalchemy import Connection, text

from alertsvc import failpoints
from alertsvc.store.migrate import on_connection
from alertsvc.store.tables import metadata

LOCK = 7_251_990_411


def migrate(connection: Connection) -> None:
    """Run what was asked for on `connection`, in the transaction it is in."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
        on_version_apply=lambda **_: failpoints.reach("migrate.step"),
    )
    if connection.dialect.name == "postgresql":  # one replica migrates, the others wait for it
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    on_connection(os.environ.get("ALERTSVC_DATABASE_URL", "sqlite:///alertsvc.db"), migrate)
else:
    migrate(given)
