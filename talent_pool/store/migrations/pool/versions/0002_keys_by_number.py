"""Keep keys as numbers, and beside them the form in which a record is compared; every candidate is resolved anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WAKE = """
    INSERT INTO work (stage, subject_id, since)
    SELECT 'resolve', id, modified_at FROM records WHERE record_type = 'candidate' AND removed_at IS NULL
    ON CONFLICT (stage, subject_id) DO NOTHING
"""


def upgrade():
    op.drop_table("record_keys")
    op.create_table(
        "record_keys",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "record_id", name=op.f("pk_record_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_record_keys_record_id"), "record_keys", ["record_id"])
    op.create_table(
        "record_forms",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_forms")),
        sqlite_with_rowid=False,
    )
    op.execute(_WAKE)


def downgrade():
    op.drop_table("record_forms")
    op.drop_table("record_keys")
    op.create_table(
        "record_keys",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "kind", "value", name=op.f("pk_record_keys")),
    )
    op.create_index(op.f("ix_record_keys_kind_value"), "record_keys", ["kind", "value"])
    op.execute(_WAKE)
