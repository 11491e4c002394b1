"""what a digest held is found after it was sent, too."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def partial(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.drop_index("ix_notification_pending_digest_id", "notification")
    op.create_index("ix_notification_digest_id", "notification", ["digest_id"], **partial("digest_id IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_notification_digest_id", "notification")
    op.create_index("ix_notification_pending_digest_id", "notification", ["digest_id"], **partial("state = 'pending'"))
