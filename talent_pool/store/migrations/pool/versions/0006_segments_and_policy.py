"""Interviews, users and job matches as subjects; tasks, voucher codes, approved definitions, the kind of a message."""

import sqlalchemy as sa
from alembic import op

from talent_pool.store.types import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What landed before is projected once more, so that interviews and users come to be.
_WAKE = """
    INSERT INTO work (stage, subject_id, since)
    SELECT 'resolve', id, modified_at FROM records
    WHERE record_type IN ('interaction', 'user') AND removed_at IS NULL
    ON CONFLICT (stage, subject_id) DO NOTHING
"""
_TABLES = ("voucher_codes", "tasks", "job_matches", "users", "interviews")


def upgrade():
    _subjects()
    _ledgers()
    op.add_column("segments", sa.Column("approved", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("type", sa.Text(), nullable=True))
    op.create_index(op.f("ix_deliveries_candidate_record_id"), "deliveries", ["candidate_record_id"])
    op.execute(_WAKE)


def _subjects():
    op.create_table(
        "interviews",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("invited_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("booked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("video_url", sa.Text(), nullable=True),
        sa.Column("booking_url", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("feedback_given_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interviews")),
    )
    op.create_index(op.f("ix_interviews_application_id"), "interviews", ["application_id"])
    op.create_index(op.f("ix_interviews_starts_at"), "interviews", ["starts_at"])
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("connection", "remote_id", name=op.f("uq_users_connection_remote_id")),
    )
    op.create_table(
        "job_matches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("found_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_matches")),
    )
    op.create_index(op.f("ix_job_matches_application_id"), "job_matches", ["application_id"])
    op.create_index(op.f("ix_job_matches_job_id"), "job_matches", ["job_id"])


def _ledgers():
    op.create_table(
        "tasks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("candidate_record_id", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("done_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("segment", "subject_id", name=op.f("uq_tasks_segment_subject_id")),
    )
    op.create_index(op.f("ix_tasks_candidate_record_id"), "tasks", ["candidate_record_id"])
    op.create_table(
        "voucher_codes",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("added_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("taken_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "code", name=op.f("pk_voucher_codes")),
        sa.UniqueConstraint("kind", "delivery_id", name=op.f("uq_voucher_codes_kind_delivery_id")),
    )


def downgrade():
    op.drop_index(op.f("ix_deliveries_candidate_record_id"), "deliveries")
    op.drop_column("deliveries", "type")
    op.drop_column("segments", "approved")
    for table in _TABLES:
        op.drop_table(table)
