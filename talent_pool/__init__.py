"""Remembers: the store, and what is decided over it. Knows SQL and records, never HTTP, never Dagster."""
