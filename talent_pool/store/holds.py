"""Restrictions and archives: what is kept and not used. They stand at records, so that merging carries them along.

A person with one such record is restricted (or archived) as a whole; un-merging gives every part back its own, for a
hold is put on each record that she had. Nobody is looked at for segments or written to in these states.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, update

from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import people, person_records, record_holds, work

_STRICTEST = {"archived": 2, "restricted": 1}
_HELD = select(record_holds.c.record_id, record_holds.c.state, record_holds.c.until)
_STANDING = frozenset({"active", "restricted", "archived"})


def put(
    connection: Connection,
    store: Store,
    person: str,
    state: str,
    cause: str,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Put a hold on every record that a person has now, in this transaction; the person's state follows at once."""
    own = select(person_records.c.record_id).where(person_records.c.person_id == person)
    rows = [
        {"record_id": record, "cause": cause, "state": state, "since": now, "until": until}
        for record in connection.execute(own).scalars()
    ]
    if rows:
        connection.execute(store.insert(record_holds).on_conflict_do_nothing(), rows)
    _follow(connection, store, {person}, now)


def lift(connection: Connection, cause: str, now: datetime, store: Store | None = None) -> None:
    """Take away every hold of a cause; whoever has none left is active again."""
    named = select(person_records.c.person_id).join(
        record_holds, record_holds.c.record_id == person_records.c.record_id
    )
    concerned = set(connection.execute(named.where(record_holds.c.cause == cause)).scalars())
    connection.execute(delete(record_holds).where(record_holds.c.cause == cause))
    _follow(connection, store, concerned, now)


def states(connection: Connection, members: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the strictest hold among each person's records; who has none is left out."""
    holder = {record: person for person, names in members.items() for record in names}
    found: dict[str, str] = {}
    for row in rows_with(connection, _HELD, record_holds.c.record_id, set(holder)):
        person = holder[row.record_id]
        if _STRICTEST[row.state] > _STRICTEST.get(found.get(person, ""), 0):
            found[person] = row.state
    return found


def held_until(connection: Connection, records: Collection[str], now: datetime) -> datetime | None:
    """Return until when the longest hold among these records lasts, or None."""
    lasting = _HELD.where(or_(record_holds.c.until.is_(None), record_holds.c.until > now))
    ends = [row.until for row in rows_with(connection, lasting, record_holds.c.record_id, records) if row.until]
    return max(ends, default=None)


def _follow(connection: Connection, store: Store | None, persons: Collection[str], now: datetime) -> None:
    for person in sorted(persons):
        own = select(person_records.c.record_id).where(person_records.c.person_id == person)
        state = states(connection, {person: list(connection.execute(own).scalars())}).get(person, "active")
        here = (people.c.id == person, people.c.state.in_(_STANDING), people.c.state != state)
        connection.execute(update(people).where(*here).values(state=state, modified_at=now))
        if store is not None:
            row = {"stage": "segments", "subject_id": person, "since": now}
            again = (
                store.insert(work)
                .values(row)
                .on_conflict_do_update(index_elements=["stage", "subject_id"], set_={"since": now})
            )
            connection.execute(again)
