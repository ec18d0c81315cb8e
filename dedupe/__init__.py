"""Decides who is one person. Knows records; never Dagster, HTTP or a database session."""
