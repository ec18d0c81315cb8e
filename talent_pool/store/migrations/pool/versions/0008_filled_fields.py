"""Remember which fields a destination was given a value for, so that they are emptied when there is none any more."""

import sqlalchemy as sa
from alembic import op

from talent_pool.store.types import JsonText

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = ("holdings", "destination_jobs")


def upgrade():
    for table in _TABLES:
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("filled", JsonText(), nullable=True))


def downgrade():
    for table in _TABLES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("filled")
