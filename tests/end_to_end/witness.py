"""A witness in the database itself: when runs began and ended and what they wrote, in the order of the commits."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from talent_pool.store.database import Store

_SEEN = {
    "began": ("INSERT ON runs", "NEW.id", "'began'"),
    "ended": ("UPDATE ON runs", "NEW.id", "NEW.state"),
    "page": ("INSERT ON run_pages", "NEW.run_id", "'wrote'"),
    "message": ("INSERT ON deliveries", "NEW.run_id", "'wrote'"),
    "outcome": ("UPDATE ON deliveries", "NEW.run_id", "'wrote'"),
}
"""Trigger → when it fires, the run it speaks of, what it says."""


@contextmanager
def watching(store: Store) -> Iterator[None]:
    """Write down what happens in the tables of runs, pages and messages, as long as the block lasts."""
    with store.writing() as connection:
        for statement in _made(store):
            connection.execute(text(statement))
    try:
        yield
    finally:
        with store.writing() as connection:
            for statement in _unmade(store):
                connection.execute(text(statement))


def _made(store: Store) -> Iterator[str]:
    number = "INTEGER PRIMARY KEY AUTOINCREMENT" if store.is_sqlite else "BIGSERIAL PRIMARY KEY"
    yield f"CREATE TABLE witness (number {number}, run_id TEXT, what TEXT)"
    for name, (when, run, what) in _SEEN.items():
        noted = f"INSERT INTO witness (run_id, what) VALUES ({run}, {what});"
        if store.is_sqlite:
            yield f"CREATE TRIGGER witness_{name} AFTER {when} BEGIN {noted} END"
        else:
            body = f"BEGIN {noted} RETURN NULL; END"
            yield f"CREATE FUNCTION witness_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
            yield f"CREATE TRIGGER witness_{name} AFTER {when} FOR EACH ROW EXECUTE FUNCTION witness_{name}()"


def _unmade(store: Store) -> Iterator[str]:
    for name, (when, _, _) in _SEEN.items():
        if store.is_sqlite:
            yield f"DROP TRIGGER witness_{name}"
        else:
            yield f"DROP TRIGGER witness_{name} ON {when.rpartition(' ')[2]}"
            yield f"DROP FUNCTION witness_{name}()"
    yield "DROP TABLE witness"


def accounts(connection: Connection) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return by (kind, subject) all that was seen, in order: (run id, `began`, `wrote` or the state it ended in)."""
    rows = connection.execute(
        text("SELECT r.kind, r.subject, w.run_id, w.what FROM witness w JOIN runs r ON r.id = w.run_id ORDER BY number")
    )
    seen: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        seen[row.kind, row.subject].append((row.run_id, row.what))
    return seen


def one_at_a_time(seen: list[tuple[str, str]]) -> bool:
    """Say whether nobody began, or wrote anything, while another's run was under way, and every run came to an end."""
    present = None
    for run_id, what in seen:
        if what == "began":
            if present is not None:
                return False
            present = run_id
        elif run_id != present:
            return False
        elif what != "wrote":
            present = None
    return present is None
