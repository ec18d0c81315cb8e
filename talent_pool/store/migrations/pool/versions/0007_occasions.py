"""Let one message of a segment go again to the same subject, once for each occasion that has a name."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ONCE = "uq_deliveries_destination_segment_subject_id"
_ONCE_EACH = f"{_ONCE}_occasion"


def upgrade():
    with op.batch_alter_table("deliveries") as batch:
        batch.add_column(sa.Column("occasion", sa.Text(), nullable=False, server_default=""))
        batch.drop_constraint(_ONCE, type_="unique")
        batch.create_unique_constraint(_ONCE_EACH, ["destination", "segment", "subject_id", "occasion"])


def downgrade():
    # Of several messages about one subject the first stays: it is what keeps another from going.
    op.execute("DELETE FROM deliveries WHERE occasion <> '' AND EXISTS (SELECT 1 FROM deliveries AS first WHERE "
               "first.destination = deliveries.destination AND first.segment = deliveries.segment AND "
               "first.subject_id = deliveries.subject_id AND first.occasion < deliveries.occasion)")  # fmt: skip
    with op.batch_alter_table("deliveries") as batch:
        batch.drop_constraint(_ONCE_EACH, type_="unique")
        batch.create_unique_constraint(_ONCE, ["destination", "segment", "subject_id"])
        batch.drop_column("occasion")
