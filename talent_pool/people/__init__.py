"""Tells who is in the pool, what they are called, and why two records are or are not one person."""
