"""Law 1: nothing is lost. What was read is what is accounted for, counted again in the store."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from talent_pool.delivery import push_ledger
from talent_pool.store.database import Store
from talent_pool.store.runs import COUNT_NAMES, Counts
from talent_pool.store.tables import payloads, quarantine, run_pages, runs


def unbalanced(store: Store, run_id: str) -> str | None:
    """Return what does not add up in one run, in a sentence, or None where all is accounted for.

    Sync and replay: read = new + changed + same + stale + deleted + duplicate + erased + quarantined, where `read` was
    counted before landing touched the objects, and what was written is counted in the tables. Push: see `push_ledger`.
    """
    with store.reading() as connection:
        run = connection.execute(select(runs).where(runs.c.id == run_id)).first()
        if run is None:
            return f"There is no run {run_id}."
        if run.kind == "push":
            return push_ledger.remainder(connection, run_id)
        if run.kind not in ("sync", "replay"):
            return None
        return _unbalanced_landing(connection, run)


def _unbalanced_landing(connection: Connection, run: Row[Any]) -> str | None:
    pages = _pages(connection, run.id)
    counts: Mapping[str, Any] = run.counts or {}
    read = counts.get("read", pages.read)
    if read != pages.landed:
        return f"{run.subject}: {read} objects were read and {pages.landed} are accounted for."
    written, expected = _written(connection, run), pages.new + pages.changed + pages.deleted
    if written > expected or (written < expected and _is_latest(connection, run)):
        return f"{run.subject}: {expected} objects were new, changed or deleted, and the store holds {written} of them."
    aside = connection.execute(
        select(func.count()).select_from(quarantine).where(quarantine.c.run_id == run.id)
    ).scalar_one()
    if aside > pages.quarantined:
        return f"{run.subject}: {pages.quarantined} objects were quarantined, and the quarantine holds {aside} of them."
    return None


def _pages(connection: Connection, run_id: str) -> Counts:
    columns = [func.coalesce(func.sum(run_pages.c[name]), 0) for name in COUNT_NAMES]
    row = connection.execute(select(*columns).where(run_pages.c.run_id == run_id)).one()
    return Counts(*(int(number) for number in row))


def _written(connection: Connection, run: Row[Any]) -> int:
    query = select(func.count()).select_from(payloads).where(payloads.c.last_run_id == run.id)
    return connection.execute(query).scalar_one()


def _is_latest(connection: Connection, run: Row[Any]) -> bool:
    """Say whether nothing was landed at this connection since; a later run takes over what it changes."""
    at_once = and_(runs.c.started_at == run.started_at, runs.c.ended_at > run.ended_at)
    later = select(runs.c.id).where(
        runs.c.subject == run.subject,
        runs.c.kind.in_(("sync", "replay")),
        or_(runs.c.started_at > run.started_at, at_once),
    )
    return connection.execute(later.limit(1)).first() is None
