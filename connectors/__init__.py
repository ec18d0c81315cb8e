"""Speaks to vendors: HTTP and vendors' formats, never Dagster, never SQL."""
