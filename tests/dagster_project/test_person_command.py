"""One person at the command line: what stands, what is superseded, and by whose rules."""

from pathlib import Path

from tests.dagster_project.typed import Installation

RULES = """type: dagster_project.components.CandidateSource
attributes: {name: old_ats, connector: csv_file, trust: 20, settings: {key: id}}
---
type: dagster_project.components.Survivorship
attributes:
  location:
    sources: [old_ats]
"""


def test_superseded_values_are_shown_apart_with_source_and_date(tmp_path: Path) -> None:
    (tmp_path / "defs").mkdir()
    (tmp_path / "defs" / "defs.yaml").write_text(RULES)
    made = Installation(tmp_path / "home", {"CATCHMENT_DEFS": str(tmp_path / "defs")})
    ats, board = "1,Ada Okafor,ada@example.com,Leeds,Orla,Nurse\n", "7,Ada Okafor,ada@example.com,York,Acme,\n"
    for name, line in (("old_ats", ats), ("board", board)):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"id,Name,E-mail,City,Company,Title\n{line}")
        made.types("import", str(path), "--as", name, "--key", "id")
    (person,) = made.types("people", "--json").json
    whole, _, otherwise = made.types("person", person["id"]).out.partition("what was told otherwise, and is superseded")
    shown = {line.split()[0]: line.split()[1:3] for line in otherwise.splitlines() if line}
    assert {name: shown[name] for name in ("location", "company", "title")} == {
        "location": ["York", "board"], "company": ["Orla", "old_ats"], "title": ["Nurse", "old_ats"],
    }  # fmt: skip
    assert "Leeds" in whole
    assert "Nurse" not in whole
    checked = made.types("check", "--offline").out
    assert "Decided by rules of your own: location" in checked
