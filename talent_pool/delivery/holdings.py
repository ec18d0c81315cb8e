"""State destinations: what one should hold, against what we know it holds by us."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, select

from connectors.contract import Action, Fate, Push
from talent_pool.delivery import jobs, push_ledger
from talent_pool.delivery.gate import Leaving, Ruling, Way, rule
from talent_pool.delivery.push_ledger import Planned
from talent_pool.delivery.recipients import Member
from talent_pool.delivery.stayers import without_stayers
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import holdings

LEFT = "Not in the segment any more."
SHARED = "Another member of this segment is reached at the same address."


def plan(
    connection: Connection, way: Way, push: Push, segment: SegmentDefinition, members: Sequence[Member]
) -> list[Planned]:
    """Compare members with holdings: new and changed ones to put there, and ours to take out who left or said no."""
    destination = way.destination
    name = destination.settings.name
    tag = push.tag or push.segment
    held = {} if destination.lost(tag) else _held(connection, name, segment.name)
    ours = _known_addresses(connection, name)
    in_hand = jobs.addresses(connection, name, segment.name)
    said = push_ledger.last_said(connection, name, segment.name)
    rows = [_row(way, tag, segment, member, known=_folded(member.address) in ours) for member in members]
    rulings = rule(connection, way, [row.leaving for row in rows])
    wanted: set[str] = set()
    planned: list[Planned] = []
    for row in rows:
        ruling, before = rulings[row.leaving.row_id], said.get(row.subject_id)
        address = _folded(row.leaving.address)
        holding = held.get(address)
        row.reaches = holding is None
        if ruling.fate is Fate.SUPPRESSED:
            row.becomes(Fate.SUPPRESSED, ruling.reason)
        elif address in wanted:
            row.becomes(Fate.SUPPRESSED, SHARED)
        else:
            wanted.add(address)
            if address in in_hand:
                row.becomes(Fate.PENDING, jobs.WORKED_ON)
            elif holding is not None and (push.mode == "add" or holding.fingerprint == row.fingerprint):
                row.becomes(Fate.UNCHANGED)
            else:
                _attempt(way, row, ruling, holding, before)
        planned.append(row)
    if push.mode != "mirror":
        held = without_stayers(connection, way, segment, held, wanted=wanted, members=members)
    everything = _taken_out(way, tag, segment, held, wanted=wanted, planned=planned)
    for row in everything:
        if row.fate is None and _folded(row.leaving.address) in in_hand:
            # taken out while an order to put it there is being worked on, it would come back
            row.becomes(Fate.PENDING, jobs.WORKED_ON)
    return everything


def _attempt(way: Way, row: Planned, ruling: Ruling, holding: Row[Any] | None, before: push_ledger.Said | None) -> None:
    """Let a row that differs be attempted, unless it was refused as it is, or may not leave just now."""
    if before and before.fate is Fate.REJECTED and before.fingerprint == row.fingerprint:
        row.becomes(Fate.REJECTED, before.reason)
    elif ruling.fate is not None:
        row.becomes(ruling.fate, ruling.reason)
    else:
        row.leaving = _named(way, row, holding, before)


def _named(way: Way, row: Planned, holding: Row[Any] | None, before: push_ledger.Said | None) -> Leaving:
    """Return what leaves with the name of its change: the same until it has arrived, another for the next change."""
    since = holding.modified_at.isoformat() if holding is not None else ""
    number = str(before.number) if before else ""
    leaving = row.leaving
    occasion = way.store.hashed("occasion", leaving.row_id, leaving.action.value, row.fingerprint, since, number)
    return replace(leaving, held=holding is not None, occasion=occasion, emptied=_emptied(row, holding))


def _emptied(row: Planned, holding: Row[Any] | None) -> frozenset[str]:
    """Return the fields that were filled by us and that we have nothing for any more.

    A value that another record brought goes again with that record, as when two people are taken apart.
    """
    before: Sequence[str] = (holding.filled or ()) if holding is not None else ()
    return frozenset(before) - frozenset(row.filled)


def _row(way: Way, tag: str, segment: SegmentDefinition, member: Member, *, known: bool) -> Planned:
    fields = {name: member.fields.get(name) for name in sorted(way.destination.fields)}
    leaving = Leaving(
        row_id=member.membership_id,
        action=Action.UPSERT,
        organisation=member.organisation,
        person_id=member.person_id,
        candidate_record_id=member.candidate_record_id,
        address=member.address,
        channel=segment.channel,
        purpose=segment.purpose,
        tag=tag,
        fields=fields,
        known=known,
        type=segment.type,
        segment=segment.name,
        priority=segment.priority,
        holdout=segment.holdout,
    )
    told = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()
    fingerprint = way.store.hashed("holding", member.address or "", tag, told)
    filled = [name for name, value in fields.items() if value is not None]
    return Planned(
        segment.name, member.subject_id, member.person_id, leaving, member.address_key, fingerprint, filled=filled
    )


def _taken_out(
    way: Way,
    tag: str,
    segment: SegmentDefinition,
    held: Mapping[str, Row[Any]],
    *,
    wanted: set[str],
    planned: Sequence[Planned],
) -> list[Planned]:
    """Return removals first, then the rest: whoever is held and not wanted is taken out, and nobody else.

    A member who is held and may not be written to any more is one row, the removal, with the gate's reason.
    """
    refused: dict[str, Planned] = {}
    for row in planned:
        address = _folded(row.leaving.address)
        if row.fate is Fate.SUPPRESSED and address in held and address not in wanted:
            refused.setdefault(address, row)
    removals: list[Planned] = []
    for address, holding in held.items():
        if address in wanted:
            continue
        member = refused.get(address)
        leaving = Leaving(
            row_id="hld_" + way.store.hashed(way.destination.settings.name, segment.name, address),
            action=Action.REMOVE,
            organisation=segment.organisation,
            person_id=holding.person_id,
            candidate_record_id=None,
            address=holding.address,
            channel=segment.channel,
            purpose=segment.purpose,
            tag=tag,
            known=True,
            remote_id=holding.remote_id,
        )
        subject = member.subject_id if member else "left:" + holding.address_key
        removal = Planned(
            segment.name,
            subject,
            holding.person_id,
            leaving,
            holding.address_key,
            holding.fingerprint,
            reason=member.reason if member else LEFT,
        )
        removal.leaving = _named(way, removal, holding, None)
        removals.append(removal)
    replaced = {id(row) for row in refused.values()}
    return removals + [row for row in planned if id(row) not in replaced]


def record(connection: Connection, store: Store, destination: str, rows: Sequence[Planned], now: datetime) -> None:
    """Remember what a batch put there and took out."""
    for row in rows:
        address = _folded(row.leaving.address)
        if row.fate is Fate.REMOVED:
            connection.execute(
                delete(holdings).where(
                    holdings.c.destination == destination,
                    holdings.c.segment == row.segment,
                    holdings.c.address == address,
                )
            )
    put = [
        {
            "destination": destination,
            "segment": row.segment,
            "address": _folded(row.leaving.address),
            "address_key": row.address_key,
            "person_id": row.person_id,
            "fingerprint": row.fingerprint,
            "since": now,
            "modified_at": now,
            "remote_id": row.remote_id,
            "filled": list(row.filled),
        }
        for row in rows
        if row.fate is Fate.SENT
    ]
    if put:
        statement = store.insert(holdings)
        names = ("address_key", "person_id", "fingerprint", "modified_at", "remote_id", "filled")
        kept = {name: statement.excluded[name] for name in names}
        keys = ["destination", "segment", "address"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=kept), put)


def forget(connection: Connection, destination: str, segment: str) -> None:
    """Forget what a destination held that lost it, so that all is put there again."""
    connection.execute(delete(holdings).where(holdings.c.destination == destination, holdings.c.segment == segment))


def _held(connection: Connection, destination: str, segment: str) -> dict[str, Row[Any]]:
    query = select(holdings).where(holdings.c.destination == destination, holdings.c.segment == segment)
    return {row.address: row for row in sorted(connection.execute(query), key=lambda row: row.address)}


def _known_addresses(connection: Connection, destination: str) -> set[str]:
    query = select(holdings.c.address).where(holdings.c.destination == destination).distinct()
    return set(connection.execute(query).scalars())


def _folded(address: str | None) -> str:
    """Return the address as destinations compare it; case never tells two mailboxes apart there."""
    return (address or "").lower()
