"""Who is in a segment now, and at which address each is reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Select, column, func, literal, select, union_all

from connectors.records import Channel
from talent_pool import consent
from talent_pool.delivery.colleagues import colleagues
from talent_pool.delivery.member import MEMBERSHIP, Member, member, told
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_once, rows_with
from talent_pool.store.tables import memberships, person_addresses

_ADDRESSES = select(
    *(
        person_addresses.c[name]
        for name in ("person_id", "channel", "record_id", "is_primary", "address", "address_key")
    )
)
_CHUNK = 100
"""Rows of one query that stand in no table: each of their values is a parameter."""


class _Held(NamedTuple):
    """An address as one of a person's records holds it; sorted, her primary ones are first."""

    secondary: bool
    address: str
    record_id: str
    key: str


@dataclass(frozen=True, slots=True)
class _Desk:
    """What it takes to choose among somebody's addresses: those who plainly may be written to, and where."""

    connection: Connection
    store: Store
    segment: SegmentDefinition
    destination: str
    now: datetime
    plain: set[tuple[str, str]]


def count(connection: Connection, segment: SegmentDefinition) -> int:
    """Count a segment's subjects in the database, as the witness beside what a push accounts for."""
    query = select(func.count(func.distinct(memberships.c.subject_id))).where(*_present(segment))
    return int(connection.execute(query).scalar_one())


def person_ids(segment: SegmentDefinition) -> Select[tuple[str | None]]:
    """Return the query for the people of a segment's present members."""
    return select(memberships.c.person_id).where(*_present(segment))


def members(
    connection: Connection, store: Store, segment: SegmentDefinition, destination: str, now: datetime
) -> list[Member]:
    """Return a segment's present members, one a subject, in the order of their subjects.

    Of several addresses the first that may be written to is taken; it is the gate that says so for good.
    """
    rows = sorted(
        rows_once(connection, told(select(memberships).where(*_present(segment)).subquery(), segment.subject))
    )
    if segment.recipient != "person":
        return colleagues(connection, store, segment, rows)
    plain = consent.plainly_allowed(
        connection,
        person_ids(segment),
        organisation=segment.organisation,
        purpose=segment.purpose,
        channel=segment.channel,
        now=now,
    )
    return _members(_Desk(connection, store, segment, destination, now, plain), rows)


def would_be(
    connection: Connection,
    store: Store,
    segment: SegmentDefinition,
    joining: Mapping[str, str],
    destination: str,
    now: datetime,
) -> list[Member]:
    """Return the same for subjects that are not in the segment yet: {subject: person}."""
    rows: list[Any] = []
    pairs = sorted(joining.items())
    for start in range(0, len(pairs), _CHUNK):
        values = [
            {
                "id": f"mem_{subject}", "organisation": segment.organisation, "subject_type": segment.subject,
                "subject_id": subject, "person_id": person, "since": now,
            }
            for subject, person in pairs[start : start + _CHUNK]
        ]  # fmt: skip
        rows += rows_once(connection, told(_listed(values), segment.subject))
    if segment.recipient != "person":
        return colleagues(connection, store, segment, sorted(rows))
    return _members(_Desk(connection, store, segment, destination, now, set()), sorted(rows))


def _listed(values: Sequence[Mapping[str, Any]]) -> FromClause:
    """Return rows that stand in no table as if they did."""
    columns = [column(name, memberships.c[name].type) for name in MEMBERSHIP]
    selects = [select(*(literal(value[one.name], one.type).label(one.name) for one in columns)) for value in values]
    return union_all(*selects).subquery()


def _present(segment: SegmentDefinition) -> tuple[Any, ...]:
    return (
        memberships.c.segment == segment.name,
        memberships.c.organisation == segment.organisation,
        memberships.c.until.is_(None),
    )


def _members(desk: _Desk, rows: Sequence[Any]) -> list[Member]:
    known = _addresses(desk.connection, desk.segment, {row.person_id for row in rows if row.person_id})
    found: dict[str, Member] = {}
    undecided: dict[str, list[str]] = {}
    for row in rows:
        if row.subject_id in found:
            continue
        held = known.get(row.person_id or "", ())
        addresses = _in_order(desk.segment, row, held)
        address = addresses[0] if addresses else None
        one = member(desk.segment, row, address, _key(desk, held, address) if address else None)
        one.plain = (row.person_id, address) in desk.plain
        if len(addresses) > 1 and not one.plain:
            undecided[row.subject_id] = addresses
        found[row.subject_id] = one
    asks = [_ask(desk, found[subject], address) for subject, those in undecided.items() for address in those]
    verdicts = consent.verdicts(desk.connection, desk.store, asks, desk.now)
    for subject, those in undecided.items():
        best = next((address for address in those if verdicts[subject, address].allowed), those[0])
        one = found[subject]
        one.address, one.address_key = best, _key(desk, known.get(one.person_id or "", ()), best)
    return list(found.values())


def _in_order(segment: SegmentDefinition, row: Any, known: Sequence[_Held]) -> list[str]:
    """Return a person's addresses, best first; what is about one record's application goes to that record's alone."""
    addresses = [one.address for one in known]
    if segment.subject != "person":
        own = [one.address for one in known if one.record_id == row.candidate_record_id]
        if own:
            return list(dict.fromkeys(own))
    golden = row.primary_email if segment.channel is Channel.EMAIL else row.primary_phone
    if golden and segment.channel in (Channel.EMAIL, Channel.SMS) and addresses != [golden]:
        addresses.insert(0, golden)
    return list(dict.fromkeys(addresses)) if len(addresses) > 1 else addresses


def _key(desk: _Desk, held: Sequence[_Held], address: str) -> str:
    """Return the address's hash; whoever holds the address mostly brings it."""
    for one in held:
        if one.address == address:
            return one.key
    return address_key(desk.store, desk.segment.channel, address)


def _ask(desk: _Desk, of: Member, address: str) -> consent.Ask:
    return consent.Ask(
        key=(of.subject_id, address),
        organisation=of.organisation,
        person_id=of.person_id,
        candidate_record_id=of.candidate_record_id,
        channel=desk.segment.channel,
        address=address,
        purpose=desk.segment.purpose,
        destination=desk.destination,
        marketing=desk.segment.type == "marketing",
    )


def _addresses(connection: Connection, segment: SegmentDefinition, people: set[str]) -> dict[str, list[_Held]]:
    """Return each person's addresses for the segment's channel, the primary ones first."""
    found: dict[str, list[_Held]] = {}
    channel = segment.channel.value
    for row in rows_with(connection, _ADDRESSES, person_addresses.c.person_id, people):
        if row.channel == channel:
            held = _Held(not row.is_primary, row.address, row.record_id, row.address_key)
            found.setdefault(row.person_id, []).append(held)
    for held in found.values():
        if len(held) > 1:
            held.sort()
    return found
