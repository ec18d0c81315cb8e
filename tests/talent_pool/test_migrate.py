"""The schema: up, checked, down; many at once; refused where it does not fit."""

import itertools
import subprocess
import sys
import threading

import pytest
from sqlalchemy import inspect, select, text

from connectors.errors import Misconfigured
from talent_pool.store import migrate
from talent_pool.store.database import Store, open_engine
from talent_pool.store.migrate import INBOX, POOL, differences, downgrade_schema, upgrade_schema
from talent_pool.store.tables import counters
from tests.conftest import KEY

_numbers = itertools.count()


@pytest.fixture
def bare_url(backend, request, tmp_path):
    """A database without any table, on both."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    postgres_url = request.getfixturevalue("postgres_url")
    name = f"bare_{next(_numbers)}"
    engine = open_engine(postgres_url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres_url(name)


@pytest.fixture
def bare(bare_url):
    store = Store(bare_url, KEY)
    yield store
    store.close()


@pytest.mark.parametrize("schema", [POOL, INBOX], ids=lambda schema: schema.name)
def test_up_down_up_without_a_difference_to_the_tables_in_the_code(bare, schema):
    for _ in range(2):
        upgrade_schema(bare.engine, schema)
        assert differences(bare.engine, schema) == []
        downgrade_schema(bare.engine, schema)
        assert inspect(bare.engine).get_table_names() == [schema.version_table]


def test_difference_is_found(bare):
    migrate.upgrade(bare)
    with bare.writing() as connection:
        connection.execute(text("ALTER TABLE work ADD COLUMN more TEXT"))
        connection.execute(text("DROP TABLE switches"))
    found = " ".join(differences(bare.engine, POOL))
    assert "more" in found
    assert "switches" in found


def test_head_is_the_newest_migration_there_is():
    for schema in (POOL, INBOX):
        files = sorted((migrate._FOLDER / schema.name / "versions").glob("*.py"))
        assert files[-1].name.startswith(schema.head)


def test_both_schemas_live_in_one_database(bare):
    migrate.upgrade(bare)
    upgrade_schema(bare.engine, INBOX)
    assert differences(bare.engine, POOL) == differences(bare.engine, INBOX) == []


def test_counters_begin_at_nothing(bare):
    migrate.upgrade(bare)
    with bare.reading() as connection:
        assert dict(connection.execute(select(counters.c.name, counters.c.value)).all()) == {"landing": 0, "change": 0}


def test_many_at_once(bare_url):
    start, errors = threading.Barrier(5), []

    def _up():
        own = Store(bare_url, KEY)
        start.wait()
        try:
            migrate.upgrade(own)
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)
        own.close()

    threads = [threading.Thread(target=_up) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    after = Store(bare_url, KEY)
    migrate.require_current(after)
    assert differences(after.engine, POOL) == []
    after.close()


def test_store_without_tables_is_refused(bare):
    with pytest.raises(Misconfigured, match="Run `catchment migrate`"):
        migrate.require_current(bare)


def test_other_schema_is_refused(bare):
    migrate.upgrade(bare)
    with bare.writing() as connection:
        connection.execute(text("UPDATE pool_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match="schema is 9999 and this version works on"):
        migrate.require_current(bare)
    with pytest.raises(Misconfigured, match="newer version"):
        migrate.upgrade(bare)


def test_other_key_is_refused(bare, bare_url):
    migrate.upgrade(bare)
    other = Store(bare_url, bytes(32))
    for look in (migrate.upgrade, migrate.require_current):
        with pytest.raises(Misconfigured, match="made under another key"):
            look(other)
    other.close()


def test_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CATCHMENT_HOME", str(tmp_path))
    monkeypatch.delenv("CATCHMENT_STORE_URL", raising=False)
    assert migrate.main(["check"]) == 1
    assert "no migration for" in capsys.readouterr().err
    assert [migrate.main([step]) for step in ("up", "check", "down", "up", "check")] == [0] * 5
    assert migrate.main(["sideways"]) == 2
    assert "usage" in capsys.readouterr().err


def test_command_runs_by_itself(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "talent_pool.store.migrate", "up"]
    done = subprocess.run(command, env={"CATCHMENT_HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
