"""Verdicts: may this address be written to, for this purpose, on this channel, now, and if not, why."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from connectors.records import Channel, ConsentStatus, Purpose, StatedBy
from talent_pool.consent.facts import Person, add_what_is_at_addresses, people_facts
from talent_pool.consent.join import Places, Statement, joined, places
from talent_pool.consent.suppressions import DO_NOT_CONTACT, OF_THE_PERSON
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store

NOBODY = "This person is not in the pool."
NOT_ACTIVE = "This person is not active in the pool."
PRIVATE = "This person is marked private at a source."
NO_ADDRESS = "There is no address for this channel."

_OF_SERVICE = frozenset({Purpose.THIS_APPLICATION, Purpose.SMS_REMINDER})
"""Purposes that are asked about for messages that somebody waits for; do-not-contact does not bind these."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One address that somebody wants to write to. `key` is handed back with the verdict.

    `candidate_record_id`: the record of the fact that is written about; an application speaks for its own record's
    addresses alone. `destination`: with it, suppressions of that destination count too. `marketing`: a person's
    do-not-contact counts too, which binds marketing alone. `colleague`: somebody of the company's, who need not have
    allowed anything; only what was said or learned at the address itself counts.
    """

    key: Hashable
    organisation: str
    person_id: str | None
    candidate_record_id: str | None
    channel: Channel
    address: str
    purpose: Purpose
    destination: str | None = None
    marketing: bool = True
    colleague: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an address may be written to. `reason` is empty if it may, else one sentence without personal data.

    `consented`: among what allows it is consent itself, not another lawful basis. `until`: the next instant at which
    time alone could change this.
    """

    allowed: bool
    reason: str
    consented: bool = False
    statement_ids: tuple[str, ...] = ()
    until: datetime | None = None


def verdicts(connection: Connection, store: Store, asks: Sequence[Ask], now: datetime) -> dict[Any, Verdict]:
    """Judge each ask and return the verdicts by its key."""
    found = people_facts(connection, {ask.person_id for ask in asks if ask.person_id})
    folded: dict[tuple[str, str, Channel, Purpose], Places] = {}
    at_addresses = _at_addresses(connection, store, [ask for ask in asks if ask.colleague])
    return {
        ask.key: _colleague(store, ask, at_addresses, now)
        if ask.colleague
        else _verdict(store, ask, found.get(ask.person_id or ""), folded, now)
        for ask in asks
    }


def _at_addresses(connection: Connection, store: Store, asks: Sequence[Ask]) -> dict[str, Person]:
    """Return what was said at colleagues' addresses, by key, as if each address were a person."""
    found: dict[str, Person] = {}
    for ask in asks:
        key = address_key(store, ask.channel, ask.address)
        found[key] = Person(ask.organisation, "active", is_private=False, keys={key})
    add_what_is_at_addresses(connection, found)
    return found


def _colleague(store: Store, ask: Ask, found: dict[str, Person], now: datetime) -> Verdict:
    """Allow what was not refused at this very address."""
    key = address_key(store, ask.channel, ask.address)
    suppressed = _suppression(found[key], ask, key, now)
    if suppressed is not None:
        return Verdict(allowed=False, reason=f"The address is suppressed: {suppressed.reason}.")
    latest = max(_said(found[key], ask), key=lambda one: (one.stated_at, one.id), default=None)
    if latest and latest.status in (ConsentStatus.REFUSED, ConsentStatus.WITHDRAWN):
        return Verdict(allowed=False, reason="This was refused at the address.", statement_ids=(latest.id,))
    return Verdict(allowed=True, reason="")


