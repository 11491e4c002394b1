"""when what an ended mute kept back was looked at first."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ended_mute") as batch:
        batch.add_column(sa.Column("looked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch.drop_constraint("pk_ended_mute", type_="primary")
        batch.create_primary_key("pk_ended_mute", ["ref", "ended_at"])


def downgrade() -> None:
    op.execute(TWICE)
    with op.batch_alter_table("ended_mute") as batch:
        batch.drop_constraint("pk_ended_mute", type_="primary")
        batch.drop_column("looked_at")
        batch.create_primary_key("pk_ended_mute", ["ref"])


TWICE = """
DELETE FROM ended_mute WHERE EXISTS (
    SELECT 1 FROM ended_mute AS later WHERE later.ref = ended_mute.ref AND later.ended_at > ended_mute.ended_at
)
"""
