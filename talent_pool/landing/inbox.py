"""The durable inbox: what vendors, forms and links delivered, until a sync has landed it.

A delivery is committed before anybody answers it, and never waits for a landing. It is landed exactly once: landing
writes the delivery's key in its own transaction, so that one taken twice is known again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from sqlalchemy import delete, select, update

from connectors.contract import Delivery
from talent_pool.store.database import insert_into, open_engine
from talent_pool.store.inbox_tables import inbox
from talent_pool.store.migrate import INBOX, upgrade_schema

_CHUNK = 500
_TELLING = 6
"""Letters from which on a remote id within a key is no chance."""
_LOG_PAGES = 500
"""Two megabytes of SQLite's log: whoever waits for a commit must not wait for thousands of others to go to the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that no sync has taken yet."""

    id: int
    delivery: Delivery


class Inbox:
    """The inbox by its URL; its table is made or brought up to date when it is opened. Raises StoreUnavailable."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, log_pages=_LOG_PAGES)
        self._reader = open_engine(url, writes="deferred")
        upgrade_schema(self._engine, INBOX)

    def put(self, delivery: Delivery, organisation: str) -> bool:
        """Commit one delivery; False when the same key is committed already, taken or not."""
        return self.put_all([(delivery, organisation)])[0]

    def put_all(self, deliveries: Sequence[tuple[Delivery, str]]) -> list[bool]:
        """Commit deliveries, each with its organisation, in one transaction; say of each whether it is new."""
        new: list[bool] = []
        with self._engine.begin() as connection:
            for delivery, organisation in deliveries:
                row = {
                    "organisation": organisation,
                    "connection": delivery.connection,
                    "key": delivery.key,
                    "received_at": delivery.received_at,
                    "headers": dict(delivery.headers),
                    "body": delivery.body,
                }
                statement = insert_into(connection, inbox).values(row).on_conflict_do_nothing().returning(inbox.c.id)
                new.append(connection.execute(statement).first() is not None)
        return new

    def waiting(self, connection: str, limit: int) -> list[Waiting]:
        """Return the oldest `limit` deliveries of `connection` that nobody has taken."""
        query = (
            select(inbox)
            .where(inbox.c.connection == connection, inbox.c.taken_at.is_(None))
            .order_by(inbox.c.id)
            .limit(limit)
        )
        with self._reader.begin() as transaction:
            rows = transaction.execute(query).all()
        return [
            Waiting(row.id, Delivery(row.connection, row.key, row.received_at, row.headers, row.body)) for row in rows
        ]

    def take(self, ids: Collection[int], at: datetime) -> None:
        """Say that deliveries are landed: their bodies go, their keys stay, so that a repeat is still known."""
        ordered = sorted(ids)
        with self._engine.begin() as connection:
            for start in range(0, len(ordered), _CHUNK):
                chunk = ordered[start : start + _CHUNK]
                connection.execute(update(inbox).where(inbox.c.id.in_(chunk)).values(taken_at=at, headers={}, body=b""))

    def naming(self, words: Sequence[str]) -> list[str]:
        """Return the connection of each unread delivery whose body holds one of `words`, in any case of letters."""
        wanted = [word.casefold().encode() for word in words if word]
        query = select(inbox.c.connection, inbox.c.body).where(inbox.c.taken_at.is_(None)).order_by(inbox.c.id)
        with self._reader.begin() as connection:
            rows = connection.execute(query).all()
        return [row.connection for row in rows if any(word in _readable(row.body) for word in wanted)]

    def forget(self, names: Collection[str]) -> int:
        """Remove read deliveries whose key holds one of these remote ids; return how many."""
        short = {name for name in names if len(name) < _TELLING}
        longer = sorted(set(names) - short)
        query = select(inbox.c.id, inbox.c.key).where(inbox.c.taken_at.is_not(None))
        with self._engine.begin() as connection:
            gone = [
                row.id
                for row in connection.execute(query)
                if row.key in short or any(name in row.key for name in longer)
            ]
            for start in range(0, len(gone), _CHUNK):
                connection.execute(delete(inbox).where(inbox.c.id.in_(gone[start : start + _CHUNK])))
        if self._engine.dialect.name == "sqlite":
            raw = self._engine.raw_connection()
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # its log still holds what was taken
            raw.close()
        return len(gone)

    def connections_waiting(self) -> list[str]:
        """Return the connections that something waits for, in order of name."""
        query = select(inbox.c.connection).where(inbox.c.taken_at.is_(None)).distinct()
        with self._reader.begin() as connection:
            return sorted(connection.execute(query).scalars())

    def close(self) -> None:
        """Release every connection to the database."""
        self._engine.dispose()
        self._reader.dispose()


def _readable(body: bytes) -> bytes:
    """Return a body in lower case, forms' escapes read."""
    text = body.decode(errors="replace").casefold()
    return f"{text}\n{unquote_plus(text)}".encode()
