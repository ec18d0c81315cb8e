"""Deciding who is one person from the command line: merge, unmerge, review."""

import os
import pty
import re
import select
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy
from click.testing import CliRunner

from dagster_project.cli.main import main
from talent_pool.store.tables import decisions, deliveries
from tests.dagster_project.typed import Installation, Said

ATS = """id,Name,E-mail,City
1,Ada Okafor,ada@example.com,Leeds
2,Bruno Lindqvist,bruno@example.org,Lyon
3,Chidi Marchetti,chidi@example.net,Turin
"""
BOARD = """id,Name,E-mail,City
7,Ada Okafor,,
8,Bruno Lindqvist,,
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three people, and two records that are likely somebody of them, and not likely enough."""
    folder = tmp_path_factory.mktemp("filled")
    made = Installation(folder / "home")
    for name, text in (("old_ats", ATS), ("board", BOARD)):
        path = folder / f"{name}.csv"
        path.write_text(text)
        made.types("import", str(path), "--as", name, "--key", "id")
    return made.home


@pytest.fixture
def here(filled: Path, tmp_path: Path) -> Installation:
    """A copy of that home of the test's own."""
    return Installation(Path(shutil.copytree(filled, tmp_path / "home")), {"LOGNAME": "pat"})


def ids_of(here: Installation) -> list[str]:
    return sorted(one["id"] for one in here.types("people", "--json").json)


def record_of(here: Installation, person: str) -> str:
    (source,) = here.types("person", person, "--json").json["sources"]
    return source["record_id"]


def two(here: Installation, name: str = "Ada") -> tuple[str, str]:
    a, b = (one["id"] for one in here.types("people", name, "--json").json)
    return a, b


def reviews(here: Installation, keys: str, *arguments: str) -> Said:
    done = CliRunner().invoke(main, ["review", *arguments], input=keys, env=here.settings({}))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.stdout, done.stderr)


def decided(here: Installation) -> list[tuple[str, str, str | None]]:
    columns = sqlalchemy.select(decisions.c.kind, decisions.c.decided_by, decisions.c.note)
    with here.store() as store, store.reading() as connection:
        assert connection.execute(sqlalchemy.select(deliveries)).all() == []
        rows = connection.execute(columns.where(decisions.c.withdrawn_at.is_(None)).order_by(decisions.c.decided_at))
        return [tuple(row) for row in rows]


def test_merge_then_unmerge_gives_the_people_of_before(here: Installation) -> None:
    before, (a, b) = ids_of(here), two(here)
    said = here.types("merge", a, b, "--note", "met her")
    assert said.out.startswith("One person now:\n")
    assert decided(here) == [("same", "pat", "met her")]
    assert len(ids_of(here)) == len(before) - 1
    (back,) = re.findall(r"`catchment (unmerge \S+ \S+)` takes it back", said.out)
    said = here.types(*back.split())
    assert "Withdrawn: dec_" in said.out
    assert "2 people now:" in said.out
    assert ids_of(here) == before
    assert decided(here) == [("different", "pat", None)]
    here.must_be_sound()


def test_what_was_decided_otherwise_is_refused_until_somebody_insists(here: Installation) -> None:
    a, b = two(here)
    here.types("merge", record_of(here, a), b)
    here.types("unmerge", a)
    said = here.types("merge", a, b, code=2)
    assert re.fullmatch(r"✗ They were decided to be different people: dec_\w+ by pat\. .+\n", said.err)
    told = here.types("merge", a, b, "--anyway", "--json").json
    assert [len(one["records"]) for one in told["people"]] == [2]
    assert len(told["withdrawn"]) == 1
    assert "one person already" in here.types("merge", a, b, code=2).err


def test_unmerge_prints_json_for_programs(here: Installation) -> None:
    a, b = two(here)
    here.types("merge", a, b)
    told = here.types("unmerge", a, "--json").json
    assert sorted(one["id"] for one in told["people"]) == sorted((a, b))


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("merge", "A", "per_nobody"), "nobody with the id per_nobody"),
        (("merge", "rec_nothing", "A"), "nobody with the id rec_nothing"),
        (("merge", "A", "A"), "one person already"),
        (("unmerge", "per_nobody"), "nobody with the id per_nobody"),
        (("unmerge", "A"), "only record of its person"),
        (("unmerge", "A", "B"), "one has to be a record's"),
        (("review", "--limit", "0"), "0 is not in the range"),
    ],
)
def test_a_wrong_argument_is_a_sentence_and_changes_nothing(
    arguments: tuple[str, ...], told: str, here: Installation
) -> None:
    before, (a, b) = ids_of(here), two(here)
    said = here.types(*({"A": a, "B": b}.get(one, one) for one in arguments), code=2)
    assert said.out == ""
    assert told in said.err
    assert arguments[0] == "review" or said.err.count("\n") == 1
    assert ids_of(here) == before
    assert decided(here) == []


def test_the_queue_is_printed_for_programs_and_nothing_is_decided(here: Installation) -> None:
    pairs = here.types("review", "--json").json
    names = [{*pair["a"]["names"], *pair["b"]["names"]} for pair in pairs]
    assert sorted(names, key=min) == [{"Ada Okafor"}, {"Bruno Lindqvist"}]
    assert all(0.2 <= pair["probability"] < 0.9 for pair in pairs)
    assert len(here.types("review", "--json", "--limit", "1").json) == 1
    assert decided(here) == []


def test_the_score_is_shown_to_whoever_asks(here: Installation) -> None:
    hidden = reviews(here, "q").out
    assert "e-mail" in hidden
    assert "ada@example.com" in hidden or "bruno@example.org" in hidden
    assert "old_ats" in hidden
    assert "%" not in hidden
    assert "bits" not in hidden
    shown = reviews(here, "sq").out
    assert re.search(r"\d+\.\d% likely one person; two so far, because: what they share is not enough", shown)
    assert "the same name" in shown
    assert decided(here) == []


def test_answers_are_decisions_and_leave_the_queue(here: Installation) -> None:
    before = ids_of(here)
    said = reviews(here, "yn")
    assert said.code == 0
    assert "One person now:" in said.out
    assert "They stay two people." in said.out
    assert "2 decided" in said.out
    assert sorted((kind, who) for kind, who, _ in decided(here)) == [("different", "pat"), ("same", "pat")]
    assert len(ids_of(here)) == len(before) - 1
    assert here.types("review").out == "Nothing waits for a decision.\n"
    here.must_be_sound()


def test_what_is_skipped_comes_again_and_other_keys_are_explained(here: Installation) -> None:
    said = reviews(here, "x\nk\n")  # then the input ends
    assert "Type one of: y same, n different, k skip, s score, q quit." in said.out
    assert "2 of 2" in said.out
    assert "0 decided" in said.out
    assert len(here.types("review", "--json").json) == 2


def test_at_a_terminal_a_key_is_enough(here: Installation) -> None:
    ours, theirs = pty.openpty()
    process = here.process("review")
    with subprocess.Popen(**process, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while True:
                if select.select([ours], [], [], 0.3)[0]:
                    said += os.read(ours, 4096)
                elif asked := said.count(b"One person? "):
                    # a key typed before it was asked for is dropped, so it is typed until it is heard
                    os.write(ours, b"n" if asked == 1 else b"q")
        assert running.wait(60) == 0
    os.close(ours)
    assert b"They stay two people." in said
    assert [kind for kind, _, _ in decided(here)] == ["different"]
