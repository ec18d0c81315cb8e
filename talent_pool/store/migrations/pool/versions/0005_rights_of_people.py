"""Requests of people, tombstones of those who were erased, restrictions, and who is due to be forgotten."""

import sqlalchemy as sa
from alembic import op

from talent_pool.store.types import JsonText, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("run_pages", sa.Column("erased", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "privacy_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("extended_to", UtcDateTime()),
        sa.Column("extension_reason", sa.Text()),
        sa.Column("channel", sa.Text()),
        sa.Column("identity_checked_by", sa.Text()),
        sa.Column("identity_checked_at", UtcDateTime()),
        sa.Column("handler", sa.Text()),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("outcome", sa.Text()),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("counts", JsonText()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(op.f("ix_privacy_requests_person_id"), "privacy_requests", ["person_id"])
    op.create_index(op.f("ix_privacy_requests_state"), "privacy_requests", ["state"])
    op.create_table(
        "privacy_recipients",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("can", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("told", sa.Text()),
        sa.Column("asked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["privacy_requests.id"],
            name=op.f("fk_privacy_recipients_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "name", name=op.f("pk_privacy_recipients")),
    )
    op.create_table(
        "tombstones",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tombstones")),
    )
    op.create_index(op.f("ix_tombstones_request_id"), "tombstones", ["request_id"])
    op.create_table(
        "record_holds",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime()),
        sa.PrimaryKeyConstraint("record_id", "cause", name=op.f("pk_record_holds")),
    )
    op.create_index(op.f("ix_record_holds_cause"), "record_holds", ["cause"])
    op.create_table(
        "retention_marks",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_retention_marks")),
    )


def downgrade():
    for name in ("retention_marks", "record_holds", "tombstones", "privacy_recipients", "privacy_requests"):
        op.drop_table(name)
    with op.batch_alter_table("run_pages") as batch:
        batch.drop_column("erased")
