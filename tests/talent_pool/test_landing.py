"""Landing, one rule at a time."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from connectors.contract import Stream
from connectors.records import Channel
from talent_pool.landing.quarantine import listed
from talent_pool.landing.sync import sync
from talent_pool.store.addresses import address_key
from talent_pool.store.ids import record_id
from talent_pool.store.tables import consent_statements, decisions, payload_versions, payloads, records, run_pages
from tests.talent_pool.dumps import bodies, done, landed, waiting
from tests.talent_pool.sources import EVIDENCE, NOW, MemorySource, candidate, email


@pytest.fixture
def run(store, inbox):
    """Sync objects of the stream `candidates`, all from the beginning; returns the counts."""

    def _run(*objects, complete=True, name="ats", volatile=(), now=NOW, stream="candidates"):
        defined = [Stream(stream, complete=complete, volatile=frozenset(volatile))]
        source = MemorySource({stream: list(objects)}, name=name, defined=defined)
        return sync(store, inbox, source, now, full_refresh=True).counts

    return _run


def rows(store, table, *columns):
    with store.reading() as connection:
        return connection.execute(select(*(columns or table.c)).order_by(*list(table.primary_key))).all()


def test_new_objects_land_with_their_records_and_wait_for_resolution(store, run):
    counts = run(candidate(1), candidate(2))
    assert (counts.read, counts.new) == (2, 2)
    assert bodies(store)["candidate", "1"]["full_name"] == "Person 1"
    assert waiting(store) == 2
    (first, _) = sorted(rows(store, records), key=lambda row: row.landing_number)
    assert first.id == record_id(store, "ats", "candidate", first.remote_id)
    assert [row.landing_number for row in sorted(rows(store, records), key=lambda r: r.landing_number)] == [1, 2]


def test_unchanged_object_writes_nothing(store, run):
    run(candidate(1))
    done(store)
    before = landed(store)
    counts = run(candidate(1), now=NOW + timedelta(hours=1))
    assert (counts.read, counts.same) == (1, 1)
    after = landed(store)
    assert {name: each for name, each in after.items() if name != "cursors"} == {
        name: each for name, each in before.items() if name != "cursors"
    }
    assert waiting(store) == 0


def test_order_of_keys_and_volatile_fields_mean_nothing(store, run):
    run({"id": 1, "seen": 5, "candidate": {"remote_id": "1", "full_name": "A"}}, volatile=["seen"])
    counts = run({"candidate": {"full_name": "A", "remote_id": "1"}, "seen": 6, "id": 1}, volatile=["seen"])
    assert counts.same == 1


def test_changed_object_keeps_the_last_three_versions(store, run):
    for version in range(1, 7):
        run(candidate(1, version))
    assert len(rows(store, payload_versions)) == 3
    assert len(rows(store, payloads)) == 1
    assert bodies(store)["candidate", "1"]["remote_updated_at"] == "2026-01-01T00:06:00Z"


def test_object_that_changes_without_changing_its_records_waits_for_nothing(store, run):
    run({**candidate(1), "note": 1})
    done(store)
    assert run({**candidate(1), "note": 2}).changed == 1
    assert waiting(store) == 0


def test_older_version_is_stale(store, run):
    run(candidate(1, 5, full_name="New"))
    counts = run(candidate(1, 4, full_name="Old"))
    assert counts.stale == 1
    assert bodies(store)["candidate", "1"]["full_name"] == "New"


def test_repeats_within_a_run_are_duplicates_and_the_newest_wins(store, run):
    counts = run(candidate(1, 1), candidate(1, 3), candidate(1, 2), candidate(2), candidate(1, 3))
    assert (counts.new, counts.duplicate) == (2, 3)
    assert bodies(store)["candidate", "1"]["remote_updated_at"] == "2026-01-01T00:03:00Z"


@pytest.mark.parametrize(("complete", "kept"), [(True, False), (False, True)])
def test_null_ends_a_value_in_a_complete_stream_alone(store, run, complete, kept):
    run(candidate(1, 1, title="Cook", email_addresses=[email("a@example.com")]), complete=complete)
    run(candidate(1, 2, title=None, email_addresses=[]), complete=complete)
    body = bodies(store)["candidate", "1"]
    assert (body.get("title") == "Cook") is kept
    assert bool(body.get("email_addresses")) is kept


@pytest.mark.parametrize("complete", [True, False])
def test_missing_field_keeps_its_value(store, run, complete):
    run(candidate(1, 1, title="Cook"), complete=complete)
    run(candidate(1, 2), complete=complete)
    assert bodies(store)["candidate", "1"]["title"] == "Cook"


def test_deletion_ends_a_record_and_a_later_version_brings_it_back(store, run):
    run(candidate(1, 1))
    done(store)
    gone = {"deleted_type": "candidate", "remote_id": "1", "cause": "deleted", "at": "2026-01-01T00:05:00Z"}
    assert run({"id": "d1", "deletion": gone}, stream="deletions").deleted == 1
    (row,) = rows(store, records)
    assert (row.removal_cause, row.body["full_name"]) == ("deleted", "Person 1")
    assert waiting(store) == 1
    run(candidate(1, 4))
    assert rows(store, records)[0].removed_at is not None
    run(candidate(1, 6))
    assert rows(store, records)[0].removed_at is None


def test_deletion_that_comes_before_its_record_holds(store, run):
    gone = {"deleted_type": "candidate", "remote_id": "1", "cause": "deleted", "at": "2026-01-01T00:05:00Z"}
    run({"id": "d1", "deletion": gone}, stream="deletions")
    run(candidate(1, 1))
    assert rows(store, records)[0].removed_at is not None


def test_erased_record_does_not_come_back(store, run):
    run(candidate(1, 1))
    gone = {"deleted_type": "candidate", "remote_id": "1", "cause": "erased", "at": "2026-01-01T00:05:00Z"}
    run({"id": "d1", "deletion": gone}, stream="deletions")
    run(candidate(1, 9))
    assert rows(store, records)[0].removal_cause == "erased"


def test_merge_upstream_is_a_must_link(store, run):
    run(candidate(1), candidate(2))
    done(store)
    gone = {"deleted_type": "candidate", "remote_id": "1", "cause": "merged_upstream", "merged_into": "2"}
    run({"id": "d1", "deletion": {**gone, "at": "2026-01-01T00:05:00Z"}}, stream="deletions")
    (decision,) = rows(store, decisions)
    pair = {record_id(store, "ats", "candidate", number) for number in "12"}
    assert {decision.record_a, decision.record_b} == pair
    assert (decision.kind, decision.decided_by) == ("same", "vendor:ats")
    assert waiting(store) == 2


def test_record_that_vanishes_from_its_object_is_removed_in_a_complete_stream_alone(store, run):
    entries = [{"remote_id": f"e{n}", "application_id": "7", "stage_id": "1"} for n in range(2)]
    for name, complete in (("whole", True), ("part", False)):
        run({"id": 7, "stage_entry": entries}, complete=complete, name=name)
        run({"id": 7, "stage_entry": entries[:1]}, complete=complete, name=name)
    removed = {(row.connection, row.remote_id) for row in rows(store, records) if row.removed_at}
    assert removed == {("whole", "e1")}


def test_consent_is_written_as_a_statement_and_again_only_if_it_says_something_else(store, run):
    said = {"remote_id": "c1", "candidate_id": "1", "address": "Anna+jobs@Example.com", "purpose": "marketing"}
    said |= {"channel": "email", "status": "given", "stated_by": "candidate", "stated_at": "2026-01-01T00:00:00Z"}
    said |= {"evidence": EVIDENCE}
    run({"id": 1, "consent": said})
    run({"id": 1, "consent": said, "note": 2})
    (row,) = rows(store, consent_statements)
    assert row.record_id == record_id(store, "ats", "candidate", "1")
    assert row.address_key == address_key(store, Channel.EMAIL, "anna@example.com")
    run({"id": 1, "consent": {**said, "status": "withdrawn", "stated_at": "2026-01-02T00:00:00Z"}})
    assert {row.status for row in rows(store, consent_statements)} == {"given", "withdrawn"}


def test_what_cannot_be_read_goes_to_quarantine_and_the_rest_lands(store, run):
    secret = "Zebulon"
    wrong = {"id": 3, "candidate": {"remote_id": "3", "full_name": [secret], "is_private": secret}}
    counts = run(candidate(1), [secret], {"name": secret}, wrong, {"id": 4, "broken": True}, None, 5, candidate(2))
    assert (counts.read, counts.new, counts.quarantined) == (8, 2, 6)
    reasons = [each.reason for each in listed(store)]
    assert len(reasons) == 6
    assert "not a valid Candidate: full_name (string_type), is_private (bool_parsing)" in reasons
    assert "the object has no 'id'" in reasons
    assert not any(secret in reason for reason in reasons)


def test_parser_that_trips_over_one_object_stops_no_other(store, run, monkeypatch):
    def _tripping(_self, stream, raw):
        raise KeyError("Zebulon")

    monkeypatch.setattr(MemorySource, "parse", _tripping)
    assert run(candidate(1)).quarantined == 1
    (row,) = listed(store)
    assert row.reason.startswith("the parser stopped with KeyError at test_landing.py:")


def test_object_of_more_than_five_megabytes_is_quarantined(store, run):
    counts = run(candidate(1, title="x" * 5_000_000), candidate(2))
    assert (counts.new, counts.quarantined) == (1, 1)
    assert "at most 5,000,000" in listed(store)[0].reason


def test_good_version_ends_the_quarantine_of_a_bad_one(store, run):
    run({"id": 1, "broken": True}, {"id": 2, "broken": True})
    assert [row.remote_id for row in listed(store)] == ["1", "2"]
    run(candidate(1))
    assert [row.remote_id for row in listed(store)] == ["2"]


def test_bad_object_that_comes_again_lies_in_quarantine_once(store, run):
    for _ in range(2):
        assert run({"id": 1, "broken": True}).quarantined == 1
    assert len(listed(store)) == 1


def test_nul_and_odd_letters_land(store, run):
    run(candidate(1, full_name="An\x00na \U0001f600 \ufeff"), {"id": "a\x00b"})
    assert bodies(store)["candidate", "1"]["full_name"] == "Anna \U0001f600 \ufeff"
    assert listed(store)[0].reason == "'id' holds a NUL"


def test_page_is_one_line_in_the_ledger(store, run):
    run(*(candidate(number) for number in range(7)))
    with store.reading() as connection:
        numbers = connection.execute(select(func.count(), func.sum(run_pages.c.new)).select_from(run_pages)).one()
    assert (numbers[0], int(numbers[1])) == (3, 7)
