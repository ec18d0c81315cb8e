"""The plain case, which most people are: they said yes, and nothing else was ever said or learned of them.

A few statements over everybody find it. It says yes only where the join rule does (`talent_pool.consent.verdict`); of
everybody else it says nothing, and the join rule is asked. A property test holds the two against each other.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from connectors.records import Channel, ConsentStatus, Purpose
from talent_pool.store.lookup import rows_once
from talent_pool.store.tables import consent_statements, people, person_addresses, person_records, suppressions

_YES = (ConsentStatus.GIVEN.value, ConsentStatus.REQUESTED.value)
"""What may have been said in the plain case; to be asked for a yes changes nothing."""
_said = consent_statements.c


def plainly_allowed(
    connection: Connection,
    person_ids: Select[tuple[str | None]],
    *,
    organisation: str,
    purpose: Purpose,
    channel: Channel,
    now: datetime,
) -> set[tuple[str, str]]:
    """Return (person, address) of people among `person_ids` who may be written to there, for that purpose, now.

    No suppression stands at any address of theirs, of whatever kind. Whoever is not returned may still be allowed.
    """
    counts = and_(
        _said.organisation == organisation,
        _said.purpose == purpose.value,
        _said.channel.in_((channel.value, Channel.ANY.value)),
    )
    more = and_(counts, or_(_said.status.not_in(_YES), _said.stated_at > now, _said.expires_at <= now))
    known = {row.person_id for query in _with_more_to_them(person_ids, more) for row in rows_once(connection, query)}
    there = and_(
        person_addresses.c.channel == channel.value,
        people.c.organisation == organisation,
        people.c.state == "active",
        people.c.is_private.is_not(True),
    )
    yes = and_(counts, _said.status == ConsentStatus.GIVEN.value)
    found = (row for query in _who_said(person_ids, yes) for row in rows_once(connection, query.where(there)))
    return {row for row in found if row.person_id not in known}


def _who_said(person_ids: Select[tuple[str | None]], what: ColumnElement[bool]) -> Iterator[Select[Any, Any]]:
    """Yield what finds (person, address) where `what` was said at the address, or by a record that holds it."""
    at_address = consent_statements, _said.address_key == person_addresses.c.address_key
    record, said_whole = (
        person_records,
        and_(_said.record_id == person_records.c.record_id, _said.address_key.is_(None)),
    )
    hers = and_(record.c.record_id == person_addresses.c.record_id, record.c.person_id == person_addresses.c.person_id)
    found = (
        select(person_addresses.c.person_id, person_addresses.c.address)
        .join(people, people.c.id == person_addresses.c.person_id)
        .where(person_addresses.c.person_id.in_(person_ids), what)
    )
    yield found.join(*at_address)
    yield found.join(record, hers).join(consent_statements, said_whole)


def _with_more_to_them(person_ids: Select[tuple[str | None]], more: ColumnElement[bool]) -> Iterator[Select[Any]]:
    """Yield what finds people with a suppression, or a statement that is `more`, at an address or by a record.

    And people whose records said anything of an address that they do not have: all that was said there counts.
    """
    held = select(person_addresses.c.person_id).where(person_addresses.c.person_id.in_(person_ids))
    yield held.join(suppressions, suppressions.c.address_key == person_addresses.c.address_key)
    yield held.join(consent_statements, _said.address_key == person_addresses.c.address_key).where(more)
    has = and_(
        person_addresses.c.person_id == person_records.c.person_id, person_addresses.c.address_key == _said.address_key
    )
    yield (
        select(person_records.c.person_id)
        .join(consent_statements, _said.record_id == person_records.c.record_id)
        .outerjoin(person_addresses, has)
        .where(person_records.c.person_id.in_(person_ids))
        .where(or_(more, and_(_said.address_key.is_not(None), person_addresses.c.person_id.is_(None))))
    )
