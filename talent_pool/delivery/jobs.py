"""Rows that a destination took an order for: kept until it says what became of them, and never sent again meanwhile.

A vendor that works behind its answer gives a job to follow. The job is committed before anybody waits for it, so that
a run which is killed while waiting is followed up by the next one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from connectors.contract import Action, Awaited, Destination
from connectors.records import Purpose
from talent_pool.delivery.gate import Leaving
from talent_pool.delivery.push_ledger import Planned
from talent_pool.store.tables import destination_jobs

WORKED_ON = "The destination has taken this and is still working on it; the next run asks again."


def remember(connection: Connection, destination: str, jobs: Mapping[str, Sequence[Planned]], now: datetime) -> None:
    """Keep the rows of jobs that were just started."""
    rows = [
        {
            "destination": destination,
            "job": job,
            "row_id": row.leaving.row_id,
            "segment": row.segment,
            "subject_id": row.subject_id,
            "person_id": row.person_id,
            "action": row.leaving.action.value,
            "purpose": row.leaving.purpose.value,
            "tag": row.leaving.tag,
            "address": row.leaving.address,
            "address_key": row.address_key,
            "fingerprint": row.fingerprint,
            "since": now,
            "filled": list(row.filled),
        }
        for job, planned in jobs.items()
        for row in planned
    ]
    if rows:
        connection.execute(insert(destination_jobs), rows)


def started(connection: Connection, destination: Destination) -> dict[str, list[Planned]]:
    """Return the jobs that earlier runs left behind, the oldest first, with their rows."""
    name = destination.settings.name
    query = select(destination_jobs).where(destination_jobs.c.destination == name)
    found: dict[str, list[Planned]] = {}
    for row in connection.execute(query.order_by(destination_jobs.c.since, destination_jobs.c.job)):
        leaving = Leaving(
            row_id=row.row_id,
            action=Action(row.action),
            organisation=destination.settings.organisation,
            person_id=row.person_id,
            candidate_record_id=None,
            address=row.address,
            channel=destination.channel,
            purpose=Purpose(row.purpose),
            tag=row.tag,
            known=True,
        )
        planned = Planned(
            row.segment, row.subject_id, row.person_id, leaving, row.address_key, row.fingerprint,
            filled=row.filled or (),
        )  # fmt: skip
        found.setdefault(row.job, []).append(planned)
    return found


def addresses(connection: Connection, destination: str, segment: str) -> set[str]:
    """Return the addresses of one push that a job has in hand, in lower case."""
    query = select(destination_jobs.c.address).where(
        destination_jobs.c.destination == destination, destination_jobs.c.segment == segment
    )
    return {address.lower() for address in connection.execute(query).scalars()}


def forget(connection: Connection, destination: str, job: str, rows: Sequence[Planned]) -> None:
    """Let go of rows whose fate is known."""
    for start in range(0, len(rows), 500):
        ids = [row.leaving.row_id for row in rows[start : start + 500]]
        connection.execute(
            delete(destination_jobs).where(
                destination_jobs.c.destination == destination,
                destination_jobs.c.job == job,
                destination_jobs.c.row_id.in_(ids),
            )
        )


def awaited(row: Planned) -> Awaited:
    """Return a row as its destination is asked about it."""
    return Awaited(row.leaving.row_id, row.leaving.action, row.leaving.address or "", row.leaving.tag)
