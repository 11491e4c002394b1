"""what the detectors of streams know."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
INSTANT = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    op.create_table(
        "detector",
        sa.Column("fingerprint", TEXT(), nullable=False),
        sa.Column("value_count", sa.Integer(), nullable=False),
        sa.Column("began_at", INSTANT(), nullable=False),
        sa.Column("last_observed_at", INSTANT(), nullable=False),
        sa.Column("model_version", TEXT(), nullable=True),
        sa.Column("test", TEXT(), nullable=True),
        sa.Column("state", TEXT(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["series.fingerprint"], name=op.f("fk_detector_fingerprint_series"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_detector")),
    )


def downgrade() -> None:
    op.drop_table("detector")
