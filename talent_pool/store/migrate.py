"""Brings the schema of store and inbox up to date, and refuses to work on one that is not.

`python -m talent_pool.store.migrate up | check | down` does the same by hand, on the store that the environment names.
"""

import hmac
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, inspect, select, text

from connectors.errors import Misconfigured
from talent_pool.home import Home
from talent_pool.store.database import Store, open_engine, take_lock
from talent_pool.store.inbox_tables import inbox_metadata
from talent_pool.store.tables import metadata, tokens

_FOLDER = Path(__file__).parent / "migrations"
_KEY_NAME = "installation:key"


@dataclass(frozen=True, slots=True)
class Schema:
    """One set of tables with a history of its own. `head` is its newest migration; told here, a look is cheap."""

    name: str
    metadata: MetaData
    head: str

    @property
    def version_table(self) -> str:
        """Where a database says how far it is."""
        return f"{self.name}_version"


POOL = Schema("pool", metadata, "0008")
INBOX = Schema("inbox", inbox_metadata, "0001")


def upgrade(store: Store) -> None:
    """Bring the store's schema up to date. Many processes may call it at once; all but one wait, then find it done.

    Raises Misconfigured for a store that is newer than this version, or was made under another key.
    """
    with store.reading() as connection:  # which waits for nobody's write
        is_current = _revision_in(connection, POOL) == POOL.head
    if not is_current:
        upgrade_schema(store.engine, POOL)
    _require_same_key(store)


def upgrade_schema(engine: Engine, schema: Schema) -> None:
    """Bring one schema up to date through `engine`."""
    if _revision(engine, schema) == schema.head:
        return
    with engine.begin() as connection:
        take_lock(connection, f"migrate:{schema.name}")
        _run(connection, schema, lambda command, config: command.upgrade(config, "head"))


def downgrade(store: Store) -> None:
    """Take the store's schema down to nothing, with everything in it."""
    downgrade_schema(store.engine, POOL)


def downgrade_schema(engine: Engine, schema: Schema) -> None:
    """Take one schema down to nothing."""
    with engine.begin() as connection:
        take_lock(connection, f"migrate:{schema.name}")
        _run(connection, schema, lambda command, config: command.downgrade(config, "base"))


def require_current(store: Store) -> None:
    """Return if the store's schema is this version's. Raises Misconfigured in plain words."""
    found = _revision(store.engine, POOL)
    if found is None:
        raise Misconfigured("The store is empty. Run `catchment migrate` once, then start again.")
    if found != POOL.head:
        raise Misconfigured(
            f"The store's schema is {found} and this version works on {POOL.head}. "
            "Stop the other processes, run `catchment migrate`, then start again."
        )
    _require_same_key(store)


def differences(engine: Engine, schema: Schema) -> list[str]:
    """Return how the database differs from the tables in the code; empty when every change has a migration."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def _ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in schema.metadata.tables

    with engine.connect() as connection:
        options = {"include_name": _ours, "version_table": schema.version_table}
        context = MigrationContext.configure(connection, opts=options)
        return [str(difference) for difference in compare_metadata(context, schema.metadata)]


def _revision(engine: Engine, schema: Schema) -> str | None:
    with engine.connect() as connection:
        return _revision_in(connection, schema)


def _revision_in(connection: Connection, schema: Schema) -> str | None:
    if not inspect(connection).has_table(schema.version_table):
        return None
    return connection.execute(text(f"SELECT version_num FROM {schema.version_table}")).scalar()  # noqa: S608 - ours


def _run(connection: Connection, schema: Schema, step: Callable[[Any, Any], None]) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER / schema.name))
    config.attributes.update(connection=connection, metadata=schema.metadata, version_table=schema.version_table)
    try:
        step(command, config)
    except CommandError as error:
        raise Misconfigured(
            f"The store was written by a newer version than this one ({error}). Install that version again."
        ) from error


def _require_same_key(store: Store) -> None:
    """Refuse a second key: every id and address hash would come out different, and everybody would stand twice."""
    proof = hmac.digest(store.key, _KEY_NAME.encode(), "sha256")
    query = select(tokens.c.ciphertext).where(tokens.c.name == _KEY_NAME)
    with store.reading() as connection:
        kept = connection.execute(query).scalar()
    if kept is None:
        with store.writing() as connection:
            row = {"name": _KEY_NAME, "ciphertext": proof}
            connection.execute(store.insert(tokens).values(row).on_conflict_do_nothing())
            kept = connection.execute(query).scalar_one()
    if not hmac.compare_digest(kept, proof):
        raise Misconfigured(
            "This store was made under another key. Put back the installation.key it was made with, "
            "or set CATCHMENT_KEY to it."
        )


def main(arguments: list[str]) -> int:
    """Do `up`, `check` or `down` on store and inbox; `check` exits 1 where tables and migrations differ."""
    if len(arguments) != 1 or arguments[0] not in {"up", "check", "down"}:
        sys.stderr.write("usage: python -m talent_pool.store.migrate up|check|down\n")
        return 2
    home = Home()
    store, inbox_engine = home.open(), open_engine(home.inbox_url)
    found: list[str] = []
    try:
        for engine, schema in ((store.engine, POOL), (inbox_engine, INBOX)):
            if arguments[0] == "up":
                upgrade_schema(engine, schema)
            elif arguments[0] == "down":
                downgrade_schema(engine, schema)
            else:
                found += differences(engine, schema)
    finally:
        store.close()
        inbox_engine.dispose()
    sys.stderr.writelines(f"no migration for: {line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
