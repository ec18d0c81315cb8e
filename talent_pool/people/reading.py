"""Reading the pool: people listed, one person with all that is known, and why records are or are not one person."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Exists, func, or_, select

from talent_pool.people.person_ids import existing, resolved
from talent_pool.resolution.landed import by_ids
from talent_pool.store import changes
from talent_pool.store.changes import Numbered
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import (
    GONE,
    applications,
    decisions,
    people,
    person_aliases,
    person_records,
    records,
    work,
)

if TYPE_CHECKING:
    from talent_pool.people.explaining import Explanation, explain

__all__ = [
    "Explanation",
    "Listed",
    "Person",
    "SourceRecord",
    "Statistics",
    "explain",
    "get",
    "listed",
    "statistics",
]


def __getattr__(name: str) -> Any:
    """Return what explains from its module, which imports all that compares people; to list them needs none of it."""
    if name in ("Explanation", "explain"):
        from talent_pool.people import explaining

        return getattr(explaining, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Listed:
    """One line of the list of people. `connections` names each source once for every record it holds."""

    id: str
    full_name: str | None
    primary_email: str | None
    connections: tuple[str, ...]
    applications: int


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a part of what we know comes from."""

    record_id: str
    connection: str
    remote_id: str
    landed_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """One person, whole. `golden` holds the surviving fields, `provenance` who said each of them and when."""

    id: str
    previous_ids: tuple[str, ...]
    state: str
    organisation: str
    golden: Mapping[str, Any]
    provenance: Mapping[str, Any]
    first_seen_at: datetime | None
    last_activity_at: datetime | None
    sources: tuple[SourceRecord, ...]
    applications: tuple[Mapping[str, Any], ...]
    history: tuple[Numbered, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The pool in numbers.

    `largest_cluster`: records of the person with most of them. `unattached`: live candidate records that belong to
    nobody and do not wait either; `empty`: people without a record who have not ended. Both are 0, or a law is broken.
    """

    people: int
    records: int
    applications: int
    previous_ids: int
    decisions: int
    largest_cluster: int
    unattached: int
    empty: int
    waiting: int


def listed(store: Store, search: str | None = None, limit: int = 50) -> list[Listed]:
    """Return people who are there, by name; `search` is part of a name or address, or an id that they went by."""
    statement = select(people.c.id, people.c.full_name, people.c.primary_email).where(people.c.state.not_in(GONE))
    with store.reading() as connection:
        if search:
            found = resolved(connection, search)
            named = or_(
                people.c.full_name.icontains(search, autoescape=True),
                people.c.primary_email.icontains(search, autoescape=True),
            )
            statement = statement.where(or_(people.c.id == found, named) if found else named)
        statement = statement.order_by(people.c.full_name.is_(None), people.c.full_name, people.c.id)
        rows = list(connection.execute(statement.limit(limit)))
        ids = [row.id for row in rows]
        sources = _sources(connection, ids)
        count = select(applications.c.person_id, applications.c.id)
        applied = Counter(row.person_id for row in rows_with(connection, count, applications.c.person_id, ids))
    return [Listed(r.id, r.full_name, r.primary_email, tuple(sources[r.id]), applied[r.id]) for r in rows]


def get(store: Store, name: str) -> Person:
    """Return the person who goes, or once went, by this id. Raises NoSuchPerson."""
    with store.reading() as connection:
        person = existing(connection, name)
        row = connection.execute(select(people).where(people.c.id == person)).one()
        previous = select(person_aliases.c.id).where(person_aliases.c.person_id == person)
        held = select(person_records.c.record_id).where(person_records.c.person_id == person)
        landed = by_ids(connection, list(connection.execute(held).scalars())).values()
        own = select(applications).where(applications.c.person_id == person).order_by(applications.c.id)
        return Person(
            id=person,
            previous_ids=tuple(sorted(connection.execute(previous).scalars())),
            state=row.state,
            organisation=row.organisation,
            golden=row.golden,
            provenance=row.provenance,
            first_seen_at=row.first_seen_at,
            last_activity_at=row.last_activity_at,
            sources=tuple(
                SourceRecord(one.id, one.connection, one.remote_id, one.landed_at, one.modified_at)
                for one in sorted(landed, key=lambda one: one.landing_number)
            ),
            applications=tuple(dict(one) for one in connection.execute(own).mappings()),
            history=tuple(changes.of(connection, person)),
        )


def statistics(store: Store) -> Statistics:
    """Count what is in the pool."""
    live = select(func.count()).select_from(records).where(records.c.removed_at.is_(None))
    attachable = live.where(records.c.record_type == "candidate")
    alive = select(func.count()).select_from(people).where(people.c.state.not_in(GONE))
    waits = select(work.c.subject_id).where(work.c.stage == "resolve", work.c.subject_id == records.c.id).exists()
    sizes = select(func.count(person_records.c.record_id).label("size")).group_by(person_records.c.person_id).subquery()
    counts = {
        "people": alive,
        "records": attachable,
        "applications": select(func.count()).select_from(applications),
        "previous_ids": select(func.count()).select_from(person_aliases),
        "decisions": select(func.count()).select_from(decisions).where(decisions.c.withdrawn_at.is_(None)),
        "unattached": attachable.where(~_held(person_records.c.record_id == records.c.id), ~waits),
        "empty": alive.where(~_held(person_records.c.person_id == people.c.id)),
        "largest_cluster": select(func.coalesce(func.max(sizes.c.size), 0)),
        "waiting": select(func.count()).select_from(work).where(work.c.stage == "resolve"),
    }
    with store.reading() as connection:
        return Statistics(**{name: int(connection.execute(query).scalar_one()) for name, query in counts.items()})


def _held(condition: ColumnElement[bool]) -> Exists:
    return select(person_records.c.record_id).where(condition).exists()


def _sources(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    columns = select(person_records.c.person_id, records.c.connection).join(
        records, records.c.id == person_records.c.record_id
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows_with(connection, columns, person_records.c.person_id, ids):
        found[row.person_id].append(row.connection)
    return defaultdict(list, {person: sorted(names) for person, names in found.items()})
