"""Remembers: the store, and what is decided over it. Knows SQL and records, never HTTP, never Dagster.

The way of one candidate: `landing` brings in what sources say, `resolution` decides who is one person, by the match
model that `epochs` keeps, `people` tells it, `consent` and `segments` say who may and should be written to, `delivery`
writes to them. All of it stands in the `store`. `home` holds the settings of an installation, `installation` its YAML.
"""
