"""Files: whatever a spreadsheet makes of them, every row that can be read lands and every other says why not."""

import codecs
import json
import logging
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.contract import Connection
from connectors.errors import Malformed, Misconfigured
from connectors.files import sniffed, survey
from connectors.records import Application, Candidate, Outcome, Stage
from connectors.source import open_source
from talent_pool.landing import conservation
from talent_pool.landing.sync import sync
from tests.connectors.test_columns import GOOGLE_NEW, GOOGLE_OLD, HUBSPOT, LINKEDIN, OUTLOOK

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def opened(path: Path | None, connector: str = "csv_file", region: str | None = None, **settings):
    given = {**({"path": str(path)} if path else {}), **settings}
    return open_source(Connection(name="archive", connector=connector, default_region=region, settings=given), {})


def objects(source, cursor=None):
    (stream,) = source.streams()
    return [raw for page in source.pages(stream, cursor, NOW) for raw in page.objects]


def parsed(source):
    """Return the records and the reasons of the rows that have none."""
    records, reasons = [], []
    for raw in objects(source):
        try:
            records.extend(source.parse("rows", raw))
        except Malformed as error:
            reasons.append(str(error))
    return records, reasons


@pytest.fixture
def write(tmp_path):
    def _write(content: str | bytes, name: str = "people.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return _write


def row(headers, **values):
    """Return one CSV line below `headers`; a column is named by its header."""
    assert values.keys() <= set(headers)
    return ",".join('"' + values.get(header, "").replace('"', '""') + '"' for header in headers)


def candidate(source) -> Candidate:
    records, reasons = parsed(source)
    assert not reasons
    (found,) = (record for record in records if isinstance(record, Candidate))
    return found


def told(record):
    return record.model_dump(mode="json", exclude_unset=True, exclude={"remote_id", "origins"})


def test_google_contacts_old(write):
    values = {
        "Name": "Ada Example",
        "Given Name": "Ada",
        "Family Name": "Example",
        "Birthday": "1990-01-02",
        "Gender": "female",
        "Group Membership": "* myContacts ::: Alumni",
        "E-mail 1 - Type": "* Work",
        "E-mail 1 - Value": "ada@work.example ::: ada@example.com",
        "E-mail 2 - Type": "Home",
        "E-mail 2 - Value": "ada@example.org",
        "Phone 1 - Value": "+49 30 901820 ::: +49 170 1234567",
        "Organization 1 - Title": "Engineer",
        "Address 1 - City": "Berlin",
    }
    source = opened(write(f"{','.join(GOOGLE_OLD)}\n{row(GOOGLE_OLD, **values)}\n"))
    assert told(candidate(source)) == {
        "full_name": "Ada Example",
        "first_name": "Ada",
        "last_name": "Example",
        "email_addresses": [
            {"value": "ada@work.example", "email_address_type": "work", "is_primary": True},
            {"value": "ada@example.com"},
            {"value": "ada@example.org", "email_address_type": "personal"},
        ],
        "phone_numbers": [{"value": "+49 30 901820"}, {"value": "+49 170 1234567"}],
        "location": {"city": "Berlin"},
        "title": "Engineer",
        "tags": ["Alumni"],
    }
    assert "1990" not in json.dumps(objects(source)), "a birthday is not even stored"


def test_google_contacts_new(write):
    values = {
        "First Name": "Bo",
        "Last Name": "Example",
        "Organization Name": "Example Ltd",
        "Organization Title": "Buyer",
        "Labels": "* myContacts ::: Silver",
        "E-mail 1 - Label": "Work",
        "E-mail 1 - Value": "bo@example.com",
        "Birthday": "1991-01-02",
    }
    found = told(candidate(opened(write(f"{','.join(GOOGLE_NEW)}\n{row(GOOGLE_NEW, **values)}\n"))))
    assert found["email_addresses"] == [{"value": "bo@example.com", "email_address_type": "work"}]
    assert (found["company"], found["title"], found["tags"]) == ("Example Ltd", "Buyer", ["Silver"])


def test_outlook(write):
    values = {
        "Title": "Dr.",
        "First Name": "Cy",
        "Last Name": "Example",
        "Company": "Example Ltd",
        "Job Title": "Analyst",
        "Home City": "Austin",
        "Home State": "TX",
        "Home Country/Region": "United States of America",
        "Mobile Phone": "(512) 555-0100",
        "E-mail Address": "cy@example.com",
        "E-mail Type": "SMTP",
        "Categories": "Buyers;Nurture",
        "Spouse": "Somebody",
    }
    text = f"{','.join(OUTLOOK)}\r\n{row(OUTLOOK, **values)}\r\n"
    found = told(candidate(opened(write(text, encoding="cp1252"))))
    assert found["title"] == "Analyst"
    assert found["phone_numbers"] == [{"value": "(512) 555-0100", "phone_number_type": "mobile"}]
    assert found["email_addresses"] == [{"value": "cy@example.com"}]
    assert found["location"] == {"city": "Austin", "region": "TX", "raw": "Austin, TX, United States of America"}
    assert found["tags"] == ["Buyers", "Nurture"]


def test_hubspot_with_its_own_ids(write):
    values = {"Record ID": "51", "First Name": "Di", "Email": "di@example.com", "Create Date": "2025-11-03 09:15"}
    source = opened(write(f"{','.join(HUBSPOT)}\n{row(HUBSPOT, **values)}\n"), key="Record ID")
    found = candidate(source)
    assert found.remote_id == "51"
    assert found.remote_created_at == datetime(2025, 11, 3, 9, 15, tzinfo=UTC)


def test_linkedin_below_its_notes(write):
    notes = 'Notes:\n"When exporting, some addresses may be missing, as members choose, see the ""help"" page."\n\n'
    line = row(
        LINKEDIN,
        **{
            "First Name": "Ed",
            "Last Name": "Example",
            "URL": "https://www.linkedin.com/in/ed",
            "Company": "Example, Inc.",
        },
        **{"Connected On": "02 Nov 2025"},
    )
    found = told(candidate(opened(write(f"{notes}{','.join(LINKEDIN)}\n{line}\n"))))
    assert found["urls"] == [{"value": "https://www.linkedin.com/in/ed", "url_type": "linkedin"}]
    assert found["company"] == "Example, Inc."
    assert "email_addresses" not in found, "what was not given is not set"


BROKEN = (
    "id,Name,E-mail\n"
    "1,Ada Example,ada@example.com\n"
    "2,Bo\n"  # too few
    "3,Cy,cy@example.com,more\n"  # too many
    '4,"Di Example,di@example.com\n'  # never closed
    '5,"Ed ""Eddy"" Example",ed@example.com\n'
    '6,"Flo\nExample",flo@example.com\n'  # runs on
    '7,"Gus" Example,gus@example.com\n'  # a quote inside
    "8,Ha\0l,hal@example.com\n"
    ",Ida Example,ida@example.com\n"  # no key
    "9,Jo Example,jo@example.com,,\n"  # empty cells too many
)


def test_every_row_but_the_broken_ones(write):
    records, reasons = parsed(opened(write(BROKEN), key="id"))
    assert [record.remote_id for record in records] == ["1", "5", "6", "9"]
    assert records[1].full_name == 'Ed "Eddy" Example'
    assert records[2].full_name == "Flo\nExample"
    assert [reason.split(":")[0] for reason in reasons] == [f"row {n}" for n in (3, 4, 5, 9, 10, 11)]
    assert "2 cells where the headers have 3" in reasons[0]
    assert "quotation mark" in reasons[2]
    assert "NUL" in reasons[4]
    assert "key column is empty" in reasons[5]
    assert not any("Example" in reason or "@" in reason for reason in reasons), "reasons name nobody"


def test_two_slips_of_a_quote_do_not_swallow_what_is_between(write):
    rows = "\n".join(f"{n},Name {n},n{n}@example.com" for n in range(3, 9))
    text = f'id,Name,E-mail\n1,"Ada,ada@example.com\n{rows}\n9,"Bo",bo@example.com\n'
    records, reasons = parsed(opened(write(text), key="id"))
    assert [record.remote_id for record in records] == ["3", "4", "5", "6", "7", "8", "9"]
    assert len(reasons) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(write, encoding):
    path = write("Vorname;Nachname;E-Mail\nJörg;Groß-Müller;joerg@example.com\n", encoding=encoding)
    found = candidate(opened(path))
    assert (found.first_name, found.last_name) == ("Jörg", "Groß-Müller")


def test_a_bom_is_seen_before_utf8_is_guessed(write):
    assert survey(write(codecs.BOM_UTF16_LE + "a".encode("utf-16-le"))).encoding == "utf-16"


def test_one_bad_byte_breaks_one_row_of_a_utf8_file(write):
    lines = ["id,Name", *(f"{n},Jörg {n}" for n in range(5))]
    content = "\n".join(lines).encode() + b"\n9,J\xf6rg\n"
    records, reasons = parsed(opened(write(content), key="id"))
    assert {record.full_name for record in records} == {f"Jörg {n}" for n in range(5)}
    assert reasons == ["row 7: it holds bytes that are not in the file's encoding. Save the file as UTF-8."]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(write, delimiter):
    lines = [["id", "Name", "Notes"], ["1", "Ada Example", "a"], ["2", "Bo Example", "b"]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    assert [r.full_name for r in parsed(opened(write(text), key="id"))[0]] == ["Ada Example", "Bo Example"]


def test_excel_declares_its_delimiter(write):
    text = "sep=;\r\nName;E-mail\r\nExample, Ada;ada@example.com\r\n"
    assert sniffed(text.splitlines()) == ";"
    assert candidate(opened(write(text))).full_name == "Example, Ada"


def test_a_column_alone(write):
    records, reasons = parsed(opened(write("Email\nada@example.com\nbo@example.com\n")))
    assert [r.email_addresses[0].value for r in records] == ["ada@example.com", "bo@example.com"]
    assert not reasons


@pytest.mark.parametrize("text", ["", "\n\n", "Ada Example,ada@example.com\nBo Example,bo@example.com\n"])
def test_a_file_without_headers_is_refused(write, text):
    with pytest.raises(Misconfigured, match="no headers"):
        objects(opened(write(text)))


def test_without_a_key_a_row_is_told_by_address_phone_and_name_and_one_warning_says_so(write, caplog):
    text = "Name,E-mail,City\nAda Example,Ada@example.com,Bonn\nBo Example,,Bonn\nCy Example,,Ulm\n,,Köln\n"
    source = opened(write(text))
    with caplog.at_level(logging.WARNING):
        before = [raw["id"] for raw in objects(source)]
    assert len([r for r in caplog.records if "no `key`" in r.getMessage()]) == 1
    assert len(set(before)) == 4
    assert parsed(source)[1] == ["row 5: it has no e-mail address, phone or name to be told by."]
    moved = text.replace("Ada Example,Ada@example.com,Bonn\n", "") + "Ada Example,ada@example.com,Trier\n"
    assert objects(opened(write(moved)))[-1]["id"] == before[0], "who moves to another city is the same row"
    family = text + "Al Example,ada@example.com,Bonn\n"
    assert objects(opened(write(family)))[-1]["id"] != before[0], "two people with one address are two rows"


def test_a_key_that_is_not_there_is_refused(write):
    with pytest.raises(Misconfigured, match=r"'id' is not in the file; there are Name, E-mail\."):
        objects(opened(write("Name,E-mail\nAda,ada@example.com\n"), key="id"))


def test_a_mapping_can_be_given_and_is_shown(write):
    path = write("Rufname,Post,Gender,Misc\nAda,ada@example.com,f,x\n")
    source = opened(path, columns={"Post": "email", "Misc": "ignore", "Rufname": "first_name"})
    assert source.mapping() == {
        "Rufname": "first_name",
        "Post": "email",
        "Gender": "(protected: not stored)",
        "Misc": "(kept with the row, not read)",
    }
    keyed = opened(path, columns={"Post": "email"}, key="Post").mapping()
    assert (keyed["Post"], list(keyed)) == ("key and email", ["Rufname", "Post", "Gender", "Misc"])
    assert told(candidate(source)) == {"first_name": "Ada", "email_addresses": [{"value": "ada@example.com"}]}


def test_a_replay_follows_a_corrected_mapping(write):
    path = write("Contact,E-mail\nAda,ada@example.com\n")
    (raw,) = objects(opened(path))
    (first,) = opened(None).parse("rows", raw)
    (second,) = opened(None, columns={"Contact": "preferred_name"}).parse("rows", raw)
    assert (first.preferred_name, second.preferred_name) == (None, "Ada")


def test_an_application_where_the_row_tells_of_one(write):
    text = (
        "id,Name,Job ID,Applied,Stage,Status,Source\n"
        "1,Ada,J1,2025-03-04,Final Interview,Rejected,Referral\n"
        "2,Bo,J1,2025-03-04T10:00:00+02:00,Coffee chat,Active,\n"
        "3,Cy,,,,,\n"
        "4,Di,J2,sometime,,,\n"
    )
    records, reasons = parsed(opened(write(text), key="id"))
    ada, bo = (record for record in records if isinstance(record, Application))
    assert (ada.job_id, ada.stage, ada.outcome) == ("J1", Stage.FINAL_INTERVIEW, Outcome.REJECTED)
    assert (ada.source and ada.source.name, ada.candidate_id) == ("Referral", "1")
    assert bo.applied_at == datetime(2025, 3, 4, 8, tzinfo=UTC)
    assert (bo.stage_name, bo.stage, bo.outcome) == ("Coffee chat", None, Outcome.PENDING)
    assert "stage" not in bo.model_fields_set
    assert Counter(type(record) for record in records) == {Candidate: 3, Application: 2}
    assert reasons == ["row 5: applied_at is not a date. Write it as YYYY-MM-DD."]


@pytest.mark.parametrize(
    ("text", "region", "month", "day"),
    [
        ("3/4/2025", "US", 3, 4),
        ("3/4/2025", "GB", 4, 3),
        ("3/14/2025", "GB", 3, 14),
        ("14/3/2025", "US", 3, 14),
        ("03.04.2025", "US", 4, 3),
        ("03.04.2025 17:30", None, 4, 3),
    ],
)
def test_dates_as_people_write_them(write, text, region, month, day):
    (_, application) = parsed(opened(write(f"Name,Applied\nAda Example,{text}\n"), region=region))[0]
    assert (application.applied_at.month, application.applied_at.day) == (month, day)


def test_placeholders_are_blank(write):
    found = candidate(opened(write("Name,E-mail,Phone,Company,City\nAda,ada@example.com,n/a,-,NULL\n")))
    assert told(found) == {"full_name": "Ada", "email_addresses": [{"value": "ada@example.com"}]}


def test_pages_resume_where_they_stopped_and_end(write):
    text = "id,Name\n" + "".join(f"{n},Name {n}\n" for n in range(1203))
    source = opened(write(text), key="id")
    (stream,) = source.streams()
    pages = list(source.pages(stream, None, NOW))
    assert [len(page.objects) for page in pages] == [500, 500, 203]
    assert not any(page.ends_full_read for page in pages), "a file never says that others are gone"
    resumed = list(opened(write(text), key="id").pages(stream, pages[0].cursor, NOW))
    assert [page.objects for page in resumed] == [page.objects for page in pages[1:]]
    assert resumed[-1].cursor == pages[-1].cursor
    assert list(source.pages(stream, pages[-1].cursor, NOW)) == [], "an unchanged file has nothing to say"


def test_a_changed_file_or_reading_is_read_again(write):
    text = "id,Name,Contact\n1,Ada,x\n"
    path = write(text)
    source = opened(path, key="id")
    (stream,) = source.streams()
    (page,) = source.pages(stream, None, NOW)
    assert objects(opened(path, key="id", columns={"Contact": "company"}), page.cursor)
    write(text + "2,Bo,y\n")
    assert len(objects(source, page.cursor)) == 2


def test_a_row_that_only_moved_is_the_same(write):
    source = opened(write("id,Name\n1,Ada\n2,Bo\n"), key="id")
    (stream,) = source.streams()
    moved = opened(write("id,Name\n2,Bo\n1,Ada\n"), key="id")

    def _hashed(source):
        return {raw["id"]: {k: v for k, v in raw.items() if k not in stream.volatile} for raw in objects(source)}

    assert _hashed(source) == _hashed(moved)
    assert stream.volatile == {"row"}


def test_memory_does_not_grow_with_the_file(write):
    def _peak(rows: int) -> int:
        path = write("id,Name,E-mail\n" + "".join(f"{n},Name {n},n{n}@example.com\n" for n in range(rows)))
        source = opened(path, key="id")
        (stream,) = source.streams()
        tracemalloc.start()
        assert sum(len(page.objects) for page in source.pages(stream, None, NOW)) == rows
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    _peak(10)
    assert _peak(12_000) < 1.5 * _peak(3_000)


@pytest.mark.parametrize("connector", ["csv_file", "jsonl", "json_resume"])
def test_a_file_that_is_not_named_or_not_there(connector, tmp_path):
    with pytest.raises(Misconfigured, match="catchment import FILE --as archive"):
        objects(opened(None, connector))
    assert "catchment import" in opened(None, connector).check()
    with pytest.raises(Misconfigured, match="does not exist"):
        opened(tmp_path / "gone.csv", connector).check()


def test_a_line_without_end_is_one_broken_row(write):
    text = "id,Name\n1,Ada\n2," + "x" * 2_500_000 + "\n3,Bo\n"
    records, reasons = parsed(opened(write(text), key="id"))
    assert [record.remote_id for record in records] == ["1", "3"]
    assert reasons == ["row 3: it is longer than 1,048,576 characters."]


def test_json_lines(write):
    lines = [
        {"remote_id": "a", "full_name": "Ada", "email_addresses": [{"value": "ada@example.com"}], "gender": "f"},
        {"remote_id": "b", "full_name": "Bo", "shoe_size": 44, "applications": [{"job_id": "J1", "outcome": "hired"}]},
        {"full_name": "Cy", "email_addresses": [{"value": "cy@example.com"}]},
        {"remote_id": "d", "email_addresses": "di@example.com"},
        {"nothing": 1},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\n{broken\n[1]\n\n"
    source = opened(write(text, "people.jsonl"), "jsonl")
    raws = objects(source)
    assert "gender" not in json.dumps(raws)
    ada, bo, application, cy = (r for raw in (raws[0], raws[1], raws[2]) for r in source.parse("rows", raw))
    assert told(ada) == {"full_name": "Ada", "email_addresses": [{"value": "ada@example.com"}]}
    assert (bo.remote_id, application.candidate_id, application.outcome) == ("b", "b", Outcome.HIRED)
    assert cy.remote_id.startswith("row_")
    with pytest.raises(Malformed, match="row 4: these fields are not what they should be: email_addresses"):
        list(source.parse("rows", raws[3]))
    for raw, reason in zip(
        raws[4:], ("row 5: it has no e-mail", "row 6: it is not JSON", "row 7: it is not a JSON object"), strict=True
    ):
        with pytest.raises(Malformed, match=reason):
            list(source.parse("rows", raw))


RESUME = {
    "basics": {
        "name": "Ada Example",
        "label": "Engineer",
        "image": "https://example.com/ada.jpg",
        "email": "ada@example.com",
        "phone": "(912) 555-0100",
        "url": "https://ada.example.com",
        "summary": "Builds engines.",
        "location": {"address": "1 Example Street", "city": "Bath", "countryCode": "GB", "region": "Somerset"},
        "profiles": [{"network": "LinkedIn", "username": "ada", "url": "https://www.linkedin.com/in/ada"}],
    },
    "work": [{"name": "Example Ltd", "position": "Lead engineer", "startDate": "2020-01"}],
    "skills": [{"name": "Engines", "keywords": ["steam"]}],
    "references": [{"name": "Bo Example", "reference": "She is good."}],
}


def test_json_resume(write):
    source = opened(write(json.dumps(RESUME), "ada.json"), "json_resume")
    found = candidate(source)
    assert told(found) == {
        "full_name": "Ada Example",
        "email_addresses": [{"value": "ada@example.com"}],
        "phone_numbers": [{"value": "(912) 555-0100"}],
        "urls": [
            {"value": "https://ada.example.com"},
            {"value": "https://www.linkedin.com/in/ada", "url_type": "linkedin"},
        ],
        "location": {"city": "Bath", "country_code": "GB", "region": "Somerset"},
        "company": "Example Ltd",
        "title": "Lead engineer",
        "profile": {
            "basics": {"label": "Engineer", "summary": "Builds engines."},
            "work": RESUME["work"],
            "skills": RESUME["skills"],
        },
    }
    assert "ada.jpg" not in json.dumps(objects(source))


def test_a_folder_of_resumes(tmp_path, write):
    write(json.dumps(RESUME), "a.json")
    write("{", "b.json")
    write(json.dumps({"name": "not a resume"}), "c.json")
    write(json.dumps([{"basics": {"name": "Bo Example"}}, {"basics": {"name": "Cy Example"}}]), "d.json")
    write("no resume", "notes.txt")
    records, reasons = parsed(opened(tmp_path, "json_resume"))
    assert [record.full_name for record in records] == ["Ada Example", "Bo Example", "Cy Example"]
    assert reasons == ["row 2: the file is not JSON.", "row 3: it is not a JSON Resume: it has no basics."]


def test_an_import_lands_every_row_but_the_broken_and_another_changes_nothing(write, store, inbox):
    path = write("id,Name,E-mail\n1,Ada Example,ada@example.com\n2,Bo\n3,Cy Example,cy@example.com\n")

    def _imported():
        report = sync(store, inbox, opened(path, key="id"), NOW)
        assert conservation.unbalanced(store, report.run_id) is None
        return dict(report.counts)

    first = _imported()
    assert (first["read"], first["new"], first["quarantined"]) == (3, 2, 1)
    assert set(_imported().values()) == {0}, "the same file is not read again"
    write("id,Name,E-mail\n3,Cy Example,cy@example.com\n1,Ada B. Example,ada@example.com\n4,Di Example,\n")
    third = _imported()
    assert (third["read"], third["new"], third["changed"], third["same"], third["deleted"]) == (3, 1, 1, 1, 0)
