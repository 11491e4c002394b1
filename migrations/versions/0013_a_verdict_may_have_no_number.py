"""a verdict may have no number."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("measurement") as batch:
        batch.alter_column("value", existing_type=sa.Float(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM measurement WHERE value IS NULL")  # there was no place for them
    with op.batch_alter_table("measurement") as batch:
        batch.alter_column("value", existing_type=sa.Float(), nullable=False)
