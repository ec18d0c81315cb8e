"""Landing: raw objects, the records in them and the cursor that covers them, in one transaction.

A page that was cut off leaves nothing behind, one that was committed is never landed again, and an object that has
not changed costs one look-up. Nothing is fetched, parsed or compressed while the write lock is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from connectors.contract import Page, Stream
from talent_pool.landing import payload_rows
from talent_pool.landing.arrivals import Arrival, Parse, Unreadable, compressed, read, recognised
from talent_pool.landing.payload_rows import Known, Origin, chunks
from talent_pool.landing.record_rows import land_records
from talent_pool.store.database import Store
from talent_pool.store.leases import Lease
from talent_pool.store.runs import Counts
from talent_pool.store.tables import cursors, landed_deliveries, run_pages

DELIVERIES = "deliveries"
"""The stream that a delivery which cannot be taken apart is quarantined under."""


@dataclass(slots=True)
class Landing:
    """One run's landings at one connection, under the connection's lease."""

    store: Store
    origin: Origin
    lease: Lease
    parse: Parse
    pages: int = 0


@dataclass(slots=True)
class Sorted:
    """The objects of one page by what becomes of them."""

    stream: Stream
    counts: Counts
    known: dict[str, Known] = field(default_factory=dict[str, Known])
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    """What has something new to say, in order of arrival; one object may stand here in several versions."""
    newest: dict[str, Arrival] = field(default_factory=dict[str, Arrival])
    """The last of them for each object, by remote id."""
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])


def land(landing: Landing, stream: Stream, page: Page) -> Counts:
    """Land one page and its cursor. Raises Busy if the lease was lost, StoreUnavailable; either leaves nothing."""
    return commit(landing, page, prepare(landing, stream, page))


def prepare(landing: Landing, stream: Stream, page: Page, before: Sorted | None = None) -> Sorted:
    """Recognise, sort and parse the objects of a page; writes nothing, so that it may go on while another is written.

    `before` is the page before this one, if it may not be committed yet.
    """
    return sort(landing, stream, [recognised(stream, raw) for raw in page.objects], before)


def commit(landing: Landing, page: Page, objects: Sorted) -> Counts:
    """Write a prepared page and its cursor in one transaction. Raises Busy, StoreUnavailable."""
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        write(connection, landing, objects)
        _move_cursor(connection, landing, page)
    return objects.counts


def land_deliveries(
    landing: Landing, batches: Mapping[Stream, Sequence[Any]], unreadable: Sequence[Unreadable], keys: Sequence[str]
) -> list[tuple[str, Counts]]:
    """Land the objects of deliveries and the deliveries' keys, by which they are never landed again.

    `unreadable` are deliveries that could not even be taken apart. Returns the counts by stream.
    """
    pages = [sort(landing, stream, [recognised(stream, raw) for raw in batches[stream]]) for stream in batches]
    if unreadable:
        broken = Counts(read=len(unreadable), quarantined=len(unreadable))
        pages.append(Sorted(Stream(DELIVERIES), broken, unreadable=list(unreadable)))
    origin = landing.origin
    rows = [{"connection": origin.connection, "key": key, "landed_at": origin.now} for key in keys]
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        connection.execute(insert(landed_deliveries), rows)
        for page in pages:
            write(connection, landing, page)
    return [(page.stream.name, page.counts) for page in pages]


def landed_keys(store: Store, name: str, keys: Sequence[str]) -> set[str]:
    """Return those of a connection's delivery `keys` that are landed already."""
    found: set[str] = set()
    here = landed_deliveries.c.connection == name
    with store.reading() as connection:
        for chunk in chunks(keys):
            query = select(landed_deliveries.c.key).where(here, landed_deliveries.c.key.in_(chunk))
            found.update(connection.execute(query).scalars())
    return found


def sort(
    landing: Landing, stream: Stream, arrivals: Sequence[Arrival | Unreadable], before: Sorted | None = None
) -> Sorted:
    """Decide what becomes of each object and parse what is not known yet. Writes nothing."""
    page = Sorted(stream, Counts(read=len(arrivals)))
    ids = {arrival.remote_id for arrival in arrivals if isinstance(arrival, Arrival)}
    with landing.store.reading() as connection:
        page.known = payload_rows.known(connection, landing.origin, stream.name, ids)
    if before is not None:
        origin = landing.origin
        for each in before.newest.values():
            page.known[each.remote_id] = Known(each.hash, each.version, origin.now, origin.run_id)
    for arrival in arrivals:
        unreadable = arrival if isinstance(arrival, Unreadable) else _place(landing, page, arrival)
        if unreadable is not None:
            page.counts.quarantined += 1
            page.unreadable.append(unreadable)
    return page


def _place(landing: Landing, page: Sorted, arrival: Arrival) -> Unreadable | None:
    known, earlier = page.known.get(arrival.remote_id), page.newest.get(arrival.remote_id)
    is_repeat = earlier is not None or (known is not None and known.last_run_id == landing.origin.run_id)
    before = earlier or known
    if before is not None and arrival.hash == before.hash:
        _count(page.counts, "duplicate" if is_repeat else "same")
        return None
    if unreadable := read(arrival, page.stream, landing.parse):
        return unreadable
    is_stale = before is not None and _is_older(arrival, before)
    if is_repeat:
        _count(page.counts, "duplicate")
    elif is_stale:
        _count(page.counts, "stale")
    elif arrival.is_deletion:
        _count(page.counts, "deleted")
    else:
        _count(page.counts, "new" if known is None else "changed")
    if not is_stale:
        arrival.was_known = known is not None
        arrival.body = compressed(arrival.body)
        page.arrivals.append(arrival)
        page.newest[arrival.remote_id] = arrival
    return None


def _count(counts: Counts, fate: str) -> None:
    setattr(counts, fate, getattr(counts, fate) + 1)


def _is_older(arrival: Arrival, before: Known | Arrival) -> bool:
    if arrival.version is not None and before.version is not None:
        return arrival.version < before.version
    came_before = (
        arrival.arrived_at is not None and isinstance(before, Known) and arrival.arrived_at < before.fetched_at
    )
    return arrival.version is None and came_before


def write(connection: Connection, landing: Landing, page: Sorted) -> None:
    """Write what `sort` decided, and its line in the run's ledger."""
    store, origin, stream = landing.store, landing.origin, page.stream
    if page.arrivals:
        newest = list(page.newest.values())
        payload_rows.add(connection, store, origin, stream, [each for each in newest if not each.was_known])
        payload_rows.replace(connection, origin, stream, [each for each in newest if each.was_known])
        land_records(connection, store, origin, stream, page.arrivals)
        payload_rows.release(connection, origin, stream.name, page.newest)
    payload_rows.set_aside(connection, store, origin, stream.name, page.unreadable)
    write_page(connection, landing, stream.name, page.counts)


def write_page(connection: Connection, landing: Landing, stream: str, counts: Counts) -> None:
    """Write one line of the run's ledger."""
    row = {"run_id": landing.origin.run_id, "number": landing.pages, "stream": stream, **dict(counts)}
    connection.execute(insert(run_pages), row)
    landing.pages += 1


def _move_cursor(connection: Connection, landing: Landing, page: Page) -> None:
    origin = landing.origin
    values: dict[str, Any] = {"cursor": page.cursor, "run_id": origin.run_id, "updated_at": origin.now}
    if page.ends_full_read:
        values["full_read_at"] = origin.now
    statement = landing.store.insert(cursors).values(connection=origin.connection, stream=page.stream, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["connection", "stream"], set_=values))
