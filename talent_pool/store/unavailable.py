"""A database that cannot be used now, in words that say what to do."""

from sqlalchemy.engine import ExceptionContext

_WORDS = (
    ("disk is full", "The disk under the store is full. Free some space, then run the same again; nothing is lost."),
    ("No space left", "The disk under the store is full. Free some space, then run the same again; nothing is lost."),
    (
        "database is locked",
        "Another process has held the store's lock for too long. Wait for it, or stop it, then run again.",
    ),
    ("readonly database", "The store's file cannot be written. Give this user the right to write its folder."),
    ("unable to open", "The store's file cannot be opened. See that CATCHMENT_HOME exists and can be written."),
    ("not a database", "The store's file is no SQLite database. Correct CATCHMENT_STORE_URL or restore a backup."),
    ("malformed", "The store's file is damaged. Stop all processes and restore a backup."),
    ("disk I/O", "The disk under the store fails. Look after the disk, then run the same again."),
    ("password authentication", "PostgreSQL refuses the user or password. Correct CATCHMENT_STORE_URL."),
    ("does not exist", "PostgreSQL has no such database or table. Correct CATCHMENT_STORE_URL, or migrate."),
    ("no such table", "The store has no tables yet. Run `catchment migrate`."),
)
_FALLBACK = "The store cannot be reached. See that it runs and that CATCHMENT_STORE_URL is right, then run again."


# SQLite reports every misuse of SQL as OperationalError too; where no words fit, those are our own mistakes.
_KINDS = frozenset({"OperationalError", "DatabaseError", "DiskFull", "UndefinedTable", "ConnectionTimeout"})


class StoreUnavailable(Exception):
    """The database cannot be used now; the text says what to do. Nothing that was committed is lost."""


def in_plain_words(context: ExceptionContext) -> None:
    """Raise StoreUnavailable for what the driver raises because the database is away, full or locked."""
    error = context.original_exception
    if type(error).__name__ in _KINDS:  # no other: a pool that finds a connection gone opens another by itself
        raise_in_plain_words(error, is_lost=context.is_disconnect or context.connection is None)


def raise_in_plain_words(error: BaseException, *, is_lost: bool) -> None:
    """Raise StoreUnavailable for a driver's error of these kinds, or where the connection `is_lost`; else return."""
    if type(error).__name__ in _KINDS:
        said = str(error)
        for part, words in _WORDS:
            if part in said:
                raise StoreUnavailable(words) from error
    if is_lost:
        raise StoreUnavailable(_FALLBACK) from error
