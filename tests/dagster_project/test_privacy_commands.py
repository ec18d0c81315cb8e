"""Rights of people from the command line: a file that still holds somebody does not bring her back."""

import re
from pathlib import Path

import pytest

from tests.dagster_project.typed import Installation

PEOPLE = """id,Name,E-mail,Phone,City
1,Ada Okaforssen,ada.okaforssen@example.com,+44 20 7946 0991,Leeds
2,Bruno Lindqvist,bruno@example.org,,Lyon
"""
MORE = """id,Name,E-mail
77,Ada Okaforssen,Ada.Okaforssen+jobs@example.com
"""
WORDS = ("okaforssen", "7946 0991", "79460991")


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "home", {"LOGNAME": "pat"})
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    made.types("import", str(path), "--as", "old_ats", "--key", "id")
    return made


def ada(here: Installation) -> str:
    (one,) = here.types("people", "Okaforssen", "--json").json
    return one["id"]


def left_in_files(home: Path) -> list[str]:
    files = [path for path in home.rglob("*") if path.is_file()]
    texts = {path.name: path.read_bytes().decode(errors="replace").lower() for path in files}
    return [f"{name}: {word}" for name, text in texts.items() for word in WORDS if word in text]


def test_erased_from_the_command_line_and_not_brought_back_by_the_same_or_another_old_file(here, tmp_path):
    person = ada(here)
    here.types("export", person)
    assert left_in_files(tmp_path / "home")
    shown = here.types("erase", person)
    assert "Ada Okaforssen" in shown.out
    token = re.search(r"--token (\w+)", shown.out)
    assert token
    assert ada(here) == person, "a look erases nobody"
    assert "Look first" in here.types("erase", person, "--token", "wrong", code=2).err
    done = here.types("erase", person, "--token", token[1], "--checked-by", "pat")
    assert "erased, and closed" in done.out
    assert left_in_files(tmp_path / "home") == []
    assert here.types("person", person, "--json").json["state"] == "erased"
    again = here.types("import", str(tmp_path / "people.csv"), "--as", "old_ats", "--key", "id", "--json").json
    assert (again["old_ats"]["erased"], again["old_ats"]["read"]) in {(1, 2), (0, 0)}
    (tmp_path / "more.csv").write_text(MORE)
    other = here.types("import", str(tmp_path / "more.csv"), "--as", "event", "--key", "id", "--json").json
    assert other["event"]["erased"] == 1
    assert here.types("people", "Okaforssen", "--json").json == []
    assert left_in_files(tmp_path / "home") == []
    assert here.types("erase").out.strip() == "No erasure is under way."


def test_an_export_goes_where_it_is_asked_to_and_nobody_else_may_read_it(here, tmp_path):
    out = tmp_path / "ada.json"
    said = here.types("export", ada(here), "--out", str(out))
    assert said.out.splitlines() == [str(out), str(out.with_suffix(".html"))]
    assert "ada.okaforssen@example.com" in out.read_text()
    assert out.stat().st_mode & 0o077 == 0
    here.types("export", ada(here), "--out", str(out), "--portability")
    assert '"version": "v1.3.1"' in out.read_text()


def test_requests_are_opened_listed_extended_and_closed(here):
    person = ada(here)
    opened = here.types("requests", "open", "restriction", person, "--received", "2026-01-31")
    name = opened.out.split(":")[0]
    assert "2026-02-28" in opened.out
    listed = here.types("requests", code=1)
    assert name in listed.out
    assert "late" in listed.out
    assert here.types("person", person, "--json").json["state"] == "restricted"
    assert "Nobody was given anything of this person." in here.types("requests", "show", name).out
    assert "2026-04-28" in here.types("requests", "extend", name, "--reason", "many records").out
    here.types("requests", "close", name, "--outcome", "lifted")
    assert here.types("requests").out.strip() == "Nobody waits for an answer."
    assert here.types("person", person, "--json").json["state"] == "active"
    assert "nobody with the id" in here.types("requests", "open", "access", "per_nobody", code=2).err


def test_retention_and_notices_are_listed(here):
    assert "Nobody is due." in here.types("retention").out
    assert "Look first" in here.types("retention", "apply", "--token", "wrong", code=2).err
    due = here.types("notices", "--json").json
    assert [(one["origin"], one["source"]) for one in due] == [("import", "old_ats")] * 2
