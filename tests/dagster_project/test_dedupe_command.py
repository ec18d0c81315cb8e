"""`catchment dedupe`: a file of people in, the same rows with their people out."""

import csv
import json
import subprocess
import sys
from datetime import date

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from dagster_project.cli.main import main
from tests.dagster_project.typed import ROOT

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


def lines_of(path):
    return path.read_text().splitlines()


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


def test_streets_postcodes_and_personal_numbers_tell_people_too(deduped):
    rows = """name,street,zip,staff no
Katherine Hartwell,12 Mill Lane,NR1 1AA,229087
Kathrine Hartwel,Mill Lane 12,NR1 1AA,
K. Osei,,,47-1103
Kofi Osei,9 Elm Road,LS2 9JT,471103
"""
    result, out = deduped("a.csv", rows, "--columns", "staff no=person_number", "--json")
    assert result.exit_code == 0, result.output
    read = json.loads(result.output)["columns"]
    assert read == {"name": "full_name", "street": "street", "zip": "postal_code", "staff no": "person_number"}
    with out.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found[0]["person_id"] == found[1]["person_id"] != found[2]["person_id"] == found[3]["person_id"]
    assert "the same street and house" in found[1]["reason"]
    assert "the same personal number" in found[3]["reason"]


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
        ("a.csv", ROWS, ("--columns", "Ort"), "COLUMN=FIELD"),
        ("a.csv", ROWS, ("--columns", "Geburtsdatum=full_name"), "protected"),
        ("a.csv", ROWS.splitlines()[0], (), "no rows"),
        ("a.csv", ROWS + "4;Anna\n5;Bo;x\n", (), "line 5: it has 2 cells where the headers have 6."),
        ("cut.parquet", b"PAR1" + bytes(40) + b"PAR1", (), "no Parquet file"),
        ("x" * 300 + ".csv", None, (), "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(deduped, name, content, options, words):
    result, out = deduped(name, content, *options)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert "anna.mueller" not in result.output
    assert not out.exists()


@pytest.mark.parametrize("out", ["nowhere/out.csv", ".", "out.xlsx", "a.csv", "x" * 300 + ".csv"])
def test_what_cannot_be_written_is_said_before_anything_is_done(deduped, tmp_path, out):
    result, _ = deduped("a.csv", ROWS, out=out)
    assert result.exit_code == 2
    assert result.output.startswith("✗ ")
    assert result.output.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == ROWS


FEBRL = """rec_id, given_name, surname, address_1, suburb, postcode, date_of_birth, phone_number
rec-1-org, michaela, neumann, stanley street, winston hills, 4223, 19151111, +61 2 5550 0143
rec-2-org, courtney, painter, pinkerton circuit, richlands, 4560, 19161214, +61 2 5550 0178
rec-1-dup-0, michaela, neuman, stanley st, winston hills, 4223, 19151111, +61 2 5550 0143
"""


def test_other_headers_are_understood_and_the_birth_date_is_left_alone(deduped):
    result, out = deduped("febrl.csv", FEBRL, "--json")
    told = json.loads(result.stdout)
    assert (told["rows"], told["people"]) == (3, 2)
    assert told["columns"] == {
        "given_name": "first_name", "surname": "last_name", "address_1": "street", "suburb": "city",
        "postcode": "postal_code", "phone_number": "phone",
    }  # fmt: skip
    assert told["not_used"]["date_of_birth"] == "protected, never compared"
    assert [row[-3] for row in csv.reader(lines_of(out))][1:] == ["person_1", "person_2", "person_1"]


def test_people_do_not_change_with_a_protected_column(deduped):
    rows = "Name,Email,Gender\nAna Souza,a@example.com,{}\nAna Souza,a@example.com,{}\nAna Souza,,{}\n"
    found = []
    for values in (("f", "f", "f"), ("f", "m", "x")):
        _, out = deduped("a.csv", rows.format(*values))
        read = list(csv.DictReader(lines_of(out)))
        assert tuple(row.pop("Gender") for row in read) == values
        found.append(read)
    assert found[0] == found[1]


def test_text_is_written_as_it_was(deduped):
    # pandas' nameless index, a name twice, a name that is added too, blanks, quotes, and every kind of line end
    given = [
        ["", "Name", "Notes", "Notes", "reason"],
        ["0", " Ana ", 'a "b", c', "a\r\nb", "a\rb"],
        ["1", "Bo", "", "\n", ""],
    ]
    text = "\ufeff" + "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in given)
    result, out = deduped("a.csv", text.encode())
    assert result.exit_code == 0, result.output
    with out.open(newline="", encoding="utf-8-sig") as file:
        read = list(csv.reader(file))
    assert [row[:-3] for row in read] == given
    assert read[0][-3:] == ["person_id", "probability", "reason (2)"]


def test_csv_becomes_parquet_and_parquet_csv(deduped, tmp_path):
    _, out = deduped("a.csv", ROWS, out="a.parquet")
    found = parquet.read_table(out)
    assert found.column_names == [*ROWS.splitlines()[0].split(";"), "person_id", "probability", "reason"]
    assert found["Nachname"].to_pylist() == ["Müller", "Mueller", "Müller"]
    assert found["probability"].to_pylist()[2] is None
    _, back = deduped("a.parquet", None, out="b.csv")
    assert [row[:6] for row in csv.reader(lines_of(back))] == [line.split(";") for line in ROWS.splitlines()]


def test_parquet_of_many_types_is_read_and_kept(deduped, tmp_path):
    table = pa.table(
        {
            "Name": pa.array(["Ana Souza", "Ana Souza", None]).dictionary_encode(),
            "Emails": pa.array([["a@example.com", "b@example.com"], ["b@example.com"], None]),
            "Phone": pa.array([12025550143.0, None, None]),
            "Seen": pa.array([1, 2, None], pa.timestamp("ns")),  # finer than Python's times
            "Born": pa.array([date(1980, 1, 1), None, None]),
            "More": pa.array([{"a": 1}, None, {"a": None}]),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    result, out = deduped("a.parquet", None, out="out.pq")
    assert result.exit_code == 0, result.output
    found = parquet.read_table(out)
    assert found.select(table.column_names).equals(table)
    assert found["person_id"].to_pylist() == ["person_1", "person_1", "person_3"]


def test_numbers_without_a_country_are_told_of_and_compared_by_region(deduped):
    rows = "First Name,Last Name,Phone\nAna,Souza,(202) 555-0101\nAnna,Sousa,202-555-0101\n"
    result, _ = deduped("a.csv", rows)
    assert "the phone numbers of 2 rows. Say of which country they are: --region." in result.output
    assert "2 rows, 2 people" in result.output
    result, _ = deduped("a.csv", rows, "--region", "us")
    assert "2 rows, 1 person" in result.output
    assert "--region" not in result.output


def test_neither_dagster_nor_a_store_is_needed(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    code = (
        "import sys\nfrom dagster_project.cli.main import main\n"
        f"try: main(['dedupe', {str(tmp_path / 'a.csv')!r}, '--out', {str(tmp_path / 'o.csv')!r}, '--json'])\n"
        "except SystemExit as left: assert not left.code, left\n"
        "assert 'dagster' not in sys.modules"
    )
    environ = {"CATCHMENT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environ, check=True
    )
    assert json.loads(done.stdout)["people"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "o.csv"]


SURNAMES = (
    "Abel", "Brunner", "Castro", "Duarte", "Egger", "Fischer", "Gomez", "Holm", "Imhof", "Jansen", "Keller", "Lopez",
    "Morel", "Novak", "Olsen", "Petit", "Quist", "Rossi", "Silva", "Toth", "Zeller",
)  # fmt: skip
NAMESAKES = "\n".join(
    f"Mara {last},{last.lower()}{copy}@example.com,Bern,Orla,{last}{copy}" if last != SURNAMES[-1]
    else f"Mara {last},{last.lower()}{copy}@example.com,Bern,Orla,"
    for last in SURNAMES
    for copy in (1, 2)
)  # fmt: skip
"""Namesakes in one town at one employer, who are two people each by somebody's word; of the last nobody said so."""


def test_training_learns_from_the_rows_that_somebody_knows(deduped):
    def people(*options: str) -> list[str]:
        result, out = deduped("n.csv", f"Name,E-Mail,Ort,Arbeitgeber,person_id\n{NAMESAKES}\n", *options)
        assert result.exit_code == 0, result.output
        with out.open(newline="") as file:
            told.append(result.output)
            return [row[-3] for row in csv.reader(file)][1:]

    told: list[str] = []
    before, after = people(), people("--train")
    assert len(set(before)) <= len(SURNAMES)
    assert len(set(after)) == len(after), "also those of whom nobody said that they are two"
    assert "Learned from 40 rows" in told[-1]
    assert people("--train", "--known", "person_id") == after


def test_training_without_anybody_known_says_so_and_changes_nothing(deduped):
    plain, out = deduped("a.csv", ROWS)
    before = out.read_text()
    result, out = deduped("a.csv", ROWS, "--train")
    assert (plain.exit_code, result.exit_code) == (0, 0)
    assert out.read_text() == before
    assert "Nothing to learn from" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--train", "--known", "Nobody"), "has no column Nobody"),
        (("--train", "--known", "Geburtsdatum"), "protected"),
        (("--known", "Nr"), "--train"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(deduped, options, said):
    result, out = deduped("a.csv", ROWS, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not out.exists()
