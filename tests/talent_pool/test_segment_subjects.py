"""Segments about interviews, users and matches; who is written to; the segments that are shipped."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connectors.contract import DestinationSettings, Fate, Push
from connectors.records import Channel
from talent_pool import installation as installations
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery.contact_policy import FREE
from talent_pool.installation import Installation
from talent_pool.segments import evaluate, explain
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.job_matches import words_of
from talent_pool.store import tables
from talent_pool.store.database import Store
from tests.talent_pool.outbound import ON, Post
from tests.talent_pool.pool_rows import NOW, Pool, installation, segment

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SHIPPED = installations.read().segments


def shipped(name: str, **more: Any) -> SegmentDefinition:
    """Return a shipped segment, begun ten days before NOW."""
    definition = SHIPPED[name]
    return definition.model_copy(update={"since": (NOW - 10 * DAY).isoformat(), **more} if definition.event else more)


def interview(pool: Pool, application: str, **fields: Any) -> str:
    number = next(pool.numbers)
    row = {
        "id": f"int_{number:04}", "connection": "greenhouse", "application_id": application, "state": "booked",
        "booked_at": NOW - DAY, "starts_at": NOW + DAY,
    }  # fmt: skip
    return pool.add(tables.interviews, **{**row, **fields})


def user(pool: Pool, remote_id: str, **fields: Any) -> str:
    row = {
        "id": f"usr_{remote_id}", "organisation": "default", "connection": "greenhouse", "remote_id": remote_id,
        "record_id": f"rec_u{remote_id}", "name": f"User {remote_id}", "email": f"u{remote_id}@example.com",
        "active": True, "roles": [],
    }  # fmt: skip
    return pool.add(tables.users, **{**row, **fields})


def push(pool: Pool, definition: SegmentDefinition, now: datetime = NOW) -> tuple[Post, Any]:
    settings = DestinationSettings(
        name="post", connector="smtp", pushes=(Push(segment=definition.name, since="2020-01-01T00:00:00Z"),)
    )
    post = Post(settings=settings)
    whole = Installation({}, {definition.name: definition}, {"post": settings}, {}, policies={"default": FREE})
    evaluate(pool.store, whole, now)
    return post, delivery.deliver(pool.store, whole, post, now, ON)


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        # 2026-11-26 09:00 UTC is Thursday everywhere but in Honolulu, where it is still Wednesday, 23:00
        ("Europe/Berlin", datetime(2026, 11, 24, 23, tzinfo=UTC)),
        ("Pacific/Honolulu", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        (None, datetime(2026, 11, 25, tzinfo=UTC)),
    ],
)
def test_tomorrow_is_by_the_candidates_calendar(store: Store, zone: str | None, begins: datetime):
    pool = Pool(store)
    ada = pool.person("ada@example.org", time_zone=zone)
    own = interview(
        pool, pool.application(ada), starts_at=datetime(2026, 11, 26, 9, tzinfo=UTC), booked_at=NOW - 3 * DAY
    )
    tips = installation(shipped("night_before_tips"))
    evaluate(store, tips, begins - 2 * HOUR)
    assert pool.open("night_before_tips") == set()
    evaluate(store, tips, begins - timedelta(seconds=1))
    assert pool.open("night_before_tips") == set()
    evaluate(store, tips, begins)
    assert pool.open("night_before_tips") == {own}, "nobody touched her: midnight where she is did"
    evaluate(store, tips, begins + DAY)
    assert pool.open("night_before_tips") == set()


def test_tips_say_when_and_where_by_her_own_clock(store: Store):
    pool = Pool(store)
    ada = pool.person("ada@example.org", time_zone="America/New_York", first_name="Ada")
    job = pool.job(name="Engineer")
    interview(
        pool, pool.application(ada, job_id=job), starts_at=NOW + DAY + 6 * HOUR, video_url="https://meet.example/1"
    )
    post, _ = push(pool, shipped("night_before_tips"))
    (sent,) = post.sent
    assert sent.address == "ada@example.org"
    assert "Wednesday, 25 November 2026 at 13:00 (America/New_York)" in sent.fields["text"]
    assert 'href="https://meet.example/1"' in sent.fields["html"]
    late = Pool(store)
    interview(late, late.application(ada, id="app_late"), id="int_late", starts_at=NOW + DAY)
    late.touch(ada)
    post, told = push(pool, shipped("night_before_tips"), NOW + DAY + HOUR)
    assert post.sent == [], "an interview that has begun needs no tips"
    assert told.fates[Fate.UNCHANGED] + told.fates[Fate.SUPPRESSED] <= 1


def test_an_invitation_that_was_answered_is_not_sent(store: Store):
    pool = Pool(store)
    for name, state in (("ada", "invited"), ("bob", "booked")):
        application = pool.application(pool.person(f"{name}@example.org"))
        interview(pool, application, state=state, invited_at=NOW - HOUR, booking_url="https://book.example/x")
    post, _ = push(pool, shipped("interview_booking_invitation"))
    assert [row.address for row in post.sent] == ["ada@example.org"]
    assert "https://book.example/x" in post.sent[0].fields["text"]


def test_feedback_overdue_goes_to_the_hiring_manager(store: Store):
    pool = Pool(store)
    user(pool, "1"), user(pool, "2"), user(pool, "3", active=False)
    managed = pool.job(name="Engineer", body={"hiring_manager_ids": ["3", "2"]})
    other = pool.job(name="Baker")
    ada, bob = pool.person("ada@example.org", full_name="Ada Lin"), pool.person("bob@example.org")
    past = {"state": "held", "starts_at": NOW - 5 * DAY}
    interview(pool, pool.application(ada, job_id=managed, recruiter_id="1"), **past)
    interview(pool, pool.application(bob, job_id=other, recruiter_id="1"), **past)
    interview(pool, pool.application(bob, recruiter_id="1"), **past, feedback_given_at=NOW - 4 * DAY)
    post, _ = push(pool, shipped("feedback_overdue"))
    assert {row.address for row in post.sent} == {"u2@example.com", "u1@example.com"}
    to_manager = next(row for row in post.sent if row.address == "u2@example.com")
    assert "Hello User," in to_manager.fields["text"]
    assert "with Ada Lin for Engineer" in to_manager.fields["text"]
    with store.reading() as connection:
        kept = connection.execute(tables.deliveries.select()).all()
    assert {row.person_id for row in kept} == {None}, "what a colleague is told is no message to the candidate"


def test_a_referrer_is_thanked_and_learns_nothing_of_her(store: Store):
    pool = Pool(store)
    ada = pool.person("ada@example.org", full_name="Ada Lin", first_name="Ada", last_name="Lin")
    told = {"name": "Rob Ferry", "email": "rob@example.com"}
    pool.application(ada, referred=True, referrer=told, landed_at=NOW - HOUR)
    post, _ = push(pool, shipped("referrer_thanks"))
    (sent,) = post.sent
    assert sent.address == "rob@example.com"
    assert "Hello Rob" in sent.fields["text"]
    assert "Lin" not in sent.fields["text"] + sent.fields["html"]


def test_a_segment_of_users_is_judged_every_time_and_writes_nothing_new(store: Store):
    pool = Pool(store)
    user(pool, "1"), user(pool, "2")
    interview(pool, pool.application(pool.person()), user_id="1", state="held", starts_at=NOW - DAY)
    owing = segment(
        "owing", subject="user", recipient="user", type="service", purpose="this_application",
        who={"all": [{"interview": {"state": "held", "feedback_given_at": {"known": False}}}]},
    )  # fmt: skip
    evaluate(store, installation(owing), NOW)
    assert pool.open("owing") == {"usr_1"}
    before = pool.dump()
    evaluate(store, installation(owing), NOW + HOUR)
    assert pool.dump() == before
    with store.writing() as connection:
        connection.execute(update(tables.interviews).values(feedback_given_at=NOW))
    evaluate(store, installation(owing), NOW + 2 * HOUR)
    assert pool.open("owing") == set()
    assert "usr_1 is not in owing" in explain(store, installation(owing), "owing", "usr_1", NOW)[0]


def _past(pool: Pool, job: str, name: str, **more: Any) -> str:
    person = pool.person(f"{name}@example.org", first_name=name.capitalize())
    pool.statement(record_id=f"rec_{person}")
    fields = {
        "job_id": job,
        "outcome": "rejected",
        "furthest_stage": "screening",
        "applied_at": NOW - 200 * DAY,
        **more,
    }
    pool.application(person, **fields)
    return person


def test_a_new_job_finds_who_applied_for_one_like_it(store: Store):
    pool = Pool(store)
    old = pool.job(name="Senior Data Engineer (m/w/d)", status="closed", body={"departments": ["9"]})
    baker = pool.job(name="Baker", status="closed", body={"departments": ["9"]})
    ada = _past(pool, old, "ada")
    _past(pool, baker, "bob")
    _past(pool, old, "cy", outcome="hired")
    _past(pool, old, "dee", furthest_stage="applied")
    again = pool.application(ada, job_id=old, outcome="rejected", furthest_stage="screening")
    found = installation(shipped("rediscovery"))
    evaluate(store, found, NOW)
    assert pool.open("rediscovery") == set(), "no job is open"
    pool.job(name="Data Engineer, Payments", status="open", modified_at=NOW + DAY, body={"departments": ["9"]})
    post, _ = push(pool, shipped("rediscovery"), NOW + DAY)
    assert [row.address for row in post.sent] == ["ada@example.org"], "once, though she applied twice"
    assert again
    assert "the titles share: data, engineer; the same department" in post.sent[0].fields["text"]
    before = pool.dump()
    evaluate(store, found, NOW + DAY)
    assert pool.dump() == before
    pool.job(name="Data Engineer, Search", status="open", modified_at=NOW + 2 * DAY)
    post, _ = push(pool, shipped("rediscovery"), NOW + 2 * DAY)
    assert [row.address for row in post.sent] == ["ada@example.org"], "another job is another occasion"


def test_words_of_a_title_leave_out_what_says_nothing_of_the_work():
    assert words_of("Senior Pflegefachkraft (m/w/d) – Vollzeit 80%") == {"pflegefachkraft", "vollzeit"}


def test_skills_are_asked_for_without_regard_to_capitals(store: Store):
    pool = Pool(store)
    ada = pool.person(golden={"origins": [], "profile": {"skills": [{"name": "PostgreSQL"}]}})
    pool.person(golden={"origins": [], "profile": {"skills": [], "work": [{"name": "PostgreSQL"}]}})
    evaluate(store, installation(segment(who={"all": [{"person.skills": ["postgresql"]}]})), NOW)
    assert pool.open() == {ada}


def test_consent_that_runs_out_and_former_employees(store: Store):
    pool = Pool(store)
    ada, bob = pool.person("ada@example.org"), pool.person("bob@example.org", relationship="former_employee")
    pool.statement(record_id=f"rec_{ada}", expires_at=NOW + 20 * DAY)
    pool.statement(record_id=f"rec_{bob}", expires_at=NOW + 90 * DAY)
    evaluate(store, installation(shipped("consent_running_out"), shipped("alumni")), NOW)
    assert (pool.open("consent_running_out"), pool.open("alumni")) == ({ada}, {bob})
    evaluate(store, installation(shipped("consent_running_out"), shipped("alumni")), NOW + 61 * DAY)
    assert pool.open("consent_running_out") == {bob}


def test_early_rejection_and_the_one_that_a_person_tells(store: Store):
    pool = Pool(store)
    ended = {"outcome": "rejected", "outcome_at": NOW - DAY, "applied_at": NOW - 9 * DAY}
    early = pool.application(pool.person(), furthest_stage="screening", **ended)
    late = pool.application(pool.person(), furthest_stage="interview", **ended)
    pool.event(type="interview_held", application_id=late, at=NOW - 3 * DAY)
    evaluate(store, installation(shipped("early_rejection"), shipped("final_rejection")), NOW)
    assert (pool.open("early_rejection"), pool.open("final_rejection")) == ({early}, {late})


@pytest.mark.parametrize("name", [one for one in SHIPPED if one != "final_rejection"])
def test_every_shipped_segment_has_letters_that_can_be_filled(name: str):
    from talent_pool.delivery.letters import Stationery

    told = "first_name language job_title job_url answer_by voucher_code interview_place video_url reasons"
    fields = dict.fromkeys([*told.split(), "candidate_name"])
    # what the segments' own conditions make sure of
    fields |= {"interview_day": NOW.date(), "interview_time": "09:00 (UTC)", "booking_url": "https://b.example/x"}
    fields |= {"sender": "Northwind", "unsubscribe_url": "https://u.example/x"}
    if SHIPPED[name].channel is Channel.SMS:
        text = Stationery().write_short(name, fields, marketing=SHIPPED[name].type == "marketing").fields["text"]
        assert text.startswith("Northwind: ")
        assert "None" not in text
        return
    letter = Stationery().write(name, fields)
    assert "None" not in letter.text + letter.html
    assert "https://u.example/x" in letter.text
