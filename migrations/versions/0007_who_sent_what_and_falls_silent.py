"""which group a request was, and which alerts nobody confirms any more."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("arrival") as batch:
        batch.add_column(sa.Column("receiver", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch.add_column(sa.Column("group_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    with op.batch_alter_table("alert") as batch:
        batch.add_column(sa.Column("silent_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch.add_column(sa.Column("is_silent", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("is_silent")
        batch.drop_column("silent_at")
    with op.batch_alter_table("arrival") as batch:
        batch.drop_column("group_key")
        batch.drop_column("receiver")
