"""CSV files that hold exactly the present members, and never half of them."""

import csv
import os
import stat
from pathlib import Path

import pytest

from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured
from tests.connectors.outbound import NOW, FileRig, applied, row


@pytest.fixture
def rig(tmp_path: Path) -> FileRig:
    return FileRig(tmp_path / "exports")


def _lines(rig: FileRig) -> list[list[str]]:
    with (rig.folder / "silver_medallists.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_the_file_has_a_header_and_is_its_owners_alone(rig: FileRig):
    applied(rig.open(), row("ann", title="Engineer, senior"))
    assert _lines(rig)[0][:3] == ["address", "first_name", "last_name"]
    assert _lines(rig)[1] == ["ann@example.org", "Ann", "Example", "", "Engineer, senior", "", "", ""]
    assert stat.S_IMODE((rig.folder / "silver_medallists.csv").stat().st_mode) == 0o600
    assert [path.name for path in rig.folder.iterdir()] == ["silver_medallists.csv"]


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_run_by_a_spreadsheet(rig: FileRig, evil: str):
    destination = rig.open()
    applied(destination, row("ann", first_name=evil), row("bob", address=f"{evil.strip()}@example.org"))
    for line in _lines(rig)[1:]:
        for cell in line:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    applied(destination, row("bob", Action.REMOVE, address=f"{evil.strip()}@example.org"))
    assert len(_lines(rig)) == 2


def test_rows_merge_into_what_the_file_holds(rig: FileRig):
    applied(rig.open(), row("ann"), row("bob"))
    applied(rig.open(), row("cy"), row("ann", known=True, first_name="Anna"), row("bob", Action.REMOVE))
    assert [line[:2] for line in _lines(rig)[1:]] == [["ann@example.org", "Anna"], ["cy@example.org", "Cy"]]


def test_a_file_taken_away_or_of_other_columns_is_lost(rig: FileRig):
    destination = rig.open()
    assert destination.lost("Silver medallists")
    applied(destination, row("ann"))
    assert not destination.lost("Silver medallists")
    assert not destination.lost("silver_medallists"), "one file for one tag, however it is written"
    path = rig.folder / "silver_medallists.csv"
    path.write_text("something,else\r\n")
    assert destination.lost("Silver medallists")
    path.unlink()
    assert destination.lost("Silver medallists")


def test_the_export_ledger_names_file_rows_and_end(rig: FileRig):
    destination = rig.open()
    assert destination.receipt() == {}
    applied(destination, row("ann"), row("bob"))
    assert destination.receipt() == {
        "exports": [{"file": "silver_medallists.csv", "rows": 2, "expires_at": "2026-11-04T09:00:00+00:00"}]
    }


def test_a_crash_before_the_rename_leaves_the_old_file(rig: FileRig, monkeypatch: pytest.MonkeyPatch):
    applied(rig.open(), row("ann"))
    before = (rig.folder / "silver_medallists.csv").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misconfigured, match="EXPORT_FOLDER"):
        list(rig.open().apply([row("bob")], NOW))
    assert (rig.folder / "silver_medallists.csv").read_bytes() == before
    assert len(list(rig.folder.iterdir())) == 1


def test_no_outcome_comes_before_the_file_is_in_place(rig: FileRig):
    outcomes = rig.open().apply([row("ann")], NOW)
    assert next(outcomes).fate is Fate.SENT
    assert rig.holds() == {"ann@example.org"}


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(Misconfigured, match="EXPORT_FOLDER"):
        FileRig(tmp_path / "taken" / "inner").open().check()


def test_parquet_holds_the_same_members_with_nothing_quoted_and_null_where_nothing_is_known(tmp_path: Path):
    from pyarrow import parquet

    settings = DestinationSettings(name="export", connector="file", settings={"format": "parquet"})
    destination = open_destination(settings, {"EXPORT_FOLDER": str(tmp_path)})
    applied(destination, row("ann", title="=cmd()", company=None), row("bob"), row("cy"))
    applied(destination, row("bob", Action.REMOVE, known=True), row("di"))
    path = tmp_path / "silver_medallists.parquet"
    held = parquet.read_table(path).to_pylist()
    assert [line["address"] for line in held] == ["ann@example.org", "cy@example.org", "di@example.org"]
    assert (held[0]["title"], held[0]["company"]) == ("=cmd()", None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not destination.lost("Silver medallists")
    path.write_bytes(b"address\nann@example.org\n")
    assert destination.lost("Silver medallists"), "what is no Parquet file is written anew"
    applied(destination, row("ann"))
    assert [line["address"] for line in parquet.read_table(path).to_pylist()] == ["ann@example.org"]
