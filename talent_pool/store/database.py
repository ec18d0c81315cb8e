"""The one place where a database is opened.

`writing()` takes the write lock at once (`BEGIN IMMEDIATE` on SQLite): a transaction that reads first and then
writes would otherwise lose updates silently, or fail at once with "database is locked". `reading()` never blocks
a writer. Nobody else may create an engine.
"""

import hashlib
import hmac
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from itertools import chain
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Cursor, OperationalError
from typing import TYPE_CHECKING, Any, Literal

import orjson
from sqlalchemy import URL, Connection, Dialect, Engine, Table, bindparam, create_engine, event, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from connectors.errors import Misconfigured
from talent_pool.store.driver import run
from talent_pool.store.lookup import apply
from talent_pool.store.tables import counters
from talent_pool.store.types import stored_text
from talent_pool.store.unavailable import in_plain_words

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_SECONDS = 30
"""How long a writer waits for another writer's transaction on SQLite, unless CATCHMENT_BUSY_SECONDS says otherwise."""

_PRAGMAS = (
    "synchronous=FULL",  # a commit that was answered survives a power cut
    "foreign_keys=ON",
    "secure_delete=ON",  # what is erased is overwritten
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
    "cache_size=-65536",
)

_NO_STORE = (
    "CATCHMENT_STORE_URL is no address of a PostgreSQL database, as in postgresql+psycopg://USER@HOST/NAME. "
    "Correct it, or unset it for SQLite in the home."
)


SELDOM = 8_000
"""Pages that SQLite's log may hold before they are written back, 32 megabytes: the same pages of indexes change again
and again, and of a hundred records that are resolved one by one, at some fifty pages each, none should wait for it."""


def open_engine(url: str, *, writes: Literal["immediate", "deferred"] = "immediate", log_pages: int = SELDOM) -> Engine:
    """Open a database; on SQLite each transaction takes the write lock at once, or (`deferred`) not before it writes.

    The transaction that fills SQLite's log with `log_pages` pages writes them back, and waits for it.

    No error shows a statement's parameters, for they are people's data.
    Whatever the driver raises because the database is away, full or locked comes out as StoreUnavailable.
    """
    try:
        if parsed(url).get_backend_name() == "sqlite":
            engine = _sqlite_engine(url, immediate=writes == "immediate", log_pages=log_pages)
        else:
            engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, ImportError):
        engine = None
    if engine is None:  # out here, because the error may hold the URL, and the URL a password
        raise Misconfigured(_NO_STORE)
    event.listen(engine, "handle_error", in_plain_words)
    return engine


def parsed(url: str) -> URL:
    """Return the parts of a database's URL. Raises Misconfigured for one that is neither SQLite's nor PostgreSQL's."""
    try:
        parts = make_url(url)
    except ArgumentError:
        parts = None
    if parts is None or parts.get_backend_name() not in ("sqlite", "postgresql"):
        raise Misconfigured(_NO_STORE)
    return parts


def _sqlite_engine(url: str, *, immediate: bool, log_pages: int) -> Engine:
    # The driver would begin by itself, and only at the first write; we begin, and at once.
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": _busy_seconds(), "check_same_thread": False},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: SqliteConnection, _record: object) -> None:
        cursor = connection.cursor()
        _write_ahead(cursor)
        for pragma in (*_PRAGMAS, f"wal_autocheckpoint={log_pages}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        run(connection, "BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _write_ahead(cursor: Cursor) -> None:
    """Switch to a write-ahead log. Of several that open a new database at once, SQLite lets one, and no other waits."""
    tries = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, OperationalError) and "locked" in str(error)),
        stop=stop_after_delay(_busy_seconds()),
        wait=wait_fixed(0.02),
        reraise=True,
    )
    tries(cursor.execute, "PRAGMA journal_mode=WAL")


def _busy_seconds() -> float:
    given = os.environ.get("CATCHMENT_BUSY_SECONDS")
    try:
        return float(given) if given else BUSY_SECONDS
    except ValueError:
        raise Misconfigured("CATCHMENT_BUSY_SECONDS is no number of seconds. Correct or unset it.") from None


