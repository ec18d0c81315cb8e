"""`catchment dedupe`: a file of people in, the same rows with their people out."""

import csv

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from dagster_project.cli.main import main

ROWS = """Nr;Vorname;Nachname;E-Mail;Ort;Geburtsdatum
1;Anna;Müller;anna.mueller@example.com;Berlin;1980-01-01
2;Anne;Mueller;anna.mueller@example.com;Berlin;1980-01-01
3;Peter;Müller;anna.mueller@example.com;Berlin;1990-02-02
"""


@pytest.fixture
def deduped(tmp_path):
    """Give a function that runs the command and returns its result and the path it writes to."""

    def _run(name: str, content: str | bytes | None, *options: str, out: str = "out.csv"):
        source = tmp_path / name
        if content is not None:
            source.write_bytes(content.encode() if isinstance(content, str) else content)
        result = CliRunner().invoke(main, ["dedupe", str(source), "--out", str(tmp_path / out), *options])
        return result, tmp_path / out

    return _run


def test_every_row_is_there_as_it_was_with_its_person(deduped):
    result, out = deduped("a.csv", ROWS)
    assert result.exit_code == 0, result.output
    with out.open(newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert header[-3:] == ["person_id", "probability", "reason"]
    given = [line.split(";") for line in ROWS.splitlines()[1:]]
    assert [row[:-3] for row in rows] == given
    assert [row[-3] for row in rows] == ["person_1", "person_1", "person_3"]
    assert "the same e-mail address" in rows[1][-1]
    assert "protected, never compared" in result.output


def test_parquet_in_and_out(deduped, tmp_path):
    table = pa.table({"id": [7, 8], "full_name": ["Ana Souza", "Ana Souza"], "email": ["a@example.com"] * 2})
    parquet.write_table(table, tmp_path / "a.parquet")
    result, out = deduped("a.parquet", None, out="out.parquet")
    assert result.exit_code == 0, result.output
    found = parquet.read_table(out)
    assert found.select(["id", "full_name", "email"]) == table
    assert found["person_id"].to_pylist() == ["person_1", "person_1"]


def test_columns_may_be_said(deduped):
    result, _ = deduped("a.csv", "x,y\nAna Souza,a@example.com\nAna Souza,a@example.com\n", "--columns", "x=full_name",
                        "--columns", "y=email", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert '"people": 1' in result.output


@pytest.mark.parametrize(
    ("name", "content", "options", "words"),
    [
        ("none.csv", None, (), "There is no file"),
        ("empty.csv", "", (), "is empty"),
        ("a.csv", "colour\nred\n", (), "no column holds"),
        ("a.csv", ROWS, ("--columns", "Nowhere=email"), "Nowhere"),
        ("a.csv", ROWS, ("--columns", "Ort=nonsense"), "nonsense"),
        ("a.parquet", b"no parquet", (), "no Parquet file"),
        ("a.xls", "x", (), "ending"),
        ("a.csv", ROWS, ("--region", "ZZ"), "--region"),
    ],
)
def test_bad_input_is_one_sentence(deduped, name, content, options, words):
    result, out = deduped(name, content, *options)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert "anna.mueller" not in result.output
    assert not out.exists()
