"""Requests with clocks, restriction and objection, the answer to an access request, notices that are due."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import insert, select

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.people import reading
from talent_pool.privacy import erasure, notices, portrait, requests
from talent_pool.refused import Refused
from talent_pool.resolution import by_hand
from talent_pool.resolution.by_hand import By
from talent_pool.store.addresses import address_key
from talent_pool.store.tables import consent_statements, person_records, runs
from tests.talent_pool import small_world
from tests.talent_pool.forgetting import EMAIL, IDENTIFIERS, NAME, NOW, PHONE, World, candidate, same_mailbox


@pytest.fixture
def world(store, inbox, tmp_path):
    return World(store, inbox, tmp_path)


def state_of(world, person):
    return reading.get(world.store, person).state


def may(world, person, address, purpose):
    with world.store.reading() as connection:
        ask = consent.Ask(1, "default", person, None, Channel.EMAIL, address, purpose)
        return consent.verdicts(connection, world.store, [ask], world.now)[1]


@pytest.mark.parametrize(
    ("came", "due"),
    [
        ("2026-01-15", "2026-02-15"),
        ("2026-01-31", "2026-02-28"),
        ("2024-01-31", "2024-02-29"),
        ("2026-12-10", "2027-01-10"),
    ],
)
def test_an_answer_is_due_a_month_after_the_request_came(came, due):
    assert requests.month_later(datetime.fromisoformat(came)) == datetime.fromisoformat(due)


def test_a_request_has_a_clock_can_be_extended_and_is_closed(world):
    her = world.furnish()
    name = requests.open_request(world.store, "access", her, world.now, received_at=datetime(2026, 2, 20, tzinfo=UTC))
    (one,) = requests.listed(world.store)
    assert (one.kind, one.state, one.answer_by) == ("access", "open", datetime(2026, 3, 20, tzinfo=UTC))
    assert requests.extend(world.store, name, "many records") == datetime(2026, 5, 20, tzinfo=UTC)
    assert requests.get(world.store, name).answer_by == datetime(2026, 5, 20, tzinfo=UTC)
    requests.close(world.store, name, "granted", world.now)
    assert requests.listed(world.store) == []
    assert [one.outcome for one in requests.listed(world.store, everything=True)] == ["granted"]
    with pytest.raises(Refused, match="no request"):
        requests.get(world.store, "prq_none")
    with pytest.raises(Refused, match="no request 'wish'"):
        requests.open_request(world.store, "wish", her, world.now)


def test_an_erasure_that_was_asked_for_is_carried_out_under_its_own_clock(world):
    her = world.furnish()
    name = requests.open_request(world.store, "erasure", her, world.now, received_at=NOW - timedelta(days=9))
    with pytest.raises(Refused, match="not carried out"):
        requests.close(world.store, name, "granted", world.now)
    done = erasure.erase(world.desk, her, erasure.preview(world.desk, her).token, world.now)
    assert (done.id, done.state) == (name, "closed")


def test_restriction_keeps_and_does_not_use_through_merge_and_unmerge(world):
    her = world.furnish()
    bruno = world.person_of("cand-bruno")
    consent_yes(world, bruno, "bruno@example.org")
    assert may(world, bruno, "bruno@example.org", Purpose.FUTURE_JOBS).allowed
    name = requests.open_request(world.store, "restriction", bruno, world.now)
    assert state_of(world, bruno) == "restricted"
    assert not may(world, bruno, "bruno@example.org", Purpose.FUTURE_JOBS).allowed
    by = By("hr", world.now)
    by_hand.merge(world.store, world.installation, her, bruno, by, anyway=True, score=same_mailbox)
    assert state_of(world, her) == "restricted"
    record = small_world.birth_id(world.store, "ats", "cand-bruno")
    by_hand.unmerge(world.store, world.installation, her, record, by, score=same_mailbox)
    assert (state_of(world, her), state_of(world, bruno)) == ("active", "restricted")
    requests.close(world.store, name, "lifted", world.now)
    assert state_of(world, bruno) == "active"
    assert may(world, bruno, "bruno@example.org", Purpose.FUTURE_JOBS).allowed


def consent_yes(world, person, address):
    key = address_key(world.store, Channel.EMAIL, address)
    with world.store.writing() as connection:
        record = connection.execute(
            select(person_records.c.record_id).where(person_records.c.person_id == person)
        ).scalar_one()
        connection.execute(insert(consent_statements).values(
            id="cst_yes", organisation="default", connection="ats", record_id=record, purpose="future_jobs",
            channel="email", address_key=key, status="given", lawful_basis="consent", stated_by="candidate",
            stated_at=world.now - timedelta(days=2), learned_at=world.now, evidence={"kind": "form_tick"},
        ))  # fmt: skip


def test_objection_refuses_marketing_on_every_channel_and_leaves_service_alone(world):
    world.furnish()
    bruno = world.person_of("cand-bruno")
    consent_yes(world, bruno, "bruno@example.org")
    requests.open_request(world.store, "objection", bruno, world.now)
    for purpose in (Purpose.MARKETING, Purpose.FUTURE_JOBS):
        assert may(world, bruno, "bruno@example.org", purpose).reason == "The person refused this purpose."
    said = [row for row in consent.statements_of(world.store, bruno) if row["status"] == "refused"]
    assert {row["channel"] for row in said} == {"any"}
    assert {row["purpose"] for row in said} == {"marketing", "future_jobs"}


def test_access_shows_everything_held_from_where_and_sent_to_whom(world, tmp_path):
    her = world.furnish()
    told = portrait.of(world.store, world.installation, her, world.now)
    path = tmp_path / "exports" / f"{her}.json"
    written = portrait.write(world.store, told, path, world.now)
    document = orjson.loads(path.read_bytes())
    text = path.read_text()
    assert [one for one in IDENTIFIERS if one not in text] == []
    assert {row["connection"] for row in document["records"]} == {"ats", "board"}
    assert {row["record_type"] for row in document["records"]} == {"candidate", "application", "consent"}
    assert {row["stream"] for row in document["as_sources_sent_it"]} == {"candidates", "people"}
    assert document["recipients"]["names"] == ["shelf"]
    assert document["recipients"]["messages"][0]["state"] == "sent"
    (record,) = document["consent"]["records"]
    assert record["dpv:hasConsentStatus"]["@type"] == "dpv:ConsentWithdrawn"
    assert record["dpv:hasConsentStatus"]["dpv:isIndicatedBy"] == "dpv:DataSubject"
    assert document["may_not_be_written_to"][0]["reason"] == "bounced"
    assert document["segments"][0]["segment"] == "silver_medallists"
    assert document["segments"][0]["why"]
    page = written[1].read_text()
    assert EMAIL in page
    assert "<script" not in page
    assert path.stat().st_mode & 0o777 == 0o600
    with world.store.reading() as connection:
        assert connection.execute(select(runs.c.subject).where(runs.c.kind == "export")).scalars().all() == [her]


def test_nobody_elses_data_is_in_it(world):
    her = world.furnish()
    told = orjson.dumps(portrait.of(world.store, world.installation, her, world.now), default=str).decode()
    assert "Bruno" not in told
    assert "hagen@example.org" not in told


def test_the_portable_part_is_json_resume(world, tmp_path):
    her = world.furnish()
    told = portrait.of(world.store, world.installation, her, world.now)
    path = tmp_path / "resume.json"
    portrait.write(world.store, told, path, world.now, portability=True)
    resume = orjson.loads(path.read_bytes())
    assert resume["basics"]["name"] == NAME
    assert resume["basics"]["email"] == EMAIL
    assert resume["basics"]["phone"].replace(" ", "") == PHONE.replace(" ", "")
    assert resume["meta"]["version"] == "v1.3.1"


def test_who_came_from_somebody_else_is_due_a_notice_and_who_applied_is_not(world):
    sourced = candidate("cand-sourced", "Sofie Sourced", ("sofie@example.org",), origins=["sourced"])
    world.ats["candidates"].append({"id": "cand-sourced", "candidate": sourced})
    her = world.furnish()
    due = {one.person_id: one for one in notices.due(world.store, world.now)}
    sofie, bruno = world.person_of("cand-sourced"), world.person_of("cand-bruno")
    assert due.keys() == {sofie, bruno}
    assert (due[sofie].origin, due[bruno].origin) == ("sourced", "referral")
    assert due[sofie].due_at == requests.month_later(world.now)
    assert her not in due
