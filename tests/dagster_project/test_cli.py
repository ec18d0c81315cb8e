"""Every command, as somebody types it, over a real store."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from connectors.destination import destination_types
from connectors.records import utc_now
from connectors.source import source_types
from dagster_project.cli.main import COMMANDS, main
from dagster_project.vendors import page
from sandbox.generator import World, generate
from sandbox.vendors import Vendors, running
from talent_pool.landing.conservation import unbalanced
from talent_pool.resolution.decisions import decide
from talent_pool.store.runs import latest
from tests.dagster_project.typed import BRISK, ROOT, Installation

CONTACTS = """id,Name,E-mail,Phone,Company,When
1,Ada Okafor,ada@example.com,+1 202 555 0101,Northwind,2026-01-05
2,Bruno Lindqvist,bruno@example.org,,Contoso,2026-02-06
3,Chidi Marchetti,chidi@example.net,,Fabrikam,soon
"""


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "home")


@pytest.fixture
def contacts(tmp_path: Path) -> str:
    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS)
    return str(path)


def _settings(vendors: Vendors, folder: Path) -> dict[str, str]:
    return {
        **vendors.environ,
        **BRISK,
        "ARCHIVE_PATH": vendors.ports["archive_csv"],
        "EXPORT_FOLDER": str(folder / "exports"),
        "CATCHMENT_AS_OF": vendors.ports["now"],
    }


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http.LONGEST_JITTER", 0.1)


@pytest.fixture(scope="session")
def world() -> World:
    return generate(40, 3)


@pytest.fixture(scope="session")
def filled(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home that has read the sandbox's vendors, to be copied, and its settings."""
    folder = tmp_path_factory.mktemp("filled")
    with running(world, folder / "sandbox") as vendors:
        here = Installation(folder / "home", _settings(vendors, folder))
        said = here.types("sync", "--json", code=1)  # the archive has a broken row
    assert said.json["greenhouse"]["new"] > 0
    assert said.json["archive"]["quarantined"] == 1
    return here.home, here.environ


@pytest.fixture
def full(filled: tuple[Path, dict[str, str]], here: Installation) -> Installation:
    """An installation with people in it, whose vendors are away."""
    shutil.copytree(filled[0], here.home)
    here.environ |= filled[1]
    return here


@pytest.fixture
def vendors(world: World, tmp_path: Path) -> Iterator[Vendors]:
    with running(world, tmp_path / "sandbox") as up:
        yield up


@pytest.fixture
def synced(full: Installation, vendors: Vendors, tmp_path: Path) -> Installation:
    """An installation with people in it, and its vendors."""
    full.environ |= _settings(vendors, tmp_path)
    return full


def ids(said_json: list[dict]) -> list[str]:
    return [one["id"] for one in said_json]


# ---- the list of commands


def test_help_lists_every_command_without_importing_it() -> None:
    code = (
        "import sys\nfrom dagster_project.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('sqlalchemy', 'rich', 'dagster', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    *listed, imported = done.stdout.strip().splitlines()
    assert imported == "[]"
    for name in COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in listed), name


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_of_its_own(name: str, here: Installation) -> None:
    assert f"Usage: main {name}" in here.types(name, "--help").out


def test_the_readme_names_every_command_and_every_vendor() -> None:
    told = "\n".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    for name in COMMANDS:
        assert re.search(rf"`(catchment )?{name}\b", told), f"README.md does not name {name}"
    for name in {**source_types(), **destination_types()}:
        assert f"`{name}`" in told, f"README.md does not name the connector {name}"


def test_the_list_of_connectors_is_current() -> None:
    assert (ROOT / "docs" / "connectors.md").read_text() == page(), (
        "run `uv run python -m dagster_project.vendors > docs/connectors.md`"
    )


