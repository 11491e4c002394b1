"""what is known of models: series, what was made of measurements, deployments."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
INSTANT = sqlmodel.sql.sqltypes.UTCDateTime
TROUBLED = sa.text("trouble IS NOT NULL")
EXPECTED = sa.text("expected_at IS NOT NULL")


def upgrade() -> None:
    document = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
    )
    op.create_table(
        "series",
        sa.Column("fingerprint", TEXT(), nullable=False),
        sa.Column("model", TEXT(), nullable=False),
        sa.Column("metric", TEXT(), nullable=False),
        sa.Column("kind", TEXT(), nullable=False),
        sa.Column("environment", TEXT(), nullable=False),
        sa.Column("feature", TEXT(), nullable=True),
        sa.Column("dataset", TEXT(), nullable=True),
        sa.Column("test", TEXT(), nullable=True),
        sa.Column("labels", document, nullable=False),
        sa.Column("first_observed_at", INSTANT(), nullable=False),
        sa.Column("last_observed_at", INSTANT(), nullable=False),
        sa.Column("last_received_at", INSTANT(), nullable=False),
        sa.Column("last_value", sa.Float(), nullable=True),
        sa.Column("last_threshold", sa.Float(), nullable=True),
        sa.Column("last_state", TEXT(), nullable=False),
        sa.Column("last_decided_by", TEXT(), nullable=False),
        sa.Column("model_version", TEXT(), nullable=True),
        sa.Column("expected_within_seconds", sa.Float(), nullable=True),
        sa.Column("expected_at", INSTANT(), nullable=True),
        sa.Column("trouble", TEXT(), nullable=True),
        sa.Column("baseline_from", INSTANT(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_series")),
    )
    op.create_index(
        "ix_series_expected_at", "series", ["expected_at"], sqlite_where=EXPECTED, postgresql_where=EXPECTED
    )
    op.create_index("ix_series_trouble", "series", ["trouble"], sqlite_where=TROUBLED, postgresql_where=TROUBLED)
    op.create_index("ix_series_model_metric", "series", ["model", "metric"])
    op.create_index("ix_series_last_received_at", "series", ["last_received_at"])
    op.create_table(
        "deployment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model", TEXT(), nullable=False),
        sa.Column("environment", TEXT(), nullable=True),
        sa.Column("model_version", TEXT(), nullable=True),
        sa.Column("alias", TEXT(), nullable=True),
        sa.Column("action", TEXT(), nullable=False),
        sa.Column("source", TEXT(), nullable=False),
        sa.Column("happened_at", INSTANT(), nullable=False),
        sa.Column("received_at", INSTANT(), nullable=False),
        sa.Column("details", document, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_index("ix_deployment_model_happened_at", "deployment", ["model", "happened_at"])
    op.create_index("ix_deployment_received_at", "deployment", ["received_at"])
    with op.batch_alter_table("measurement") as batch:
        batch.add_column(sa.Column("model_version", TEXT(), nullable=True))
        batch.add_column(sa.Column("is_bad", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("is_baseline", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_index("ix_measurement_model_metric_observed_at", "measurement", ["model", "metric", "observed_at"])


def downgrade() -> None:
    op.drop_index("ix_measurement_model_metric_observed_at", "measurement")
    with op.batch_alter_table("measurement") as batch:
        batch.drop_column("is_baseline")
        batch.drop_column("is_bad")
        batch.drop_column("model_version")
    op.drop_table("deployment")
    op.drop_table("series")
