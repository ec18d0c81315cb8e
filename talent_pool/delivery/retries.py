"""Rows that a destination put off until a certain moment: what was tried, how often, and when it is due again.

It holds for state and messages alike. Whoever is not due is deferred without being asked for; a row that is tried
again carries the name of its first attempt (`occasion`), so that a receiver knows it again.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, select

from connectors.contract import Fate, RowOutcome
from talent_pool.delivery.push_ledger import Planned
from talent_pool.store.database import Store
from talent_pool.store.tables import retries

_CHUNK = 500


def look_up(connection: Connection, destination: str, segment: str, planned: Sequence[Planned], now: datetime) -> None:
    """Tell each row still to be attempted of the attempts before, and defer it if it is not due."""
    where = retries.c.destination == destination, retries.c.segment == segment
    known = {row.subject_id: row for row in connection.execute(select(retries).where(*where))}
    for row in planned if known else ():
        before = known.get(row.subject_id)
        if before is None:
            continue
        row.waited = True
        if row.fate is None and (before.action, before.fingerprint) == (row.leaving.action.value, row.fingerprint):
            row.leaving = replace(
                row.leaving, occasion=before.occasion, tries=before.tries, tried_since=before.tried_since
            )
            if before.not_before > now:
                row.becomes(Fate.DEFERRED, before.reason)
                row.waiting = True


def told(outcome: RowOutcome) -> str:
    """Return the outcome's reason, with the moment of the next attempt if it has one."""
    if outcome.fate is not Fate.DEFERRED or outcome.not_before is None:
        return outcome.reason
    return f"{outcome.reason} The next attempt is due at {outcome.not_before:%Y-%m-%d %H:%M:%S} UTC.".strip()


def record(
    connection: Connection, store: Store, destination: str, row: Planned, outcome: RowOutcome, now: datetime
) -> None:
    """Keep when a row that was attempted is due again, or forget it once it is not put off any more."""
    if outcome.fate is Fate.DEFERRED and outcome.not_before:
        leaving = row.leaving
        values = {
            "destination": destination,
            "segment": row.segment,
            "subject_id": row.subject_id,
            "action": leaving.action.value,
            "fingerprint": row.fingerprint,
            "occasion": leaving.occasion,
            "tries": leaving.tries + 1,
            "tried_since": leaving.tried_since or now,
            "not_before": outcome.not_before,
            "reason": row.reason,
        }
        statement = store.insert(retries).values(values)
        keys = ["destination", "segment", "subject_id"]
        kept = {name: statement.excluded[name] for name in values if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=kept))
        row.waiting = True
    elif row.waited:
        _forget(connection, destination, row.segment, [row.subject_id])


def stale(connection: Connection, destination: str, segment: str, planned: Sequence[Planned]) -> list[str]:
    """Return the subjects that wait here for an attempt that no push wants any more."""
    query = select(retries.c.subject_id).where(retries.c.destination == destination, retries.c.segment == segment)
    waiting = set(connection.execute(query).scalars())
    wanted = {row.subject_id for row in planned if row.waiting or row.fate is Fate.DEFERRED} if waiting else set[str]()
    return sorted(waiting - wanted)


def forget(connection: Connection, destination: str, segment: str, subjects: Collection[str]) -> None:
    """Forget attempts that nobody wants any more."""
    ordered = sorted(subjects)
    for start in range(0, len(ordered), _CHUNK):
        _forget(connection, destination, segment, ordered[start : start + _CHUNK])


def _forget(connection: Connection, destination: str, segment: str, subjects: Sequence[str]) -> None:
    connection.execute(
        delete(retries).where(
            retries.c.destination == destination, retries.c.segment == segment, retries.c.subject_id.in_(subjects)
        )
    )
