"""Bad input through the command line: a clear sentence each time, and nothing lost."""

import copy
import multiprocessing
import re
import resource
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from starlette.types import Receive, Scope, Send

from sandbox.generator import World, generate
from sandbox.serving import Serving
from sandbox.vendors import Vendors, running
from talent_pool.landing.arrivals import decompressed
from talent_pool.store.runs import latest
from talent_pool.store.tables import quarantine
from tests.dagster_project.typed import BRISK, Installation, Said, written

pytestmark = pytest.mark.heavy

VENDORS = ("greenhouse", "typeform")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.LONGEST_JITTER", 0.1)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(25, 3)


@pytest.fixture
def vendors(world: World, tmp_path: Path) -> Iterator[Vendors]:
    # the sandbox's objects are changed by some tests, and the world is everybody's
    with running(copy.deepcopy(world), tmp_path / "sandbox") as up:
        yield up


@pytest.fixture(scope="module")
def expected(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], bytes]:
    """What a store holds that nothing ever went wrong with."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with running(copy.deepcopy(world), folder / "sandbox") as up:
        undisturbed = Installation(folder / "home", {**up.environ, **BRISK, "CATCHMENT_AS_OF": up.ports["now"]})
        undisturbed.types("sync", *VENDORS)
    return undisturbed.held()


@pytest.fixture
def here(tmp_path: Path, vendors: Vendors) -> Installation:
    return Installation(tmp_path / "home", {**vendors.environ, **BRISK, "CATCHMENT_AS_OF": vendors.ports["now"]})


@pytest.fixture
def alone(tmp_path: Path) -> Installation:
    """An installation that comes to no vendor."""
    return Installation(tmp_path / "home")


def must_be_plain(said: Said, *secrets: str) -> None:
    """One sentence, or one for each that failed; nobody's data, no secret, nothing of the program."""
    assert said.err.startswith("✗ ")
    assert all(line.startswith("✗ ") and line.endswith(".") for line in said.err.splitlines())
    everything = said.out + said.err
    assert "Traceback" not in everything
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", everything)
    for secret in secrets:
        assert secret not in everything


def must_recover(here: Installation, expected: dict[tuple[str, str, str], bytes]) -> None:
    """What is there adds up, and the next good run completes it, with nothing lost and nothing twice."""
    here.must_be_sound()
    here.types("sync", *VENDORS)
    assert here.held() == expected
    here.must_be_sound()
    again = here.types("sync", *VENDORS, "--no-resolve", "--json").json
    assert {(counts["new"], counts["changed"]) for counts in again.values()} == {(0, 0)}


# ---- the vendor


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("greenhouse", "GREENHOUSE_CLIENT_SECRET", "Greenhouse refused the credential"),
        ("typeform", "TYPEFORM_TOKEN", "Set TYPEFORM_TOKEN"),
    ],
)
def test_a_wrong_key(here: Installation, expected, name: str, setting: str, words: str) -> None:
    wrong = "wrong-key-91f3"
    said = here.types("sync", name, "--no-resolve", code=2, **{setting: wrong})
    assert words in said.err
    must_be_plain(said, wrong)
    assert here.types("check", code=2, **{setting: wrong}).out.count("✗ source " + name) == 1
    must_recover(here, expected)


def test_an_unreachable_host(here: Installation, expected) -> None:
    here.types("sync", "typeform", "--no-resolve")
    before = here.cursors()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        said = here.types("sync", "typeform", "--no-resolve", code=3, TYPEFORM_BASE_URL=f"http://{address}")
    assert said.err == (
        f"✗ typeform cannot be reached at {address}. Check base_url and the network; nothing is lost.\n"
    )
    must_be_plain(said)
    assert here.cursors() == before
    must_recover(here, expected)


def test_a_failing_source_keeps_no_other_from_being_read(here: Installation, vendors: Vendors, expected) -> None:
    vendors.greenhouse.app.switch_on("500", "/v3/candidates", times=99)
    said = here.types("sync", *VENDORS, "--json", code=3)
    assert said.json["typeform"]["new"] > 0
    assert said.json["greenhouse"]["error"] in said.err
    must_be_plain(said)
    assert here.types("people", "--json").json
    with here.store() as store:
        run = latest(store, "sync", "greenhouse")
    assert run is not None
    assert (run.state, bool(run.error)) == ("failed", True)
    vendors.greenhouse.app.faults.clear()
    must_recover(here, expected)


