"""What waits: rows in the store, asked by whoever decides when to look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from talent_pool.store.database import Store
from talent_pool.store.tables import memberships, segment_due, work


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records wait for resolution, people for their segments, and subjects of segments have come due.

    `outdated` people wait to be rebuilt, for the rules by which they are built have changed.
    """

    records: int
    people: int
    due: int
    outdated: int = 0


def waiting(store: Store, now: datetime) -> Waiting:
    """Count what waits at `now`."""
    with store.reading() as connection:
        counts = {
            row[0]: int(row[1]) for row in connection.execute(select(work.c.stage, func.count()).group_by(work.c.stage))
        }
        due = connection.execute(
            select(func.count()).where(memberships.c.until.is_(None), memberships.c.next_due_at <= now)
        ).scalar_one()
        due += connection.execute(select(func.count()).where(segment_due.c.due_at <= now)).scalar_one()
    return Waiting(counts.get("resolve", 0), counts.get("segments", 0), int(due), counts.get("rebuild", 0))