def reachable(
    connection: Connection,
    store: Store,
    person_ids: Iterable[str],
    *,
    organisation: str,
    purpose: Purpose,
    channel: Channel,
    now: datetime,
) -> dict[str, Verdict]:
    """Return for each person the verdict on the address that fares best; `until` covers all of them."""
    found = people_facts(connection, person_ids)
    folded: dict[tuple[str, str, Channel, Purpose], Places] = {}
    best: dict[str, Verdict] = {}
    for person_id, person in found.items():
        addresses = {one.address for one in person.addresses if one.channel == channel.value}
        judged = [
            _verdict(
                store,
                Ask(None, organisation, person_id, None, channel, one, purpose, marketing=purpose not in _OF_SERVICE),
                person,
                folded,
                now,
            )
            for one in sorted(addresses)
        ] or [Verdict(allowed=False, reason=NO_ADDRESS)]
        until = min((one.until for one in judged if one.until), default=None)
        winner = next((one for one in judged if one.allowed), judged[0])
        best[person_id] = Verdict(winner.allowed, winner.reason, winner.consented, winner.statement_ids, until)
    return best


def _verdict(
    store: Store,
    ask: Ask,
    person: Person | None,
    folded: dict[tuple[str, str, Channel, Purpose], Places],
    now: datetime,
) -> Verdict:
    if person is None or person.organisation != ask.organisation or ask.person_id is None:
        return Verdict(allowed=False, reason=NOBODY)
    if person.state != "active":
        return Verdict(allowed=False, reason=NOT_ACTIVE)
    if person.is_private:
        return Verdict(allowed=False, reason=PRIVATE)
    key = _key(store, ask, person)
    suppressed = _suppression(person, ask, key, now)
    if suppressed is not None:
        return Verdict(
            allowed=False, reason=f"The address is suppressed: {suppressed.reason}.", until=suppressed.lifted_at
        )
    slot = (ask.organisation, ask.person_id, ask.channel, ask.purpose)
    if slot not in folded:
        folded[slot] = places(_said(person, ask), now)
    records = {one.record_id for one in person.addresses if one.address_key == key} & person.records
    implied, horizon = _implied(person, ask, records, now)
    result = joined(folded[slot], key, sorted(records), implied)
    return Verdict(
        result.allowed,
        result.reason,
        consented=result.allowed and any(one.lawful_basis == "consent" for one in result.statements),
        statement_ids=tuple(sorted(one.id for one in result.statements)),
        until=min((at for at in (result.until, *horizon) if at), default=None),
    )


def _key(store: Store, ask: Ask, person: Person) -> str:
    """Return the key of the address that is asked about; her records mostly bring it."""
    for one in person.addresses:
        if one.address == ask.address and one.channel == ask.channel.value:
            return one.address_key
    return address_key(store, ask.channel, ask.address)


def _suppression(person: Person, ask: Ask, key: str, now: datetime) -> Row[Any] | None:
    for row in person.suppressed:
        if (
            row.organisation == ask.organisation
            and row.channel in (ask.channel.value, Channel.ANY.value)
            and row.destination in (None, ask.destination)
            and (row.lifted_at is None or row.lifted_at > now)
            and (ask.marketing or row.reason != DO_NOT_CONTACT)
            and (row.address_key == key or row.reason in OF_THE_PERSON)
        ):
            return row
    return None


def _said(person: Person, ask: Ask) -> list[Statement]:
    return [
        Statement(
            id=row.id,
            record_id=row.record_id,
            address_key=row.address_key,
            status=ConsentStatus(row.status),
            lawful_basis=row.lawful_basis,
            stated_by=StatedBy(row.stated_by),
            stated_at=row.stated_at,
            expires_at=row.expires_at,
        )
        for row in person.said.values()
        if row.organisation == ask.organisation
        and row.purpose == ask.purpose.value
        and row.channel in (ask.channel.value, Channel.ANY.value)
    ]


def _implied(person: Person, ask: Ask, records: set[str], now: datetime) -> tuple[list[Statement], list[datetime]]:
    """Return the applications that allow writing about themselves to an address of `records`, and when they end."""
    if ask.purpose is not Purpose.THIS_APPLICATION:
        return [], []
    live = [
        yes
        for record_id, yes in person.applications
        if record_id in records
        and ask.candidate_record_id in (None, record_id)
        and (yes.expires_at is None or yes.expires_at > now)
    ]
    return live, [yes.expires_at for yes in live if yes.expires_at]
