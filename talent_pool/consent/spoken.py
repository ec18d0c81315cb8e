"""Who ever said yes: nobody else can be reached, neither now nor by the mere passing of time."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, select

from connectors.records import Channel, ConsentStatus, Purpose
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import consent_statements, person_addresses, person_records

_said = consent_statements.c


def with_a_yes(
    connection: Connection, person_ids: Collection[str], *, organisation: str, purpose: Purpose, channel: Channel
) -> set[str]:
    """Return those of these people who could be reached for a purpose: nobody else is, now or later, by what is known.

    A yes stands at one of her addresses, or was said of all of them by one of her records. It may be over, not yet
    begun or undone: that is the join rule's to say. For an application's own purpose the application is a yes too, and
    everybody is returned.
    """
    if purpose is Purpose.THIS_APPLICATION:
        return set(person_ids)
    at_addresses, by_records = _yeses(organisation, purpose, channel)
    found = [
        *rows_with(connection, at_addresses, person_addresses.c.person_id, person_ids),
        *rows_with(connection, by_records, person_records.c.person_id, person_ids),
    ]
    return {row.person_id for row in found}


@lru_cache
def _yeses(organisation: str, purpose: Purpose, channel: Channel) -> tuple[Select[Any], Select[Any]]:
    yes = (
        _said.status == ConsentStatus.GIVEN.value,
        _said.organisation == organisation,
        _said.purpose == purpose.value,
        _said.channel.in_((channel.value, Channel.ANY.value)),
    )
    return (
        select(person_addresses.c.person_id)
        .join(consent_statements, _said.address_key == person_addresses.c.address_key)
        .where(*yes),
        select(person_records.c.person_id)
        .join(consent_statements, _said.record_id == person_records.c.record_id)
        .where(_said.address_key.is_(None), *yes),
    )