def test_a_list_of_people_needs_none_of_what_is_slow_to_import(here: Installation) -> None:
    here.types("migrate")
    slow = (
        "rich", "httpx", "yaml", "phonenumbers", "splink", "duckdb", "pyarrow", "alembic", "dagster", "dedupe",
        "jinja2", "css_inline", "cryptography", "psycopg", "rapidfuzz", "fastapi", "uvicorn",
    )  # fmt: skip
    code = (
        "import sys\nfrom dagster_project.cli.main import main\n"
        "try: main(['people'])\nexcept SystemExit: pass\n"
        f"print([m for m in {slow} if m in sys.modules])"
    )
    process = here.process() | {"args": [sys.executable, "-c", code]}
    done = subprocess.run(**process, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Nobody yet: run `catchment sync`.", "[]"]


# ---- check, migrate


def test_check_says_what_is_missing_and_where(here: Installation) -> None:
    said = here.types("check", "--offline", code=2)
    (greenhouse,) = [line for line in said.out.splitlines() if "source greenhouse" in line]
    assert greenhouse.startswith("✗ source greenhouse  client_id is not set. Set GREENHOUSE_CLIENT_ID.")
    assert re.search(r"\(assets/sources/defs\.yaml:\d+\)$", greenhouse)
    found = {one["what"]: one["ok"] for one in here.types("check", "--offline", "--json", code=2).json}
    assert found["store"]
    assert found["source careers_form"]
    assert not found["destination mailchimp"]


def test_check_reaches_every_vendor(synced: Installation, vendors: Vendors) -> None:
    assert all(one["ok"] for one in synced.types("check", "--json").json)
    vendors.serving.stop()
    said = synced.types("check", code=3)
    for line in ("✗ source typeform  typeform cannot be reached at 127.0.0.1:", "✗ destination mail  "):
        assert line in said.out


def test_migrate_may_be_run_again(here: Installation) -> None:
    assert here.types("migrate").out == here.types("migrate").out == "The store's schema is up to date.\n"


# ---- sync


def test_sync_again_finds_nothing_new(synced: Installation) -> None:
    again = synced.types("sync", "--json").json
    assert {(counts["new"], counts["changed"], counts["quarantined"]) for counts in again.values()} == {(0, 0, 0)}
    everything = synced.types("sync", "greenhouse", "--full-refresh", "--json").json["greenhouse"]
    assert everything["read"] == everything["same"] > 0
    synced.must_be_sound()


def test_sync_without_resolving_leaves_people_for_later(here: Installation, vendors: Vendors) -> None:
    here.environ |= {**vendors.environ, **BRISK, "CATCHMENT_AS_OF": vendors.ports["now"]}
    assert "typeform" in here.types("sync", "typeform", "--no-resolve").out
    assert here.types("people", "--json").json == []
    here.types("sync", "typeform")
    assert here.types("people", "--json").json


def test_sync_of_what_is_not_configured(here: Installation) -> None:
    said = here.types("sync", "greenhaus", code=2)
    assert said.out == ""
    assert said.err.startswith("✗ There is no connection 'greenhaus'; there are archive, careers_form")


# ---- import, quarantine, replay


def test_import_guesses_the_columns_of_a_new_connection(here: Installation, contacts: str) -> None:
    said = here.types("import", contacts, "--as", "fair", "--key", "id")
    assert re.search(r"^E-mail +email$", said.out, re.MULTILINE)
    assert re.search(r"^id +key", said.out, re.MULTILINE)
    assert "'fair' is a new connection (configured for files: archive)." in said.out
    assert re.search(r"^fair +3 +3 +0 +0 +0$", said.out, re.MULTILINE)
    assert "is a new connection" not in here.types("import", contacts, "--as", "fair", "--key", "id").out
    assert len(here.types("people", "--json").json) == 3


def test_import_takes_columns_as_given_and_replays_once_they_are_right(here: Installation, contacts: str) -> None:
    broken = here.types("import", contacts, "--as", "archive", "--column", "When=applied_at", "--json", code=1)
    assert broken.json == {
        "archive": {**dict.fromkeys(broken.json["archive"], 0), "read": 3, "new": 2, "quarantined": 1}
    }
    (waiting,) = here.types("quarantine", "archive", "--json").json
    assert waiting["reason"] == "row 4: applied_at is not a date. Write it as YYYY-MM-DD."
    assert "row 4: applied_at" in here.types("quarantine").out
    still = here.types("replay", "archive", code=1)
    assert "1 still cannot be read" in still.out
    again = here.types("replay", "archive", "--column", "When=ignore", "--json").json
    assert (again["read"], again["new"]) == (1, 1)
    assert here.types("quarantine").out == "The quarantine is empty.\n"
    assert here.types("replay", "archive").out == "There was nothing of archive to parse again.\n"
    assert len(here.types("people", "--json").json) == 3
    everything = here.types("replay", "archive", "--all", "--column", "When=ignore", "--json").json
    assert (everything["read"], everything["quarantined"]) == (3, 0)
    here.must_be_sound()


def test_import_again_with_the_right_columns_also_empties_the_quarantine(here: Installation, contacts: str) -> None:
    here.types("import", contacts, "--as", "fair", "--key", "id", "--column", "When=applied_at", code=1)
    here.types("import", contacts, "--as", "fair", "--key", "id", "--column", "When=ignore")
    assert here.types("quarantine", "--json").json == []
    here.must_be_sound()


def test_a_broken_row_lands_every_other_row(here: Installation, tmp_path: Path) -> None:
    rows = "".join(f"{n},Person {n},p{n}@example.com\n" for n in range(50))
    (tmp_path / "rows.csv").write_text("id,Name,E-mail\n" + rows.replace("\n25,", "\n25,too,many,cells,"))
    said = here.types("import", str(tmp_path / "rows.csv"), "--as", "archive", code=1)
    assert re.search(r"^archive +50 +49 +0 +0 +1$", said.out, re.MULTILINE)
    assert "`catchment quarantine` says why" in said.out
    here.must_be_sound()


def test_import_of_json_lines_and_of_a_resume(here: Installation, tmp_path: Path) -> None:
    lines = [{"id": "1", "first_name": "Ada", "email_addresses": [{"value": "ada@example.com"}]}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "no JSON\n")
    assert (
        here.types("import", str(tmp_path / "a.jsonl"), "--as", "lines", "--key", "id", "--json", code=1)
        .json["lines"]
        .items()
        >= {"read": 2, "new": 1, "quarantined": 1}.items()
    )
    resume = {"basics": {"name": "Ada Okafor", "email": "ada@example.com"}, "work": []}
    (tmp_path / "ada.json").write_text(json.dumps(resume))
    assert here.types("import", str(tmp_path / "ada.json"), "--as", "resumes", "--json").json["resumes"]["new"] == 1
    assert "lines is in no defs.yaml. Name it with --connector" in here.types("replay", "lines", code=2).err
    assert here.types("replay", "lines", "--connector", "jsonl", "--json", code=1).json["quarantined"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--as", "greenhouse"], "greenhouse reads greenhouse, not files."),
        (["--as", "Trade fair"], "'Trade fair' is no name of a connection"),
        (["--as", "fair", "--column", "When"], "--column takes COLUMN=FIELD, not 'When'."),
        (["--as", "fair", "--column", "Wehn=ignore"], "There is no column 'Wehn' in the file; there are id, Name,"),
        (["--as", "fair", "--column", "When=day"], "cannot be read as 'day'; fields are key, first_name,"),
        (["--as", "fair", "--key", "Id"], "the key column 'Id' is not in the file; there are id, Name,"),
        (["--as", "archive", "--connector", "jsonl"], "archive reads csv_file, not jsonl."),
    ],
)
def test_what_cannot_be_imported_is_said(
    here: Installation, contacts: str, arguments: list[str], sentence: str
) -> None:
    said = here.types("import", contacts, *arguments, code=2)
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert here.types("people", "--json").json == []


