"""Who left a segment and stays at a destination all the same, as a push's `mode` may say."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connectors.contract import Action, Fate
from talent_pool.delivery.gate import Leaving, Way, rule
from talent_pool.delivery.member import Member
from talent_pool.people.person_ids import given_up
from talent_pool.segments.definition import SegmentDefinition


def without_stayers(
    connection: Connection,
    way: Way,
    segment: SegmentDefinition,
    held: Mapping[str, Any],
    *,
    members: Sequence[Member],
) -> dict[str, Any]:
    """Return holdings, by address, without those of people who left the segment and may still be written to there."""
    merged = given_up(connection, (holding.person_id for holding in held.values() if holding.person_id))
    present = {member.person_id for member in members}
    left = {
        address: person
        for address, holding in held.items()
        if (person := merged.get(holding.person_id, holding.person_id)) not in present
    }
    asking = [
        Leaving(
            row_id=address,
            action=Action.UPSERT,
            organisation=segment.organisation,
            person_id=person,
            candidate_record_id=None,
            address=held[address].address,
            channel=segment.channel,
            purpose=segment.purpose,
            tag="",
        )
        for address, person in left.items()
    ]
    rulings = rule(connection, way, asking)
    staying = {address for address, ruling in rulings.items() if ruling.fate is not Fate.SUPPRESSED}
    return {address: holding for address, holding in held.items() if address not in staying}
