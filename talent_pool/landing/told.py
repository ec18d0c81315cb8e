"""What an object tells of each of its records, ready to be written: text and times, and where they count, the facts."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from connectors.records import Candidate, ConsentStatement, Deletion, Record

_NO_PARENT = (None, None)


class Told(NamedTuple):
    """What one object tells of one record."""

    record_type: str
    remote_id: str
    parent: tuple[str, str] | tuple[None, None]
    text: str
    """The record as JSON, less the fields that the vendor left out."""
    created_at: datetime | None
    updated_at: datetime | None
    merged_into: str | None = None
    """The remote id of the record that this one became part of at its source."""
    deletion: Deletion | None = None
    """That it is gone; nothing else is told then."""
    statement: ConsentStatement | None = None
    """What was allowed or refused, where the record is that."""


def told(record: Record) -> Told:
    """Return what a record tells."""
    if isinstance(record, Deletion):
        return Told(record.deleted_type, record.remote_id, _NO_PARENT, "", None, None, record.merged_into, record)
    return Told(
        record.record_type,
        record.remote_id,
        record.parent or _NO_PARENT,
        said(record),
        record.remote_created_at,
        record.remote_updated_at,
        record.merged_into if isinstance(record, Candidate) else None,
        statement=record if isinstance(record, ConsentStatement) else None,
    )


def said(record: Record) -> str:
    """Return what a record says, as JSON: its fields less those that the vendor left out."""
    # as model_dump_json does, without its detours: this runs for every record that ever lands
    return record.__pydantic_serializer__.to_json(record, exclude_unset=True).decode()


def version(records: Iterable[Told]) -> datetime | None:
    """Return the newest moment of change (or deletion) among what one object tells."""
    newest = None
    for each in records:
        moment = each.updated_at if each.deletion is None else each.deletion.at
        if moment is not None and (newest is None or moment > newest):
            newest = moment
    return newest