def test_import_of_an_unknown_ending_and_of_no_file(here: Installation, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    assert (
        "its ending does not tell its format" in here.types("import", str(tmp_path / "a.xlsx"), "--as", "x", code=2).err
    )
    assert "does not exist" in here.types("import", str(tmp_path / "none.csv"), "--as", "x", code=2).err
    (tmp_path / "empty.csv").write_text("")
    assert "has no headers" in here.types("import", str(tmp_path / "empty.csv"), "--as", "x", code=2).err


def test_quarantine_of_an_unknown_connection(here: Installation) -> None:
    assert "There is no connection 'archiv'" in here.types("quarantine", "archiv", code=2).err
    assert here.types("quarantine", "archive").out == "The quarantine is empty.\n"


# ---- people, person, explain


def test_people_are_listed_searched_and_shown(full: Installation) -> None:
    everybody = full.types("people", "--limit", "1000", "--json").json
    assert len(everybody) > 30
    few = full.types("people", "--limit", "2").out
    assert f"2 of {len(everybody)} people" in few
    somebody = next(one for one in everybody if one["primary_email"] and one["applications"])
    (found,) = full.types("people", somebody["primary_email"], "--json").json
    assert found["id"] == somebody["id"]
    person = full.types("person", somebody["id"], "--json").json
    assert person["golden"]["full_name"] == somebody["full_name"]
    assert len(person["applications"]) == somebody["applications"]
    shown = full.types("person", somebody["id"]).out
    for text in ("where each field comes from", somebody["primary_email"], person["sources"][0]["record_id"]):
        assert text in shown
    assert "Nobody's name or address holds that." in full.types("people", "no such text").out


def test_a_former_id_shows_who_the_person_is_now(here: Installation, contacts: str) -> None:
    here.types("import", contacts, "--as", "archive", "--column", "When=ignore")
    before = ids(here.types("people", "--json").json)
    records = [here.types("person", one, "--json").json["sources"][0]["record_id"] for one in before[:2]]
    with here.store() as store:
        decide(store, "same", *records, by="a test", now=utc_now())
    here.types("sync", "careers_form")
    (now,) = set(ids(here.types("people", "--json").json)) & set(before[:2])
    (former,) = set(before[:2]) - {now}
    assert here.types("person", former, "--json").json["id"] == now
    assert re.search(f"^formerly +{former}$", here.types("person", now).out, re.MULTILINE)
    assert ids(here.types("people", former, "--json").json) == [now]
    assert "Somebody decided this" in here.types("explain", *records).out


def test_explain_says_why_two_records_are_one_person(full: Installation) -> None:
    everybody = full.types("people", "--limit", "1000", "--json").json
    joined = next(one for one in everybody if len(one["connections"]) > 1)
    a, b = [one["record_id"] for one in full.types("person", joined["id"], "--json").json["sources"]][:2]
    assert full.types("explain", a, b).out.startswith("They are one person")
    assert full.types("explain", a, b, "--json").json["sentence"]
    assert full.types("explain", everybody[0]["id"], everybody[1]["id"]).out
    assert "with the id per_none" in full.types("explain", "per_none", a, code=2).err
    assert "nobody with the id per_none" in full.types("person", "per_none", code=2).err


def test_what_somebody_wrote_does_nothing_to_the_terminal(here: Installation, tmp_path: Path) -> None:
    name = "[bold]Ada[/] \x1b[2J\x1b]0;gone\x07 Okafor"
    (tmp_path / "a.csv").write_text(f"id,Name,E-mail\n1,{name},ada@example.com\n")
    here.types("import", str(tmp_path / "a.csv"), "--as", "archive")
    shown = here.types("people").out
    assert "[bold]Ada[/]" in shown
    assert shown.replace("\n", "").isprintable()
    (one,) = here.types("people", "--json").json
    assert here.types("person", one["id"]).out.replace("\n", "").isprintable()


# ---- segments, push, pause, refer


def test_segments_preview_consent_suppress_tasks_and_vouchers(synced: Installation, tmp_path: Path) -> None:
    told = synced.types("segments", "preview", "passive_talent", "--json").json
    assert (told["joins"], told["leaves"], told["changed"]) == (0, 0, False)
    assert "in force as it is written" in synced.types("segments", "preview", "passive_talent").out
    assert "nothing to apply" in synced.types("segments", "apply", "passive_talent", "--token", "x", code=2).err
    file = tmp_path / "other.yaml"
    file.write_text(
        "type: dagster_project.components.CandidateSegment\nattributes:\n  name: passive_talent\n  description: x\n"
        "  type: marketing\n  purpose: future_jobs\n  who: {all: [{person.city: Nowhere}]}\n"
    )
    other = synced.types("segments", "preview", "passive_talent", str(file), "--json").json
    assert (other["members_then"], other["leaves"]) == (0, other["members_now"])
    person = synced.types("people", "--json").json[0]["id"]
    assert synced.types("segments", "explain", "passive_talent", person).out.startswith(person)
    assert synced.types("suppress", person).out.startswith("Suppressed (do_not_contact)")
    found = synced.types("consent", person, "--json").json
    assert [one["reason"] for one in found["suppressions"]] == ["do_not_contact"] * len(found["suppressions"])
    marketing = [one for one in found["allowed"] if one["purpose"] == "marketing" and one["channel"] == "email"]
    assert [one["allowed"] for one in marketing] == [False]
    assert "do_not_contact" in synced.types("consent", person).out
    assert synced.types("suppress", person, "--lift").out.startswith("Lifted")
    assert "neither an address" in synced.types("suppress", "nobody", code=2).err
    assert "nobody with the id" in synced.types("consent", "per_none", code=2).err
    assert synced.types("tasks").out == "Nothing waits for a person.\n"
    assert "no open task" in synced.types("tasks", "done", "tsk_none", code=2).err
    codes = tmp_path / "codes.txt"
    codes.write_text("AA\nBB\n\n")
    assert synced.types("vouchers", "add", "course", str(codes)).out == "Added 2 codes to course.\n"
    assert synced.types("vouchers", "--json").json == [{"kind": "course", "left": 2, "handed out": 0}]


def test_segments_and_why_somebody_is_in_one(synced: Installation) -> None:
    rows = {row["segment"]: row for row in synced.types("segments", "--json").json}
    assert rows["passive_talent"]["members"] > 0
    (only,) = synced.types("segments", "passive_talent", "--json").json
    assert only == rows["passive_talent"]
    assert re.search(r"^passive_talent +marketing +person +\d+", synced.types("segments").out, re.MULTILINE)
    (member, *_) = synced.types("push", "mailchimp", "--dry-run", "--json").json["mailchimp"]["rows"]
    told = synced.types("segments", member["segment"], member["person_id"]).out
    assert "The rule holds because" in told
    assert told.splitlines() == synced.types("segments", member["segment"], member["person_id"], "--json").json
    assert "There is no segment 'passive'; there are" in synced.types("segments", "passive", code=2).err
    assert "nobody with the id" in synced.types("segments", "passive_talent", "per_none", code=2).err


def test_a_dry_run_shows_exactly_what_would_be_sent_and_sends_nothing(synced: Installation, vendors: Vendors) -> None:
    synced.environ["CATCHMENT_SENDING"] = "on"
    before = vendors.mailchimp.app.served.as_json()["requests"]
    dry = synced.types("push", "--dry-run", "--json").json
    table = synced.types("push", "--dry-run").out
    assert dry["mail"]["sent"] > 0
    assert dry["mailchimp"]["sent"] > 0
    for row in dry["mail"]["rows"] + dry["mailchimp"]["rows"]:
        found = (row["address"] or "", row["person_id"] or "")  # a hiring manager is nobody of the pool
        assert any(all(one in line for one in found) for line in table.splitlines())
    posted = [name for name in vendors.mailchimp.app.served.as_json()["requests"] if not name.startswith("GET")]
    assert posted == [name for name in before if not name.startswith("GET")]
    assert vendors.mail.messages == []
    synced.types("push", "mail", "--yes")
    texts = {row["address"]: row["fields"] for row in dry["mail"]["rows"] if row["fate"] == "sent"}
    assert len(vendors.mail.messages) == dry["mail"]["sent"]
    for received in vendors.mail.messages:
        (address,) = received.recipients
        assert received.message["Subject"] == texts[address]["subject"]


def test_a_push_with_sending_off_sends_nothing_and_says_so(synced: Installation, vendors: Vendors) -> None:
    said = synced.types("push", "mail", "--json").json["mail"]
    assert said["deferred"] > 0
    assert (said["sent"], said["requests"], vendors.mail.messages) == (0, 0, [])
    told = synced.types("push", "mail").out
    assert "Sending is off. Set CATCHMENT_SENDING=on when you mean it." in told
    header = told.splitlines()[0]
    assert "deferred" in header
    assert "rejected" not in header  # what is 0 everywhere is left out
    with synced.store() as store:
        run = latest(store, "push", "mail")
        assert run is not None
        assert unbalanced(store, run.id) is None


def test_destinations_say_what_they_hold_and_how_the_last_push_ended(synced: Installation, vendors: Vendors) -> None:
    def listed() -> dict[str, dict[str, Any]]:
        return {one["destination"]: one for one in synced.types("destinations", "--json").json["destinations"]}

    before = listed()
    assert {one["last_push"] for one in before.values()} == {None}
    assert before["mailchimp"]["segments"][0] == {
        "segment": "silver_medallists", "mode": "mirror", "tag": "Silver medallists",
    }  # fmt: skip
    synced.environ["CATCHMENT_SENDING"] = "on"
    pushed = synced.types("push", "mail", "export", "--yes", "--json").json
    after = listed()
    assert after["mail"]["sent"] == len(vendors.mail.messages) > 0
    assert after["mail"]["holds"] is None
    assert after["export"]["holds"] == pushed["export"]["sent"]
    assert after["export"]["last_push"]["state"] == "succeeded"
    told = synced.types("destinations").out
    assert "succeeded" in told
    assert "never" in told
    synced.types("pause")
    assert "Sending is paused since" in synced.types("destinations").out


def test_a_push_of_one_segment_leaves_the_others(synced: Installation) -> None:
    synced.environ["CATCHMENT_SENDING"] = "on"

    def would_go() -> list[str]:
        rows = synced.types("push", "mailchimp", "--dry-run", "--json").json["mailchimp"]["rows"]
        return [row["segment"] for row in rows if row["fate"] == "sent"]

    before = would_go()
    sent = synced.types("push", "passive_talent", "mailchimp", "--yes", "--json").json
    assert list(sent) == ["mailchimp"]
    assert 0 < sent["mailchimp"]["sent"] == before.count("passive_talent")
    assert would_go() == [segment for segment in before if segment != "passive_talent"]
    refused = synced.types("push", "passive_talent", "mail", code=2).err
    assert refused == "✗ passive_talent: not among the `pushes` of mail.\n"


def test_pause_stops_every_push_until_resume(synced: Installation, vendors: Vendors) -> None:
    synced.environ["CATCHMENT_SENDING"] = "on"
    assert "until `catchment resume`" in synced.types("pause").out
    said = synced.types("push", "mail", "--yes")
    assert "Sending is paused since" in said.out
    assert vendors.mail.messages == []
    synced.types("resume")
    assert "paused" not in synced.types("push", "mail", "--yes").out
    assert vendors.mail.messages


def test_a_destination_without_its_secret_keeps_no_other_from_being_pushed(
    synced: Installation, vendors: Vendors
) -> None:
    synced.environ["CATCHMENT_SENDING"] = "on"
    said = synced.types("push", "--yes", MAILCHIMP_API_KEY=None, code=1)
    assert said.err == "✗ mailchimp: api_key is not set. Set MAILCHIMP_API_KEY.\n"
    assert vendors.mail.messages
    assert "There is no destination 'post'; there are export, hubspot, mail" in synced.types("push", "post", code=2).err


def test_a_referral_link(here: Installation) -> None:
    job = ("--name", "Ada", "--email", "ada@example.com", "--job", "greenhouse:4021", "--campaign", "spring")
    made = here.types("refer", "https://careers.example/jobs/1", *job, "--json").json
    assert made["url"] == f"http://127.0.0.1:8080/r/{made['token']}"
    assert here.types("refer", "https://careers.example/").out.startswith("http://127.0.0.1:8080/r/")
    assert "begins with https://" in here.types("refer", "careers.example", code=2).err
    assert "CONNECTION:ID" in here.types("refer", "https://careers.example/", "--job", "4021", code=2).err
    assert "--days" in here.types("refer", "https://careers.example/", "--days", "0", code=2).err


# ---- how it prints


def test_tables_fit_eighty_columns_and_break_no_id(full: Installation) -> None:
    (one, *_) = full.types("people", "--json").json
    commands = (["people"], ["person", one["id"]], ["push", "mail", "--dry-run"], ["segments"], ["quarantine"])
    lines = _on_a_terminal(full, commands)
    plain = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert max(map(len, plain)) <= 80
    whole = re.findall(r"\b(?:per|rec|job|app)_[0-9a-f]+", "\n".join(plain))
    assert len(whole) > 20
    assert {len(each) for each in whole} == {36}
    assert any(line.startswith("\x1b[1m") for line in lines)


def _on_a_terminal(here: Installation, commands: Sequence[Sequence[str]]) -> list[str]:
    """Run commands with a terminal of 80 columns as their standard output, and return what they printed there."""
    code = (
        "from dagster_project.cli.main import main\n"
        f"for command in {commands!r}:\n"
        "    try: main(command)\n"
        "    except SystemExit as end: assert not end.code, command\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        **here.process(COLUMNS="80", LINES="24") | {"args": [sys.executable, "-c", code]},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    printed = b""
    with suppress(OSError):  # the end of a terminal whose other side is closed
        while more := os.read(ours, 65536):
            printed += more
    os.close(ours)
    assert process.wait(60) == 0
    return printed.decode().replace("\r\n", "\n").splitlines()


def test_without_a_terminal_each_row_is_one_whole_line(full: Installation) -> None:
    everybody = full.types("people", "--limit", "1000", "--json").json
    lines = full.types("people", "--limit", "1000").out.splitlines()
    assert len(lines) == len(everybody) + 1
    for one, line in zip(everybody, lines[1:], strict=True):
        assert line.startswith(f"{one['id']}  ")
        assert line == line.rstrip()
        assert "\x1b" not in line


def test_json_is_all_that_is_printed(synced: Installation) -> None:
    (one, *_) = synced.types("people", "--json").json
    for arguments in (
        ("check",), ("people",), ("person", one["id"]), ("quarantine",), ("replay", "archive"),
        ("segments",), ("push",), ("push", "--dry-run"), ("refer", "https://careers.example/"),
    ):  # fmt: skip
        code = 1 if arguments == ("replay", "archive") else 0
        json.loads(synced.types(*arguments, "--json", code=code).out)
    # as a process too, where whatever a library prints by itself would be seen
    said = synced.runs("sync", "typeform", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["typeform"]["new"] == 0


def test_no_such_command(here: Installation) -> None:
    assert "No such command 'snyc'" in here.types("snyc", code=2).err
    assert main.name == "main"
