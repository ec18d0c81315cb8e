"""Looking up who an id stands for: people, ids given up in a merge, and ids of people who ended."""

from sqlalchemy import Connection, select

from talent_pool.refused import Refused
from talent_pool.store.tables import people, person_aliases


class NoSuchPerson(Refused):
    """Nobody goes, or ever went, by this id."""


def resolved(connection: Connection, name: str) -> str | None:
    """Return the person whom an id stands for now; None for one that was never given out."""
    alias = select(person_aliases.c.person_id).where(person_aliases.c.id == name)
    standing = connection.execute(alias).scalar() or name
    return connection.execute(select(people.c.id).where(people.c.id == standing)).scalar()


def existing(connection: Connection, name: str) -> str:
    """Return the same. Raises NoSuchPerson for an id that stands for nobody."""
    found = resolved(connection, name)
    if found is None:
        raise NoSuchPerson("There is nobody of this id in the pool. Look it up with `catchment people`.")
    return found
