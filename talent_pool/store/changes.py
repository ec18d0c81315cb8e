"""The change feed: what happened to people and applications, numbered without gaps in the order of commits.

Causes name ids and kinds, never values: the feed tells a reader what to fetch, and has nothing to erase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from talent_pool.store.database import Store, allocate, insert_mappings
from talent_pool.store.tables import changes

Kind = Literal["created", "changed", "merged", "split", "ended"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. `merged` is told of the id that was given up, `split` of the id that came out."""

    subject_type: Literal["person", "application"]
    subject_id: str
    kind: Kind
    cause: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A change as the feed gives it out."""

    number: int
    subject_type: str
    subject_id: str
    kind: str
    cause: dict[str, Any]
    at: datetime


def append(connection: Connection, entries: Sequence[Change], now: datetime) -> list[int]:
    """Write the changes in this transaction and return their numbers.

    The counter's row stays locked until the commit, so that no reader meets a smaller number later.
    """
    if not entries:
        return []
    first = allocate(connection, "change", len(entries))
    numbers = list(range(first, first + len(entries)))
    rows = [
        {
            "number": number,
            "subject_type": entry.subject_type,
            "subject_id": entry.subject_id,
            "kind": entry.kind,
            "cause": entry.cause,
            "at": now,
        }
        for number, entry in zip(numbers, entries, strict=True)
    ]
    insert_mappings(connection, changes, rows)
    return numbers


def feed(store: Store, after: int = 0, limit: int = 1000) -> list[Numbered]:
    """Return the changes with numbers above `after`, in order; a reader asks again with the last number it has."""
    statement = select(changes).where(changes.c.number > after).order_by(changes.c.number).limit(limit)
    with store.reading() as connection:
        return [Numbered(**row) for row in connection.execute(statement).mappings()]


def of(connection: Connection, subject_id: str) -> list[Numbered]:
    """Return everything that happened to one person or application, oldest first."""
    statement = select(changes).where(changes.c.subject_id == subject_id).order_by(changes.c.number)
    return [Numbered(**row) for row in connection.execute(statement).mappings()]
