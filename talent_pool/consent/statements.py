"""What we write into the ledger ourselves: refusals, suppressions; and what it says of one person."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from connectors.records import Channel, ConsentStatus, Purpose, StatedBy
from talent_pool.consent.facts import people_facts
from talent_pool.store.addresses import address_key as key_of
from talent_pool.store.database import Store
from talent_pool.store.lookup import mappings_with
from talent_pool.store.tables import (
    consent_statements,
    people,
    person_addresses,
    person_records,
    suppressions,
    work,
)

OURSELVES = "catchment"
"""The connection that statements made through us (links, console, read-back) are kept under."""


DO_NOT_CONTACT = "do_not_contact"
"""The person's own wish to hear nothing of us; binds marketing alone, for an answer to her application is owed."""

OF_THE_PERSON = frozenset({"complained", DO_NOT_CONTACT})
"""Suppressions that are a no of the person's, and so reach every address; the others are facts of one address."""

_WHOLE = select(consent_statements)


def refuse(
    store: Store,
    *,
    organisation: str,
    channel: Channel,
    purpose: Purpose,
    kind: str,
    at: datetime,
    address: str | None = None,
    address_key: str | None = None,
    source: str = OURSELVES,
    connection: Connection | None = None,
) -> str:
    """Write that the holder of an address refused a purpose, and return the statement's id; twice is as good as once.

    Records of the holder's that do not have this address get a copy, so that every part keeps it if she is taken apart.
    `kind` is the evidence (one_click, unsubscribed …). `connection`: write in this transaction instead of one of our
    own. Raises ValueError when neither `address` nor `address_key` is given.
    """
    key = _key(store, channel, address, address_key)
    refusal = _Refusal(organisation, channel, purpose, kind, at, source, StatedBy.CANDIDATE)
    with _writing(store, connection) as transaction:
        statement_id = _write(transaction, store, refusal, key=key)
        for record_id in _records_beside(transaction, organisation, key):
            _write(transaction, store, refusal, record_id=record_id)
        _touch(transaction, store, key, at)
    return statement_id


def refuse_person(
    store: Store,
    *,
    organisation: str,
    person_id: str,
    channel: Channel,
    purpose: Purpose,
    kind: str,
    at: datetime,
    stated_by: StatedBy = StatedBy.RECRUITER,
    source: str = OURSELVES,
) -> list[str]:
    """Write a refusal that is bound to no address, and return the statements' ids.

    Each record gets a copy, so that every part keeps it if the person is taken apart. None is written where nobody
    in the pool has this id.
    """
    refusal = _Refusal(organisation, channel, purpose, kind, at, source, stated_by)
    with store.writing() as transaction:
        records = transaction.execute(
            select(person_records.c.record_id)
            .where(person_records.c.person_id == person_id)
            .order_by(person_records.c.record_id)
        ).scalars()
        ids = [_write(transaction, store, refusal, record_id=record_id) for record_id in records.all()]
        _wait(transaction, store, {person_id}, at)
    return ids


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
    key = _key(store, channel, address, address_key)

    def row(key: str) -> dict[str, Any]:
        return {
            "id": "sup_" + store.hashed(organisation, key, channel.value, destination or "", reason),
            "organisation": organisation,
            "address_key": key,
            "channel": channel.value,
            "destination": destination,
            "reason": reason,
            "source": source,
            "since": at,
            "lifted_at": None,
        }

    insert = store.insert(suppressions)
    renewed = insert.on_conflict_do_update(
        index_elements=["id"],
        set_={"lifted_at": None, "since": at},
        where=suppressions.c.lifted_at.is_not(None),
    )
    with _writing(store, connection) as transaction:
        keys = _keys_beside(transaction, [key], channel) if reason in OF_THE_PERSON else set[str]()
        transaction.execute(renewed, [row(one) for one in sorted({key} | keys)])
        _touch(transaction, store, key, at)
    return row(key)["id"]


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
        return [
            suppress(
                store, organisation=row.organisation, channel=channel, reason=reason, source=source, at=at,
                address_key=row.address_key, destination=destination, connection=transaction,
            )
            for row in rows
        ]  # fmt: skip


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
            _touch(transaction, store, key, at)
    return lifted


