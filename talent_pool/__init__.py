"""Remembers: the store, and what is decided over it. Knows SQL and records, never HTTP, never Dagster.

The way of one candidate through the modules:

**The store**: `store` (the one place where a database is opened), `tables`, `inbox_tables`, `types`, `migrate` with
`migrations/`, `home` (settings), `installation` (the YAML), `ids`, `addresses`, `lookup`, `leases`, `tokens`, `runs`,
`changes`, `work`, `conservation`.

**Landing**: `inbox`, `sync` (the loop), `fetching`, `landing` (one page, one transaction), `arrivals`, `merging`,
`payload_rows`, `record_rows`, `quarantine`, `replay`, `priority`.

**Resolution**: `resolution` (the loop), `turns`, `turn_plan`, `turn_write`, `neighbours`, `components`, `identity`,
`epochs`, `decisions`, `landed`; what follows from it: `golden`, `projection`, `applications`, `progress`,
`membership_moves`; and how it is read: `people`, `person_ids`, `explaining`.

**Consent and segments**: `consent/`, `segments/`.

**Delivery**: `delivery` (the loop), `gate` (the only way out), `recipients`, `outbox` (messages), `holdings` (state),
`push_ledger`, `signals` (what is read back), `letters` with `templates/`, `unsubscribe`, `brake`, `referrals`.
"""
