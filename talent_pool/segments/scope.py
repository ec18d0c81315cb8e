"""Whom an evaluation looks at: the whole pool part by part, or those who wait, have come due or were written to."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, select, union

from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.relations import WRITTEN
from talent_pool.store.tables import deliveries, memberships, people, segment_due, users, work

STEP = 1_000
"""How many people one step looks at."""
_OVERLAP = timedelta(days=1)
"""A push writes its own beginning as the time of what it sends, and may end after an evaluation that began later."""


def parts(person_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut people into steps."""
    for start in range(0, len(person_ids), STEP):
        yield person_ids[start : start + STEP]


def next_part(connection: Connection, after: str) -> list[str]:
    """Return the ids of the step's people that follow `after` (an id, or nothing at the start); none at the end."""
    following = select(people.c.id).where(people.c.id > after).order_by(people.c.id).limit(STEP)
    return list(connection.execute(following).scalars())


def whole_pool(connection: Connection) -> Iterator[list[str]]:
    """Cut the whole pool into steps, as this connection sees it."""
    part = next_part(connection, "")
    while part:
        yield part
        part = next_part(connection, part[-1])


def of_segment(connection: Connection, definition: SegmentDefinition) -> Iterator[Sequence[str]]:
    """Cut whoever could be in a segment, or still is, into steps, as this connection sees it."""
    if definition.subject == "user":
        yield from parts(all_users(connection, [definition.name]))
        return
    yield from whole_pool(connection)
    yield from parts(strays(connection, [definition.name]))


def strays(connection: Connection, names: Collection[str]) -> list[str]:
    """Return who is in these segments, or waits for them, and is in the pool no more."""
    queries = [
        query.where(~exists().where(people.c.id == query.selected_columns[0])) for query in _with_a_place_in(names)
    ]
    return _ids(connection, *queries)


def all_users(connection: Connection, names: Collection[str]) -> list[str]:
    """Return the company's own users, with those who are in these segments and are users no more."""
    return _ids(connection, select(users.c.id), *_with_a_place_in(names))


def touched(connection: Connection, now: datetime, messages_since: datetime | None) -> list[str]:
    """Return who is to be looked at again: whoever waits, or has come due, or was written to lately.

    `messages_since`: the last look by a segment that asks about messages; None where none does.
    """
    waiting = select(work.c.subject_id).where(work.c.stage == "segments")
    due_members = select(memberships.c.person_id).where(memberships.c.until.is_(None), memberships.c.next_due_at <= now)
    due_others = select(segment_due.c.person_id).where(segment_due.c.due_at <= now)
    queries = [waiting, due_members, due_others]
    if messages_since is not None:
        since = messages_since - _OVERLAP
        queries.append(
            select(deliveries.c.person_id).where(deliveries.c.state.in_(WRITTEN), deliveries.c.planned_at >= since)
        )
    return _ids(connection, *queries)


def _with_a_place_in(names: Collection[str]) -> list[Select[Any]]:
    named = sorted(names)
    return [
        select(memberships.c.person_id).where(memberships.c.segment.in_(named), memberships.c.until.is_(None)),
        select(segment_due.c.person_id).where(segment_due.c.segment.in_(named)),
    ]


def _ids(connection: Connection, *queries: Select[Any]) -> list[str]:
    found = connection.execute(union(*queries)).scalars()
    return sorted({person_id for person_id in found if person_id is not None})
