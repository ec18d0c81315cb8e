"""Erasure: nothing of a person is left anywhere, nothing brings her back, nobody else loses anything."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy import select, update

from connectors.contract import Delivery
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.landing import conservation, replay
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.people import reading
from talent_pool.privacy import erasure, requests, retention
from talent_pool.refused import Refused
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, consent_statements, people, runs, suppressions, tombstones
from tests.conftest import KEY
from tests.talent_pool.forgetting import EMAIL, NAME, NOW, PHONE, REMOTE, SHARED_PHONE, World, candidate
from tests.talent_pool.processes import die_at, ended, started
from tests.talent_pool.sources import MemorySource


@pytest.fixture
def world(store, inbox, tmp_path):
    return World(store, inbox, tmp_path)


def erased(world, person):
    request = erasure.erase(world.desk, person, erasure.preview(world.desk, person).token, world.now)
    world.resolve()
    return request


def test_nothing_of_her_is_left_in_any_table_payload_log_or_file(world):
    her = world.furnish()
    places = {hit.split(":")[0].split(".")[0] for hit in world.hits()}
    assert {
        "payloads", "records", "people", "person_addresses", "record_forms", "holdings", "deliveries", "memberships",
        "quarantine", "referral_links", "consent_statements", "applications", "inbox",
    } <= places  # fmt: skip
    request = erased(world, her)
    assert request.state == "closed", request
    assert {name: state for name, _, state, _ in request.recipients} == {"shelf": "done", "inbox": "done"}
    assert world.hits() == []
    assert world.shelf.held == {}
    assert retention.held_of_erased(world.store) == 0
    assert EMAIL in world.shelf.asked_to_forget
    assert SHARED_PHONE not in world.shelf.asked_to_forget


def test_others_stay_whole_and_her_id_stands_for_nobody(world):
    her = world.furnish()
    erased(world, her)
    assert reading.get(world.store, her).state == "erased"
    assert reading.get(world.store, her).golden == {}
    bruno, hagen = world.person_of("cand-bruno"), world.person_of("cand-hagen")
    assert reading.get(world.store, bruno).golden["full_name"] == "Bruno Keller"
    assert reading.get(world.store, hagen).golden["phone_numbers"][0]["value"] == SHARED_PHONE
    with world.store.reading() as connection:
        (referrer,) = connection.execute(select(applications.c.referrer)).scalars()
    assert referrer is None
    assert her not in {one.id for one in reading.listed(world.store)}
    with pytest.raises(Refused, match="is erased"):
        erasure.preview(world.desk, her)


def test_a_full_read_of_sources_that_still_hold_her_brings_nothing_back(world):
    her = world.furnish()
    erased(world, her)
    world.now += timedelta(days=1)
    before = {report.connection: report.counts for report in world.read_all()}
    assert world.hits() == []
    assert (before["ats"].erased, before["board"].erased) == (3, 1)
    for _ in range(2):
        for report in world.read_all():
            assert conservation.unbalanced(world.store, report.run_id) is None
    # a changed object is as unwelcome as an unchanged one
    world.ats["candidates"][0]["candidate"]["title"] = "Head of Everything"
    world.ats["candidates"][3]["candidate"]["title"] = "Clerk"
    world.read_all()
    assert world.hits() == []
    bruno = reading.get(world.store, world.person_of("cand-bruno"))
    assert bruno.golden["title"] == "Clerk"


def test_runs_from_before_the_erasure_still_add_up(world):
    erased(world, world.furnish())
    with world.store.reading() as connection:
        ids = connection.execute(select(runs.c.id).where(runs.c.kind == "sync")).scalars().all()
    assert [told for name in ids if (told := conservation.unbalanced(world.store, name))] == []


def test_neither_replay_nor_an_old_file_nor_a_late_delivery_brings_her_back(world):
    erased(world, world.furnish())
    source = MemorySource(world.ats, name="ats")
    replay.replay(world.store, source, world.now)
    old_file = MemorySource({"rows": [{"id": "row-1", "candidate": {"remote_id": "row-1", "full_name": NAME, "email_addresses": [{"value": EMAIL.upper()}]}}]}, name="portal")  # fmt: skip  # noqa: E501
    assert sync(world.store, world.inbox, old_file, world.now).counts.erased == 1
    late = candidate("new-key", NAME, (EMAIL,))
    body = orjson.dumps([["candidates", {"id": "new-key", "candidate": late}]])
    world.inbox.put(Delivery("ats", "late", world.now, {}, body), "default")
    assert sync(world.store, world.inbox, source, world.now).counts.erased == 1
    world.resolve()
    assert not [hit for hit in world.hits() if not hit.startswith("inbox")]


def test_who_applies_anew_after_the_erasure_is_welcome_and_is_somebody_new(world):
    her = world.furnish()
    erased(world, her)
    world.now += timedelta(days=30)
    again = candidate("cand-new", NAME, (EMAIL,), remote_created_at=(NOW + timedelta(days=29)).isoformat())
    world.ats["candidates"].append({"id": "cand-new", "candidate": again})
    world.read_all()
    now_called = world.person_of("cand-new")
    assert now_called not in (None, her)
    assert reading.get(world.store, her).state == "erased"
    with world.store.reading() as connection:
        ask = consent.Ask(1, "default", now_called, None, Channel.EMAIL, EMAIL, Purpose.FUTURE_JOBS)
        assert not consent.verdicts(connection, world.store, [ask], world.now)[1].allowed


def test_a_relation_at_the_same_telephone_may_still_arrive(world):
    erased(world, world.furnish())
    cousin = candidate("cand-cousin", "Agnes Quandt", ("agnes@example.org",), phones=(PHONE,))
    world.ats["candidates"].append({"id": "cand-cousin", "candidate": cousin})
    world.read_all()
    assert world.person_of("cand-cousin") is not None


def test_what_she_refused_survives_as_a_keyed_hash_and_what_she_allowed_does_not(world):
    her = world.furnish()
    erased(world, her)
    with world.store.reading() as connection:
        said = connection.execute(select(consent_statements)).all()
        suppressed = connection.execute(select(suppressions)).all()
    assert {row.status for row in said} == {"withdrawn"}
    assert all(row.record_id is None and row.address_key for row in said)
    assert [row.reason for row in suppressed] == ["bounced"]


def test_a_destination_that_fails_leaves_the_request_open_and_is_asked_again(world):
    her = world.furnish()
    world.shelf.down = True
    request = erased(world, her)
    assert request.state == "under_way"
    assert {name: state for name, _, state, _ in request.recipients}["shelf"] == "waiting"
    assert world.hits() == []  # what is left to be done is sealed
    assert (EMAIL, "silver_medallists") in world.shelf.held
    world.shelf.down = False
    (request,) = erasure.carry_on_all(world.desk, world.now)
    assert request.state == "closed"
    assert world.shelf.held == {}
    assert erasure.carry_on_all(world.desk, world.now) == []


def test_a_destination_that_only_says_so_is_not_believed(world):
    her = world.furnish()
    world.shelf.stubborn = True
    request = erased(world, her)
    told = {name: (state, sentence) for name, _, state, sentence in request.recipients}
    assert told["shelf"][0] == "waiting"
    assert "still there" in told["shelf"][1]


def test_a_destination_without_a_way_is_a_task_for_a_person_and_holds_the_request_open(world):
    her = world.furnish()
    world.shelf.erases = "no"
    request = erased(world, her)
    assert {name: state for name, _, state, _ in request.recipients}["shelf"] == "by_hand"
    assert request.state == "under_way"
    requests.close(world.store, request.id, "erased", world.now)
    assert requests.get(world.store, request.id).state == "closed"


def test_what_cannot_be_read_again_is_believed_and_the_receipt_says_so(world):
    her = world.furnish()
    world.shelf.erases, world.shelf.stubborn = "tell", True
    request = erased(world, her)
    told = {name: (state, sentence) for name, _, state, sentence in request.recipients}["shelf"]
    assert told[0] == "done"
    assert "cannot be read again" in told[1]
    assert world.shelf.asked_to_forget


def test_unread_deliveries_that_name_her_keep_the_request_open_until_they_are_read(world):
    her = world.furnish()
    body = orjson.dumps([["candidates", {"id": REMOTE[0], "candidate": candidate(REMOTE[0], NAME, (EMAIL,))}]])
    world.inbox.put(Delivery("ats", "waiting", world.now, {}, body), "default")
    assert erased(world, her).state == "under_way"
    world.read_all()
    (request,) = erasure.carry_on_all(world.desk, world.now)
    assert request.state == "closed"
    assert world.hits() == []


def test_the_token_is_good_for_what_was_seen_and_nothing_else(world):
    her = world.furnish()
    token = erasure.preview(world.desk, her).token
    world.ats["candidates"][0]["candidate"] |= {"title": "Head", "remote_updated_at": "2026-02-01T00:00:00Z"}
    world.now += timedelta(hours=1)
    world.read_all()
    with pytest.raises(Refused, match="--preview"):
        erasure.erase(world.desk, her, token, world.now)
    with pytest.raises(Refused, match="--preview"):
        erasure.erase(world.desk, her, None, world.now)
    assert reading.get(world.store, her).state == "active"


def test_every_id_that_was_merged_into_her_leads_to_the_erased_person(world):
    her = world.furnish()
    with world.store.reading() as connection:
        other = connection.execute(select(people.c.id).where(people.c.id != her)).scalars().first()
    assert other
    erased(world, her)
    again = reading.get(world.store, her)
    assert all(reading.get(world.store, name).state == "erased" for name in again.previous_ids)


def test_what_belongs_to_somebody_erased_is_found(world):
    her = world.furnish()
    with world.store.writing() as connection:
        connection.execute(update(people).where(people.c.id == her).values(state="erased"))
    assert retention.held_of_erased(world.store) > 5


def test_tombstones_hold_nothing_readable(world):
    erased(world, world.furnish())
    with world.store.reading() as connection:
        keys = connection.execute(select(tombstones.c.key)).scalars().all()
    assert len(keys) > 10
    assert all(len(key) == 32 and not key.strip("0123456789abcdef") for key in keys)


@pytest.mark.heavy
@pytest.mark.parametrize("point", range(5, 400, 11))
def test_killed_at_any_statement_it_goes_on_where_it_stopped(new_store_url, tmp_path, point):
    url = new_store_url()
    inbox_url = f"sqlite:///{tmp_path / 'inbox.db'}" if url.startswith("sqlite") else url
    world = World(Store(url, KEY), Inbox(inbox_url), tmp_path)
    her = world.furnish()
    token = erasure.preview(world.desk, her).token
    world.store.close()
    world.inbox.close()

    def carry_out() -> None:
        own = World(Store(url, KEY), Inbox(inbox_url), tmp_path)
        die_at(point)
        erasure.erase(own.desk, her, token, own.now)

    died = ended(started(carry_out)) != 0
    world = World(Store(url, KEY), Inbox(inbox_url), tmp_path, now=NOW + timedelta(minutes=15))
    world.shelf.held[EMAIL, "silver_medallists"] = {}
    world.resolve()
    assert died or requests.listed(world.store) == []
    erasure.carry_on_all(world.desk, world.now)
    if reading.get(world.store, her).state == "active":
        erasure.erase(world.desk, her, erasure.preview(world.desk, her).token, world.now)
    world.resolve()
    world.read_all()
    assert requests.listed(world.store) == []
    assert world.hits() == []
    world.store.close()
    world.inbox.close()
