"""Landed records as resolution reads them: rows of `records`, by id, by what the source calls them, or by parent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Select, Text, select, type_coerce

from connectors.records import RECORD_TYPES, Record
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import records

_Kind = TypeVar("_Kind", bound=Record)

Place = tuple[str, str, str]
"""What a source calls a record: (connection, record type, remote id)."""


def part_of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object that a record's body holds under `name`; empty where it holds none."""
    return body.get(name) or {}


@dataclass(frozen=True)
class Landed:
    """One row of `records`, its body as the text it is kept as: most records are only looked at from outside."""

    id: str
    organisation: str
    connection: str
    record_type: str
    remote_id: str
    generation: int
    parent_type: str | None
    parent_remote_id: str | None
    landing_number: int
    text: str
    remote_created_at: datetime | None
    remote_updated_at: datetime | None
    landed_at: datetime
    modified_at: datetime
    removed_at: datetime | None

    @property
    def live(self) -> bool:
        """Whether the source still holds it."""
        return self.removed_at is None

    @property
    def place(self) -> Place:
        """What the source calls it."""
        return (self.connection, self.record_type, self.remote_id)

    @property
    def parent(self) -> Place | None:
        """What it hangs on, whether that has landed or not."""
        if self.parent_type is None or self.parent_remote_id is None:
            return None
        return (self.connection, self.parent_type, self.parent_remote_id)

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The record's fields as JSON values, those left out that the source never told."""
        return orjson.loads(self.text)

    @cached_property
    def record(self) -> Record:
        """The record itself. Raises pydantic's ValidationError for a body that no longer fits its type."""
        return RECORD_TYPES[self.record_type].model_validate(self.body)

    def read_as(self, kind: type[_Kind]) -> _Kind:
        """Return the record, which the caller knows to be of this kind. Raises TypeError where it is not."""
        record = self.record
        if not isinstance(record, kind):
            raise TypeError(f"{self.id} is a record of type {self.record_type}, not {kind.record_type}")
        return record


_COLUMNS = (
    records.c.id,
    records.c.organisation,
    records.c.connection,
    records.c.record_type,
    records.c.remote_id,
    records.c.generation,
    records.c.parent_type,
    records.c.parent_remote_id,
    records.c.landing_number,
    type_coerce(records.c.body, Text).label("text"),
    records.c.remote_created_at,
    records.c.remote_updated_at,
    records.c.landed_at,
    records.c.modified_at,
    records.c.removed_at,
)


_RECORDS = select(*_COLUMNS)
_KEPT_AS_THEY_ARE = _RECORDS.with_for_update(read=True, skip_locked=True)


@lru_cache
def _at(source: str, kind: str) -> Select[*tuple[Any, ...]]:
    return _RECORDS.where(records.c.connection == source, records.c.record_type == kind)


@lru_cache
def _hanging(source: str, kind: str, types: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    return _RECORDS.where(
        records.c.connection == source,
        records.c.parent_type == kind,
        records.c.record_type.in_(types),
        records.c.removed_at.is_(None),
    )


def by_ids(connection: Connection, ids: Collection[str], *, holding: bool = False) -> dict[str, Landed]:
    """Return the records of these birth ids, removed ones too, in the order of their ids.

    `holding` keeps them as they are until this transaction ends, and leaves out those that are being changed now.
    """
    found = rows_with(connection, _KEPT_AS_THEY_ARE if holding else _RECORDS, records.c.id, ids)
    return {row.id: Landed(*row) for row in found}


def by_place(connection: Connection, places: Iterable[Place]) -> dict[Place, Landed]:
    """Return what stands at these places: of several generations the newest."""
    found: dict[Place, Landed] = {}
    for (source, kind), names in _grouped(places).items():
        statement = _at(source, kind)
        for row in rows_with(connection, statement, records.c.remote_id, names):
            known = found.get((source, kind, row.remote_id))
            if known is None or known.generation < row.generation:
                found[source, kind, row.remote_id] = Landed(*row)
    return found


def children(connection: Connection, parents: Iterable[Place], types: Collection[str]) -> Iterator[Landed]:
    """Yield the live records of these types that hang on one of `parents`."""
    for (source, kind), names in _grouped(parents).items():
        statement = _hanging(source, kind, tuple(sorted(types)))
        for row in rows_with(connection, statement, records.c.parent_remote_id, names):
            yield Landed(*row)


def every_live(connection: Connection, record_type: str, at_once: int = 5_000) -> Iterator[Landed]:
    """Yield every live record of a type in order of ids, `at_once` of them read together."""
    wanted = select(*_COLUMNS).where(records.c.record_type == record_type, records.c.removed_at.is_(None))
    last = ""
    while rows := connection.execute(wanted.where(records.c.id > last).order_by(records.c.id).limit(at_once)).all():
        yield from (Landed(*row) for row in rows)
        last = rows[-1].id


def _grouped(places: Iterable[Place]) -> dict[tuple[str, str], set[str]]:
    groups: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for source, kind, remote_id in places:
        groups[source, kind].add(remote_id)
    return dict(sorted(groups.items()))
