"""What destinations learn of addresses, read back into consent: opt-outs, bounces, complaints."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, select

from connectors.contract import Destination, RowOutcome, Signal
from connectors.records import Purpose
from talent_pool import consent
from talent_pool.delivery.gate import Way
from talent_pool.delivery.push_ledger import Planned
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import cursors, segments

_STREAM = "signals"
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
                _learn(connection, store, destination, signal, purposes)
            if page.cursor != cursor:
                _keep(connection, store, name, page.cursor, now)
        cursor = page.cursor
        learned += len(page.signals)
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
    connection: Connection, store: Store, destination: Destination, signal: Signal, purposes: Collection[Purpose]
) -> None:
    settings = destination.settings
    key = address_key(store, signal.channel, signal.address)
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


def _purposes(connection: Connection, names: Collection[str]) -> list[Purpose]:
    definitions = connection.execute(select(segments.c.definition).where(segments.c.name.in_(names))).scalars()
    found = {Purpose(definition["purpose"]) for definition in definitions if "purpose" in definition}
    return sorted(found | {Purpose.MARKETING})


def _keep(connection: Connection, store: Store, name: str, cursor: object, now: datetime) -> None:
    row = {"connection": name, "stream": _STREAM, "cursor": cursor, "updated_at": now}
    statement = store.insert(cursors).values(row)
    kept = {"cursor": statement.excluded.cursor, "updated_at": statement.excluded.updated_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["connection", "stream"], set_=kept))
