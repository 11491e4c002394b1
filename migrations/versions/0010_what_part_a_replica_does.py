"""what part of the work a replica does."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("replica") as batch:
        batch.add_column(sa.Column("role", sqlmodel.sql.sqltypes.AutoString(), server_default="all", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("replica") as batch:
        batch.drop_column("role")
