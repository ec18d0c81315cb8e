"""Create the talent pool's tables."""

import sqlalchemy as sa
from alembic import op

import talent_pool.store.types

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():  # noqa: PLR0915 - one list of tables
    op.create_table(
        "applications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("candidate_record_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("applied_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("stage_name", sa.Text(), nullable=True),
        sa.Column("stage_entered_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("furthest_stage", sa.Text(), nullable=True),
        sa.Column("furthest_rank", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("outcome_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("outcome_learned_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("reject_reason", sa.Text(), nullable=True),
        sa.Column("source_name", sa.Text(), nullable=True),
        sa.Column("source_family", sa.Text(), nullable=True),
        sa.Column("referrer", talent_pool.store.types.JsonText(), nullable=True),
        sa.Column("referred", sa.Boolean(), nullable=False),
        sa.Column("recruiter_id", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attachments", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("landed_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("modified_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("record_id", name=op.f("uq_applications_record_id")),
    )
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_applications_candidate_record_id"), ["candidate_record_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_applications_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_applications_person_id"), ["person_id"], unique=False)

    op.create_table(
        "changes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_changes")),
    )
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_changes_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "consent_statements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lawful_basis", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("learned_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("evidence", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=True),
        sa.Column("supersedes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_statements")),
    )
    with op.batch_alter_table("consent_statements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_statements_address_key"), ["address_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_consent_statements_record_id"), ["record_id"], unique=False)

    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "cursors",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("cursor", talent_pool.store.types.JsonText(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("updated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("full_read_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("connection", "stream", name=op.f("pk_cursors")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_a", sa.Text(), nullable=False),
        sa.Column("record_b", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_record_a"), ["record_a"], unique=False)
        batch_op.create_index(batch_op.f("ix_decisions_record_b"), ["record_b"], unique=False)

    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("candidate_record_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("vendor_reason", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("planned_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("useless_after", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sent_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "destination", "segment", "subject_id", name=op.f("uq_deliveries_destination_segment_subject_id")
        ),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deliveries_address_key"), ["address_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_deliveries_person_id"), ["person_id"], unique=False)

    op.create_table(
        "edges",
        sa.Column("record_a", sa.Text(), nullable=False),
        sa.Column("record_b", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("levels", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("record_a", "record_b", name=op.f("pk_edges")),
    )
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edges_record_b"), ["record_b"], unique=False)

    op.create_table(
        "epochs",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("created_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_epochs")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=True),
        sa.Column("candidate_record_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("details", talent_pool.store.types.JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_candidate_record_id"), ["candidate_record_id"], unique=False)

    op.create_table(
        "holdings",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("modified_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("destination", "segment", "address", name=op.f("pk_holdings")),
    )
    with op.batch_alter_table("holdings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holdings_address_key"), ["address_key"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("public_url", sa.Text(), nullable=True),
        sa.Column("body", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("modified_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("connection", "remote_id", name=op.f("uq_jobs_connection_remote_id")),
    )
    op.create_table(
        "landed_deliveries",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("landed_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name=op.f("pk_landed_deliveries")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("acquired_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("segment_version", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("entered_because", sa.Text(), nullable=False),
        sa.Column("left_because", sa.Text(), nullable=True),
        sa.Column("next_due_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
        sa.UniqueConstraint("segment", "subject_id", "since", name=op.f("uq_memberships_segment_subject_id_since")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_next_due_at"), ["next_due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_memberships_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_memberships_segment_until"), ["segment", "until"], unique=False)

    op.create_table(
        "payload_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payload_versions")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("payload_versions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payload_versions_connection_stream_remote_id"),
            ["connection", "stream", "remote_id"],
            unique=False,
        )

    op.create_table(
        "payloads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("remote_updated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("first_run_id", sa.Text(), nullable=False),
        sa.Column("last_run_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payloads")),
        sa.UniqueConstraint("connection", "stream", "remote_id", name=op.f("uq_payloads_connection_stream_remote_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("payloads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payloads_last_run_id"), ["last_run_id"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("anchor_record_id", sa.Text(), nullable=False),
        sa.Column("minted_number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("primary_email", sa.Text(), nullable=True),
        sa.Column("primary_phone", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("country_code", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("time_zone_basis", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("relationship", sa.Text(), nullable=True),
        sa.Column("is_private", sa.Boolean(), nullable=True),
        sa.Column("golden", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("provenance", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("first_seen_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_activity_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("modified_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("anchor_record_id", name=op.f("uq_people_anchor_record_id")),
    )
    op.create_table(
        "person_addresses",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "record_id", "channel", "address", name=op.f("pk_person_addresses")),
    )
    with op.batch_alter_table("person_addresses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_addresses_address_key"), ["address_key"], unique=False)

    op.create_table(
        "person_aliases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("minted_number", sa.BigInteger(), nullable=False),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_aliases")),
    )
    with op.batch_alter_table("person_aliases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_aliases_person_id"), ["person_id"], unique=False)

    op.create_table(
        "person_records",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_person_records")),
    )
    with op.batch_alter_table("person_records", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_records_person_id"), ["person_id"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("quarantined_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("replayed_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("connection", "stream", "hash", name=op.f("uq_quarantine_connection_stream_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quarantine_connection_stream_remote_id"), ["connection", "stream", "remote_id"], unique=False
        )

    op.create_table(
        "record_keys",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "kind", "value", name=op.f("pk_record_keys")),
    )
    with op.batch_alter_table("record_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_keys_kind_value"), ["kind", "value"], unique=False)

    op.create_table(
        "records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("record_type", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("payload_remote_id", sa.Text(), nullable=False),
        sa.Column("parent_type", sa.Text(), nullable=True),
        sa.Column("parent_remote_id", sa.Text(), nullable=True),
        sa.Column("landing_number", sa.BigInteger(), nullable=False),
        sa.Column("body", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("remote_created_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("remote_updated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("landed_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("modified_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("removal_cause", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint(
            "connection",
            "record_type",
            "remote_id",
            "generation",
            name=op.f("uq_records_connection_record_type_remote_id_generation"),
        ),
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_records_connection_parent_type_parent_remote_id"),
            ["connection", "parent_type", "parent_remote_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_records_connection_stream_payload_remote_id"),
            ["connection", "stream", "payload_remote_id"],
            unique=False,
        )

    op.create_table(
        "referral_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("job_connection", sa.Text(), nullable=True),
        sa.Column("job_remote_id", sa.Text(), nullable=True),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("referrer_name", sa.Text(), nullable=True),
        sa.Column("referrer_email", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("created_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_referral_links")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("started_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("counts", talent_pool.store.types.JsonText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_runs_kind_subject_started_at"), ["kind", "subject", "started_at"], unique=False
        )

    op.create_table(
        "segment_due",
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("due_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("segment", "subject_id", name=op.f("pk_segment_due")),
    )
    with op.batch_alter_table("segment_due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segment_due_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_segment_due_person_id"), ["person_id"], unique=False)

    op.create_table(
        "segments",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("definition", talent_pool.store.types.JsonText(), nullable=False),
        sa.Column("activated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("evaluated_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_segments")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppressions_address_key"), ["address_key"], unique=False)

    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("set_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", talent_pool.store.types.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
    )
    op.create_table(
        "work",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("since", talent_pool.store.types.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stage", "subject_id", name=op.f("pk_work")),
    )
    op.create_table(
        "push_rows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("vendor_reason", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_push_rows_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_rows")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("push_rows", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_push_rows_destination_segment_subject_id"),
            ["destination", "segment", "subject_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_push_rows_run_id_fate"), ["run_id", "fate"], unique=False)

    op.create_table(
        "run_pages",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("same", sa.Integer(), nullable=False),
        sa.Column("stale", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_pages_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_pages")),
    )
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    op.bulk_insert(counters, [{"name": "landing", "value": 0}, {"name": "change", "value": 0}])


def downgrade():  # noqa: PLR0915 - one list of tables
    op.drop_table("run_pages")
    with op.batch_alter_table("push_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_push_rows_run_id_fate"))
        batch_op.drop_index(batch_op.f("ix_push_rows_destination_segment_subject_id"))

    op.drop_table("push_rows")
    op.drop_table("work")
    op.drop_table("tokens")
    op.drop_table("switches")
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suppressions_address_key"))

    op.drop_table("suppressions")
    op.drop_table("segments")
    with op.batch_alter_table("segment_due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_segment_due_person_id"))
        batch_op.drop_index(batch_op.f("ix_segment_due_due_at"))

    op.drop_table("segment_due")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_kind_subject_started_at"))

    op.drop_table("runs")
    op.drop_table("referral_links")
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_records_connection_stream_payload_remote_id"))
        batch_op.drop_index(batch_op.f("ix_records_connection_parent_type_parent_remote_id"))

    op.drop_table("records")
    with op.batch_alter_table("record_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_record_keys_kind_value"))

    op.drop_table("record_keys")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantine_connection_stream_remote_id"))

    op.drop_table("quarantine")
    with op.batch_alter_table("person_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_records_person_id"))

    op.drop_table("person_records")
    with op.batch_alter_table("person_aliases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_aliases_person_id"))

    op.drop_table("person_aliases")
    with op.batch_alter_table("person_addresses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_addresses_address_key"))

    op.drop_table("person_addresses")
    op.drop_table("people")
    with op.batch_alter_table("payloads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payloads_last_run_id"))

    op.drop_table("payloads")
    with op.batch_alter_table("payload_versions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payload_versions_connection_stream_remote_id"))

    op.drop_table("payload_versions")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_segment_until"))
        batch_op.drop_index(batch_op.f("ix_memberships_person_id"))
        batch_op.drop_index(batch_op.f("ix_memberships_next_due_at"))

    op.drop_table("memberships")
    op.drop_table("leases")
    op.drop_table("landed_deliveries")
    op.drop_table("jobs")
    with op.batch_alter_table("holdings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holdings_address_key"))

    op.drop_table("holdings")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_candidate_record_id"))
        batch_op.drop_index(batch_op.f("ix_events_application_id"))

    op.drop_table("events")
    op.drop_table("epochs")
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_edges_record_b"))

    op.drop_table("edges")
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_person_id"))
        batch_op.drop_index(batch_op.f("ix_deliveries_address_key"))

    op.drop_table("deliveries")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_record_b"))
        batch_op.drop_index(batch_op.f("ix_decisions_record_a"))

    op.drop_table("decisions")
    op.drop_table("cursors")
    op.drop_table("counters")
    with op.batch_alter_table("consent_statements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_statements_record_id"))
        batch_op.drop_index(batch_op.f("ix_consent_statements_address_key"))

    op.drop_table("consent_statements")
    with op.batch_alter_table("changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_changes_subject_id"))

    op.drop_table("changes")
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_applications_person_id"))
        batch_op.drop_index(batch_op.f("ix_applications_job_id"))
        batch_op.drop_index(batch_op.f("ix_applications_candidate_record_id"))

    op.drop_table("applications")
