"""Tasks for people: what no machine may tell somebody, to be told by a named recruiter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, select, update

from talent_pool.delivery.push_ledger import Planned
from talent_pool.refused import Refused
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, jobs, people, person_records, tasks, users


@dataclass(frozen=True, slots=True)
class Task:
    """One task as people see it. `assignee` is a name where the user is known, else an id or an address."""

    id: str
    kind: str
    assignee: str
    person_id: str | None
    person: str | None
    job: str | None
    segment: str
    created_at: datetime
    done_at: datetime | None
    done_by: str | None


def wanted(store: Store, segment: SegmentDefinition, rows: Sequence[Planned]) -> dict[str, Planned]:
    """Return the rows that are tasks, by the task's id."""
    return {
        "tsk_" + store.hashed("task", segment.name, row.subject_id): row
        for row in rows
        if row.moment and row.leaving.application_id
    }


def make(
    connection: Connection, store: Store, segment: SegmentDefinition, rows: dict[str, Planned], now: datetime
) -> None:
    """Write the tasks that are not there yet; one that is done stays done."""
    known = {row.leaving.application_id for row in rows.values()}
    query = (
        select(
            applications.c.id, applications.c.candidate_record_id, applications.c.recruiter_id, users.c.id.label("user")
        )
        .outerjoin(
            users,
            and_(
                users.c.connection == applications.c.connection,
                users.c.remote_id == applications.c.recruiter_id,
                users.c.active,
            ),
        )
        .where(applications.c.id.in_(sorted(name for name in known if name)))
    )
    about = {row.id: row for row in connection.execute(query)}
    written = [
        {
            "id": task_id,
            "organisation": segment.organisation,
            "kind": row.moment,
            "segment": segment.name,
            "subject_id": row.subject_id,
            "application_id": row.leaving.application_id,
            "candidate_record_id": about[row.leaving.application_id].candidate_record_id,
            "assignee": about[row.leaving.application_id].user or segment.owner,
            "created_at": now,
        }
        for task_id, row in rows.items()
        if row.leaving.application_id in about
    ]
    if written:
        connection.execute(store.insert(tasks).on_conflict_do_nothing(), written)


def missing(connection: Connection, task_ids: Sequence[str]) -> set[str]:
    """Return which of these tasks are not there yet."""
    found: set[str] = set()
    for start in range(0, len(task_ids), 500):
        part = task_ids[start : start + 500]
        found |= set(connection.execute(select(tasks.c.id).where(tasks.c.id.in_(part))).scalars())
    return set(task_ids) - found


def listed(store: Store, *, done: bool = False) -> list[Task]:
    """Return open tasks, or those that are done, oldest first."""
    query = (
        select(
            tasks,
            users.c.name,
            users.c.email,
            people.c.id.label("person_id"),
            people.c.full_name,
            jobs.c.name.label("job"),
        )
        .select_from(tasks)
        .outerjoin(users, users.c.id == tasks.c.assignee)
        .outerjoin(person_records, person_records.c.record_id == tasks.c.candidate_record_id)
        .outerjoin(people, people.c.id == person_records.c.person_id)
        .outerjoin(applications, applications.c.id == tasks.c.application_id)
        .outerjoin(jobs, jobs.c.id == applications.c.job_id)
        .where(tasks.c.done_at.is_not(None) if done else tasks.c.done_at.is_(None))
        .order_by(tasks.c.created_at, tasks.c.id)
    )
    with store.reading() as connection:
        return [
            Task(
                row.id, row.kind, row.name or row.email or row.assignee, row.person_id, row.full_name, row.job,
                row.segment, row.created_at, row.done_at, row.done_by,
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def complete(store: Store, task_id: str, by: str, now: datetime) -> None:
    """Mark a task as done. Raises Refused for one that is not open."""
    with store.writing() as connection:
        changed = connection.execute(
            update(tasks).where(tasks.c.id == task_id, tasks.c.done_at.is_(None)).values(done_at=now, done_by=by)
        )
    if changed.rowcount == 0:
        raise Refused("There is no open task of this id. `catchment tasks` lists those there are.")
