"""Remember what a destination calls those put there, and the rows whose fate it has yet to tell."""

import sqlalchemy as sa
from alembic import op

import talent_pool.store.types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("holdings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remote_id", sa.Text(), nullable=True))
    op.create_table(
        "destination_jobs",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("destination", "job", "row_id", name=op.f("pk_destination_jobs")),
    )
    op.create_index(op.f("ix_destination_jobs_destination_segment"), "destination_jobs", ["destination", "segment"])
    op.create_index(op.f("ix_destination_jobs_person_id"), "destination_jobs", ["person_id"])
    op.create_index(op.f("ix_destination_jobs_address_key"), "destination_jobs", ["address_key"])


def downgrade():
    op.drop_table("destination_jobs")
    with op.batch_alter_table("holdings", schema=None) as batch_op:
        batch_op.drop_column("remote_id")
