"""What destinations learn of addresses, read back into consent: opt-outs, bounces, complaints.

Some is asked for (`read_back`), some is told: a call to `/signals/NAME` waits in the durable inbox until `take_calls`
writes what it says, exactly once by its key.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from connectors.contract import Destination, DestinationSettings, RowOutcome, Signal, SignalReceiver
from connectors.records import Purpose
from talent_pool import consent
from talent_pool.delivery.gate import Way
from talent_pool.delivery.push_ledger import Planned
from talent_pool.landing.inbox import Inbox
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import cursors, deliveries, landed_deliveries, segments

_STREAM = "signals"
_CALLS = "signals:"
_AT_ONCE = 100
_EVERYWHERE = frozenset({"bounced", "complained"})
"""What is true of an address whoever writes to it; the rest is true at this one destination."""


def read_back(store: Store, destination: Destination, now: datetime) -> int:
    """Write what `destination` learned since last time, each page with its cursor; return how many signals.

    An opt-out there refuses every purpose that this destination serves, and marketing.
    """
    name = destination.settings.name
    with store.reading() as connection:
        where = cursors.c.connection == name, cursors.c.stream == _STREAM
        cursor = connection.execute(select(cursors.c.cursor).where(*where)).scalar()
        purposes = _purposes(connection, [push.segment for push in destination.settings.pushes])
    learned = 0
    for page in destination.read_back(cursor, now):
        with store.writing() as connection:
            for signal in page.signals:
                _learn(connection, store, destination.settings, signal, purposes)
            if page.cursor != cursor:
                _keep(connection, store, name, page.cursor, now)
        cursor = page.cursor
        learned += len(page.signals)
    return learned


def calls_of(name: str) -> str:
    """Return the name under which the inbox keeps what a destination told us; no connection can have it."""
    return _CALLS + name


def callers_waiting(inbox: Inbox) -> list[str]:
    """Return the destinations whose calls wait in the inbox."""
    return [name.removeprefix(_CALLS) for name in inbox.connections_waiting() if name.startswith(_CALLS)]


def take_calls(store: Store, inbox: Inbox, destination: SignalReceiver, now: datetime) -> int:
    """Write what `destination` told us since last time, each call once, and return how many signals that was."""
    settings, learned = destination.settings, 0
    name = calls_of(settings.name)
    with store.reading() as connection:
        purposes = _purposes(connection, [push.segment for push in settings.pushes])
    while waiting := inbox.waiting(name, _AT_ONCE):
        with store.writing() as connection:
            for each in waiting:
                row = {"connection": name, "key": each.delivery.key, "landed_at": now}
                new = store.insert(landed_deliveries).values(row).on_conflict_do_nothing()
                if connection.execute(new.returning(landed_deliveries.c.key)).first() is None:
                    continue  # cut off last time between this transaction and the inbox's
                for signal in destination.signals(each.delivery):
                    _learn(connection, store, settings, signal, purposes)
                    learned += 1
        inbox.take([each.id for each in waiting], now)
    return learned


def heed(connection: Connection, way: Way, row: Planned, outcome: RowOutcome) -> None:
    """Suppress an address that the destination says must not be written to again."""
    if outcome.suppress and row.address_key:
        settings = way.destination.settings
        consent.suppress(
            way.store,
            connection=connection,
            organisation=settings.organisation,
            channel=row.leaving.channel,
            address_key=row.address_key,
            destination=None if outcome.suppress in _EVERYWHERE else settings.name,
            reason=outcome.suppress,
            source=settings.name,
            at=way.now,
        )


def _learn(
    connection: Connection, store: Store, settings: DestinationSettings, signal: Signal, purposes: Collection[Purpose]
) -> None:
    key = _meant(connection, store, settings.name, signal)
    if key is None:
        return
    if signal.kind == "unsubscribed":
        for purpose in purposes:
            consent.refuse(
                store,
                connection=connection,
                organisation=settings.organisation,
                channel=signal.channel,
                address_key=key,
                purpose=purpose,
                kind="unsubscribed",
                at=signal.at,
                source=settings.name,
            )
    elif signal.kind != "archived":
        consent.suppress(
            store,
            connection=connection,
            organisation=settings.organisation,
            channel=signal.channel,
            address_key=key,
            destination=None if signal.kind in _EVERYWHERE else settings.name,
            reason=signal.kind,
            source=settings.name,
            at=signal.at,
        )


def _meant(connection: Connection, store: Store, destination: str, signal: Signal) -> str | None:
    """Return the key of the address that a signal is about; None if anybody might have made it up.

    What answers a message counts for whom that was sent to: a mailbox forwards, and bounces name where it went.
    """
    key = address_key(store, signal.channel, signal.address) if signal.address else None
    if signal.row_id is None:
        return key
    ours = deliveries.c.destination == destination
    sent_to = connection.execute(select(deliveries.c.address_key).where(ours, deliveries.c.id == signal.row_id))
    if found := sent_to.scalar():
        return found
    known = select(deliveries.c.address_key).where(ours, deliveries.c.address_key == key).limit(1)
    return connection.execute(known).scalar() if key else None


def _purposes(connection: Connection, names: Collection[str]) -> list[Purpose]:
    definitions = connection.execute(select(segments.c.definition).where(segments.c.name.in_(names))).scalars()
    found = {Purpose(definition["purpose"]) for definition in definitions if "purpose" in definition}
    return sorted(found | {Purpose.MARKETING})


def _keep(connection: Connection, store: Store, name: str, cursor: object, now: datetime) -> None:
    row = {"connection": name, "stream": _STREAM, "cursor": cursor, "updated_at": now}
    statement = store.insert(cursors).values(row)
    kept = {"cursor": statement.excluded.cursor, "updated_at": statement.excluded.updated_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["connection", "stream"], set_=kept))
