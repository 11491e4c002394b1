"""a notification is kept with everything that muted it."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ANY_MUTE = sa.text("muted_by IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "notification_mute",
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("muted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notification.id"],
            name=op.f("fk_notification_mute_notification_id_notification"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notification_id", "ref", name=op.f("pk_notification_mute")),
    )
    op.execute(
        "INSERT INTO notification_mute (notification_id, ref, muted_at)"
        " SELECT id, muted_by, COALESCE(ended_at, created_at) FROM notification WHERE muted_by IS NOT NULL"
    )
    with op.batch_alter_table("notification_mute", schema=None) as batch_op:
        batch_op.create_index("ix_notification_mute_ref_muted_at", ["ref", "muted_at"], unique=False)
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_index("ix_notification_muted_by", sqlite_where=ANY_MUTE, postgresql_where=ANY_MUTE)


def downgrade() -> None:
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.create_index(
            "ix_notification_muted_by", ["muted_by"], unique=False, sqlite_where=ANY_MUTE, postgresql_where=ANY_MUTE
        )
    op.drop_table("notification_mute")
