"""Rights of people: what they asked for, who was told, and what keeps the erased out."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from talent_pool.store.tables.schema import metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

privacy_requests = Table(
    "privacy_requests",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("kind", Text, nullable=False),  # access, erasure, rectification, restriction, objection, portability, …
    Column("state", Text, nullable=False),  # open, under_way (the store is done, recipients are not), closed
    Column("person_id", Text, nullable=False),  # as it was called then; follows merges through person_aliases
    Column("received_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("extended_to", UtcDateTime),
    Column("extension_reason", Text),
    Column("channel", Text),  # how it came: e-mail, telephone, letter, form
    Column("identity_checked_by", Text),
    Column("identity_checked_at", UtcDateTime),
    Column("handler", Text),
    Column("closed_at", UtcDateTime),
    Column("outcome", Text),
    Column("sealed", LargeBinary),  # what an erasure still needs for its recipients, encrypted; gone when it is closed
    Column("counts", JsonText),
    Index(None, "person_id"),
    Index(None, "state"),
)

privacy_recipients = Table(
    "privacy_recipients",
    metadata,
    Column("request_id", Text, ForeignKey("privacy_requests.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),  # a destination, or "inbox"
    Column("can", Text, nullable=False),  # of an erasure: delete, anonymise, tell, no; else: push
    Column("state", Text, nullable=False),  # waiting, done, by_hand
    Column("told", Text),  # our sentence: what was done, or what stands in the way
    Column("asked", Integer, nullable=False, server_default="0"),  # addresses it was asked about
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("request_id", "name"),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("key", Text, primary_key=True),  # a keyed hash: of a record's or payload's name, or of an identifier
    Column("kind", Text, nullable=False),  # record, payload, email, phone, url, name
    Column("erased_at", UtcDateTime, nullable=False),
    Column("request_id", Text, nullable=False),
    Index(None, "request_id"),
)

record_holds = Table(
    "record_holds",
    metadata,
    Column("record_id", Text, nullable=False),  # a candidate record, so that it follows merges and un-merges
    Column("cause", Text, nullable=False),  # the privacy request, or the retention rule
    Column("state", Text, nullable=False),  # restricted, archived
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    PrimaryKeyConstraint("record_id", "cause"),
    Index(None, "cause"),
)

retention_marks = Table(
    "retention_marks",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),  # the grace counts from here
)
