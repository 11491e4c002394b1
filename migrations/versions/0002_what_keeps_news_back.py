"""what keeps news back."""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REASONS_BEFORE = ("opened", "updated", "raised", "acknowledged", "unacknowledged", "repeated", "resolved", "test")
REASONS = (*REASONS_BEFORE[:6], "unmuted", "flapping", *REASONS_BEFORE[6:])
OUTCOMES_BEFORE = ("accepted", "failed", "superseded")
OUTCOMES = (*OUTCOMES_BEFORE, "suppressed")


def one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def change_check(table: str, column: str, words: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(name, type_="check")
        batch_op.create_check_constraint(name, one_of(column, words))


def upgrade() -> None:
    op.create_table(
        "ended_mute",
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_ended_mute")),
    )
    op.create_table(
        "silence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "matchers",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("schedule", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("timezone", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("created_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("comment", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "annotations",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("updated_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("spread_for", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("reported_for", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column(
            "report",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    with op.batch_alter_table("silence", schema=None) as batch_op:
        batch_op.create_index("ix_silence_ends_at", ["ends_at"], unique=False)

    op.create_table(
        "storm",
        sa.Column("destination", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "state",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("next_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("destination", name=op.f("pk_storm")),
    )
    op.create_table(
        "mute",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("destination", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("said", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("check_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name=op.f("fk_mute_incident_id_incident"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "destination", "ref", name=op.f("pk_mute")),
    )
    with op.batch_alter_table("mute", schema=None) as batch_op:
        batch_op.create_index(
            "ix_mute_check_at",
            ["check_at"],
            unique=False,
            sqlite_where=sa.text("check_at IS NOT NULL"),
            postgresql_where=sa.text("check_at IS NOT NULL"),
        )
        batch_op.create_index("ix_mute_ref", ["ref"], unique=False)

    op.create_table(
        "inhibitor",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("rule_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("place", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("fingerprint", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("two_sided", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name=op.f("fk_inhibitor_alert_id_alert"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alert_id", "rule_key", name=op.f("pk_inhibitor")),
    )
    with op.batch_alter_table("inhibitor", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inhibitor_place_two_sided_fingerprint", ["place", "two_sided", "fingerprint"], unique=False
        )

    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "changes",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("stable_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("end_is_held", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.create_index(
            "ix_alert_due_at",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )

    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "storm",
                sa.JSON(none_as_null=True).with_variant(
                    postgresql.JSONB(none_as_null=True, astext_type=Text()), "postgresql"
                ),
                nullable=True,
            )
        )

    with op.batch_alter_table("believer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("muted_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.create_index(
            "ix_notification_muted_by",
            ["muted_by"],
            unique=False,
            sqlite_where=sa.text("muted_by IS NOT NULL"),
            postgresql_where=sa.text("muted_by IS NOT NULL"),
        )

    change_check("notification", "reason", REASONS)
    change_check("outbox", "reason", REASONS)
    change_check("delivery", "outcome", OUTCOMES)


def downgrade() -> None:
    op.execute("UPDATE notification SET reason = 'repeated' WHERE reason IN ('unmuted', 'flapping')")
    op.execute("UPDATE outbox SET reason = 'repeated' WHERE reason IN ('unmuted', 'flapping')")
    change_check("notification", "reason", REASONS_BEFORE)
    change_check("outbox", "reason", REASONS_BEFORE)
    op.execute("UPDATE delivery SET outcome = 'superseded' WHERE outcome = 'suppressed'")
    change_check("delivery", "outcome", OUTCOMES_BEFORE)
    with op.batch_alter_table("notification", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_notification_muted_by",
            sqlite_where=sa.text("muted_by IS NOT NULL"),
            postgresql_where=sa.text("muted_by IS NOT NULL"),
        )
        batch_op.drop_column("muted_by")

    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.drop_column("storm")

    with op.batch_alter_table("believer", schema=None) as batch_op:
        batch_op.drop_column("held")

    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_alert_due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
        batch_op.drop_column("due_at")
        batch_op.drop_column("end_is_held")
        batch_op.drop_column("stable_at")
        batch_op.drop_column("changes")
        batch_op.drop_column("expires_at")

    with op.batch_alter_table("inhibitor", schema=None) as batch_op:
        batch_op.drop_index("ix_inhibitor_place_two_sided_fingerprint")

    op.drop_table("inhibitor")
    with op.batch_alter_table("mute", schema=None) as batch_op:
        batch_op.drop_index("ix_mute_ref")
        batch_op.drop_index(
            "ix_mute_check_at",
            sqlite_where=sa.text("check_at IS NOT NULL"),
            postgresql_where=sa.text("check_at IS NOT NULL"),
        )

    op.drop_table("mute")
    op.drop_table("storm")
    with op.batch_alter_table("silence", schema=None) as batch_op:
        batch_op.drop_index("ix_silence_ends_at")

    op.drop_table("silence")
    op.drop_table("ended_mute")
