"""Brings in what sources say: the inbox, the loop (`sync`), one page in one transaction (`pages`), quarantine."""
