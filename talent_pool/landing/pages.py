"""Landing: raw objects, the records in them and the cursor that covers them, in one transaction.

A page that was cut off leaves nothing behind, one that was committed is never landed again, and an object that has
not changed costs one look-up. Nothing is fetched, parsed or compressed while the write lock is held.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from connectors.contract import Page, Stream
from talent_pool.landing import payload_rows
from talent_pool.landing.arrivals import Arrival, Parse, Parsed, Unreadable, compressed, read, recognised
from talent_pool.landing.erased import barred
from talent_pool.landing.payload_rows import Known, Origin, chunks
from talent_pool.landing.record_rows import land_records
from talent_pool.landing.told import Told, version
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

    def next_number(self) -> int:
        """Return the number of the run's next page in its ledger."""
        self.pages += 1
        return self.pages - 1


@dataclass(slots=True)
class Sorted:
    """The objects of one page by what becomes of them: all that is needed to write it, in another process too."""

    stream: Stream
    number: int
    counts: Counts
    covers: Page | None = None
    """The page whose cursor is true once this is written, without its objects."""
    objects: list[Parsed] = field(default_factory=list[Parsed])
    """What has something new to say, in order of arrival; one object may stand here in several versions."""
    newest: dict[str, Parsed] = field(default_factory=dict[str, Parsed])
    """The last of them for each object, by remote id."""
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])

    def __getstate__(self) -> tuple[Any, ...]:
        # Plain tuples go through a pipe in a third of the time that named ones take.
        objects = [(one[:-1], [tuple(each) for each in one.tells]) for one in self.objects]
        return (self.stream, self.number, self.counts, self.covers, objects, self.unreadable)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.stream, self.number, self.counts, self.covers, objects, self.unreadable = state
        self.objects = [Parsed(*rest, tells=[Told(*each) for each in tells]) for rest, tells in objects]
        self.newest = {one.remote_id: one for one in self.objects}


def prepare(landing: Landing, stream: Stream, page: Page, before: Iterable[Sorted] = ()) -> Sorted:
    """Recognise, sort and parse the objects of a page; writes nothing, so that it may go on while others are written.

    `before` are the pages before this one that may not be committed yet, in their order.
    """
    objects = sort(landing, stream, page.objects, before=before)
    objects.covers = replace(page, objects=())
    return objects


def commit(store: Store, origin: Origin, lease: Lease, pages: Sequence[Sorted]) -> None:
    """Write prepared pages and their cursors in one transaction.

    Raises Busy if the lease was lost, StoreUnavailable; either leaves nothing.
    """
    with store.writing() as connection:
        lease.renew(connection)
        for page in pages:
            write(connection, store, origin, page)
        for reached in _reached(pages):
            _move_cursor(connection, store, origin, reached)


def land_deliveries(
    landing: Landing, batches: Mapping[Stream, Sequence[Any]], unreadable: Sequence[Unreadable], keys: Sequence[str]
) -> list[tuple[str, Counts]]:
    """Land the objects of deliveries and the deliveries' keys, by which they are never landed again.

    `unreadable` are deliveries that could not even be taken apart. Returns the counts by stream.
    """
    pages = [sort(landing, stream, batches[stream]) for stream in batches]
    if unreadable:
        broken = Counts(read=len(unreadable), quarantined=len(unreadable))
        pages.append(Sorted(Stream(DELIVERIES), landing.next_number(), broken, unreadable=list(unreadable)))
    origin = landing.origin
    rows = [{"connection": origin.connection, "key": key, "landed_at": origin.now} for key in keys]
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        connection.execute(insert(landed_deliveries), rows)
        for page in pages:
            write(connection, landing.store, origin, page)
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
    landing: Landing,
    stream: Stream,
    raws: Sequence[Any],
    *,
    arrived_at: Sequence[datetime] = (),
    before: Iterable[Sorted] = (),
) -> Sorted:
    """Decide what becomes of each object and parse what is not known yet. Writes nothing.

    `arrived_at` says when each of them came, where that was before now (out of quarantine).
    """
    arrived = [recognised(stream, raw) for raw in raws]
    ids = {each.remote_id for each in arrived if isinstance(each, Arrival)}
    with landing.store.reading() as connection:
        known = payload_rows.known(connection, landing.origin, stream.name, ids)
    for page in before:
        for name in ids & page.newest.keys():
            each = page.newest[name]
            known[name] = Known(each.hash, each.version, landing.origin.now, landing.origin.run_id)
    sorting = _Sorting(landing, Sorted(stream, landing.next_number(), Counts(read=len(raws))), known)
    for each, at in zip(arrived, arrived_at or [None] * len(raws), strict=True):
        sorting.place(each, at)
    return sorting.page


