"""Everything that verdicts rest on, read for many people in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from connectors.records import ConsentStatus, StatedBy
from talent_pool.consent.join import Statement
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import (
    applications,
    consent_statements,
    people,
    person_addresses,
    person_records,
    suppressions,
)

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


_PEOPLE = select(people.c.id, people.c.organisation, people.c.state, people.c.is_private)
_RECORDS = select(person_records.c.person_id, person_records.c.record_id)
_ADDRESSES = select(person_addresses)
_STATEMENT = tuple(
    consent_statements.c[name]
    for name in (
        "id", "organisation", "record_id", "purpose", "channel", "address_key", "status", "lawful_basis", "stated_by",
        "stated_at", "expires_at",
    )
)  # fmt: skip
"""What a verdict rests on; the evidence, which is read for people alone, is not."""
_SAID = select(*_STATEMENT)
_OF_RECORDS = consent_statements.join(person_records, person_records.c.record_id == consent_statements.c.record_id)
_SAID_OF_PEOPLE = (
    select(*_STATEMENT, person_records.c.person_id)
    .select_from(_OF_RECORDS)
    .where(consent_statements.c.address_key.is_(None))
)
_SAID_OF_ADDRESSES = (
    select(person_records.c.person_id, consent_statements.c.address_key)
    .select_from(_OF_RECORDS)
    .where(consent_statements.c.address_key.is_not(None))
)
_SUPPRESSED = select(suppressions)
_APPLICATIONS = select(
    applications.c.person_id,
    applications.c.candidate_record_id,
    applications.c.record_id,
    applications.c.outcome,
    applications.c.applied_at,
    applications.c.outcome_at,
    applications.c.outcome_learned_at,
    applications.c.landed_at,
).where(applications.c.kind.in_(_OWN_APPLICATIONS))


def people_facts(connection: Connection, person_ids: Iterable[str]) -> dict[str, Person]:
    """Read everything about `person_ids`; those who are nobody in the pool are left out."""
    found = {
        row.id: Person(row.organisation, row.state, bool(row.is_private))
        for row in rows_with(connection, _PEOPLE, people.c.id, set(person_ids))
    }
    for row in rows_with(connection, _RECORDS, person_records.c.person_id, found):
        found[row.person_id].records.add(row.record_id)
    for row in rows_with(connection, _ADDRESSES, person_addresses.c.person_id, found):
        address = Address(row.record_id, row.channel, row.address, row.address_key, bool(row.is_primary))
        found[row.person_id].addresses.append(address)
        found[row.person_id].keys.add(row.address_key)
    _add_statements(connection, found)
    add_what_is_at_addresses(connection, found)
    _add_applications(connection, found)
    return found


def add_what_is_at_addresses(connection: Connection, found: Mapping[str, Person]) -> None:
    """Add to each what was said, and is suppressed, at the addresses whose keys it has."""
    holders: dict[str, list[Person]] = defaultdict(list)
    for person in found.values():
        for key in person.keys:
            holders[key].append(person)
    # Whatever was said at an address counts whole, whichever record brought it: half a history could lift a no.
    for row in rows_with(connection, _SAID, consent_statements.c.address_key, holders):
        for person in holders[row.address_key]:
            person.said[row.id] = row
    for row in rows_with(connection, _SUPPRESSED, suppressions.c.address_key, holders):
        for person in holders[row.address_key]:
            person.suppressed.append(row)


def _add_statements(connection: Connection, found: Mapping[str, Person]) -> None:
    """Add what her records said of the whole person, and the keys of the addresses that they said something of."""
    for row in rows_with(connection, _SAID_OF_ADDRESSES, person_records.c.person_id, found):
        found[row.person_id].keys.add(row.address_key)
    for row in rows_with(connection, _SAID_OF_PEOPLE, person_records.c.person_id, found):
        found[row.person_id].said[row.id] = row


def _add_applications(connection: Connection, found: Mapping[str, Person]) -> None:
    for row in rows_with(connection, _APPLICATIONS, applications.c.person_id, found):
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
