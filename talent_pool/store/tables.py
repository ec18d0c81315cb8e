"""Every table of the store.

Three layers. *Landed*: what sources said (payloads, records, statements), the only facts there are. *Derived*: what
follows from them (keys, edges, people, applications, memberships), to be thrown away and rebuilt at any time, save
for ids, which are history. *Ledgers*: what was done (runs, changes, deliveries), append-only but for erasure.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from talent_pool.store.types import JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Serial = BigInteger().with_variant(Integer, "sqlite")


def _organisation() -> Column[str]:
    return Column("organisation", Text, nullable=False)


# --- how things run ---------------------------------------------------------------------------------------------

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # sync, resolve, segments, push, read_back
    Column("subject", Text, nullable=False),  # the connection or destination, or "pool"
    _organisation(),
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

# --- landed -----------------------------------------------------------------------------------------------------

payloads = Table(
    "payloads",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _organisation(),
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
    Column("id", _Serial, primary_key=True, autoincrement=True),
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
    Column("id", _Serial, primary_key=True, autoincrement=True),
    _organisation(),
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
    _organisation(),
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
    _organisation(),
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
    _organisation(),
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
    _organisation(),
    Column("job_connection", Text),
    Column("job_remote_id", Text),
    Column("target_url", Text, nullable=False),
    Column("referrer_name", Text),
    Column("referrer_email", Text),
    Column("campaign", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
)

# --- derived: who is one person -----------------------------------------------------------------------------------

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
    _organisation(),
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
    _organisation(),
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
    _organisation(),
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
    _organisation(),
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

# --- derived: segments ----------------------------------------------------------------------------------------------

segments = Table(
    "segments",
    metadata,
    Column("name", Text, primary_key=True),
    _organisation(),
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
    _organisation(),
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

# --- ledgers of what left -------------------------------------------------------------------------------------------

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    _organisation(),
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
    UniqueConstraint("destination", "segment", "subject_id"),
    Index(None, "person_id"),
    Index(None, "candidate_record_id"),
    Index(None, "address_key"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),  # tsk_ and a keyed hash of segment and subject
    _organisation(),
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
    PrimaryKeyConstraint("destination", "job", "row_id"),
    Index(None, "destination", "segment"),
    Index(None, "person_id"),
    Index(None, "address_key"),
)

push_rows = Table(
    "push_rows",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
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

# --- rights of people -----------------------------------------------------------------------------------------------

privacy_requests = Table(
    "privacy_requests",
    metadata,
    Column("id", Text, primary_key=True),
    _organisation(),
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
    Column("can", Text, nullable=False),  # delete, anonymise, no
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
