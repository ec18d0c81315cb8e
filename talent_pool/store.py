"""The one place where a database is opened.

`writing()` takes the write lock at once (`BEGIN IMMEDIATE` on SQLite): a transaction that reads first and then
writes would otherwise lose updates silently, or fail at once with "database is locked". `reading()` never blocks
a writer. Nobody else may create an engine.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, Table, create_engine, event, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from talent_pool.tables import counters

BUSY_SECONDS = 30


def _sqlite_engine(url: str, *, immediate: bool, full_sync: bool) -> Engine:
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    # The driver would begin by itself, and only at the first write; we begin, and at once.

    @event.listens_for(engine, "connect")
    def _pragmas(connection, _record) -> None:  # type: ignore[no-untyped-def]
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if full_sync else 'NORMAL'}",
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "journal_size_limit=67108864",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


class Store:
    """The talent pool's database, SQLite or PostgreSQL, by its URL.

    `key` is the installation's secret: birth ids and hashes of addresses are HMACs under it.
    """

    def __init__(self, url: str, key: bytes) -> None:
        self.url = make_url(url)
        self.key = key
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(url, immediate=True, full_sync=True)
            self._reader = _sqlite_engine(url, immediate=False, full_sync=True)
        else:
            self._writer = self._reader = create_engine(url, pool_pre_ping=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open one write transaction; commits at the end, rolls back on an error."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open one consistent view of the store; what is written through it is not kept."""
        with self._reader.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations alone."""
        return self._writer

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return this database's INSERT, which knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def hashed(self, *parts: str) -> str:
        """Return a keyed hash of `parts`: 32 hex digits, the same for ever in this installation."""
        message = "\x1f".join(parts).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:32]

    def close(self) -> None:
        """Release every connection."""
        self._writer.dispose()
        self._reader.dispose()


def allocate(connection: Connection, counter: str, count: int) -> int:
    """Reserve `count` numbers of `counter` in this transaction and return the first; the first ever is 1.

    The counter's row stays locked until the commit, so numbers are gap-free in commit order.
    """
    row = connection.execute(
        update(counters)
        .where(counters.c.name == counter)
        .values(value=counters.c.value + count)
        .returning(counters.c.value)
    ).first()
    if row is None:
        raise LookupError(f"the store has no counter {counter!r}; run `catchment migrate`")
    return int(row.value) - count + 1


def take_lock(connection: Connection, name: str) -> None:
    """Wait for the named lock until this transaction ends. SQLite has one writer already."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