def test_a_missing_secret_keeps_no_other_connection_from_being_read(here: Installation, expected) -> None:
    said = here.types("sync", "greenhouse", "typeform", "careers_form", code=1, GREENHOUSE_CLIENT_SECRET=None)
    assert said.err == "✗ greenhouse: client_secret is not set. Set GREENHOUSE_CLIENT_SECRET.\n"
    assert re.search(r"^typeform +\d+", said.out, re.MULTILINE)
    assert re.search(r"^careers_form +0", said.out, re.MULTILINE)
    must_recover(here, expected)


BODIES = {
    "no JSON": (b'{"items": [{"token": "ada@example.com"', "typeform"),
    "a page for people": (b"<html><body>Maintenance</body></html>", "typeform"),
    "another JSON": (b'{"data": []}', "answered without a list of responses"),
    "nothing": (b"", "typeform"),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_malformed_page(here: Installation, vendors: Vendors, expected, kind: str) -> None:
    body, words = BODIES[kind]
    here.types("sync", "greenhouse", "--no-resolve")
    before = here.cursors()
    with answering(vendors, body) as url:
        said = here.types("sync", "typeform", "--no-resolve", code=3, TYPEFORM_BASE_URL=url)
    assert words in said.err
    must_be_plain(said)
    assert here.cursors() == before
    must_recover(here, expected)


@contextmanager
def answering(vendors: Vendors, body: bytes) -> Iterator[str]:
    """Serve Typeform, but for its listing, which answers 200 with `body`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].endswith("/responses"):
            await vendors.typeform.app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with Serving({"typeform": app}) as serving:
        yield serving.urls["typeform"]


def test_an_answer_that_breaks_off(here: Installation, vendors: Vendors, expected) -> None:
    vendors.typeform.app.switch_on("cut", "/forms/*/responses", times=99)
    said = here.types("sync", "typeform", "--no-resolve", code=3)
    assert "broke off in the middle of an answer" in said.err
    must_be_plain(said)
    vendors.typeform.app.faults.clear()
    must_recover(here, expected)


def test_a_malformed_object_waits_in_quarantine_and_the_rest_lands(
    here: Installation, vendors: Vendors, expected
) -> None:
    vendors.typeform.app.switch_on("malformed_object", "/forms/*/responses")
    said = here.types("sync", "typeform", "--no-resolve", code=1)
    assert "`catchment quarantine` says why" in said.out
    (waiting,) = here.types("quarantine", "--json").json
    assert waiting["connection"] == "typeform"
    assert waiting["reason"]
    of_typeform = [key for key in expected if key[0] == "typeform"]
    assert len(here.held()) == len(of_typeform) - 1
    here.must_be_sound()
    # a response is read again only within the last hour, so the whole is asked for
    here.types("sync", "typeform", "--no-resolve", "--full-refresh")
    must_recover(here, expected)


def test_an_object_of_ten_megabytes(here: Installation, vendors: Vendors, expected) -> None:
    large = copy.deepcopy(vendors.typeform.responses[0])
    large |= {"token": "large", "response_id": "large", "landing_id": "large"}
    text = next(answer for answer in large["answers"] if answer["type"] == "text")
    text["text"] = "A" * 10_000_000
    vendors.typeform.add_response(large)
    said = here.types("sync", *VENDORS, code=1)
    assert "`catchment quarantine` says why" in said.out
    assert "AAAA" not in said.out + said.err
    (waiting,) = here.types("quarantine", "--json").json
    assert waiting["remote_id"] == "large"
    assert re.search(r"the object has 10,\d{3},\d{3} bytes; at most 5,000,000 are landed", waiting["reason"])
    assert here.held() == expected
    with here.store() as store, store.reading() as connection:
        body = connection.execute(select(quarantine.c.body)).scalar_one()
    assert b"A" * 10_000_000 in decompressed(body)
    here.must_be_sound()


def test_a_cell_of_ten_megabytes(alone: Installation, tmp_path: Path) -> None:
    row = "2,Bruno Novak,bruno@example.org,{}\n"
    (tmp_path / "a.csv").write_text(
        "id,Name,E-mail,Notes\n1,Ada Okafor,ada@example.com,x\n"
        + row.format("A" * 10_000_000)
        + "3,Li Wei,li@example.net,y\n"
    )
    said = alone.types("import", str(tmp_path / "a.csv"), "--as", "archive", "--json", code=1)
    assert (said.json["archive"]["new"], said.json["archive"]["quarantined"]) == (2, 1)
    assert alone.types("quarantine", "--json").json[0]["reason"] == "row 3: it is longer than 1,048,576 characters."
    alone.must_be_sound()


# ---- the installation's own files


@dataclass(frozen=True)
class Mistake:
    """What somebody wrote into sources/defs.yaml, and what they are told."""

    text: str
    told: str


SOURCE = """type: dagster_project.components.CandidateSource
attributes:
  name: {}
  connector: {}
"""
MISTAKES = {
    "broken YAML": Mistake(SOURCE.format("fair", "[csv_file"), r"defs\.yaml:\d: this is not YAML: "),
    "a tab": Mistake("type:\tx\n\tattributes: {}\n", r"defs\.yaml:\d: this is not YAML: "),
    "unknown key": Mistake(SOURCE.format("fair", "csv_file") + "  trsut: 3\n", r"defs\.yaml:5: trsut: .*\(known: name"),
    "unknown type": Mistake("type: Candidates\n", r"defs\.yaml:1: a block's `type` is one of"),
    "a name twice": Mistake(
        SOURCE.format("fair", "jsonl") + "---\n" + SOURCE.format("fair", "jsonl"),
        r"defs\.yaml:8: the name 'fair' is taken already at .*defs\.yaml:3",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.parametrize("arguments", [("sync",), ("check",), ("push", "--dry-run")], ids=" ".join)
def test_broken_yaml(alone: Installation, tmp_path: Path, kind: str, arguments: tuple[str, ...]) -> None:
    defs = written(tmp_path / "defs", sources=MISTAKES[kind].text)
    said = alone.types(*arguments, code=2, CATCHMENT_DEFS=str(defs))
    assert re.search(MISTAKES[kind].told, said.err)
    assert said.out == ""
    must_be_plain(said)


def test_an_unknown_connector_keeps_no_other_connection_from_being_read(here: Installation, tmp_path: Path) -> None:
    text = SOURCE.format("fair", "grenhouse") + "---\n" + SOURCE.format("typeform", "typeform")
    defs = str(written(tmp_path / "defs", sources=text))
    said = here.types("sync", code=1, CATCHMENT_DEFS=defs)
    assert "✗ fair: there is no connector 'grenhouse'; there are careers_form, csv_file, greenhouse," in said.err
    assert re.search(r"^typeform +\d+", said.out, re.MULTILINE)
    must_be_plain(said)
    assert here.types("sync", "fair", code=2, CATCHMENT_DEFS=defs).err == said.err
    assert re.search(
        r"source fair  there is no connector .*defs\.yaml:1\)", here.types("check", code=2, CATCHMENT_DEFS=defs).out
    )


def test_a_secret_in_yaml_is_refused_and_not_repeated(alone: Installation, tmp_path: Path) -> None:
    text = SOURCE.format("typeform", "typeform") + "  settings:\n    token: top-secret-token\n"
    defs = str(written(tmp_path / "defs", sources=text))
    said = alone.types("sync", code=2, CATCHMENT_DEFS=defs)
    assert said.err == "✗ typeform: token is a secret and may not stand in YAML. Set TYPEFORM_TOKEN.\n"


SETTINGS = {
    "CATCHMENT_SENDING": ("maybe", "CATCHMENT_SENDING is wrong"),
    "CATCHMENT_KEY": ("5ec7e7", "CATCHMENT_KEY holds no key"),
    "CATCHMENT_DEFS": ("/nowhere/at/all", "The folder /nowhere/at/all does not exist"),
    "CATCHMENT_HOME": ("/dev/null/home", "The folder /dev/null/home cannot be made"),
    "CATCHMENT_AS_OF": ("yesterday", "CATCHMENT_AS_OF is no moment"),
    "CATCHMENT_BUSY_SECONDS": ("long", "CATCHMENT_BUSY_SECONDS is no number"),
    "CATCHMENT_STORE_URL": ("mysql://user:hunter2@db/pool", "CATCHMENT_STORE_URL is no address of a PostgreSQL"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_cannot_be(alone: Installation, name: str) -> None:
    value, words = SETTINGS[name]
    said = alone.types("sync", "careers_form", code=2, **{name: value})
    assert words in said.err
    assert said.out == ""
    must_be_plain(said, "5ec7e7", "hunter2")


def test_another_key_than_the_stores(here: Installation, expected) -> None:
    here.types("sync", "typeform", "--no-resolve")
    said = here.types("sync", "typeform", "--no-resolve", code=2, CATCHMENT_KEY="ab" * 32)
    assert "made under another key" in said.err
    must_be_plain(said, "ab" * 32)
    must_recover(here, expected)


# ---- the store


def test_postgresql_that_does_not_answer(alone: Installation) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg://pool:hunter2@127.0.0.1:{nobody.getsockname()[1]}/pool"
        said = alone.types("sync", "typeform", code=3, CATCHMENT_STORE_URL=url)
    assert "The store cannot be reached. See that it runs and that CATCHMENT_STORE_URL is right" in said.err
    must_be_plain(said, "hunter2")


def test_postgresql_without_that_database(alone: Installation, postgres_url: Callable[[str], str]) -> None:
    said = alone.types("sync", "typeform", code=3, CATCHMENT_STORE_URL=postgres_url("no_such_pool"))
    assert "no such database" in said.err
    must_be_plain(said)


def test_a_file_that_is_no_database(alone: Installation) -> None:
    alone.home.mkdir()
    (alone.home / "pool.db").write_text("this is no database, but a letter\n" * 100)
    said = alone.types("people", code=3)
    assert "is no SQLite database" in said.err
    must_be_plain(said)


def test_a_full_disk_as_sqlite_sees_it(here: Installation, expected) -> None:
    here.types("migrate")
    with fewer_pages():
        said = here.types("sync", *VENDORS, code=3)
    assert "The disk under the store is full. Free some space, then run the same again; nothing is lost." in said.err
    must_be_plain(said)
    must_recover(here, expected)


@contextmanager
def fewer_pages(more: int = 40) -> Iterator[None]:
    """Let every database grow by `more` pages and no further, which SQLite takes for a full disk."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + more}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def test_a_file_that_may_not_grow(here: Installation, expected) -> None:
    here.types("migrate")
    most = (here.home / "pool.db").stat().st_size + 300_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = subprocess.run(
        **here.process("sync", *VENDORS), capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit
    )
    said = Said(done.returncode, done.stdout, done.stderr)
    assert said.code == 3, said.err
    assert "The disk under the store" in said.err
    must_be_plain(said)
    must_recover(here, expected)


def test_a_locked_database(here: Installation, expected) -> None:
    here.types("sync", "typeform")
    with locked(here.home / "pool.db"):
        said = here.types("sync", "greenhouse", code=3, CATCHMENT_BUSY_SECONDS="0.2")
        # who only looks waits for nobody
        assert here.types("people", "--json", CATCHMENT_BUSY_SECONDS="0.2").json
        assert here.types("quarantine", CATCHMENT_BUSY_SECONDS="0.2").code == 0
    assert "Another process has held the store's lock for too long. Wait for it, or stop it" in said.err
    must_be_plain(said)
    must_recover(here, expected)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let another process hold the write lock."""
    spawning = multiprocessing.get_context("spawn")
    holds, enough = spawning.Event(), spawning.Event()
    other = spawning.Process(target=_hold, args=(str(path), holds, enough))
    other.start()
    assert holds.wait(30)
    try:
        yield
    finally:
        enough.set()
        other.join(30)
    assert other.exitcode == 0


def _hold(path: str, holds: Event, enough: Event) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    holds.set()
    enough.wait(60)
    connection.execute("ROLLBACK")
    connection.close()


def test_a_lock_that_is_given_up_in_time_is_waited_for(here: Installation) -> None:
    here.types("migrate")
    connection = sqlite3.connect(here.home / "pool.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.3, lambda: connection.execute("ROLLBACK"))
    later.start()
    here.types("sync", "typeform", CATCHMENT_BUSY_SECONDS="20")
    later.join()
    connection.close()
    here.must_be_sound()
