"""State destinations: what one should hold, against what we know it holds by us."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection

from connectors.contract import Action, Fate, Push
from talent_pool.delivery import gate, holdings, jobs, push_ledger
from talent_pool.delivery.gate import Leaving, Ruling, Way
from talent_pool.delivery.holdings import folded
from talent_pool.delivery.member import Member
from talent_pool.delivery.push_ledger import Planned
from talent_pool.delivery.stayers import without_stayers
from talent_pool.segments.definition import SegmentDefinition

LEFT = "Not in the segment any more."
SHARED = "Another member of this segment is reached at the same address."


def plan(
    connection: Connection, way: Way, push: Push, segment: SegmentDefinition, members: Sequence[Member]
) -> tuple[list[Planned], int]:
    """Compare members with holdings: new and changed ones to put there, and ours to take out who left or said no.

    Return their rows, and how many members rest: nothing about them differs and nothing stands against them, so they
    have no row, which would cost more than all the rest. The gate is asked about everybody else.
    """
    compared = _Comparison(connection, way, push, segment)
    resting = gate.unopposed(connection, way, segment, [one for one in members if compared.is_same(one)])
    moving = {one.subject_id: compared.row(one) for one in members if one.subject_id not in resting}
    rulings = gate.rule(connection, way, [row.leaving for row in moving.values()])
    said = push_ledger.last_said(connection, compared.name, segment.name, moving)
    wanted: set[str] = set()
    planned: list[Planned] = []
    at_rest = 0
    for member in members:
        row, is_first = moving.get(member.subject_id), folded(member.address) not in wanted
        if row is None and is_first:
            wanted.add(folded(member.address))
            at_rest += 1
            continue
        if row is None:
            row = compared.row(member)
            row.becomes(Fate.SUPPRESSED, SHARED)
        else:
            ruling = rulings[row.leaving.row_id]
            compared.settle(row, ruling, said.get(row.subject_id), is_first=is_first)
            if row.fate is not Fate.SUPPRESSED:
                wanted.add(folded(member.address))
        planned.append(row)
    compared.tell_known(connection, planned)
    leaving = compared.left(connection, members, wanted)
    return compared.taken_out(leaving, planned, wanted), at_rest


class _Comparison:
    """One push's view of what its destination holds for its segment."""

    def __init__(self, connection: Connection, way: Way, push: Push, segment: SegmentDefinition) -> None:
        self.way, self.push, self.segment = way, push, segment
        self.name, self.tag = way.destination.settings.name, push.tag or push.segment
        self.held = {} if way.destination.lost(self.tag) else holdings.held(connection, self.name, segment.name)
        self.in_hand = jobs.addresses(connection, self.name, segment.name)
        self._told = sorted(way.destination.fields)

    def fingerprint(self, member: Member) -> str:
        """Return the hash of all that the destination is given of a member."""
        told = orjson.dumps(self.fields(member), option=orjson.OPT_SORT_KEYS).decode()
        return self.way.store.hashed("holding", member.address or "", self.tag, told)

    def fields(self, member: Member) -> dict[str, Any]:
        """Return the merge fields that the destination takes."""
        return {name: member.fields.get(name) for name in self._told}

    def is_same(self, member: Member) -> bool:
        """Say whether the destination holds a member as it should, and nothing about her is under way."""
        address = folded(member.address)
        holding = self.held.get(address)
        if holding is None or address in self.in_hand:
            return False
        return self.push.mode == "add" or holding.fingerprint == self.fingerprint(member)

    def row(self, member: Member) -> Planned:
        """Return a member's row, yet to be settled."""
        segment = self.segment
        leaving = Leaving(
            row_id=member.membership_id,
            action=Action.UPSERT,
            organisation=member.organisation,
            person_id=member.person_id,
            candidate_record_id=member.candidate_record_id,
            address=member.address,
            channel=segment.channel,
            purpose=segment.purpose,
            tag=self.tag,
            fields=self.fields(member),
            type=segment.type,
            segment=segment.name,
            priority=segment.priority,
            holdout=segment.holdout,
        )
        return Planned(
            segment.name,
            member.subject_id,
            member.person_id,
            leaving,
            member.address_key,
            self.fingerprint(member),
            reaches=folded(member.address) not in self.held,
            filled=[name for name, value in leaving.fields.items() if value is not None],
        )

    def settle(self, row: Planned, ruling: Ruling, before: push_ledger.Said | None, *, is_first: bool) -> None:
        """Settle a row that is not to be attempted: refused, held as it should be, or not to leave just now."""
        address = folded(row.leaving.address)
        holding = self.held.get(address)
        if ruling.fate is Fate.SUPPRESSED:
            row.becomes(Fate.SUPPRESSED, ruling.reason)
        elif not is_first:
            row.becomes(Fate.SUPPRESSED, SHARED)
        elif address in self.in_hand:
            row.becomes(Fate.PENDING, jobs.WORKED_ON)
        elif holding is not None and (self.push.mode == "add" or holding.fingerprint == row.fingerprint):
            row.becomes(Fate.UNCHANGED)
        elif before and before.fate is Fate.REJECTED and before.fingerprint == row.fingerprint:
            row.becomes(Fate.REJECTED, before.reason)
        elif ruling.fate is not None:
            row.becomes(ruling.fate, ruling.reason)
        else:
            row.leaving = self._named(row, holding, before)

    def _named(self, row: Planned, holding: Any, before: push_ledger.Said | None) -> Leaving:
        """Return what leaves with the name of its change: the same until it has arrived, another for the next one."""
        since = holding.modified_at.isoformat() if holding is not None else ""
        number = str(before.number) if before else ""
        leaving = row.leaving
        occasion = self.way.store.hashed(
            "occasion", leaving.row_id, leaving.action.value, row.fingerprint, since, number
        )
        return replace(leaving, held=holding is not None, occasion=occasion, emptied=_emptied(row, holding))

    def tell_known(self, connection: Connection, rows: Sequence[Planned]) -> None:
        """Tell the rows that are to be attempted which addresses the destination has by us, for whatever segment."""
        going = [row for row in rows if row.fate is None]
        ours = holdings.held_for_any(connection, self.name, {row.address_key for row in going if row.address_key})
        for row in going:
            if folded(row.leaving.address) in ours:
                row.leaving = replace(row.leaving, known=True)

    def left(self, connection: Connection, members: Sequence[Member], wanted: Collection[str]) -> Mapping[str, Any]:
        """Return the holdings, by address, of whoever is to be there no more, in the order of addresses."""
        gone = {address: self.held[address] for address in sorted(self.held.keys() - wanted)}
        if self.push.mode == "mirror":
            return gone
        return without_stayers(connection, self.way, self.segment, gone, members=members)

    def taken_out(
        self, leaving: Mapping[str, Any], planned: Sequence[Planned], wanted: Collection[str]
    ) -> list[Planned]:
        """Return removals first, then the rest: whoever is held and not wanted is taken out, and nobody else.

        A member who is held and may not be written to any more is one row, the removal, with the gate's reason.
        """
        refused: dict[str, Planned] = {}
        for row in planned:
            address = folded(row.leaving.address)
            if row.fate is Fate.SUPPRESSED and address in leaving and address not in wanted:
                refused.setdefault(address, row)
        removals = [self._removal(holding, refused.get(address)) for address, holding in leaving.items()]
        replaced = {id(row) for row in refused.values()}
        return removals + [row for row in planned if id(row) not in replaced]

    def _removal(self, holding: Any, member: Planned | None) -> Planned:
        leaving = Leaving(
            row_id="hld_" + self.way.store.hashed(self.name, self.segment.name, holding.address),
            action=Action.REMOVE,
            organisation=self.segment.organisation,
            person_id=holding.person_id,
            candidate_record_id=None,
            address=holding.address,
            channel=self.segment.channel,
            purpose=self.segment.purpose,
            tag=self.tag,
            known=True,
            remote_id=holding.remote_id,
        )
        row = Planned(
            self.segment.name,
            member.subject_id if member else "left:" + holding.address_key,
            holding.person_id,
            leaving,
            holding.address_key,
            holding.fingerprint,
            reason=member.reason if member else LEFT,
        )
        row.leaving = self._named(row, holding, None)
        if holding.address in self.in_hand:
            # taken out while an order to put it there is being worked on, it would come back
            row.becomes(Fate.PENDING, jobs.WORKED_ON)
        return row


def _emptied(row: Planned, holding: Any) -> frozenset[str]:
    """Return the fields that were filled by us and that we have nothing for any more.

    A value that another record brought goes again with that record, as when two people are taken apart.
    """
    before: Sequence[str] = (holding.filled or ()) if holding is not None else ()
    return frozenset(before) - frozenset(row.filled)
