"""Ledgers of what left, what destinations hold, and what waits to go."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from talent_pool.store.tables.schema import Serial, metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("destination", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("candidate_record_id", Text),  # the fact's own record, so that it survives merge and un-merge
    Column("person_id", Text),
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("state", Text, nullable=False),  # planned, sending, sent, rejected, deferred, unknown, expired
    Column("reason", Text),
    Column("vendor_reason", Text),
    Column("template", Text),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("useless_after", UtcDateTime),
    Column("sent_at", UtcDateTime),
    Column("run_id", Text, nullable=False),
    Column("type", Text),  # service, marketing; null: from before this was kept
    Column("occasion", Text, nullable=False, server_default=""),  # where a subject may be written to more than once
    UniqueConstraint("destination", "segment", "subject_id", "occasion"),
    Index(None, "person_id"),
    Index(None, "candidate_record_id"),
    Index(None, "address_key"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),  # tsk_ and a keyed hash of segment and subject
    organisation(),
    Column("kind", Text, nullable=False),  # offer, rejection
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("application_id", Text, nullable=False),
    Column("candidate_record_id", Text, nullable=False),  # the person is whoever holds it
    Column("assignee", Text, nullable=False),  # a user's id, or the segment's owner where no recruiter is named
    Column("created_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("done_by", Text),
    UniqueConstraint("segment", "subject_id"),
    Index(None, "candidate_record_id"),
)

voucher_codes = Table(
    "voucher_codes",
    metadata,
    Column("kind", Text, nullable=False),  # the name that segments ask by
    Column("code", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("delivery_id", Text),  # who has it; for ever
    Column("taken_at", UtcDateTime),
    PrimaryKeyConstraint("kind", "code"),
    UniqueConstraint("kind", "delivery_id"),
)

holdings = Table(
    "holdings",
    metadata,
    Column("destination", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("person_id", Text),
    Column("fingerprint", Text, nullable=False),  # hash of the fields and tag that the destination was given
    Column("since", UtcDateTime, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("remote_id", Text),
    Column("filled", JsonText),  # names of fields that it was given a value for; null: from before this was kept
    PrimaryKeyConstraint("destination", "segment", "address"),
    Index(None, "address_key"),
)

retries = Table(
    "retries",
    metadata,
    Column("destination", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # of what was tried: with something new the count begins again
    Column("occasion", Text, nullable=False),  # the change's name, the same at each attempt
    Column("tries", Integer, nullable=False),
    Column("tried_since", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("destination", "segment", "subject_id"),
)

destination_jobs = Table(
    "destination_jobs",  # rows that a vendor took an order for and has not yet said what became of
    metadata,
    Column("destination", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("person_id", Text),
    Column("action", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("filled", JsonText),
    PrimaryKeyConstraint("destination", "job", "row_id"),
    Index(None, "destination", "segment"),
    Index(None, "person_id"),
    Index(None, "address_key"),
)

push_rows = Table(
    "push_rows",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("destination", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("person_id", Text),
    Column("fate", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("vendor_reason", Text),
    Column("fingerprint", Text),  # of what was offered, so that a refusal is tried again only with something new
    Index(None, "run_id", "fate"),
    Index(None, "destination", "segment", "subject_id"),
    sqlite_autoincrement=True,
)
