"""Turns of resolution: a number that rises whenever somebody decides who is one person.

A resolver reads and computes without any lock; before it writes it looks whether the number is still the one it
read. So two resolvers never both act on the same picture, and a decision made meanwhile is not overlooked.
"""

from sqlalchemy import Connection, select

from talent_pool.store.database import Store, allocate, take_lock
from talent_pool.store.tables import counters

_COUNTER = "resolution"


def current(connection: Connection) -> int:
    """Return the number of the last turn; 0 before the first."""
    return connection.execute(select(counters.c.value).where(counters.c.name == _COUNTER)).scalar() or 0


def begin(store: Store, connection: Connection) -> None:
    """Wait for the resolver's lock; it is held until this transaction ends."""
    take_lock(connection, "resolver")
    connection.execute(store.insert(counters).values(name=_COUNTER, value=0).on_conflict_do_nothing())


def end(connection: Connection) -> None:
    """Count this turn, so that whoever read before it reads again."""
    allocate(connection, _COUNTER, 1)
