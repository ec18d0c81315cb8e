"""Derived: who is one person, and what follows for people, applications, jobs and interviews."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from talent_pool.store.tables.schema import metadata, organisation
from talent_pool.store.types import JsonText, UtcDateTime

epochs = Table(
    "epochs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("model", JsonText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("in_force", Boolean, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # same, different
    Column("record_a", Text, nullable=False),  # birth ids, so that a decision outlives deletion and re-landing
    Column("record_b", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("note", Text),
    Column("withdrawn_at", UtcDateTime),
    Index(None, "record_a"),
    Index(None, "record_b"),
)

record_keys = Table(
    "record_keys",
    metadata,
    Column("key", BigInteger, nullable=False),  # a hash of organisation, kind and value
    Column("record_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # the holder's comparable name: tells shared values from personal ones
    PrimaryKeyConstraint("key", "record_id"),
    Index(None, "record_id"),
    sqlite_with_rowid=False,
)

record_forms = Table(
    "record_forms",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("form", Text, nullable=False),  # the record as it is compared: dedupe.normalise.Normalised, as a JSON array
    sqlite_with_rowid=False,
)

edges = Table(
    "edges",
    metadata,
    Column("record_a", Text, nullable=False),
    Column("record_b", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("probability", Float, nullable=False),
    Column("levels", JsonText, nullable=False),
    Column("epoch", Integer, nullable=False),
    PrimaryKeyConstraint("record_a", "record_b"),
    Index(None, "record_b"),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("anchor_record_id", Text, nullable=False),
    Column("minted_number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # active, restricted, archived, erasure_pending, erased, ended
    Column("full_name", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("primary_email", Text),
    Column("primary_phone", Text),
    Column("city", Text),
    Column("region", Text),
    Column("country_code", Text),
    Column("time_zone", Text),
    Column("time_zone_basis", Text),
    Column("language", Text),
    Column("company", Text),
    Column("title", Text),
    Column("relationship", Text),
    Column("is_private", Boolean),
    Column("golden", JsonText, nullable=False),  # every surviving field, by model.md's names
    Column("provenance", JsonText, nullable=False),  # {field: {record_id, connection, observed_at, rule, superseded}}
    Column("first_seen_at", UtcDateTime),
    Column("last_activity_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    UniqueConstraint("anchor_record_id"),
)

GONE = ("ended", "erased")
"""States of people of whom nothing is left but the id."""

person_records = Table(
    "person_records",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("person_id", Text, nullable=False),
    Index(None, "person_id"),
)

person_aliases = Table(
    "person_aliases",
    metadata,
    Column("id", Text, primary_key=True),  # an id that was once given out
    Column("person_id", Text, nullable=False),  # who it stands for now
    Column("minted_number", BigInteger, nullable=False),  # kept, so that an un-merge gives the id back with its rank
    Column("since", UtcDateTime, nullable=False),
    Index(None, "person_id"),
)

person_addresses = Table(
    "person_addresses",
    metadata,
    Column("person_id", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("channel", Text, nullable=False),  # email, sms
    Column("address", Text, nullable=False),  # as it is written to
    Column("address_key", Text, nullable=False),  # keyed hash of the address folded for comparison
    Column("is_primary", Boolean, nullable=False),
    PrimaryKeyConstraint("person_id", "record_id", "channel", "address"),
    Index(None, "address_key"),
)

applications = Table(
    "applications",
    metadata,
    Column("id", Text, primary_key=True),  # app_ and the record's own id
    organisation(),
    Column("connection", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("record_id", Text, nullable=False),  # the application's own record
    Column("candidate_record_id", Text, nullable=False),  # birth id of the candidate record it hangs on
    Column("person_id", Text),
    Column("job_id", Text),
    Column("kind", Text, nullable=False),
    Column("applied_at", UtcDateTime),
    Column("stage", Text),
    Column("stage_name", Text),
    Column("stage_entered_at", UtcDateTime),
    Column("furthest_stage", Text),
    Column("furthest_rank", Integer),
    Column("outcome", Text, nullable=False),
    Column("outcome_at", UtcDateTime),
    Column("outcome_learned_at", UtcDateTime),
    Column("on_hold", Boolean, nullable=False),
    Column("reject_reason", Text),
    Column("source_name", Text),
    Column("source_family", Text),
    Column("referrer", JsonText),
    Column("referred", Boolean, nullable=False),
    Column("recruiter_id", Text),
    Column("acknowledged_at", UtcDateTime),
    Column("attachments", JsonText, nullable=False),
    Column("landed_at", UtcDateTime, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    UniqueConstraint("record_id"),
    Index(None, "person_id"),
    Index(None, "candidate_record_id"),
    Index(None, "job_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    organisation(),
    Column("connection", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("name", Text),
    Column("status", Text),
    Column("confidential", Boolean, nullable=False),
    Column("public_url", Text),
    Column("body", JsonText, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    UniqueConstraint("connection", "remote_id"),
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),  # evt_ and the record's own id
    Column("connection", Text, nullable=False),
    Column("record_id", Text, nullable=False),  # the interaction's own record
    Column("application_id", Text),
    Column("candidate_record_id", Text),
    Column("type", Text, nullable=False),
    Column("at", UtcDateTime),
    Column("precision", Text, nullable=False),
    Column("actor", Text),
    Column("details", JsonText, nullable=False),
    Index(None, "application_id"),
    Index(None, "candidate_record_id"),
)

interviews = Table(
    "interviews",
    metadata,
    Column("id", Text, primary_key=True),  # int_ and a keyed hash of connection, application and the interview's id
    Column("connection", Text, nullable=False),
    Column("application_id", Text, nullable=False),
    Column("state", Text, nullable=False),  # invited, booked, cancelled, held
    Column("invited_at", UtcDateTime),
    Column("booked_at", UtcDateTime),
    Column("starts_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    Column("time_zone", Text),  # where it takes place
    Column("place", Text),
    Column("video_url", Text),
    Column("booking_url", Text),
    Column("user_id", Text),  # the source's own id of whoever holds it
    Column("feedback_given_at", UtcDateTime),
    Index(None, "application_id"),
    Index(None, "starts_at"),
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),  # usr_ and a keyed hash of connection and remote id
    organisation(),
    Column("connection", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("name", Text),
    Column("email", Text),
    Column("active", Boolean, nullable=False),
    Column("roles", JsonText, nullable=False),
    UniqueConstraint("connection", "remote_id"),
)

job_matches = Table(
    "job_matches",
    metadata,
    Column("id", Text, primary_key=True),  # mat_ and a keyed hash of job and application
    Column("job_id", Text, nullable=False),  # the open job
    Column("application_id", Text, nullable=False),  # the past application, for a job like it
    Column("reasons", JsonText, nullable=False),  # why the jobs are alike, in words
    Column("found_at", UtcDateTime, nullable=False),
    Index(None, "application_id"),
    Index(None, "job_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # gap-free in commit order
    Column("subject_type", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # created, changed, merged, split, ended
    Column("cause", JsonText, nullable=False),  # ids and kinds, never values
    Column("at", UtcDateTime, nullable=False),
    Index(None, "subject_id"),
)
