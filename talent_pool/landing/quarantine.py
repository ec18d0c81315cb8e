"""What could not be read: listed with its reasons, and tried again once a parser or a setting was put right."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select, update

from connectors.contract import Receiver, Source, Stream
from talent_pool.landing.arrivals import decompressed
from talent_pool.landing.pages import DELIVERIES, Landing, sort, write
from talent_pool.landing.payload_rows import chunks
from talent_pool.landing.sync import SyncReport, stream_of, taken_apart, under_lease, unpacked
from talent_pool.store.database import Store
from talent_pool.store.runs import Counts
from talent_pool.store.tables import quarantine

AT_ONCE = 100
"""Objects replayed in one transaction; some of them are large."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One object in quarantine. `reason` names fields, never values."""

    id: int
    connection: str
    stream: str
    remote_id: str | None
    reason: str
    quarantined_at: datetime


def listed(store: Store, connection: str | None = None) -> list[Quarantined]:
    """Return what lies in quarantine, oldest first."""
    q = quarantine.c
    query = select(q.id, q.connection, q.stream, q.remote_id, q.reason, q.quarantined_at).where(q.replayed_at.is_(None))
    if connection is not None:
        query = query.where(q.connection == connection)
    with store.reading() as transaction:
        return [Quarantined(*row) for row in transaction.execute(query.order_by(q.id))]


def replay(store: Store, source: Source, now: datetime, ids: Collection[int] | None = None) -> SyncReport:
    """Try again what lies in quarantine for this connection, or those of it named by `ids`.

    An object keeps its place in time: it does not replace a version that came after it. Raises leases.Busy.
    """
    with under_lease(store, source, "replay", now) as (landing, report):
        for name, waiting in _waiting(store, source.connection.name).items():
            wanted = [number for number in waiting if ids is None or number in ids]
            for start in range(0, len(wanted), AT_ONCE):
                batch = _bodies(store, wanted[start : start + AT_ONCE])
                if name == DELIVERIES and isinstance(source, Receiver):
                    _deliveries(landing, report, source, source.streams(), batch)
                else:
                    report.add(name, _again(landing, stream_of(source, name), batch))
    return report


def _waiting(store: Store, connection: str) -> dict[str, list[int]]:
    query = select(quarantine.c.stream, quarantine.c.id).where(
        quarantine.c.connection == connection, quarantine.c.replayed_at.is_(None)
    )
    waiting: dict[str, list[int]] = {}
    with store.reading() as transaction:
        for stream, number in transaction.execute(query.order_by(quarantine.c.stream, quarantine.c.id)):
            waiting.setdefault(stream, []).append(number)
    return waiting


def _bodies(store: Store, ids: Sequence[int]) -> Sequence[Row[Any]]:
    with store.reading() as transaction:
        return transaction.execute(select(quarantine).where(quarantine.c.id.in_(ids)).order_by(quarantine.c.id)).all()


def _again(landing: Landing, stream: Stream, rows: Sequence[Row[Any]]) -> Counts:
    raws = [orjson.loads(decompressed(row.body)) for row in rows]
    page = sort(landing, stream, raws, arrived_at=[row.quarantined_at for row in rows])
    still = {each.hash for each in page.unreadable}
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        write(connection, landing.store, landing.origin, page)
        _mark(connection, landing, [row.id for row in rows if row.hash not in still])
    return page.counts


def _deliveries(
    landing: Landing, report: SyncReport, source: Receiver, streams: Sequence[Stream], rows: Iterable[Row[Any]]
) -> None:
    for row in rows:
        delivery = unpacked(landing.origin.connection, decompressed(row.body))
        batches, broken = taken_apart(source, streams, [delivery])
        if broken:
            continue
        pages = [
            sort(landing, stream, raws, arrived_at=[row.quarantined_at] * len(raws)) for stream, raws in batches.items()
        ]
        with landing.store.writing() as connection:
            landing.lease.renew(connection)
            for page in pages:
                write(connection, landing.store, landing.origin, page)
            _mark(connection, landing, [row.id])
        for page in pages:
            report.add(page.stream.name, page.counts)


def _mark(connection: Connection, landing: Landing, ids: Collection[int]) -> None:
    for chunk in chunks(ids):
        statement = update(quarantine).where(quarantine.c.id.in_(chunk))
        connection.execute(statement.values(replayed_at=landing.origin.now))
