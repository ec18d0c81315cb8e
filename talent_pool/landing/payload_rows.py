"""The rows of payloads, their earlier versions, and quarantine, within a landing's transaction."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, delete, insert, select, update

from connectors.contract import Stream
from talent_pool.landing.arrivals import Parsed, Unreadable
from talent_pool.store.database import Store, insert_rows
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import payload_versions, payloads, quarantine

KEPT_VERSIONS = 3
CHUNK = 500
"""Values in one IN list."""

_Value = TypeVar("_Value")
_PAYLOAD = (
    "organisation", "connection", "stream", "remote_id", "hash", "body", "remote_updated_at", "fetched_at",
    "first_run_id", "last_run_id",
)  # fmt: skip
_QUARANTINE = (
    "organisation", "connection", "stream", "remote_id", "hash", "body", "reason", "run_id", "quarantined_at",
)  # fmt: skip
_AGAIN = """
ON CONFLICT (connection, stream, hash) DO UPDATE SET replayed_at = NULL, reason = excluded.reason
WHERE quarantine.replayed_at IS NOT NULL OR quarantine.reason <> excluded.reason"""
# Put together once: this is asked with every page that lands.
_ASIDE = and_(
    quarantine.c.connection == bindparam("at"),
    quarantine.c.stream == bindparam("of"),
    quarantine.c.replayed_at.is_(None),
)
_ANY_ASIDE = select(quarantine.c.id).where(_ASIDE).limit(1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose objects these are, in which run, and when they were fetched."""

    organisation: str
    connection: str
    run_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of an object before this landing."""

    hash: bytes
    version: datetime | None
    fetched_at: datetime
    last_run_id: str


def chunks(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """Yield `values` in lists short enough for one IN."""
    ordered = list(values)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def known(connection: Connection, origin: Origin, stream: str, remote_ids: Collection[str]) -> dict[str, Known]:
    """Return what is held of these objects, by remote id."""
    query = _of_stream(origin.connection, stream)
    return {name: Known(*rest) for name, *rest in rows_with(connection, query, payloads.c.remote_id, remote_ids)}


@lru_cache
def _of_stream(connection: str, stream: str) -> Select[*tuple[Any, ...]]:
    held = payloads.c
    columns = (held.remote_id, held.hash, held.remote_updated_at, held.fetched_at, held.last_run_id)
    return select(*columns).where(held.connection == connection, held.stream == stream)


def add(connection: Connection, store: Store, origin: Origin, stream: Stream, objects: Sequence[Parsed]) -> None:
    """Insert objects that were never seen."""
    fetched = store.moment(origin.now)
    head, tail = (origin.organisation, origin.connection, stream.name), (fetched, origin.run_id, origin.run_id)
    rows = [(*head, o.remote_id, o.hash, o.body, store.moment(o.version), *tail) for o in objects]
    insert_rows(connection, payloads, _PAYLOAD, rows)


def replace(connection: Connection, origin: Origin, stream: Stream, objects: Sequence[Parsed]) -> None:
    """Put objects in the place of their earlier versions, the last few of which are kept."""
    if not objects:
        return
    ids = [one.remote_id for one in objects]
    for chunk in chunks(ids):
        here = _these(payloads, origin, stream, chunk)
        columns = (payloads.c.connection, payloads.c.stream, payloads.c.remote_id, payloads.c.hash, payloads.c.body,
                   payloads.c.fetched_at)  # fmt: skip
        earlier = select(*columns, bindparam("at", origin.now, payload_versions.c.superseded_at.type)).where(*here)
        names = [*(column.name for column in columns), "superseded_at"]
        connection.execute(insert(payload_versions).from_select(names, earlier))
    here = update(payloads).where(
        payloads.c.connection == origin.connection,
        payloads.c.stream == stream.name,
        payloads.c.remote_id == bindparam("of"),
    )
    rows = [
        {"of": o.remote_id, "hash": o.hash, "body": o.body, "remote_updated_at": o.version,
         "fetched_at": origin.now, "last_run_id": origin.run_id}
        for o in objects
    ]  # fmt: skip
    names = ("hash", "body", "remote_updated_at", "fetched_at", "last_run_id")
    connection.execute(here.values({name: bindparam(name) for name in names}), rows)
    _prune(connection, origin, stream, ids)


def _these(table: Table, origin: Origin, stream: Stream, ids: list[str]) -> tuple[ColumnElement[bool], ...]:
    return (table.c.connection == origin.connection, table.c.stream == stream.name, table.c.remote_id.in_(ids))


def _prune(connection: Connection, origin: Origin, stream: Stream, remote_ids: Sequence[str]) -> None:
    held: dict[str, list[int]] = {}
    for chunk in chunks(remote_ids):
        query = select(payload_versions.c.remote_id, payload_versions.c.id)
        for remote_id, number in connection.execute(query.where(*_these(payload_versions, origin, stream, chunk))):
            held.setdefault(remote_id, []).append(number)
    surplus = [number for numbers in held.values() for number in sorted(numbers)[:-KEPT_VERSIONS]]
    for chunk in chunks(surplus):
        connection.execute(delete(payload_versions).where(payload_versions.c.id.in_(chunk)))


def set_aside(
    connection: Connection, store: Store, origin: Origin, stream: str, unreadable: Sequence[Unreadable]
) -> None:
    """Put objects into quarantine; one that lies there already is not written again."""
    head, at = (origin.organisation, origin.connection, stream), store.moment(origin.now)
    each = {u.hash: u for u in unreadable}.values()  # PostgreSQL takes no row twice in one statement
    rows = [(*head, u.remote_id, u.hash, u.body, u.reason, origin.run_id, at) for u in each]
    insert_rows(connection, quarantine, _QUARANTINE, rows, _AGAIN)


def release(connection: Connection, origin: Origin, stream: str, remote_ids: Collection[str]) -> None:
    """Mark quarantined versions of objects as replayed, now that a good version has landed."""
    here = {"at": origin.connection, "of": stream}
    if connection.execute(_ANY_ASIDE, here).first() is None:
        return
    for chunk in chunks(remote_ids):
        statement = update(quarantine).where(_ASIDE, quarantine.c.remote_id.in_(chunk))
        connection.execute(statement.values(replayed_at=origin.now), here)
