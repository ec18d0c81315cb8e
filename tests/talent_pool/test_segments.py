"""Segments over a pool in the store, on SQLite and PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from connectors.contract import Connection as Source
from connectors.errors import Misconfigured
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool import installation as installations
from talent_pool.people.person_ids import NoSuchPerson
from talent_pool.segments import SegmentsReport, evaluate, explain
from talent_pool.segments.preview import apply, preview
from talent_pool.store import tables
from talent_pool.store.database import Store
from talent_pool.store.work import waiting
from tests.talent_pool.pool_rows import NOW, Pool, installation, segment

DAY = timedelta(days=1)


def applicants(**settings: Any) -> Any:
    """Return an event segment of applications, beginning ten days before NOW."""
    who = settings.pop("who", {"all": [{"application.outcome": "pending"}]})
    defaults = {
        "subject": "application",
        "type": "service",
        "purpose": "this_application",
        "event": True,
        "useless_after_days": 3,
    }
    return segment(**{**defaults, "since": (NOW - 10 * DAY).isoformat(), "who": who, **settings})


def run(pool: Pool, *segments: Any, now: datetime = NOW, **more: Any) -> SegmentsReport:
    report = evaluate(pool.store, installation(*segments, **more), now)
    before = pool.dump()
    again = evaluate(pool.store, installation(*segments, **more), now)
    assert pool.dump() == before, "a second evaluation at the same instant writes nothing"
    assert all((counts.entered, counts.left) == (0, 0) for counts in again.segments.values())
    return report


def memberships(pool: Pool) -> list[Any]:
    with pool.store.reading() as connection:
        return list(connection.execute(select(tables.memberships).order_by(tables.memberships.c.since)).all())


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ({"all": [{"person.city": "Lyon"}]}, {"ada"}),
        ({"all": [{"person.city": ["Lyon", "Oslo"]}]}, {"ada", "bob"}),
        ({"all": [{"person.city": {"not": "Lyon"}}]}, {"bob", "eve"}),
        ({"none": [{"person.city": "Lyon"}]}, {"bob", "eve"}),
        ({"all": [{"person.city": {"known": False}}]}, {"eve"}),
        ({"any": [{"person.city": "Oslo"}, {"person.origins": "sourced"}]}, {"bob", "eve"}),
        ({"all": [{"person.origins": ["import", "applied"]}]}, {"ada", "bob"}),
        ({"all": [{"person.origins": {"not": "applied"}}]}, {"eve"}),
        ({"all": [{"person.is_private": False}]}, {"ada", "bob"}),
        ({"all": [{"application.outcome": "rejected"}]}, {"ada", "bob"}),
        (
            {"all": [{"application.outcome": "rejected"}, {"application.furthest_stage": {"at_least": "interview"}}]},
            {"ada", "bob"},
        ),
        ({"all": [{"application": {"outcome": "rejected", "furthest_stage": {"at_least": "interview"}}}]}, {"ada"}),
        ({"all": [{"application.furthest_stage": {"at_most": "applied"}}]}, {"ada", "bob"}),
        ({"all": [{"application.furthest_stage": "offer"}]}, {"bob"}),
        ({"all": [{"application.stage": {"at_least": "screening"}}]}, {"ada"}),
        ({"all": [{"job.status": "open"}]}, {"ada"}),
        ({"all": [{"job.departments": "Design"}]}, {"ada"}),
        ({"none": [{"job.status": {"known": True}}]}, {"bob", "eve"}),
        ({"all": [{"application.applied_at": {"within_days": 3}}]}, {"bob"}),
        ({"all": [{"application.applied_at": {"older_than_days": 30}}]}, {"ada"}),
        ({"all": [{"application.applied_at": {"before": "2026-10-01"}}]}, {"ada"}),
        ({"all": [{"application.applied_at": {"after": "2026-10-01", "before": "2026-11-24T11:00:00Z"}}]}, {"bob"}),
        ({"all": [{"event": {"type": "interview_held", "actor": "human"}}]}, {"ada", "bob"}),
        ({"all": [{"event": {"type": "interview_booked", "at": {"in_next_days": 2}}}]}, {"bob"}),
        ({"all": [{"event": {"type": "interview_booked", "at": {"in_next_hours": 2}}}]}, set()),
        ({"all": [{"message.segment": "acknowledge_new_applicants"}]}, {"ada"}),
        ({"all": [{"message.state": "planned"}]}, {"bob"}),
        ({"all": [{"source.connection": "archive"}]}, {"eve"}),
        ({"all": [{"consent": {"purpose": "marketing", "expires_at": {"in_next_days": 30}}}]}, {"eve"}),
        ({"all": [{"may_be_contacted": "future_jobs"}]}, {"ada"}),
        ({"none": [{"may_be_contacted": "future_jobs"}]}, {"bob", "eve"}),
        ({"any": [{"may_be_contacted": "future_jobs"}, {"person.city": "Oslo"}]}, {"ada", "bob"}),
        ({"any": [{"all": [{"person.city": "Lyon"}, {"none": [{"may_be_contacted": "survey"}]}]}]}, {"ada"}),
    ],
)  # fmt: skip
def test_a_rule_finds_whom_it_says(store: Store, who: dict[str, Any], expected: set[str]) -> None:
    pool = Pool(store)
    _three_people(pool)
    run(pool, segment(who=who))
    assert pool.open() == expected


def _three_people(pool: Pool) -> None:
    pool.person("ada@example.com", id="ada", city="Lyon")
    pool.person("bob@example.com", id="bob", city="Oslo", origins=["applied", "referred"], relationship="candidate")
    pool.person("eve@example.com", id="eve", origins=["sourced"], is_private=True)
    job = pool.job(status="open", body={"departments": ["Design", "Sales"]})
    old = NOW - 90 * DAY
    first = pool.application("ada", outcome="rejected", furthest_stage="final_interview", applied_at=old, job_id=job)
    pool.application("ada", outcome="withdrawn", applied_at=old, stage="screening")
    pool.application("bob", outcome="rejected", applied_at=NOW - DAY)
    pool.application("bob", outcome="hired", furthest_stage="offer", applied_at=None)
    pool.event(application_id=first, type="interview_held", actor="human")
    pool.event(candidate_record_id="rec_bob", type="interview_held", actor="human")
    pool.event(candidate_record_id="rec_bob", type="interview_booked", at=NOW + DAY)
    pool.delivery(person_id="ada")
    pool.delivery(person_id="bob", state="planned")
    pool.statement(record_id="rec_ada")
    pool.statement(record_id="rec_eve", purpose="marketing", expires_at=NOW + 10 * DAY)
    body = {"organisation": "default", "record_type": "candidate", "generation": 0, "stream": "rows", "body": {}}
    for connection, person in (("archive", "eve"), ("greenhouse", "ada")):
        pool.add(
            tables.records, **body, id=f"rec_{person}", connection=connection, remote_id=person,
            payload_remote_id=person, landing_number=1, landed_at=NOW, modified_at=NOW,
        )  # fmt: skip


def test_what_json_holds_elsewhere_is_not_an_origin(store: Store) -> None:
    pool = Pool(store)
    pool.person(id="ada", golden={"origins": ["applied"], "tags": ["sourced"], "title": 'a "sourced" \x00 title'})
    run(
        pool,
        segment(who={"all": [{"person.origins": "sourced"}]}),
        segment("tagged", who={"all": [{"person.tags": "sourced"}]}),
    )
    assert (pool.open(), pool.open("tagged")) == (set(), {"ada"})


def test_another_application_of_hers(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    first = pool.application(ada)
    pool.application(ada, outcome="hired")
    pool.application(pool.person(), outcome="pending")
    who = {"all": [{"application.outcome": "pending"}, {"other_application.outcome": "hired"}]}
    run(pool, segment(subject="application", who=who))
    assert pool.open() == {first}


def test_a_segment_sees_its_organisation_alone(store: Store) -> None:
    pool = Pool(store)
    pool.person(id="ada")
    pool.person(id="eve", organisation="another")
    pool.application("ada", organisation="another", outcome="rejected")
    pool.application("eve", organisation="another", outcome="rejected")
    both = {"any": [{"application.outcome": "rejected"}, {"person.relationship": {"known": False}}]}
    run(
        pool,
        segment(who=both),
        segment("theirs", organisation="another", who={"all": [{"application.outcome": "rejected"}]}),
    )
    assert (pool.open(), pool.open("theirs")) == ({"ada"}, {"eve"})
    run(pool, segment("rejected", who={"all": [{"application.outcome": "rejected"}]}))
    assert pool.open("rejected") == set()


@pytest.mark.parametrize("state", ["restricted", "archived", "erasure_pending", "erased", "ended"])
def test_who_is_not_active_is_in_no_segment(store: Store, state: str) -> None:
    pool = Pool(store)
    ada = pool.person()
    pool.application(ada)
    everybody = [
        segment(),
        segment("applied", subject="application", who={"all": [{"application.outcome": "pending"}]}),
    ]
    run(pool, *everybody)
    assert pool.open() == {ada}
    with store.writing() as connection:
        connection.execute(update(tables.people).values(state=state))
    pool.touch(ada)
    assert run(pool, *everybody, now=NOW + DAY).segments["tested"].left == 1
    assert {row.left_because for row in memberships(pool)} == {"is not in the pool any more"}


# --- coming and going -------------------------------------------------------------------------------------------


def test_only_those_who_wait_are_looked_at(store: Store) -> None:
    pool = Pool(store)
    ada, bob = pool.person(city="Lyon"), pool.person(city="Lyon")
    in_lyon = segment(who={"all": [{"person.city": "Lyon"}]})
    assert run(pool, in_lyon).segments["tested"].members == 2
    with store.writing() as connection:
        connection.execute(update(tables.people).values(city="Oslo"))
    pool.touch(ada)
    report = run(pool, in_lyon, now=NOW + DAY)
    assert (report.people, pool.open()) == (1, {bob})
    left, stays = sorted(memberships(pool), key=lambda row: row.until is None)
    assert (left.subject_id, left.since, left.until) == (ada, NOW, NOW + DAY)
    assert left.entered_because == "person city is Lyon"
    assert left.left_because == "not: person city is Lyon"
    assert (stays.subject_id, stays.until) == (bob, None)
    evaluate(store, installation(in_lyon), NOW + 2 * DAY, person_ids=[bob])
    assert pool.open() == set()


def test_who_comes_back_has_a_second_membership(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person(city="Lyon")
    in_lyon = segment(who={"all": [{"person.city": "Lyon"}]})
    run(pool, in_lyon)
    for days, city in ((1, "Oslo"), (2, "Lyon"), (2, "Oslo"), (2, "Lyon")):
        with store.writing() as connection:
            connection.execute(update(tables.people).values(city=city))
        pool.touch(ada)
        run(pool, in_lyon, now=NOW + days * DAY)
    assert [(row.since, row.until) for row in memberships(pool)] == [(NOW, NOW + DAY), (NOW + 2 * DAY, None)]


def test_a_rule_that_changes_is_put_to_the_whole_pool(store: Store) -> None:
    pool = Pool(store)
    ada, bob = pool.person(city="Lyon"), pool.person(city="Oslo")
    run(pool, segment(who={"all": [{"person.city": "Lyon"}]}))
    changed = segment(who={"all": [{"person.city": "Oslo"}]})
    assert run(pool, changed, now=NOW + DAY).held == ["tested"], "an active segment stays as it was until somebody says"
    assert pool.open() == {ada}
    both = installation(changed, segment("new"))
    report = apply(store, both, "tested", preview(store, both, "tested", NOW + DAY).token, NOW + DAY)
    run(pool, changed, segment("new"), now=NOW + DAY)
    assert (pool.open(), pool.open("new")) == ({bob}, {ada, bob})
    assert (report.segments["tested"].entered, report.segments["tested"].left) == (1, 1)
    with store.reading() as connection:
        rows = {row.name: row for row in connection.execute(select(tables.segments))}
    assert (rows["tested"].activated_at, rows["new"].activated_at) == (NOW, NOW + DAY)
    assert rows["new"].definition["purpose"] == "future_jobs"


def test_a_segment_no_longer_defined_is_closed_and_judged_anew_when_it_returns(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    run(pool, segment(), segment("other"))
    run(pool, segment("other"), now=NOW + DAY)
    assert (pool.open(), pool.open("other")) == (set(), {ada})
    assert "the segment is no longer defined" in {row.left_because for row in memberships(pool)}
    run(pool, segment(), segment("other"), now=NOW + 2 * DAY)
    assert pool.open() == {ada}


def test_a_membership_follows_its_application_through_merge_and_un_merge(store: Store) -> None:
    pool = Pool(store)
    ada, twin = pool.person(), pool.person()
    applied = pool.application(twin)
    rule = applicants()
    run(pool, rule)
    for number, (holder, touched) in enumerate(((ada, [ada, twin]), (twin, [ada]), (ada, [ada])), start=1):
        with store.writing() as connection:
            connection.execute(update(tables.applications).values(person_id=holder))
        for person_id in touched:
            pool.touch(person_id)
        report = run(pool, rule, now=NOW + number * timedelta(hours=1))
        assert (report.segments["tested"].entered, report.segments["tested"].left) == (0, 0)
    (membership,) = memberships(pool)
    assert (membership.subject_id, membership.person_id, membership.since, membership.until) == (
        applied,
        ada,
        NOW,
        None,
    )


def test_a_membership_handed_on_in_a_merge_leaves_room_for_another(store: Store) -> None:
    """All at one instant: she enters, her membership goes over in a merge, and she and the other come and go."""
    pool = Pool(store)
    ada, twin = pool.person(city="Lyon"), pool.person(city="Oslo")
    in_lyon = segment(who={"all": [{"person.city": "Lyon"}]})
    run(pool, in_lyon)
    with store.writing() as connection:
        connection.execute(update(tables.memberships).values(subject_id=twin, person_id=twin))
    for city, inside in (("Oslo", {ada}), ("Lyon", {ada, twin})):
        with store.writing() as connection:
            connection.execute(update(tables.people).where(tables.people.c.id == twin).values(city=city))
        pool.touch(ada)
        pool.touch(twin)
        run(pool, in_lyon)
        assert pool.open() == inside
    assert len({row.id for row in memberships(pool)}) == 2


def test_a_pool_larger_than_a_step(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talent_pool.segments.scope.STEP", 3)
    pool = Pool(store)
    ids = {pool.person(city="Lyon" if number % 2 else "Oslo", waiting=number < 3) for number in range(8)}
    assert run(pool, segment(), segment("lyon", who={"all": [{"person.city": "Lyon"}]})).segments["tested"].members == 8
    assert pool.open() == ids
    with store.writing() as connection:
        connection.execute(update(tables.people).values(city="Lyon"))
    for person_id in ids:
        pool.touch(person_id)
    assert run(pool, segment(), segment("lyon", who={"all": [{"person.city": "Lyon"}]}), now=NOW + DAY).people == 8
    assert pool.open("lyon") == ids
    assert waiting(store, NOW).people == 0


def test_an_opt_out_takes_her_out_by_itself(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}")
    rule = segment(who={"all": [{"may_be_contacted": "future_jobs"}]})
    run(pool, rule)
    assert pool.open() == {ada}
    consent.refuse(
        store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click",
        at=NOW, address="Ada+x@example.com",
    )  # fmt: skip
    assert waiting(store, NOW).people == 1
    run(pool, rule, now=NOW + DAY)
    assert pool.open() == set()


# --- time -------------------------------------------------------------------------------------------------------


def test_time_alone_brings_her_in_and_out(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person(last_activity_at=NOW - 80 * DAY)
    pool.person(last_activity_at=None)
    quiet = segment(
        who={
            "all": [
                {"person.last_activity_at": {"older_than_days": 90}},
                {"person.last_activity_at": {"within_days": 100}},
            ]
        }
    )
    run(pool, quiet)
    for days, inside in ((9, False), (10, True), (19, True), (20, False), (50, False)):
        now = NOW + days * DAY
        due = waiting(store, now).due
        report = run(pool, quiet, now=now)
        assert (bool(pool.open()), report.people) == (inside, due), f"after {days} days"
        assert waiting(store, now).due == 0
    assert pool.open() == set()
    (membership,) = memberships(pool)
    assert (membership.subject_id, membership.since, membership.until) == (ada, NOW + 10 * DAY, NOW + 20 * DAY)


def test_time_under_none(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    pool.event(candidate_record_id=f"rec_{ada}", type="told", at=NOW - DAY)
    pool.event(candidate_record_id=f"rec_{ada}", type="told", at=NOW - 3 * DAY)
    rule = segment(who={"none": [{"event": {"type": "told", "at": {"within_days": 5}}}]})
    found = {}
    for days in (0, 1, 2, 3, 4, 5):
        run(pool, rule, now=NOW + days * DAY)
        found[days] = bool(pool.open())
    assert found == {0: False, 1: False, 2: False, 3: False, 4: True, 5: True}


def test_a_quiet_time_under_none(store: Store) -> None:
    pool = Pool(store)
    pool.person(last_activity_at=NOW - DAY)
    rule = segment(who={"none": [{"person.last_activity_at": {"within_days": 5}}]})
    assert [run(pool, rule, now=NOW + days * DAY).segments["tested"].members for days in (0, 3, 4)] == [0, 0, 1]


def test_what_lies_ahead_comes_near_and_passes(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    pool.event(candidate_record_id=f"rec_{ada}", type="interview_booked", at=NOW + 4 * DAY)
    rule = segment(who={"all": [{"event": {"type": "interview_booked", "at": {"in_next_days": 2}}}]})
    found = [run(pool, rule, now=NOW + days * DAY).segments["tested"].members for days in (0, 1, 2, 3, 4)]
    assert found == [0, 0, 1, 1, 0]


def test_no_answer_for_five_working_days(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()  # NOW is a Tuesday
    pool.application(ada, applied_at=NOW)
    rule = segment(
        subject="application",
        who={
            "all": [{"application.applied_at": {"older_than_working_days": 5}}],
            "none": [{"event": {"actor": "human", "at": {"after": "application.applied_at"}}}],
        },
    )
    run(pool, rule)
    assert [bool(run(pool, rule, now=NOW + days * DAY).segments["tested"].members) for days in (5, 6, 7)] == [
        False,
        False,
        True,
    ]
    pool.event(candidate_record_id=f"rec_{ada}", type="told", actor="human", at=NOW + 8 * DAY)
    pool.touch(ada)
    run(pool, rule, now=NOW + 8 * DAY)
    assert pool.open() == set()


def test_a_consent_that_ends_takes_her_out(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}", expires_at=NOW + 30 * DAY)
    rule = segment(who={"all": [{"may_be_contacted": "future_jobs"}]})
    run(pool, rule)
    assert memberships(pool)[0].next_due_at == NOW + 30 * DAY
    assert run(pool, rule, now=NOW + 29 * DAY).people == 0
    run(pool, rule, now=NOW + 30 * DAY)
    assert pool.open() == set()


def test_due_rows_of_somebody_merged_away_go(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person(last_activity_at=NOW)
    run(pool, segment(who={"all": [{"person.last_activity_at": {"older_than_days": 90}}]}))
    with store.writing() as connection:
        assert connection.execute(select(tables.segment_due.c.due_at)).scalar_one() == NOW + 90 * DAY
        connection.execute(delete(tables.people))
    pool.touch(ada)
    run(pool, segment(who={"all": [{"person.last_activity_at": {"older_than_days": 90}}]}), now=NOW + DAY)
    assert waiting(store, NOW + 365 * DAY).due == 0


# --- occasions --------------------------------------------------------------------------------------------------


def test_an_event_segment_knows_nothing_from_before_it_began(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    pool.application(ada, applied_at=NOW - timedelta(hours=1))
    rule = applicants(since=None)
    run(pool, rule)
    assert pool.open() == set()
    new = pool.application(ada, applied_at=NOW + timedelta(hours=1))
    pool.application(ada, applied_at=None)
    pool.touch(ada)
    run(pool, rule, now=NOW + timedelta(hours=2))
    assert pool.open() == {new}


def test_an_occasion_ends_when_it_is_of_no_use_any_more(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    fresh = pool.application(ada, applied_at=NOW - DAY)
    pool.application(ada, applied_at=NOW - 3 * DAY)
    run(pool, applicants())
    assert pool.open() == {fresh}
    run(pool, applicants(), now=NOW + 2 * DAY)
    assert pool.open() == set()
    assert (
        memberships(pool)[0].left_because == "not: application applied_at is not more than 3 days ago (useless after)"
    )


def test_an_occasion_by_another_fact(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person()
    told = pool.application(ada, applied_at=NOW - 60 * DAY, outcome="rejected", outcome_at=NOW - DAY)
    pool.application(ada, applied_at=NOW - DAY, outcome="rejected", outcome_at=NOW - 20 * DAY)
    run(pool, applicants(fact="outcome_at", who={"all": [{"application.outcome": "rejected"}]}))
    assert pool.open() == {told}


def test_a_second_ats_with_ten_years_of_applicants_is_no_occasion(store: Store) -> None:
    pool = Pool(store)
    run(pool, applicants(since=None))
    for years in range(10):
        pool.application(pool.person(), applied_at=NOW - years * 365 * DAY - timedelta(hours=1), landed_at=NOW + DAY)
    assert run(pool, applicants(since=None), now=NOW + DAY).segments["tested"].members == 0


# --- the four that are shipped ----------------------------------------------------------------------------------


def shipped(pool: Pool, now: datetime = NOW, **more: Any) -> dict[str, set[str]]:
    definitions = installations.read().segments
    run(pool, *definitions.values(), now=now, **more)
    return {name: pool.open(name) for name in definitions}


def test_new_applicants_are_acknowledged_once_and_by_one(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    mine = pool.application(ada, connection="careers_form")
    pool.application(ada, connection="ats_that_writes")
    pool.application(ada, acknowledged_at=NOW)
    pool.application(ada, outcome="rejected")
    pool.application(ada, kind="sourced")
    pool.application(ada, applied_at=NOW - 4 * DAY)
    polite = Source(name="ats_that_writes", connector="greenhouse", acknowledges_applicants=True)
    assert shipped(pool, sources=(polite,))["acknowledge_new_applicants"] == {mine}
    later = NOW + timedelta(hours=1)
    silent = polite.model_copy(update={"acknowledges_applicants": False})
    assert len(shipped(pool, later, sources=(silent,))["acknowledge_new_applicants"]) == 2


def test_silver_medallists(store: Store) -> None:
    pool = Pool(store)
    finalist = {"furthest_stage": "final_interview", "outcome": "rejected"}
    people = [pool.person(f"p{number}@example.com") for number in range(6)]
    for person_id in people[:5]:
        pool.statement(record_id=f"rec_{person_id}")
        pool.application(person_id, **finalist)
    pool.application(people[1])  # in process again
    pool.application(people[2], outcome="hired")
    pool.application(people[5], **finalist)  # said nothing
    early = pool.person("early@example.com")
    pool.statement(record_id=f"rec_{early}")
    pool.application(early, furthest_stage="interview", outcome="rejected")
    with store.writing() as connection:
        connection.execute(update(tables.people).where(tables.people.c.id == people[3]).values(relationship="employee"))
    assert shipped(pool)["silver_medallists"] == {people[0], people[4]}


def test_passive_talent(store: Store) -> None:
    pool = Pool(store)
    sourced = pool.person(origins=["sourced"], last_activity_at=NOW)
    quiet = pool.person(last_activity_at=NOW - 181 * DAY)
    soon = pool.person(last_activity_at=NOW - 170 * DAY)
    busy = pool.person(origins=["import"])
    pool.application(busy)
    pool.application(pool.person(origins=["import"]), outcome="hired")
    pool.application(sourced, kind="sourced")
    assert shipped(pool)["passive_talent"] == {sourced, quiet}
    assert shipped(pool, NOW + 10 * DAY)["passive_talent"] == {sourced, quiet, soon}


def test_referred_and_not_yet_contacted(store: Store) -> None:
    pool = Pool(store)
    people = [pool.person(f"p{number}@example.com") for number in range(5)]
    referral = {"kind": "referral", "referred": True, "connection": "careers_form", "applied_at": NOW - DAY}
    referrals = [pool.application(person_id, **referral) for person_id in people]
    pool.event(application_id=referrals[1], type="stage_changed", actor="human", at=NOW)
    pool.event(application_id=referrals[2], type="applied", actor="candidate", at=NOW)
    pool.delivery(person_id=people[3], planned_at=NOW, sent_at=NOW)
    pool.delivery(person_id=people[4], planned_at=NOW - 9 * DAY, sent_at=NOW - 9 * DAY)
    applied_herself = pool.application(pool.person(), referred=True)
    found = shipped(pool)
    assert found["referred_not_contacted"] == {referrals[0], referrals[2], referrals[4]}
    assert found["acknowledge_new_applicants"] == {applied_herself}
    later = NOW + timedelta(hours=1)
    pool.delivery(person_id=people[0], planned_at=later, sent_at=later)
    assert shipped(pool, later)["referred_not_contacted"] == {referrals[2], referrals[4]}


# --- why --------------------------------------------------------------------------------------------------------


def test_explain_says_why_since_when_and_until_when(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com", city="Lyon")
    pool.add(tables.person_aliases, id="per_old", person_id=ada, minted_number=0, since=NOW)
    pool.statement(record_id=f"rec_{ada}", expires_at=NOW + 5 * DAY)
    rule = segment(
        who={
            "all": [{"person.city": "Lyon"}, {"may_be_contacted": "future_jobs"}],
            "none": [{"person.relationship": "employee"}],
        }
    )
    run(pool, rule)
    said = "\n".join(explain(store, installation(rule), "tested", "per_old", NOW))
    assert f"{ada} is in tested since 2026-11-24 12:00 UTC." in said
    assert "yes  person city is Lyon" in said
    assert (
        "because: person city is Lyon; may be contacted about future_jobs; not: person relationship is employee."
        in said
    )
    assert "Time alone could change this on 2026-11-29 12:00 UTC." in said
    with store.writing() as connection:
        connection.execute(update(tables.people).values(city="Oslo"))
    said = "\n".join(explain(store, installation(rule), "tested", ada, NOW))
    assert "The rule does not hold because: not: person city is Lyon." in said
    assert "The next evaluation will change the membership." in said


def test_explain_takes_each_application_by_itself(store: Store) -> None:
    pool = Pool(store)
    ada, idle = pool.person(), pool.person()
    applied = [pool.application(ada), pool.application(ada, applied_at=NOW - 5 * DAY)]
    run(pool, applicants())
    said = explain(store, installation(applicants()), "tested", ada, NOW)
    assert [line for line in said if line.startswith("app_")] == [
        f"{applied[0]} is in tested since 2026-11-24 12:00 UTC.",
        f"{applied[1]} is not in tested.",
    ]
    assert explain(store, installation(applicants()), "tested", idle, NOW) == [
        f"{idle} has no application, and tested is about applications."
    ]


def test_explain_names_what_there_is(store: Store) -> None:
    with pytest.raises(Misconfigured, match="no segment 'medalists'; there are tested"):
        explain(store, installation(segment()), "medalists", "per_1", NOW)
    with pytest.raises(NoSuchPerson, match="nobody with the id"):
        explain(store, installation(segment()), "tested", "per_1", NOW)
