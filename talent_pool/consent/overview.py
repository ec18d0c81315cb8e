"""All there is to say of one person's consent: what may be sent, for which purpose, by which channel, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.records import Channel, Purpose
from talent_pool.consent.facts import people_facts
from talent_pool.consent.statements import statements_of
from talent_pool.consent.verdict import reachable
from talent_pool.people.person_ids import existing
from talent_pool.store.database import Store
from talent_pool.store.tables import people

CHANNELS = (Channel.EMAIL, Channel.SMS)
"""Channels that the pool holds addresses for."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """One purpose by one channel. `until`: when time alone could change it."""

    purpose: str
    channel: str
    allowed: bool
    reason: str
    until: datetime | None
    statement_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """One person's ledger of statements and suppressions, and what follows from it."""

    person_id: str
    allowed: Sequence[Allowed]
    statements: Sequence[Mapping[str, Any]]
    suppressions: Sequence[Mapping[str, Any]]


def overview(store: Store, person: str, now: datetime) -> Overview:
    """Return it for any id that ever stood for somebody. Raises NoSuchPerson."""
    with store.reading() as connection:
        person_id = existing(connection, person)
        allowed = _allowed(connection, store, person_id, now)
        facts = people_facts(connection, [person_id])[person_id]
    suppressed = [
        {
            "id": row.id, "channel": row.channel, "destination": row.destination, "reason": row.reason,
            "source": row.source, "since": row.since, "lifted_at": row.lifted_at,
        }
        for row in sorted(facts.suppressed, key=lambda row: (row.since, row.id))
    ]  # fmt: skip
    return Overview(person_id, allowed, statements_of(store, person_id), suppressed)


def _allowed(connection: Connection, store: Store, person_id: str, now: datetime) -> list[Allowed]:
    organisation = connection.execute(select(people.c.organisation).where(people.c.id == person_id)).scalar_one()
    found: list[Allowed] = []
    for purpose in Purpose:
        for channel in CHANNELS:
            verdict = reachable(
                connection, store, [person_id], organisation=organisation, purpose=purpose, channel=channel, now=now
            )[person_id]
            found.append(
                Allowed(purpose, channel, verdict.allowed, verdict.reason, verdict.until, verdict.statement_ids)
            )
    return found