def statements_of(store: Store, person_id: str) -> list[dict[str, Any]]:
    """Return every statement that counts for a person, by her records and by her addresses, oldest first."""
    with store.reading() as connection:
        found = people_facts(connection, {person_id})
        counting = found[person_id].said if person_id in found else {}
        rows = list(mappings_with(connection, _WHOLE, consent_statements.c.id, counting))
    return sorted(rows, key=lambda row: (row["stated_at"], row["id"]))


@dataclass(frozen=True, slots=True)
class _Refusal:
    organisation: str
    channel: Channel
    purpose: Purpose
    kind: str
    at: datetime
    source: str
    stated_by: StatedBy


def _write(
    transaction: Connection, store: Store, refusal: _Refusal, *, record_id: str | None = None, key: str | None = None
) -> str:
    where = (refusal.organisation, refusal.source, key or record_id or "")
    what = (refusal.channel.value, refusal.purpose.value, refusal.kind, refusal.at.isoformat())
    statement_id = "cst_" + store.hashed("refusal", *where, *what)
    row = {
        "id": statement_id,
        "organisation": refusal.organisation,
        "connection": refusal.source,
        "record_id": record_id,
        "purpose": refusal.purpose.value,
        "channel": refusal.channel.value,
        "address_key": key,
        "status": ConsentStatus.REFUSED.value,
        "lawful_basis": "consent",
        "stated_by": refusal.stated_by.value,
        "stated_at": refusal.at,
        "learned_at": refusal.at,
        "expires_at": None,
        "evidence": {"kind": refusal.kind},
        "jurisdiction": None,
        "supersedes": None,
    }
    transaction.execute(store.insert(consent_statements).values(row).on_conflict_do_nothing())
    return statement_id


def _records_beside(transaction: Connection, organisation: str, key: str) -> list[str]:
    """Return the records of whoever holds an address that do not have it themselves."""
    holding = person_addresses.c.address_key == key
    holders = (
        select(person_addresses.c.person_id)
        .join(people, people.c.id == person_addresses.c.person_id)
        .where(holding, people.c.organisation == organisation)
    )
    having = select(person_addresses.c.record_id).where(holding)
    beside = person_records.c.person_id.in_(holders), person_records.c.record_id.not_in(having)
    query = select(person_records.c.record_id).where(*beside).order_by(person_records.c.record_id)
    return list(transaction.execute(query).scalars())


def _keys_beside(transaction: Connection, keys: Collection[str], channel: Channel) -> set[str]:
    """Return the keys of all addresses, by `channel`, of whoever holds one of these."""
    holders = select(person_addresses.c.person_id).where(person_addresses.c.address_key.in_(sorted(keys)))
    by_channel = [] if channel is Channel.ANY else [person_addresses.c.channel == channel.value]
    query = select(person_addresses.c.address_key).where(person_addresses.c.person_id.in_(holders), *by_channel)
    return set(transaction.execute(query.distinct()).scalars())


def _key(store: Store, channel: Channel, address: str | None, key: str | None) -> str:
    if key:
        return key
    if not address:
        raise ValueError("a refusal or suppression names an address or its key")
    return key_of(store, channel, address)


def _touch(transaction: Connection, store: Store, key: str, at: datetime) -> None:
    """Let the segments of whoever holds the address be looked at again."""
    holders = select(person_addresses.c.person_id).where(person_addresses.c.address_key == key).distinct()
    _wait(transaction, store, set(transaction.execute(holders).scalars()), at)


def _wait(transaction: Connection, store: Store, person_ids: set[str], at: datetime) -> None:
    rows = [{"stage": "segments", "subject_id": person_id, "since": at} for person_id in sorted(person_ids)]
    if rows:
        insert = store.insert(work)
        # An update, not "do nothing": it waits for whoever is taking this row away, so that no wake-up is lost.
        transaction.execute(
            insert.on_conflict_do_update(index_elements=["stage", "subject_id"], set_={"since": insert.excluded.since}),
            rows,
        )


@contextmanager
def _writing(store: Store, connection: Connection | None) -> Generator[Connection]:
    if connection is not None:
        yield connection
        return
    with store.writing() as transaction:
        yield transaction
