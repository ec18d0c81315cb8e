"""The ledger of runs: what was started, how it ended, and what it counted."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import desc, insert, select, update

from talent_pool.store.database import Store
from talent_pool.store.tables import runs


@dataclass(slots=True)
class Counts:
    """What became of the objects that were read: read = the sum of all the others."""

    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    stale: int = 0
    deleted: int = 0
    duplicate: int = 0
    erased: int = 0
    quarantined: int = 0

    def __iadd__(self, other: "Counts") -> Self:
        for name in COUNT_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((name, getattr(self, name)) for name in COUNT_NAMES)

    @property
    def landed(self) -> int:
        """How many objects are accounted for."""
        return sum(number for name, number in self if name != "read")


COUNT_NAMES = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the ledger. `state`: running, succeeded, failed; `error` is its first line."""

    id: str
    kind: str
    subject: str
    organisation: str
    started_at: datetime
    ended_at: datetime | None
    state: str
    error: str | None
    counts: Mapping[str, Any]


def start(store: Store, kind: str, subject: str, organisation: str, now: datetime) -> str:
    """Write that a run has begun and return its id, which sorts by time."""
    run_id = f"run_{now:%Y%m%d%H%M%S%f}_{secrets.token_hex(4)}"
    row = {"id": run_id, "kind": kind, "subject": subject, "organisation": organisation}
    with store.writing() as connection:
        connection.execute(insert(runs).values(row | {"started_at": now, "state": "running"}))
    return run_id


def end(store: Store, run_id: str, now: datetime, counts: Mapping[str, Any], error: str | None = None) -> None:
    """Write how a run ended; with an error it has failed, and the error's first line is kept."""
    values = {
        "ended_at": now,
        "state": "failed" if error else "succeeded",
        "error": error.splitlines()[0][:500] if error else None,
        "counts": dict(counts),
    }
    with store.writing() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(values))


def latest(store: Store, kind: str, subject: str) -> Run | None:
    """Return the newest run of this kind for a connection, destination or the pool."""
    return next(iter(listed(store, kind, subject, limit=1)), None)


def listed(store: Store, kind: str | None = None, subject: str | None = None, limit: int = 50) -> list[Run]:
    """Return the newest runs, newest first."""
    query = select(runs).order_by(desc(runs.c.started_at), desc(runs.c.id)).limit(limit)
    if kind is not None:
        query = query.where(runs.c.kind == kind)
    if subject is not None:
        query = query.where(runs.c.subject == subject)
    with store.reading() as connection:
        found = connection.execute(query).all()
    return [
        Run(
            row.id, row.kind, row.subject, row.organisation, row.started_at, row.ended_at, row.state, row.error,
            row.counts or {},
        )
        for row in found
    ]  # fmt: skip


def end_abandoned(store: Store, kind: str, subject: str, now: datetime) -> None:
    """Write off runs whose process stopped before it could say so; called by who holds the subject's lease."""
    values = {"ended_at": now, "state": "failed", "error": "The process stopped before the run was over."}
    with store.writing() as connection:
        connection.execute(
            update(runs).where(runs.c.kind == kind, runs.c.subject == subject, runs.c.state == "running").values(values)
        )
