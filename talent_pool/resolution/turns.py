"""Turns of resolution: a number that rises whenever somebody decides who is one person.

A resolver reads and computes without any lock; before it writes it looks whether the number is still the one it
read. So two resolvers never both act on the same picture, and a decision made meanwhile is not overlooked.
"""

from sqlalchemy import Connection, select

from talent_pool.store.database import insert_rows, take_lock
from talent_pool.store.lookup import rows_of
from talent_pool.store.tables import counters

_COUNTER = "resolution"
_CURRENT = select(counters.c.value).where(counters.c.name == _COUNTER)
_ONE_MORE = "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1"


def current(connection: Connection) -> int:
    """Return the number of the last turn; 0 before the first."""
    rows = rows_of(connection, _CURRENT)
    return rows[0].value if rows else 0


def begin(connection: Connection) -> None:
    """Wait for the resolver's lock; it is held until this transaction ends."""
    take_lock(connection, "resolver")


def end(connection: Connection) -> None:
    """Count this turn, so that whoever read before it reads again."""
    insert_rows(connection, counters, ("name", "value"), [(_COUNTER, 1)], _ONE_MORE)
