"""What state destinations hold by us: the memory that every push is compared with."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from connectors.contract import Fate
from talent_pool.delivery.push_ledger import Planned
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_once, rows_with
from talent_pool.store.tables import holdings

_COLUMNS = ("address", "address_key", "person_id", "fingerprint", "modified_at", "remote_id", "filled")
_HELD = tuple(holdings.c[name] for name in _COLUMNS)


def held(connection: Connection, destination: str, segment: str) -> dict[str, Any]:
    """Return what a destination holds for a segment, by address in lower case: its address, person, fingerprint, ..."""
    query = select(*_HELD).where(holdings.c.destination == destination, holdings.c.segment == segment)
    return {row.address: row for row in rows_once(connection, query)}


def held_for_any(connection: Connection, destination: str, keys: Collection[str]) -> set[str]:
    """Return those addresses, of the ones with these keys, that a destination holds for any segment."""
    query = select(holdings.c.address).where(holdings.c.destination == destination)
    return {row.address for row in rows_with(connection, query, holdings.c.address_key, keys)}


def record(connection: Connection, store: Store, destination: str, rows: Sequence[Planned], now: datetime) -> None:
    """Remember what a batch put there and took out."""
    for row in rows:
        address = folded(row.leaving.address)
        if row.fate is Fate.REMOVED:
            connection.execute(
                delete(holdings).where(
                    holdings.c.destination == destination,
                    holdings.c.segment == row.segment,
                    holdings.c.address == address,
                )
            )
    put = [
        {
            "destination": destination,
            "segment": row.segment,
            "address": folded(row.leaving.address),
            "address_key": row.address_key,
            "person_id": row.person_id,
            "fingerprint": row.fingerprint,
            "since": now,
            "modified_at": now,
            "remote_id": row.remote_id,
            "filled": list(row.filled),
        }
        for row in rows
        if row.fate is Fate.SENT
    ]
    if put:
        statement = store.insert(holdings)
        names = ("address_key", "person_id", "fingerprint", "modified_at", "remote_id", "filled")
        kept = {name: statement.excluded[name] for name in names}
        keys = ["destination", "segment", "address"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=kept), put)


def forget(connection: Connection, destination: str, segment: str) -> None:
    """Forget what a destination held that lost it, so that all is put there again."""
    connection.execute(delete(holdings).where(holdings.c.destination == destination, holdings.c.segment == segment))


def folded(address: str | None) -> str:
    """Return the address as destinations compare it; case never tells two mailboxes apart there."""
    return (address or "").lower()
