"""One connection's sync: what waits in the inbox, then what each stream has to tell since its cursor.

Pages are landed in their order, each with its cursor, so that whoever is cut off goes on where it stopped. The next few
are fetched and prepared meanwhile.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from sqlalchemy import delete, select

from connectors.contract import Delivery, Json, Receiver, Source, Stream
from connectors.errors import Malformed
from talent_pool.landing.arrivals import Unreadable, unreadable
from talent_pool.landing.fetching import ahead, undisturbed
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.pages import DELIVERIES, Landing, Sorted, land_deliveries, landed_keys, prepare
from talent_pool.landing.payload_rows import Origin
from talent_pool.landing.writer import ALONE, UNDER_WAY, Writer
from talent_pool.store import leases, runs
from talent_pool.store.database import Store
from talent_pool.store.runs import Counts
from talent_pool.store.tables import cursors

TAKEN_AT_ONCE = 200
"""Deliveries landed in one transaction."""

OnPage = Callable[[str, Counts], None]
"""Told after each page: the stream, and what the page brought."""


@dataclass(slots=True)
class SyncReport:
    """What one sync did. `counts` is the sum over `streams`."""

    run_id: str
    connection: str
    counts: Counts = field(default_factory=Counts)
    streams: dict[str, Counts] = field(default_factory=dict[str, Counts])

    def add(self, stream: str, counts: Counts) -> None:
        """Add what one page brought."""
        self.counts += counts
        self.streams.setdefault(stream, Counts())
        self.streams[stream] += counts


def sync(
    store: Store,
    inbox: Inbox,
    source: Source,
    now: datetime,
    *,
    full_refresh: bool = False,
    on_page: OnPage | None = None,
    alone: int = ALONE,
) -> SyncReport:
    """Bring in what `source` has to tell; with `full_refresh` from the beginning of everything.

    After `alone` objects another process writes the rest.

    Raises leases.Busy if somebody syncs it already, StoreUnavailable, and the source's own errors of
    connectors.errors; what had landed by then stays, and the next sync goes on from there.
    """
    with under_lease(store, source, "sync", now) as (landing, report), undisturbed():

        def told(stream: str, counts: Counts) -> None:
            report.add(stream, counts)
            if on_page is not None:
                on_page(stream, counts)

        if isinstance(source, Receiver):
            _drain(landing, inbox, source, source.streams(), told)
        if full_refresh:
            _forget_cursors(landing)
        with closing(Writer(landing, alone)) as writer:
            for stream in source.streams():
                _pull(landing, source, stream, writer, told)
    return report


@contextmanager
def under_lease(store: Store, source: Source, kind: str, now: datetime) -> Generator[tuple[Landing, SyncReport]]:
    """Hold the connection's lease and a line in the ledger of runs, which says at the end how it went."""
    name, organisation = source.connection.name, source.connection.organisation
    started = time.monotonic()

    def moment() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    with leases.held(store, f"connection:{name}", kind, now) as lease:
        runs.end_abandoned(store, kind, name, now)
        report = SyncReport(runs.start(store, kind, name, organisation, now), name)
        landing = Landing(store, Origin(organisation, name, report.run_id, now), lease, source.parse)
        try:
            yield landing, report
        except BaseException as error:
            words = str(error) or f"It was stopped ({type(error).__name__})."
            runs.end(store, report.run_id, moment(), _told(report), error=words)
            raise
        runs.end(store, report.run_id, moment(), _told(report))


def _told(report: SyncReport) -> Mapping[str, object]:
    return {**dict(report.counts), "streams": {name: dict(counts) for name, counts in report.streams.items()}}


def _pull(landing: Landing, source: Source, stream: Stream, writer: Writer, told: OnPage) -> None:
    read: deque[int] = deque()  # what the source gave, counted apart from landing, which therefore can lose none unseen

    def tell(pages: Iterable[Sorted]) -> None:
        for page in pages:
            page.counts.read = read.popleft()
            told(stream.name, page.counts)

    with closing(ahead(_prepared(landing, source, stream))) as pages:
        try:
            for objects, page in pages:
                read.append(objects)
                tell(writer.put(page))
        finally:  # what was fetched before an error is committed, and told
            tell(writer.flush())


def _prepared(landing: Landing, source: Source, stream: Stream) -> Generator[tuple[int, Sorted]]:
    """Yield how many objects each page held, and the page ready to be written."""
    begin = cursor(landing.store, landing.origin.connection, stream.name)
    before: deque[Sorted] = deque(maxlen=UNDER_WAY)
    for page in source.pages(stream, begin, landing.origin.now):
        before.append(prepare(landing, stream, page, before))
        yield len(page.objects), before[-1]


def cursor(store: Store, connection: str, stream: str) -> Json | None:
    """Return where the next read of a stream begins; None is its beginning."""
    query = select(cursors.c.cursor).where(cursors.c.connection == connection, cursors.c.stream == stream)
    with store.reading() as transaction:
        return transaction.execute(query).scalar()


def _forget_cursors(landing: Landing) -> None:
    with landing.store.writing() as connection:
        landing.lease.renew(connection)
        connection.execute(delete(cursors).where(cursors.c.connection == landing.origin.connection))


def _drain(landing: Landing, inbox: Inbox, source: Receiver, streams: Sequence[Stream], told: OnPage) -> None:
    name = landing.origin.connection
    while waiting := inbox.waiting(name, TAKEN_AT_ONCE):
        landed = landed_keys(landing.store, name, [each.delivery.key for each in waiting])
        deliveries = [each.delivery for each in waiting if each.delivery.key not in landed]
        if deliveries:
            batches, broken = taken_apart(source, streams, deliveries)
            read = {stream.name: len(objects) for stream, objects in batches.items()} | {DELIVERIES: len(broken)}
            for stream, counts in land_deliveries(landing, batches, broken, [each.key for each in deliveries]):
                counts.read = read[stream]
                told(stream, counts)
        # Only now: cut off before this, they are known by their keys the next time.
        inbox.take([each.id for each in waiting], landing.origin.now)


def taken_apart(
    source: Receiver, streams: Sequence[Stream], deliveries: Sequence[Delivery]
) -> tuple[dict[Stream, list[Json]], list[Unreadable]]:
    """Return the objects in `deliveries` by their stream, in order, and the deliveries that cannot be taken apart."""
    named = {stream.name: stream for stream in streams}
    batches: dict[Stream, list[Json]] = {}
    broken: list[Unreadable] = []
    for delivery in deliveries:
        try:
            pairs = list(source.objects(delivery))
        except Malformed as error:
            broken.append(unreadable(packed(delivery), None, str(error)))
            continue
        for name, raw in pairs:
            batches.setdefault(named.get(name) or Stream(name, complete=False), []).append(raw)
    return batches, broken


def stream_of(source: Source, name: str) -> Stream:
    """Return a stream of the source by its name; one that it is only delivered is partial, with its key at `id`."""
    return next((each for each in source.streams() if each.name == name), Stream(name, complete=False))


def packed(delivery: Delivery) -> Json:
    """Return a delivery as JSON, for the quarantine."""
    return {
        "key": delivery.key,
        "received_at": delivery.received_at.isoformat(),
        "headers": dict(delivery.headers),
        "body": delivery.body.hex(),
    }


def unpacked(connection: str, body: bytes) -> Delivery:
    """Return the delivery that `packed` made JSON of."""
    raw = orjson.loads(body)
    received_at = datetime.fromisoformat(raw["received_at"])
    return Delivery(connection, raw["key"], received_at, raw["headers"], bytes.fromhex(raw["body"]))
