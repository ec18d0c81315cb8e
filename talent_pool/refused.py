"""What somebody asked for and cannot be done."""


class Refused(Exception):
    """Something that somebody asked of the pool and that cannot be; the text says why, and what to do."""
