"""Which people one step of an evaluation looks at: some by id, or a stretch of the whole pool."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, true, union

from talent_pool.segments.compiler import WRITTEN, Scope
from talent_pool.store.tables import deliveries, memberships, people, segment_due, work

CHUNK = 500
STRETCH = 2_000
_OVERLAP = timedelta(days=1)
"""A push writes its own beginning as the time of what it sends, and may end after an evaluation that began later."""


def of_these(person_ids: Sequence[str]) -> Scope:
    """Restrict to these people."""
    return lambda column: column.in_(person_ids)


def users() -> Scope:
    """Restrict to the company's own users."""
    return lambda column: column.like("usr\\_%", escape="\\")


def stretches(connection: Connection) -> Iterator[Scope]:
    """Cut the whole pool into stretches of ids; together they cover every id there could be."""
    ids = connection.execute(select(people.c.id).order_by(people.c.id)).scalars().all()
    bounds = [None, *ids[STRETCH::STRETCH], None]
    for first, end in pairwise(bounds):
        yield _between(first, end)


def _between(first: str | None, end: str | None) -> Scope:
    def restrict(column: ColumnElement[Any]) -> ColumnElement[bool]:
        lower = [] if first is None else [column >= first]
        upper = [] if end is None else [column < end]
        return and_(true(), *lower, *upper)

    return restrict


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
    found = connection.execute(union(*queries)).scalars()
    return sorted({person_id for person_id in found if person_id is not None})
