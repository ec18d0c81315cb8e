"""Decides who is one person, for what waits and what it touches: turns that are thought out, then written."""
