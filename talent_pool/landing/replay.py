"""Parses stored payloads again after a parser changed, without asking the vendor."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, select, update

from connectors.contract import Source, Stream
from talent_pool.landing import payload_rows
from talent_pool.landing.arrivals import Arrival, Parsed, Unreadable, decompressed, read
from talent_pool.landing.erased import barred
from talent_pool.landing.pages import Landing, write_page
from talent_pool.landing.payload_rows import chunks
from talent_pool.landing.record_rows import land_records
from talent_pool.landing.sync import SyncReport, stream_of, under_lease
from talent_pool.landing.told import version
from talent_pool.store.database import Store
from talent_pool.store.runs import Counts
from talent_pool.store.tables import payloads

AT_ONCE = 500
"""Payloads parsed and landed in one transaction."""


def replay(store: Store, source: Source, now: datetime, stream: str | None = None) -> SyncReport:
    """Parse every stored payload of the connection again, or those of one stream.

    `changed` are those whose records came out otherwise, and only these records wait for resolution. A payload that
    can no longer be read keeps its records and goes to quarantine. Raises leases.Busy, StoreUnavailable.
    """
    with under_lease(store, source, "replay", now) as (landing, report):
        for name, rows in _stored(store, source.connection.name, stream):
            report.add(name, _again(landing, stream_of(source, name), rows))
    return report


def _stored(store: Store, connection: str, stream: str | None) -> Iterator[tuple[str, Sequence[Row[Any]]]]:
    """Yield payloads in batches of one stream, in order of landing; no transaction stays open between them."""
    here = [payloads.c.connection == connection]
    if stream is not None:
        here.append(payloads.c.stream == stream)
    with store.reading() as transaction:
        names = sorted(transaction.execute(select(payloads.c.stream).where(*here).distinct()).scalars())
    for name in names:
        last = 0
        while True:
            query = select(payloads).where(*here, payloads.c.stream == name, payloads.c.id > last)
            with store.reading() as transaction:
                rows = transaction.execute(query.order_by(payloads.c.id).limit(AT_ONCE)).all()
            if not rows:
                break
            yield name, rows
            last = rows[-1].id


def _again(landing: Landing, stream: Stream, rows: Sequence[Row[Any]]) -> Counts:
    parsed: list[Parsed] = []
    broken: list[Unreadable] = []
    for row in rows:
        body = decompressed(row.body)
        tells = read(Arrival(row.remote_id, row.hash, orjson.loads(body), body), stream, landing.parse)
        if isinstance(tells, Unreadable):
            broken.append(tells)
        else:
            known = Parsed(row.remote_id, row.hash, row.body, version(tells), was_known=True, fate="same", tells=tells)
            parsed.append(known)
    counts, origin = Counts(read=len(rows), same=len(parsed), quarantined=len(broken)), landing.origin
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        parsed, broken = barred(connection, landing.store, origin, stream.name, parsed, broken, counts)
        touched = land_records(connection, landing.store, origin, stream, parsed)
        changed = [one.remote_id for one in parsed if one.remote_id in touched]
        counts.changed, counts.same = len(changed), len(parsed) - len(changed)
        for chunk in chunks(changed):
            here = (payloads.c.connection == origin.connection, payloads.c.stream == stream.name)
            statement = update(payloads).where(*here, payloads.c.remote_id.in_(chunk))
            connection.execute(statement.values(last_run_id=origin.run_id))
        payload_rows.set_aside(connection, landing.store, origin, stream.name, broken)
        write_page(connection, origin, landing.next_number(), stream.name, counts)
    return counts