class Store:
    """The talent pool's database, SQLite or PostgreSQL, by its URL.

    `key` is the installation's secret: birth ids and hashes of addresses are HMACs under it.
    """

    def __init__(self, url: str, key: bytes) -> None:
        self.url = parsed(url)
        self.key = key
        self._keyed = hmac.new(key, digestmod="sha256")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writer = open_engine(url)
        if self.is_sqlite:
            self._reader = open_engine(url, writes="deferred")
        else:
            # PostgreSQL's usual level shows every statement another state of the store.
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Open one write transaction; commits at the end, rolls back on an error. Raises StoreUnavailable."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Open one consistent view of the store; what is written through it is not kept. Raises StoreUnavailable."""
        with self._reader.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations alone."""
        return self._writer

    def insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """Return this database's INSERT, which knows ON CONFLICT."""
        return insert_into(self._writer, table)

    def moment(self, at: datetime | None) -> Any:
        """Return `at` as the driver takes it, for rows that go around SQLAlchemy (see `insert_rows`)."""
        return stored_text(at) if at is not None and self.is_sqlite else at

    def hashed(self, *parts: str) -> str:
        """Return a keyed hash of `parts`: 32 hex digits, the same for ever in this installation."""
        keyed = self._keyed.copy()
        keyed.update(orjson.dumps(parts))
        return keyed.hexdigest()[:32]

    def close(self) -> None:
        """Release every connection."""
        self._writer.dispose()
        self._reader.dispose()


def insert_into(database: Engine | Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Return the database's own INSERT, which knows ON CONFLICT."""
    # here, for to read a SQLite store needs nothing of PostgreSQL
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert(table) if database.dialect.name == "sqlite" else postgresql.insert(table)


def insert_mappings(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, all of the same columns, their values such as SQLAlchemy takes; see `insert_rows`."""
    if not rows:
        return
    names = tuple(rows[0])
    columns = [
        [row[name] for row in rows] if way is None else [way(row[name]) for row in rows]
        for name, way in zip(names, _ways(connection.dialect, table, names), strict=True)
    ]
    insert_rows(connection, table, names, list(zip(*columns, strict=True)))


@lru_cache(maxsize=256)
def _ways(dialect: Dialect, table: Table, names: Sequence[str]) -> list[Callable[[Any], Any] | None]:
    """Return what makes each column's value one that the driver takes; None where it is one."""
    return [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]


_ROWS_AT_ONCE = 100


def insert_rows(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]], conflict: str = ""
) -> None:
    """Insert `rows`, whose values stand in the order of `names` and are such as the driver takes.

    Goes around SQLAlchemy's handling of each value, which costs more than the database does, and inserts many rows by
    one statement: a statement for each gives up and takes back Python's lock every time, while another thread
    fetches. `conflict` is the statement's ON CONFLICT part.
    """
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[start : start + _ROWS_AT_ONCE]
        statement = _insertion(connection.dialect.name, table, tuple(names), len(block), conflict)
        run(connection, statement, tuple(chain.from_iterable(block)))


@lru_cache(maxsize=256)
def _insertion(dialect: str, table: Table, names: Sequence[str], rows: int, conflict: str) -> str:
    """Return the statement; the same object each time, so that neither it nor its hash is made again."""
    mark = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join(table.c[name].name for name in names)
    one = f"({', '.join([mark] * len(names))})"
    return f"INSERT INTO {table.name} ({columns}) VALUES {', '.join([one] * rows)} {conflict}"  # noqa: S608 - our own names


_ALLOCATE = (
    update(counters)
    .where(counters.c.name == bindparam("counter"))
    .values(value=counters.c.value + bindparam("count"))
    .returning(counters.c.value)
)


def allocate(connection: Connection, counter: str, count: int) -> int:
    """Reserve `count` numbers of `counter` in this transaction and return the first; the first ever is 1.

    The counter's row stays locked until the commit, so numbers are gap-free in commit order.
    """
    rows = apply(connection, _ALLOCATE, counter=counter, count=count)
    if not rows:
        raise LookupError(f"the store has no counter {counter!r}; run `catchment migrate`")
    return int(rows[0].value) - count + 1


def take_lock(connection: Connection, name: str, *, shared: bool = False) -> None:
    """Hold the named lock until this transaction ends, alone or `shared`. SQLite has one writer already."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        run(connection, f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(%s)", (number,))
