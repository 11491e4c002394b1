"""what is old is found by an index, however much is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = (
    ("ix_incident_resolved_at", "incident", "resolved_at"),
    ("ix_attempt_finished_at", "attempt", "finished_at"),
    ("ix_quarantine_received_at", "quarantine", "received_at"),
)
PARTIAL = (
    ("ix_delivery_of_digest_finished_at", "delivery", "finished_at", "incident_id IS NULL"),
    ("ix_digest_closed_at", "digest", "closed_at", "state <> 'open'"),
    ("ix_arrival_without_news_received_at", "arrival", "received_at", "new_count + updated_count = 0"),
    ("ix_alert_without_incident_closed_at", "alert", "closed_at", "incident_id IS NULL"),
)


def upgrade() -> None:
    for name, table, column in WHOLE:
        op.create_index(name, table, [column])
    for name, table, column, where in PARTIAL:
        op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, *_ in (*PARTIAL, *WHOLE):
        op.drop_index(name, table)
