"""Memberships go where their subject goes: with the application, or with the person whose id was given up."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from talent_pool.resolution.projection import Difference
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import memberships


def follow_applications(connection: Connection, difference: Difference) -> None:
    """Turn the memberships of applications to whoever they belong to now."""
    for row in difference.changed:
        if row["person_id"] != difference.stored[row["id"]]["person_id"]:
            own = update(memberships).where(memberships.c.subject_id == row["id"])
            connection.execute(own.values(person_id=row["person_id"]))


def follow_merges(connection: Connection, merged_into: Mapping[str, str], now: datetime) -> None:
    """Give memberships of ids that were given up to the person they stand for; of two open ones the earliest stays."""
    ids = {*merged_into, *merged_into.values()}
    own = select(memberships).where(memberships.c.subject_type == "person")
    held = sorted(rows_with(connection, own, memberships.c.subject_id, ids), key=lambda row: (row.since, row.id))
    earliest: dict[tuple[str, str], Row[tuple[object, ...]]] = {}
    for row in held:
        person = merged_into.get(row.subject_id, row.subject_id)
        place = (row.segment, person)
        if row.until is not None:
            _change(connection, row.id, person_id=person)
        elif place in earliest:
            _change(connection, row.id, person_id=person, until=now, left_because="merged", next_due_at=None)
        else:
            earliest[place] = row
    # After the others were closed: their subject may hold a row of the same moment.
    taken = {(row.segment, row.subject_id, row.since) for row in held}
    for (segment, person), row in earliest.items():
        subject = person if (segment, person, row.since) not in taken else row.subject_id
        _change(connection, row.id, person_id=person, subject_id=subject)


def follow_returns(connection: Connection, returned: Collection[str]) -> None:
    """Give the history that an id had before it was merged back to it."""
    for person in sorted(returned):
        own = update(memberships).where(memberships.c.subject_type == "person", memberships.c.subject_id == person)
        connection.execute(own.values(person_id=person))


def _change(connection: Connection, membership: str, **values: object) -> None:
    connection.execute(update(memberships).where(memberships.c.id == membership).values(**values))
