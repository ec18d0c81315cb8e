"""How things run: runs and their pages, leases, work that waits, counters, switches."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from talent_pool.store.tables.schema import metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # sync, resolve, segments, push, read_back
    Column("subject", Text, nullable=False),  # the connection or destination, or "pool"
    organisation(),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("state", Text, nullable=False),  # running, succeeded, failed
    Column("error", Text),
    Column("counts", JsonText),
    Index(None, "kind", "subject", "started_at"),
)

run_pages = Table(
    "run_pages",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("stream", Text, nullable=False),
    *(
        Column(name, Integer, nullable=False)
        for name in ("read", "new", "changed", "same", "stale", "deleted", "duplicate", "quarantined")
    ),
    Column("erased", Integer, nullable=False, server_default="0"),  # of people who were erased: not landed
    PrimaryKeyConstraint("run_id", "number"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("connection", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("cursor", JsonText),
    Column("run_id", Text),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("full_read_at", UtcDateTime),  # when a listing was last read whole
    PrimaryKeyConstraint("connection", "stream"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("acquired_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

switches = Table(
    "switches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),  # connection or destination, and the kind of token
    Column("ciphertext", LargeBinary, nullable=False),
    Column("expires_at", UtcDateTime),
)

work = Table(
    "work",
    metadata,
    Column("stage", Text, nullable=False),  # resolve (record ids), rebuild, segments (person ids)
    Column("subject_id", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("stage", "subject_id"),
)
