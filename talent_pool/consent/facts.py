"""Everything that verdicts rest on, read for many people in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from connectors.records import ConsentStatus, StatedBy
from talent_pool.consent.join import Statement
from talent_pool.store.tables import (
    applications,
    consent_statements,
    people,
    person_addresses,
    person_records,
    suppressions,
)

CHUNK = 500
APPLICATION_SPEAKS_FOR = timedelta(days=180)
"""How long after its outcome an application still allows writing about itself."""

_OWN_APPLICATIONS = ("application", "referral")
"""Kinds that the candidate, or somebody for her, entered; being sourced allows nothing."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address as one record holds it."""

    record_id: str
    channel: str
    address: str
    address_key: str
    is_primary: bool


@dataclass(slots=True)
class Person:
    """What is known of one person's reachability."""

    organisation: str
    state: str
    is_private: bool
    records: set[str] = field(default_factory=set[str])
    addresses: list[Address] = field(default_factory=list[Address])
    keys: set[str] = field(default_factory=set[str])
    """Keys of her addresses, and of those which her records ever said something about."""
    said: dict[str, Row[Any]] = field(default_factory=dict[str, Row[Any]])
    """Rows of consent_statements by id."""
    suppressed: list[Row[Any]] = field(default_factory=list[Row[Any]])
    applications: list[tuple[str, Statement]] = field(default_factory=list[tuple[str, Statement]])
    """(candidate record id, the yes that the application is)."""


def chunks(items: Iterable[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """Yield sorted parts of `items`, small enough for one IN list."""
    ordered = sorted(items)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def people_facts(connection: Connection, person_ids: Iterable[str]) -> dict[str, Person]:
    """Read everything about `person_ids`; those who are nobody in the pool are left out."""
    found: dict[str, Person] = {}
    for part in chunks(set(person_ids)):
        found |= _part(connection, part)
    return found


def add_what_is_at_addresses(connection: Connection, found: dict[str, Person]) -> None:
    """Add to each what was said, and is suppressed, at the addresses whose keys it has."""
    _add_said_at_addresses(connection, found)
    _add_suppressions(connection, found)


def _part(connection: Connection, ids: Sequence[str]) -> dict[str, Person]:
    rows = connection.execute(
        select(people.c.id, people.c.organisation, people.c.state, people.c.is_private).where(people.c.id.in_(ids))
    )
    found = {row.id: Person(row.organisation, row.state, bool(row.is_private)) for row in rows}
    for row in connection.execute(select(person_records).where(person_records.c.person_id.in_(found))):
        found[row.person_id].records.add(row.record_id)
    for row in connection.execute(select(person_addresses).where(person_addresses.c.person_id.in_(found))):
        address = Address(row.record_id, row.channel, row.address, row.address_key, row.is_primary)
        found[row.person_id].addresses.append(address)
        found[row.person_id].keys.add(row.address_key)
    _add_statements(connection, found)
    _add_suppressions(connection, found)
    _add_applications(connection, found)
    return found


def _add_statements(connection: Connection, found: dict[str, Person]) -> None:
    for row in connection.execute(_said_by_records(list(found))):
        found[row.person_id].said[row.id] = row
        if row.address_key:
            found[row.person_id].keys.add(row.address_key)
    _add_said_at_addresses(connection, found)


def _add_said_at_addresses(connection: Connection, found: dict[str, Person]) -> None:
    # Whatever was said at an address counts whole, whichever record brought it: half a history could lift a no.
    holders = _holders(found)
    for part in chunks(holders):
        query = select(consent_statements).where(consent_statements.c.address_key.in_(part))
        for row in connection.execute(query):
            for person in holders[row.address_key]:
                person.said[row.id] = row


def _said_by_records(ids: Sequence[str]) -> Select[Any]:
    return (
        select(consent_statements, person_records.c.person_id)
        .join(person_records, person_records.c.record_id == consent_statements.c.record_id)
        .where(person_records.c.person_id.in_(ids))
    )


def _add_suppressions(connection: Connection, found: dict[str, Person]) -> None:
    holders = _holders(found)
    for part in chunks(holders):
        for row in connection.execute(select(suppressions).where(suppressions.c.address_key.in_(part))):
            for person in holders[row.address_key]:
                person.suppressed.append(row)


def _add_applications(connection: Connection, found: dict[str, Person]) -> None:
    query = select(
        applications.c.person_id,
        applications.c.candidate_record_id,
        applications.c.record_id,
        applications.c.outcome,
        applications.c.applied_at,
        applications.c.outcome_at,
        applications.c.outcome_learned_at,
        applications.c.landed_at,
    ).where(applications.c.person_id.in_(found), applications.c.kind.in_(_OWN_APPLICATIONS))
    for row in connection.execute(query):
        found[row.person_id].applications.append((row.candidate_record_id, _application_yes(row)))


def _application_yes(row: Any) -> Statement:
    ended: datetime | None = None
    if row.outcome != "pending":
        ended = row.outcome_at or row.outcome_learned_at or row.landed_at
    return Statement(
        id=row.record_id,
        record_id=row.candidate_record_id,
        address_key=None,
        status=ConsentStatus.GIVEN,
        lawful_basis="contract",
        stated_by=StatedBy.CANDIDATE,
        stated_at=row.applied_at or row.landed_at,
        expires_at=ended + APPLICATION_SPEAKS_FOR if ended else None,
    )


def _holders(found: dict[str, Person]) -> dict[str, list[Person]]:
    holders: dict[str, list[Person]] = defaultdict(list)
    for person in found.values():
        for key in person.keys:
            holders[key].append(person)
    return holders
