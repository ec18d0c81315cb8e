"""What counts as something happening to an application: what the candidate or a recruiter did, never a machine."""

from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, func, select

from talent_pool.store.tables import applications, events

MACHINE = "machine"
"""The actor of events that are nobody's doing."""
DATES = (applications.c.applied_at, applications.c.stage_entered_at, applications.c.outcome_at)
"""An application's own dates."""


def latest_event() -> ScalarSelect[Any]:
    """Return the latest event of each application in a query's rows, for its column `latest_event`."""
    return (
        select(func.max(events.c.at))
        .where(events.c.application_id == applications.c.id, func.coalesce(events.c.actor, "") != MACHINE)
        .scalar_subquery()
    )


def moments(row: Any) -> list[datetime]:
    """Return when something happened, by a row that has `DATES` and `latest_event`; the last may lie ahead."""
    found = (row.applied_at, row.stage_entered_at, row.outcome_at, row.latest_event)
    return [moment for moment in found if moment is not None]
