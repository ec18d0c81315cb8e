"""Records as they stand, and what a new version makes of them (law 11: missing is not null).

Works on plain values, without a database: landing loads what stands, asks here, and writes what came out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connectors.records import Deletion, RemovalCause
from talent_pool.landing.told import Told

Body = dict[str, Any]
_NO_PARENT = (None, None)


@dataclass(slots=True)
class Standing:
    """One record as the store holds it, or will."""

    id: str
    record_type: str
    remote_id: str
    stream: str
    payload_remote_id: str
    parent: tuple[str | None, str | None] = _NO_PARENT
    text: str | None = None
    """JSON of what is known of it; None: nothing but that the source removed it."""
    remote_created_at: datetime | None = None
    remote_updated_at: datetime | None = None
    removed_at: datetime | None = None
    removal_cause: str | None = None
    is_new: bool = True
    is_touched: bool = False

    @property
    def body(self) -> Body | None:
        """What is known of it."""
        return None if self.text is None else orjson.loads(self.text)


def apply(standing: Standing, told: Told, version: datetime | None, *, complete: bool) -> bool:
    """Bring `standing` to what is told of it; False where that is older and has no say.

    `version` is its payload's. In a complete stream an explicit null or empty list ends a value, in a partial one it
    keeps it. What the record does not mention stays.
    """
    is_untold = standing.text is None and standing.removed_at is None
    if not is_untold and _is_older(standing, told, told.updated_at or version):
        return False
    text, known = told.text, standing.body
    if known is not None or not complete:
        text = _merged(known, orjson.loads(text), complete=complete)
    is_news = known is None or orjson.loads(text) != known or told.parent != standing.parent
    if is_news or standing.removed_at is not None:
        standing.text, standing.parent, standing.is_touched = text, told.parent, True
        standing.removed_at = standing.removal_cause = None
    standing.remote_created_at = told.created_at or standing.remote_created_at
    standing.remote_updated_at = told.updated_at or standing.remote_updated_at
    return True


def _merged(known: Body | None, words: Body, *, complete: bool) -> str:
    if not complete:
        words = {name: value for name, value in words.items() if value not in (None, [], {})}
    return orjson.dumps((known or {}) | words).decode()


def _is_older(standing: Standing, told: Told, moment: datetime | None) -> bool:
    if standing.removal_cause == RemovalCause.ERASED:
        return True
    if moment is not None and standing.removed_at is not None and moment <= standing.removed_at:
        return True
    newest, own = standing.remote_updated_at, told.updated_at
    return newest is not None and own is not None and own < newest


def remove(standing: Standing, deletion: Deletion) -> bool:
    """Mark `standing` as removed by its source; False where it was changed after that, or more is known already.

    Of two removals the later stands, and an erasure before all others, whatever the order in which they came.
    """
    changed_since = standing.remote_updated_at is not None and standing.remote_updated_at > deletion.at
    if changed_since and deletion.cause is not RemovalCause.ERASED:
        return False
    told = _removal(deletion.at, deletion.cause)
    if standing.removed_at is not None and told <= _removal(standing.removed_at, standing.removal_cause):
        return False
    standing.removed_at, standing.removal_cause, standing.is_touched = deletion.at, deletion.cause.value, True
    return True


def _removal(at: datetime, cause: str | None) -> tuple[bool, datetime, str]:
    return (cause == RemovalCause.ERASED, at, cause or "")


def vanish(standing: Standing, at: datetime) -> None:
    """Mark `standing` as gone from within its own payload, which a complete stream still holds."""
    standing.removed_at, standing.removal_cause, standing.is_touched = at, RemovalCause.DELETED.value, True
