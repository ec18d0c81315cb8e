"""Records as they stand, and what a new version makes of them (law 11: missing is not null).

Works on plain values, without a database: landing loads what stands, asks here, and writes what came out.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.records import Deletion, Record, RemovalCause

Body = dict[str, Any]


@dataclass(slots=True)
class Standing:
    """One record as the store holds it, or will."""

    id: str
    record_type: str
    remote_id: str
    stream: str
    payload_remote_id: str
    parent: tuple[str | None, str | None] = (None, None)
    body: Body | None = None
    """None: nothing is known but that the source removed it."""
    remote_created_at: datetime | None = None
    remote_updated_at: datetime | None = None
    removed_at: datetime | None = None
    removal_cause: str | None = None
    is_new: bool = True
    is_touched: bool = False


def said(record: Record) -> Body:
    """Return what a record says: its fields less those that the vendor left out."""
    # as model_dump does, at half its cost: this runs for every record that ever lands
    return record.__pydantic_serializer__.to_python(record, mode="json", exclude_unset=True)


def apply(standing: Standing, record: Record, version: datetime | None, *, complete: bool) -> bool:
    """Bring `standing` to what `record` says, `version` being its payload's; False where it is older and has no say.

    In a complete stream an explicit null or empty list ends a value, in a partial one it keeps it. What the record
    does not mention stays.
    """
    moment = record.remote_updated_at or version
    if _is_older(standing, record, moment):
        return False
    words = said(record)
    if not complete:
        words = {name: value for name, value in words.items() if value not in (None, [], {})}
    body = words if standing.body is None else standing.body | words
    parent = record.parent or (None, None)
    if body != standing.body or parent != standing.parent or standing.removed_at is not None:
        standing.body, standing.parent, standing.is_touched = body, parent, True
        standing.removed_at = standing.removal_cause = None
    standing.remote_created_at = record.remote_created_at or standing.remote_created_at
    standing.remote_updated_at = record.remote_updated_at or standing.remote_updated_at
    return True


def _is_older(standing: Standing, record: Record, moment: datetime | None) -> bool:
    if standing.removal_cause == RemovalCause.ERASED:
        return True
    if moment is not None and standing.removed_at is not None and moment <= standing.removed_at:
        return True
    newest, own = standing.remote_updated_at, record.remote_updated_at
    return newest is not None and own is not None and own < newest


def remove(standing: Standing, deletion: Deletion) -> bool:
    """Mark `standing` as removed by its source; False where it is removed already or was changed after that."""
    changed_since = standing.remote_updated_at is not None and standing.remote_updated_at > deletion.at
    if deletion.cause is not RemovalCause.ERASED and (standing.removed_at is not None or changed_since):
        return False
    if standing.removal_cause == RemovalCause.ERASED:
        return False
    standing.removed_at, standing.removal_cause, standing.is_touched = deletion.at, deletion.cause.value, True
    return True


def vanish(standing: Standing, at: datetime) -> None:
    """Mark `standing` as gone from within its own payload, which a complete stream still holds."""
    standing.removed_at, standing.removal_cause, standing.is_touched = at, RemovalCause.DELETED.value, True