@dataclass(slots=True)
class _Sorting:
    landing: Landing
    page: Sorted
    known: Mapping[str, Known]

    def place(self, arrival: Arrival | Unreadable, arrived_at: datetime | None) -> None:
        """Count one object, and keep it for writing if it says something new."""
        page = self.page
        unreadable = arrival if isinstance(arrival, Unreadable) else self._place(arrival, arrived_at)
        if unreadable is not None:
            page.counts.quarantined += 1
            page.unreadable.append(unreadable)

    def _place(self, arrival: Arrival, arrived_at: datetime | None) -> Unreadable | None:
        page, remote_id = self.page, arrival.remote_id
        known, earlier = self.known.get(remote_id), page.newest.get(remote_id)
        is_repeat = earlier is not None or (known is not None and known.last_run_id == self.landing.origin.run_id)
        before = earlier or known
        if before is not None and arrival.hash == before.hash:
            _count(page.counts, "duplicate" if is_repeat else "same")
            return None
        tells = read(arrival, page.stream, self.landing.parse)
        if isinstance(tells, Unreadable):
            return tells
        newest = version(tells)
        is_stale = before is not None and _is_older(newest, before, arrived_at)
        fate = "new" if known is None else "changed"
        if is_repeat:
            fate = "duplicate"
        elif is_stale:
            fate = "stale"
        elif tells and all(each.deletion is not None for each in tells):
            fate = "deleted"
        _count(page.counts, fate)
        if not is_stale:
            body = compressed(arrival.body)
            one = Parsed(remote_id, arrival.hash, body, newest, known is not None, fate, tells)
            page.objects.append(one)
            page.newest[remote_id] = one
        return None


def _count(counts: Counts, fate: str) -> None:
    setattr(counts, fate, getattr(counts, fate) + 1)


def _is_older(newest: datetime | None, before: Known | Parsed, arrived_at: datetime | None) -> bool:
    if newest is not None and before.version is not None:
        return newest < before.version
    came_before = arrived_at is not None and isinstance(before, Known) and arrived_at < before.fetched_at
    return newest is None and came_before


def write(connection: Connection, store: Store, origin: Origin, page: Sorted) -> None:
    """Write what `sort` decided, less what was erased, and its line in the run's ledger."""
    stream = page.stream
    page.objects, page.unreadable = barred(
        connection, store, origin, stream.name, page.objects, page.unreadable, page.counts
    )
    page.newest = {one.remote_id: one for one in page.objects}
    if page.objects:
        newest = list(page.newest.values())
        payload_rows.add(connection, store, origin, stream, [each for each in newest if not each.was_known])
        payload_rows.replace(connection, origin, stream, [each for each in newest if each.was_known])
        land_records(connection, store, origin, stream, page.objects)
        payload_rows.release(connection, origin, stream.name, page.newest)
    payload_rows.set_aside(connection, store, origin, stream.name, page.unreadable)
    write_page(connection, origin, page.number, stream.name, page.counts)


def write_page(connection: Connection, origin: Origin, number: int, stream: str, counts: Counts) -> None:
    """Write one line of the run's ledger."""
    row = {"run_id": origin.run_id, "number": number, "stream": stream, **dict(counts)}
    connection.execute(insert(run_pages), row)


def _reached(pages: Iterable[Sorted]) -> Iterable[Page]:
    """Return the last page of each stream; it ends a full read where any of them does."""
    last: dict[str, Page] = {}
    for covers in (page.covers for page in pages if page.covers is not None):
        before = last.get(covers.stream)
        ends = covers.ends_full_read or (before is not None and before.ends_full_read)
        last[covers.stream] = replace(covers, ends_full_read=ends)
    return last.values()


def _move_cursor(connection: Connection, store: Store, origin: Origin, page: Page) -> None:
    values: dict[str, Any] = {"cursor": page.cursor, "run_id": origin.run_id, "updated_at": origin.now}
    if page.ends_full_read:
        values["full_read_at"] = origin.now
    statement = store.insert(cursors).values(connection=origin.connection, stream=page.stream, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["connection", "stream"], set_=values))
