"""Derived: segments, who is in them, and who is due."""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from talent_pool.store.tables.schema import metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

segments = Table(
    "segments",
    metadata,
    Column("name", Text, primary_key=True),
    organisation(),
    Column("version", Text, nullable=False),  # hash of the definition
    Column("definition", JsonText, nullable=False),
    Column("activated_at", UtcDateTime, nullable=False),
    Column("evaluated_at", UtcDateTime),
    Column("approved", Text),  # the version that somebody said yes to after a preview, until it is in force
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("segment", Text, nullable=False),
    Column("segment_version", Text, nullable=False),
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("person_id", Text),  # the recipient now; follows merges
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("entered_because", Text, nullable=False),
    Column("left_because", Text),
    Column("next_due_at", UtcDateTime),
    UniqueConstraint("segment", "subject_id", "since"),
    Index(None, "segment", "until"),
    Index(None, "person_id"),
    Index(None, "next_due_at"),
)

segment_due = Table(
    "segment_due",
    metadata,
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),  # not in the segment, but time alone may bring it in
    Column("person_id", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("segment", "subject_id"),
    Index(None, "person_id"),
    Index(None, "due_at"),
)
