"""Who has to be told that we hold them: people whose data came from somebody else (Art. 14 GDPR).

The notice is due within a month of the data's arrival, and at the latest with the first message to the person. Whoever
applied or signed up was told at the form; whoever was sourced, referred, sent by an agency or imported was not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from talent_pool.privacy.requests import month_later
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, deliveries, people, person_records, records

_OTHERS = frozenset({"sourced", "referred", "referral", "agency", "import"})
"""Origins of records and kinds of applications by which somebody else gave us the data."""
_THEMSELVES = ("application", "talent_community")


@dataclass(frozen=True, slots=True)
class Notice:
    """One person who has not been told. `since` is when the first such record arrived."""

    person_id: str
    origin: str
    source: str
    since: datetime
    due_at: datetime


def due(store: Store, now: datetime) -> list[Notice]:
    """Return who has to be told, those due first at the top; overdue ones too.

    A message that was sent to them counts as the notice: its template has to carry the information.
    """
    with store.reading() as connection:
        told = set(connection.execute(_sent()).scalars())
        applied = select(applications.c.person_id).where(applications.c.kind.in_(_THEMSELVES)).distinct()
        themselves = set(connection.execute(applied).scalars())
        found: dict[str, Notice] = {}
        for row in connection.execute(_brought()):
            origin = _origin(row)
            if origin is None or row.person_id in told | themselves:
                continue
            since = row.landed_at
            known = found.get(row.person_id)
            if known is None or since < known.since:
                found[row.person_id] = Notice(row.person_id, origin, row.connection, since, month_later(since))
    del now  # overdue or not, all of them are listed
    return sorted(found.values(), key=lambda one: (one.due_at, one.person_id))


def _sent() -> Any:
    return select(deliveries.c.person_id).where(deliveries.c.state == "sent").distinct()


def _brought() -> Any:
    kinds = (
        select(applications.c.candidate_record_id, func.min(applications.c.kind).label("kind"))
        .where(applications.c.kind.in_(("referral", "sourced")))
        .group_by(applications.c.candidate_record_id)
        .subquery()
    )
    return (
        select(person_records.c.person_id, records.c.connection, records.c.landed_at, records.c.body, kinds.c.kind)
        .join(records, records.c.id == person_records.c.record_id)
        .join(people, people.c.id == person_records.c.person_id)
        .outerjoin(kinds, kinds.c.candidate_record_id == records.c.id)
        .where(people.c.state == "active")
    )


def _origin(row: Any) -> str | None:
    if row.kind:
        return str(row.kind)
    return next((one for one in row.body.get("origins") or () if one in _OTHERS), None)
