"""Tokens of previews: what was looked at is what is done, or nothing is.

A token is a keyed hash of all that a preview showed. Applying computes it anew from the pool as it is by then: where
it comes out another, the pool or the change moved on, and somebody has to look again.
"""

from talent_pool.refused import Refused
from talent_pool.store.database import Store

_LENGTH = 16


def token(store: Store, kind: str, *told: str) -> str:
    """Return the token for a preview of this kind that told these things."""
    return store.hashed(kind, *told)[:_LENGTH]


def must_match(given: str, expected: str, what: str, command: str) -> None:
    """Raise Refused unless `given` is the token of what would be done now."""
    if given != expected:
        raise Refused(
            f"This token is of no preview of what {what} would do now. Look at `{command}`, and take its token."
        )
