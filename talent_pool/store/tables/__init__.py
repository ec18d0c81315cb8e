"""Every table of the store.

Three layers. *Landed*: what sources said (payloads, records, statements), the only facts there are. *Derived*: what
follows from them (keys, edges, people, applications, memberships), to be thrown away and rebuilt at any time, save
for ids, which are history. *Ledgers*: what was done (runs, changes, deliveries), append-only but for erasure.
"""

from talent_pool.store.tables.delivery import (
    deliveries,
    destination_jobs,
    holdings,
    push_rows,
    retries,
    tasks,
    voucher_codes,
)
from talent_pool.store.tables.landed import (
    consent_statements,
    landed_deliveries,
    payload_versions,
    payloads,
    quarantine,
    records,
    referral_links,
    suppressions,
)
from talent_pool.store.tables.people import (
    GONE,
    applications,
    changes,
    decisions,
    edges,
    epochs,
    events,
    interviews,
    job_matches,
    jobs,
    people,
    person_addresses,
    person_aliases,
    person_records,
    record_forms,
    record_keys,
    users,
)
from talent_pool.store.tables.privacy import (
    privacy_recipients,
    privacy_requests,
    record_holds,
    retention_marks,
    tombstones,
)
from talent_pool.store.tables.running import counters, cursors, leases, run_pages, runs, switches, tokens, work
from talent_pool.store.tables.schema import metadata
from talent_pool.store.tables.segments import memberships, segment_due, segments

__all__ = [
    "GONE",
    "applications",
    "changes",
    "consent_statements",
    "counters",
    "cursors",
    "decisions",
    "deliveries",
    "destination_jobs",
    "edges",
    "epochs",
    "events",
    "holdings",
    "interviews",
    "job_matches",
    "jobs",
    "landed_deliveries",
    "leases",
    "memberships",
    "metadata",
    "payload_versions",
    "payloads",
    "people",
    "person_addresses",
    "person_aliases",
    "person_records",
    "privacy_recipients",
    "privacy_requests",
    "push_rows",
    "quarantine",
    "record_forms",
    "record_holds",
    "record_keys",
    "records",
    "referral_links",
    "retention_marks",
    "retries",
    "run_pages",
    "runs",
    "segment_due",
    "segments",
    "suppressions",
    "switches",
    "tasks",
    "tokens",
    "tombstones",
    "users",
    "voucher_codes",
    "work",
]
