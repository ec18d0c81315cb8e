"""One switch that stops everything that leaves, for whoever sees something go wrong."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from talent_pool.store.database import Store
from talent_pool.store.tables import switches

SWITCH = "sending_paused"


def pull(store: Store, by: str, now: datetime, reason: str = "") -> None:
    """Stop all sending, also in runs that are under way (at their next batch)."""
    row = {"name": SWITCH, "value": reason or "paused", "set_at": now, "set_by": by}
    with store.writing() as connection:
        statement = store.insert(switches).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))


def release(store: Store) -> bool:
    """Let sending go on; False if nothing was stopped."""
    with store.writing() as connection:
        return connection.execute(delete(switches).where(switches.c.name == SWITCH)).rowcount > 0


def reason(connection: Connection) -> str | None:
    """Return why sending is stopped, in a sentence, or None if it is not."""
    row = connection.execute(select(switches).where(switches.c.name == SWITCH)).first()
    if row is None:
        return None
    return f"Sending is paused since {row.set_at:%Y-%m-%d %H:%M} UTC. Run `catchment resume` when it may go on."
