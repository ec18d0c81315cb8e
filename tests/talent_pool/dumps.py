"""What a store holds, less what may differ between a run and one that was cut off: ids of runs, order, whole reads."""

from sqlalchemy import select

from talent_pool.store.database import Store
from talent_pool.store.tables import (
    consent_statements,
    cursors,
    decisions,
    landed_deliveries,
    payload_versions,
    payloads,
    quarantine,
    records,
    work,
)

_LEFT_OUT = {"id", "run_id", "first_run_id", "last_run_id", "landing_number", "full_read_at"}
_OF_RECORDS = (records, consent_statements, decisions, work)
LANDED = (payloads, payload_versions, *_OF_RECORDS, quarantine, cursors, landed_deliveries)


def landed(store: Store, *, tables=LANDED) -> dict[str, list[tuple]]:
    """Every landed row, sorted; ids of rows are left out where the database gave them."""
    found = {}
    with store.reading() as connection:
        for table in tables:
            left_out = _LEFT_OUT - ({"id"} if table in (records, consent_statements, decisions) else set())
            columns = [column for column in table.c if column.name not in left_out]
            found[table.name] = sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)
    return found


def bodies(store: Store) -> dict[tuple[str, str], dict]:
    """Return each record's body by its type and remote id."""
    with store.reading() as connection:
        rows = connection.execute(select(records.c.record_type, records.c.remote_id, records.c.body))
        return {(row.record_type, row.remote_id): row.body for row in rows}


def waiting(store: Store) -> int:
    with store.reading() as connection:
        return len(connection.execute(select(work)).all())


def done(store: Store) -> None:
    """Clear what waits, as resolution does."""
    with store.writing() as connection:
        connection.execute(work.delete())
