"""Suppressions: addresses that are kept out of everything, or of one destination."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from connectors.records import Channel
from talent_pool.consent.statements import key_named, touch, writing
from talent_pool.store.database import Store
from talent_pool.store.tables import people, person_addresses, suppressions

DO_NOT_CONTACT = "do_not_contact"
"""The person's own wish to hear nothing of us; binds marketing alone, for an answer to her application is owed."""

OF_THE_PERSON = frozenset({"complained", DO_NOT_CONTACT})
"""Suppressions that are a no of the person's, and so reach every address; the others are facts of one address."""


def suppress(
    store: Store,
    *,
    organisation: str,
    channel: Channel,
    reason: str,
    source: str,
    at: datetime,
    address: str | None = None,
    address_key: str | None = None,
    destination: str | None = None,
    connection: Connection | None = None,
) -> str:
    """Take an address out of everything, or out of one destination, and return the suppression's id.

    `reason`: bounced, complained, compliance_state, do_not_contact. The second and the last are the person's own no:
    they reach her other addresses too, and stay with each if she is taken apart.
    """
    key = key_named(store, channel, address, address_key)
    suppression = _Suppression(organisation, channel, destination, reason, source, at)
    with writing(store, connection) as transaction:
        beside = _keys_beside(transaction, [key], channel, organisation) if reason in OF_THE_PERSON else set[str]()
        _suppress(transaction, store, suppression, {key} | beside)
    return suppression.id_at(store, key)


def suppress_person(
    store: Store,
    *,
    person_id: str,
    channel: Channel,
    reason: str,
    source: str,
    at: datetime,
    destination: str | None = None,
) -> list[str]:
    """Suppress every address of a person by `channel` (`any`: by all), and return the suppressions' ids.

    What is the person's own no reaches addresses that she gets later too, for as long as one of these stays hers.
    """
    with store.writing() as transaction:
        query = select(person_addresses.c.address_key, people.c.organisation).join(
            people, people.c.id == person_addresses.c.person_id
        )
        by_channel = [] if channel is Channel.ANY else [person_addresses.c.channel == channel.value]
        rows = transaction.execute(
            query.where(person_addresses.c.person_id == person_id, *by_channel)
            .order_by(person_addresses.c.address_key)
            .distinct()
        ).all()
        keys = [row.address_key for row in rows]
        if not keys:
            return []
        suppression = _Suppression(rows[0].organisation, channel, destination, reason, source, at)
        _suppress(transaction, store, suppression, keys)
        return [suppression.id_at(store, key) for key in keys]


def lift(
    store: Store,
    *,
    at: datetime,
    address_keys: Collection[str],
    channel: Channel | None = None,
    destination: str | None = None,
    reason: str | None = None,
) -> int:
    """Lift suppressions of these addresses, all or those that fit; return how many. Refusals are not lifted by it.

    With a `reason` that is the person's own no, it is lifted from her other addresses too.
    """
    asked = [
        suppressions.c.lifted_at.is_(None),
        *([] if channel is None else [suppressions.c.channel == channel.value]),
        *([] if destination is None else [suppressions.c.destination == destination]),
        *([] if reason is None else [suppressions.c.reason == reason]),
    ]
    with store.writing() as transaction:
        keys = set(address_keys)
        if reason in OF_THE_PERSON:
            keys |= _keys_beside(transaction, keys, channel or Channel.ANY)
        these = suppressions.c.address_key.in_(sorted(keys))
        lifted = transaction.execute(update(suppressions).where(these, *asked).values(lifted_at=at)).rowcount
        for key in sorted(keys):
            touch(transaction, store, key, at)
    return lifted


@dataclass(frozen=True, slots=True)
class _Suppression:
    organisation: str
    channel: Channel
    destination: str | None
    reason: str
    source: str
    at: datetime

    def id_at(self, store: Store, key: str) -> str:
        named = self.organisation, key, self.channel.value, self.destination or "", self.reason
        return "sup_" + store.hashed(*named)


def _suppress(transaction: Connection, store: Store, suppression: _Suppression, keys: Collection[str]) -> None:
    insert = store.insert(suppressions)
    renewed = insert.on_conflict_do_update(
        index_elements=["id"],
        set_={"lifted_at": None, "since": suppression.at},
        where=suppressions.c.lifted_at.is_not(None),
    )
    rows = [
        {
            "id": suppression.id_at(store, key),
            "organisation": suppression.organisation,
            "address_key": key,
            "channel": suppression.channel.value,
            "destination": suppression.destination,
            "reason": suppression.reason,
            "source": suppression.source,
            "since": suppression.at,
            "lifted_at": None,
        }
        for key in sorted(keys)
    ]
    transaction.execute(renewed, rows)
    for key in sorted(keys):
        touch(transaction, store, key, suppression.at)


def _keys_beside(
    transaction: Connection, keys: Collection[str], channel: Channel, organisation: str | None = None
) -> set[str]:
    """Return the keys of all addresses, by `channel`, of whoever holds one of these (in one organisation)."""
    holders = (
        select(person_addresses.c.person_id)
        .join(people, people.c.id == person_addresses.c.person_id)
        .where(
            person_addresses.c.address_key.in_(sorted(keys)),
            *([people.c.organisation == organisation] if organisation else []),
        )
    )
    by_channel = [] if channel is Channel.ANY else [person_addresses.c.channel == channel.value]
    query = select(person_addresses.c.address_key).where(person_addresses.c.person_id.in_(holders), *by_channel)
    return set(transaction.execute(query.distinct()).scalars())
