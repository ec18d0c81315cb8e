"""The store's own promises: transactions, counters, readers' views, errors in plain words."""

import sqlite3
import threading

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from talent_pool.home import Home
from talent_pool.store.database import Store, allocate, insert_rows
from talent_pool.store.driver import run
from talent_pool.store.tables import counters, work
from talent_pool.store.unavailable import StoreUnavailable
from tests.conftest import KEY
from tests.talent_pool.processes import all_at_once
from tests.talent_pool.sources import NOW


def test_counter_is_gap_free(store):
    with store.writing() as connection:
        assert allocate(connection, "landing", 3) == 1
    with pytest.raises(ZeroDivisionError), store.writing() as connection:
        _ = allocate(connection, "landing", 5) / 0
    with store.writing() as connection:
        assert allocate(connection, "landing", 1) == 4


def test_unknown_counter_is_told(store):
    with pytest.raises(LookupError, match="catchment migrate"), store.writing() as connection:
        allocate(connection, "nothing", 1)


def test_what_is_written_through_a_reader_is_not_kept(store):
    with store.reading() as connection:
        connection.execute(update(counters).values(value=9))
    with store.reading() as connection:
        assert set(connection.execute(select(counters.c.value)).scalars()) == {0}


def test_reader_sees_one_state_however_long_it_looks(store):
    with store.reading() as reader:
        before = reader.execute(select(func.count()).select_from(work)).scalar()
        with store.writing() as writer:
            writer.execute(insert(work), {"stage": "resolve", "subject_id": "x", "since": NOW})
        assert reader.execute(select(func.count()).select_from(work)).scalar() == before
    with store.reading() as reader:
        assert reader.execute(select(func.count()).select_from(work)).scalar() == before + 1


def test_hash_is_keyed_and_parts_do_not_run_together(store):
    assert len(store.hashed("a", "b")) == 32
    assert store.hashed("a", "b") == store.hashed("a", "b")
    assert (
        len({store.hashed("ab", "c"), store.hashed("a", "bc"), store.hashed("a\x1fb", "c"), store.hashed("abc")}) == 4
    )
    other = Store(store.url.render_as_string(hide_password=False), b"\x01" * 32)
    assert other.hashed("a", "b") != store.hashed("a", "b")
    other.close()


def test_rows_go_in_as_they_are_and_a_conflict_does_as_told(store):
    rows = [("resolve", f"r{n}", store.moment(NOW)) for n in range(3)]
    names = ("stage", "subject_id", "since")
    for _ in range(2):
        with store.writing() as connection:
            insert_rows(connection, work, names, rows, "ON CONFLICT DO NOTHING")
            insert_rows(connection, work, names, [])
    with store.reading() as connection:
        assert {row.since for row in connection.execute(select(work))} == {NOW}


def _add(url: str, times: int) -> None:
    own = Store(url, KEY)
    for _ in range(times):
        with own.writing() as connection:
            value = connection.execute(
                select(counters.c.value).where(counters.c.name == "change").with_for_update()
            ).scalar_one()
            connection.execute(update(counters).where(counters.c.name == "change").values(value=value + 1))


def test_three_processes_that_read_and_then_write_lose_nothing(store):
    url = store.url.render_as_string(hide_password=False)
    assert all_at_once([(_add, url, 40)] * 3) == [0, 0, 0]
    with store.reading() as connection:
        assert connection.execute(select(counters.c.value).where(counters.c.name == "change")).scalar_one() == 120


# --- errors in plain words -----------------------------------------------------------------------------------------


def test_full_disk(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", KEY)
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE t (x BLOB)"))
        connection.execute(text("PRAGMA max_page_count = 4"))
    with (
        pytest.raises(StoreUnavailable, match=r"disk under the store is full\. Free some space"),
        store.writing() as conn,
    ):
        conn.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    store.close()


def test_locked_database(tmp_path, monkeypatch):
    monkeypatch.setattr("talent_pool.store.database.BUSY_SECONDS", 0.1)
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", KEY)
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE t (x BLOB)"))
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="Another process has held the store's lock"), store.writing():
        pass
    other.close()
    with store.writing() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/at/all/pool.db", "cannot be opened"),
        ("postgresql+psycopg://a@127.0.0.1:1/x", "cannot be reached"),
        ("sqlite:///{tmp}/text.db", "no SQLite database"),
    ],
)
def test_store_that_cannot_be_opened(tmp_path, url, words):
    (tmp_path / "text.db").write_text("hello " * 1000)
    store = Store(url.format(tmp=tmp_path), KEY)
    with pytest.raises(StoreUnavailable, match=words), store.reading():
        pass
    store.close()


def test_postgres_database_that_does_not_exist(postgres_url):
    store = Store(postgres_url("nothing_here"), KEY)
    with pytest.raises(StoreUnavailable, match="no such database"), store.reading():
        pass
    store.close()


def test_store_that_goes_away_and_comes_back(store):
    """On PostgreSQL the server drops the connection; the next look opens another."""
    if store.is_sqlite:
        store.engine.dispose()
    else:
        with store.reading() as connection:
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        other = Store(store.url.render_as_string(hide_password=False), KEY)
        with other.writing() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        other.close()
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(counters)).scalar() == 2


def test_connection_that_is_lost_between_two_statements(store):
    if store.is_sqlite:
        pytest.skip("nobody can cut the connection to a file")
    other = Store(store.url.render_as_string(hide_password=False), KEY)
    with pytest.raises(StoreUnavailable, match="cannot be reached"), store.reading() as connection:
        ((pid,),) = run(connection, "SELECT pg_backend_pid()")
        with other.writing() as killing:
            run(killing, "SELECT pg_terminate_backend(%s)", (pid,))
        run(connection, "SELECT 1")
    other.close()
    with store.reading() as connection:
        assert run(connection, "SELECT 1") == [(1,)]


def _through_sqlalchemy(connection, statement):
    connection.execute(text(statement.format(mark=":email")), {"email": "robin@example.com"})


def _through_the_driver(connection, statement):
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    run(connection, statement.format(mark=mark), ("robin@example.com",))


@pytest.mark.parametrize("way", [_through_sqlalchemy, _through_the_driver])
def test_mistake_of_ours_stays_what_it_is(store, way):
    with pytest.raises(DBAPIError, match="syntax") as caught, store.reading() as connection:
        way(connection, "SELEC {mark}")
    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.parametrize("way", [_through_sqlalchemy, _through_the_driver])
def test_an_error_shows_nobodys_data(store, way):
    with pytest.raises(DBAPIError, match="no_such_column") as caught, store.reading() as connection:
        way(connection, "SELECT no_such_column WHERE 'x' = {mark}")
    assert "robin" not in str(caught.value)


# --- the installation's key ----------------------------------------------------------------------------------------


def test_key_is_made_once_and_nobody_reads_half_of_it(tmp_path):
    start, keys = threading.Barrier(8), []

    def _read():
        start.wait()
        keys.append(Home(home=tmp_path).secret)

    threads = [threading.Thread(target=_read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    (file,) = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("installation.key", 0o600)
