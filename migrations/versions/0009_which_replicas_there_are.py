"""which replicas there are, and how each describes itself."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    listed = sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
    )
    op.create_table(
        "replica",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("configuration", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("configured_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("busy", listed, nullable=False),
        sa.Column("troubles", listed, nullable=False),
        sa.Column("file_trouble", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("clock_offset_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_replica")),
    )


def downgrade() -> None:
    op.drop_table("replica")
