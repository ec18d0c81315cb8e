"""What we write into the ledger ourselves: refusals; and what it says of one person."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

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
    work,
)

OURSELVES = "catchment"
"""The connection that statements made through us (links, console, read-back) are kept under."""


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
    key = key_named(store, channel, address, address_key)
    refusal = _Refusal(organisation, channel, purpose, kind, at, source, StatedBy.CANDIDATE)
    with writing(store, connection) as transaction:
        statement_id = _write(transaction, store, refusal, key=key)
        for record_id in _records_beside(transaction, organisation, key):
            _write(transaction, store, refusal, record_id=record_id)
        touch(transaction, store, key, at)
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


def key_named(store: Store, channel: Channel, address: str | None, key: str | None) -> str:
    """Return the key of an address that is given by itself or by its key. Raises ValueError where neither is."""
    if key:
        return key
    if not address:
        raise ValueError("a refusal or suppression names an address or its key")
    return key_of(store, channel, address)


def touch(transaction: Connection, store: Store, key: str, at: datetime) -> None:
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
def writing(store: Store, connection: Connection | None) -> Generator[Connection]:
    """Write in the transaction that is given, else in one of our own."""
    if connection is not None:
        yield connection
        return
    with store.writing() as transaction:
        yield transaction
