"""A job that is new finds the people who applied for one like it.

Jobs are alike by the words of their titles, and by department and office where titles have some word in common. Each
past application for a job like a new one is a *match*, a subject of segments: whether it is written about is the
segment's rule to say. Only the content of jobs is compared; nothing of the people is.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import applications, cursors, job_matches, jobs, work

_ENOUGH = 0.5
"""Share of the words of both titles that they have in common."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_SAYS_NOTHING = frozenset({
    "and", "or", "of", "for", "the", "in", "at", "with", "und", "oder", "der", "die", "das", "fur", "mwd", "mfd",
    "fmd", "senior", "junior", "lead", "principal", "intern", "head", "staff", "full", "part", "time", "remote",
    "hybrid", "gn", "all", "genders",
})  # fmt: skip
_PLACE = ("catchment", "job_matches")
_ROWS = 500


@dataclass(frozen=True, slots=True)
class _Job:
    id: str
    organisation: str
    words: frozenset[str]
    departments: frozenset[str]
    offices: frozenset[str]


def refresh(store: Store, now: datetime) -> int:
    """Find the matches of open jobs that came or changed since last time; return how many are new.

    Whoever has a match of such a job waits for the next evaluation. With no such job nothing is written.
    """
    with store.reading() as connection:
        seen = connection.execute(select(cursors.c.cursor).where(_at_its_place())).scalar()
        since = datetime.fromisoformat(seen["seen"]) if seen else None
        query = select(jobs) if since is None else select(jobs).where(jobs.c.modified_at > since)
        changed = connection.execute(query).all()
        if not changed:
            return 0
        rows = _found(connection, store, changed, now)
        known = {row.id for row in rows_with(connection, select(job_matches.c.id), job_matches.c.id, {*rows})}
        new = [row for name, row in sorted(rows.items()) if name not in known]
        touched = _people(connection, [row.id for row in changed], {row["application_id"] for row in new})
    for start in range(0, len(new), _ROWS):
        with store.writing() as connection:
            insert = store.insert(job_matches).on_conflict_do_nothing()
            connection.execute(insert, new[start : start + _ROWS])
    for start in range(0, len(touched), _ROWS):
        with store.writing() as connection:
            waits = [{"stage": "segments", "subject_id": one, "since": now} for one in touched[start : start + _ROWS]]
            connection.execute(store.insert(work).on_conflict_do_nothing(), waits)
    _keep(store, max(row.modified_at for row in changed), now)
    return len(new)


def likeness(job: _Job, other: _Job) -> list[str]:
    """Return in words what two jobs have in common; empty where that is not enough."""
    if job.organisation != other.organisation or job.id == other.id:
        return []
    common = job.words & other.words
    share = len(common) / len(job.words | other.words) if common else 0
    department = bool(job.departments & other.departments)
    if not common or (share < _ENOUGH and not department):
        return []
    reasons = [f"the titles share: {', '.join(sorted(common))}"]
    reasons += ["the same department"] if department else []
    reasons += ["the same office"] if job.offices & other.offices else []
    return reasons


def words_of(title: str | None) -> frozenset[str]:
    """Return the words of a title that say what the work is."""
    return frozenset(_WORD.findall((title or "").casefold())) - _SAYS_NOTHING


def _job(row: Any) -> _Job:
    told = (frozenset(str(one) for one in row.body.get(name) or ()) for name in ("departments", "offices"))
    return _Job(row.id, row.organisation, words_of(row.name), *told)


def _found(connection: Connection, store: Store, changed: Sequence[Any], now: datetime) -> dict[str, dict[str, Any]]:
    wanted = [_job(row) for row in changed if row.status == "open" and not row.confidential]
    if not wanted:
        return {}
    others = [_job(row) for row in connection.execute(select(jobs))]
    alike: dict[str, dict[str, list[str]]] = {}
    for job in wanted:
        for other in others:
            if reasons := likeness(job, other):
                alike.setdefault(other.id, {})[job.id] = reasons
    rows: dict[str, dict[str, Any]] = {}
    query = select(applications.c.id, applications.c.job_id)
    for row in rows_with(connection, query, applications.c.job_id, alike):
        for job_id, reasons in alike[row.job_id].items():
            name = "mat_" + store.hashed("match", job_id, row.id)
            rows[name] = {
                "id": name, "job_id": job_id, "application_id": row.id, "reasons": reasons, "found_at": now,
            }  # fmt: skip
    return rows


def _people(connection: Connection, job_ids: Collection[str], application_ids: Collection[str]) -> list[str]:
    """Return whom new matches are of, and those whose matches are of a job that changed."""
    of_jobs = select(job_matches.c.application_id)
    ids = {row.application_id for row in rows_with(connection, of_jobs, job_matches.c.job_id, job_ids)}
    holders = select(applications.c.person_id)
    rows = rows_with(connection, holders, applications.c.id, ids | set(application_ids))
    return sorted({row.person_id for row in rows if row.person_id})


def _at_its_place() -> Any:
    return (cursors.c.connection == _PLACE[0]) & (cursors.c.stream == _PLACE[1])


def _keep(store: Store, seen: datetime, now: datetime) -> None:
    row: Mapping[str, Any] = {
        "connection": _PLACE[0], "stream": _PLACE[1], "cursor": {"seen": seen.isoformat()}, "updated_at": now,
    }  # fmt: skip
    insert = store.insert(cursors).values(row)
    anew = {name: insert.excluded[name] for name in ("cursor", "updated_at")}
    with store.writing() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["connection", "stream"], set_=anew))
