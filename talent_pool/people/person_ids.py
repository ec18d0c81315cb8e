"""Looking up who an id stands for: people, ids given up in a merge, and ids of people who ended."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from talent_pool.refused import Refused
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import people, person_aliases

_ALIASES = select(person_aliases.c.id, person_aliases.c.person_id)


class NoSuchPerson(Refused):
    """Nobody goes, or ever went, by this id."""


def resolved(connection: Connection, name: str) -> str | None:
    """Return the person whom an id stands for now; None for one that was never given out."""
    alias = select(person_aliases.c.person_id).where(person_aliases.c.id == name)
    standing = connection.execute(alias).scalar() or name
    return connection.execute(select(people.c.id).where(people.c.id == standing)).scalar()


def given_up(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """Return {id: who it stands for now} of those ids that were given up in a merge."""
    return {row.id: row.person_id for row in rows_with(connection, _ALIASES, person_aliases.c.id, set(names))}


def existing(connection: Connection, name: str) -> str:
    """Return the person whom an id stands for now. Raises NoSuchPerson for an id that stands for nobody."""
    found = resolved(connection, name)
    if found is None:
        raise NoSuchPerson(f"There is nobody with the id {name}. `catchment people` lists everybody.")
    return found
