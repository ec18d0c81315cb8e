"""Landed: what sources said, the only facts there are, and what was said about consent."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from talent_pool.store.tables.schema import Serial, metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

payloads = Table(
    "payloads",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    organisation(),
    Column("connection", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),  # sha256 of canonical JSON less the stream's volatile fields
    Column("body", LargeBinary, nullable=False),  # zstd of canonical JSON
    Column("remote_updated_at", UtcDateTime),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("first_run_id", Text, nullable=False),
    Column("last_run_id", Text, nullable=False),
    UniqueConstraint("connection", "stream", "remote_id"),
    Index(None, "last_run_id"),
    sqlite_autoincrement=True,
)

payload_versions = Table(
    "payload_versions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("connection", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("superseded_at", UtcDateTime, nullable=False),
    Index(None, "connection", "stream", "remote_id"),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    organisation(),
    Column("connection", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("remote_id", Text),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd of what came
    Column("reason", Text, nullable=False),  # names fields, never values
    Column("run_id", Text, nullable=False),
    Column("quarantined_at", UtcDateTime, nullable=False),
    Column("replayed_at", UtcDateTime),
    UniqueConstraint("connection", "stream", "hash"),
    Index(None, "connection", "stream", "remote_id"),
    sqlite_autoincrement=True,
)

landed_deliveries = Table(
    "landed_deliveries",
    metadata,
    Column("connection", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("landed_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("connection", "key"),
)

records = Table(
    "records",
    metadata,
    Column("id", Text, primary_key=True),  # birth id: rec_ and an HMAC of connection, type, remote id, generation
    organisation(),
    Column("connection", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("stream", Text, nullable=False),
    Column("payload_remote_id", Text, nullable=False),  # the payload this was parsed from
    Column("parent_type", Text),
    Column("parent_remote_id", Text),
    Column("landing_number", BigInteger, nullable=False),  # order of first landing
    Column("body", JsonText, nullable=False),  # the record's fields, unset ones left out
    Column("remote_created_at", UtcDateTime),
    Column("remote_updated_at", UtcDateTime),
    Column("landed_at", UtcDateTime, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
    Column("removal_cause", Text),
    UniqueConstraint("connection", "record_type", "remote_id", "generation"),
    Index(None, "connection", "stream", "payload_remote_id"),
    Index(None, "connection", "parent_type", "parent_remote_id"),
)

consent_statements = Table(
    "consent_statements",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("connection", Text, nullable=False),
    Column("record_id", Text),  # the candidate record that said it; null where only an address is known
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address_key", Text),  # keyed hash; null means the whole person
    Column("status", Text, nullable=False),
    Column("lawful_basis", Text, nullable=False),
    Column("stated_by", Text, nullable=False),
    Column("stated_at", UtcDateTime, nullable=False),
    Column("learned_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("evidence", JsonText, nullable=False),
    Column("jurisdiction", Text),
    Column("supersedes", Text),
    Index(None, "record_id"),
    Index(None, "address_key"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("address_key", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("destination", Text),  # null: every destination
    Column("reason", Text, nullable=False),  # bounced, complained, compliance_state, do_not_contact
    Column("source", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("lifted_at", UtcDateTime),
    Index(None, "address_key"),
)

referral_links = Table(
    "referral_links",
    metadata,
    Column("token", Text, primary_key=True),
    organisation(),
    Column("job_connection", Text),
    Column("job_remote_id", Text),
    Column("target_url", Text, nullable=False),
    Column("referrer_name", Text),
    Column("referrer_email", Text),
    Column("campaign", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
)
