"""The contact policy: by itself, at the gate, and what becomes of what no machine may say."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import insert, update

from connectors.contract import Cleared, DestinationSettings, Fate, Push, RowOutcome
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery import policy, tasks, vouchers
from talent_pool.delivery.contact_policy import FREE, Cap, ContactPolicy, QuietHours
from talent_pool.installation import Installation
from talent_pool.refused import Refused
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, deliveries, events, people, users
from talent_pool.store.tables import tasks as tasks_table
from tests.talent_pool.outbound import NOW, ON, Pool, Post, Shelf, installation, post_settings, shelf_settings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "goes"),
    [
        ("UTC", at(5, 9), at(5, 9)),
        ("UTC", at(5, 20), at(6, 8)),
        ("UTC", at(6, 7, 59), at(6, 8)),
        ("UTC", at(6, 8), at(6, 8)),
        ("America/New_York", at(5, 9), at(5, 12)),
        ("Asia/Tokyo", at(5, 12), at(5, 23)),
        ("Europe/Berlin", at(24, 19), at(25, 7)),  # the night in which summer time ends has an hour more
    ],
)
def test_quiet_hours_are_the_persons_own(zone: str, now: datetime, goes: datetime):
    assert QuietHours().over(now, zone) == goes


def test_quiet_hours_within_a_day():
    siesta = QuietHours(begin="12:00", end="14:00")
    assert siesta.over(at(5, 13), "UTC") == at(5, 14)
    assert siesta.over(at(5, 11), "UTC") == at(5, 11)


@pytest.mark.parametrize(
    ("sent", "goes"),
    [
        ([], at(5, 9)),
        ([at(5, 8)], at(6, 8)),
        ([at(4, 23)], at(5, 9)),
        ([at(1, 9), at(2, 9), at(3, 9)], at(8, 8)),
    ],
)
def test_caps_count_days_of_the_calendar(sent: list[datetime], goes: datetime):
    rules = ContactPolicy(caps=(Cap(messages=1, days=1), Cap(messages=3, days=7)))
    assert rules.may_go(at(5, 9), "UTC", sent) == goes


def _deliver(pool: Pool, destination: Any, rules: ContactPolicy, now: datetime = NOW, **more: Any) -> Any:
    return delivery.deliver(pool.store, installation(destination.settings, policy=rules), destination, now, ON, **more)


def _row(report: Any, segment: str = "silver_medallists") -> Any:
    return next(row for row in report.rows if row.segment == segment)


def test_a_message_waits_for_the_morning_where_the_person_is(store: Store):
    pool, post = Pool(store), Post(settings=post_settings("silver_medallists"))
    pool.join("silver_medallists", pool.person("ann"))
    with store.writing() as connection:
        connection.execute(update(people).values(time_zone="America/New_York"))
    rules = ContactPolicy()
    shown = _deliver(pool, post, rules)
    assert (shown.fates[Fate.DEFERRED], post.sent) == (1, [])
    assert "It may go from 2026-10-05 12:00 UTC" in _row(shown).reason
    before = pool.counts()
    _deliver(pool, post, rules, NOW + HOUR)
    assert pool.counts() == before, "the same reason is not written again"
    assert _deliver(pool, post, rules, NOW + 3 * HOUR).fates[Fate.SENT] == 1


def test_one_marketing_message_a_day_and_the_highest_priority_first(store: Store):
    pool = Pool(store)
    post = Post(settings=post_settings("passive_talent", "silver_medallists"))
    ann = pool.person("ann")
    pool.join("silver_medallists", ann)
    pool.join("passive_talent", ann)
    found = installation(post.settings, policy=ContactPolicy())
    ranked = {
        name: one.model_copy(update={"priority": 20 if name == "silver_medallists" else 10})
        for name, one in found.segments.items()
    }
    whole = Installation({}, ranked, found.destinations, {}, policies=found.policies)
    dry = delivery.deliver(store, whole, post, NOW, ON, dry_run=True)
    assert {row.segment: row.fate for row in dry.rows} == {
        "silver_medallists": Fate.SENT,
        "passive_talent": Fate.DEFERRED,
    }
    first = delivery.deliver(store, whole, post, NOW, ON)
    assert [row.tag for row in post.sent] == ["silver_medallists"]
    assert "2026-10-06 08:00" in _row(first, "passive_talent").reason
    delivery.deliver(store, whole, post, NOW + 2 * HOUR, ON)
    assert len(post.sent) == 1
    delivery.deliver(store, whole, post, NOW + DAY, ON)
    assert [row.tag for row in post.sent] == ["silver_medallists", "passive_talent"]


def test_a_higher_segment_that_waits_at_another_destination_goes_first(store: Store):
    pool = Pool(store)
    ann = pool.person("ann")
    pool.join("silver_medallists", ann)
    pool.join("passive_talent", ann)
    high = Post(settings=post_settings("silver_medallists"))
    low = Post(settings=post_settings("passive_talent").model_copy(update={"name": "other"}))
    found = installation(high.settings, low.settings)
    ranked = {
        **found.segments,
        "silver_medallists": found.segments["silver_medallists"].model_copy(update={"priority": 9}),
    }
    whole = Installation({}, ranked, found.destinations, {}, policies={"default": ContactPolicy()})
    night = NOW + 12 * HOUR
    delivery.deliver(store, whole, high, night, ON)
    told = delivery.deliver(store, whole, low, night + 11 * HOUR, ON)
    assert (_row(told, "passive_talent").reason, low.sent) == (policy.RIVAL, [])
    delivery.deliver(store, whole, high, night + 12 * HOUR, ON)
    assert len(high.sent) == 1


def test_in_process_and_just_rejected_hear_no_marketing_but_every_answer(store: Store):
    pool = Pool(store)
    ann = pool.person("ann")
    pool.join("silver_medallists", ann)
    pool.application("ann", 1)
    shelf = Shelf()
    post = Post(settings=post_settings("silver_medallists", "acknowledge_new_applicants"))
    rules = ContactPolicy()
    assert _row(_deliver(pool, shelf, rules)).reason == policy.IN_PROCESS
    assert _row(_deliver(pool, post, rules)).reason == policy.IN_PROCESS
    assert [row.tag for row in post.sent] == ["acknowledge_new_applicants"], "an answer is owed, whatever the policy"
    with store.writing() as connection:
        connection.execute(update(applications).values(outcome="rejected", outcome_at=NOW))
    later = _row(_deliver(pool, shelf, rules))
    assert later.fate is Fate.DEFERRED
    assert "14 days after a rejection" in later.reason
    assert "2026-10-19 09:00" in later.reason
    assert _deliver(pool, shelf, rules, NOW + 14 * DAY).fates[Fate.SENT] == 1


@pytest.mark.parametrize(("actor", "counts"), [("human", True), ("candidate", True), (None, True), ("machine", False)])
def test_an_open_application_counts_as_long_as_something_happens_to_it(store: Store, actor: str | None, counts: bool):
    pool = Pool(store)
    ann = pool.person("ann")
    pool.join("silver_medallists", ann)
    application = pool.application("ann", 1, applied_at=NOW - 100 * DAY)
    event = {
        "id": "evt_1", "connection": "test", "record_id": "rec_evt_1", "application_id": application,
        "type": "stage_changed", "at": NOW - 30 * DAY, "precision": "exact", "actor": actor, "details": {},
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(insert(events).values(event))
    shelf, rules = Shelf(), ContactPolicy(cool_off_days=0)
    sent = _deliver(pool, shelf, rules).fates.get(Fate.SENT, 0)
    assert sent == (0 if counts else 1)
    if counts:
        assert _row(_deliver(pool, shelf, rules, NOW + 59 * DAY)).reason == policy.IN_PROCESS
        assert _deliver(pool, shelf, rules, NOW + 60 * DAY).fates[Fate.SENT] == 1
    for_ever = rules.model_copy(update={"in_process_days": 0})
    assert _deliver(pool, shelf, for_ever, NOW + 1000 * DAY).fates[Fate.REMOVED] == 1
    assert policy.next_moment(policy.Contact(active_at=NOW), for_ever, NOW + 1000 * DAY) is None


def test_service_messages_go_at_night_and_as_often_as_there_is_something_to_say(store: Store):
    pool, post = Pool(store), Post(settings=post_settings("acknowledge_new_applicants"))
    pool.person("ann")
    midnight = NOW.replace(hour=0)
    for number in (1, 2, 3):
        pool.application("ann", number, applied_at=midnight - HOUR)
    _deliver(pool, post, ContactPolicy(), midnight)
    assert len(post.sent) == 3


def test_do_not_contact_reaches_every_address_and_binds_marketing_alone(store: Store):
    pool = Pool(store)
    ann = pool.person("ann")
    pool.join("silver_medallists", ann)
    pool.application("ann", 1)
    consent.suppress(
        store, organisation="default", channel=Channel.ANY, reason="do_not_contact", source="test", at=NOW,
        address="Ann+news@example.org",
    )  # fmt: skip
    post = Post(settings=post_settings("silver_medallists", "acknowledge_new_applicants"))
    _deliver(pool, post, FREE)
    assert [row.tag for row in post.sent] == ["acknowledge_new_applicants"]
    key = pool.rows(deliveries)[0].address_key
    assert consent.lift(store, at=NOW, address_keys={key}, reason="do_not_contact") == 1
    _deliver(pool, post, FREE, NOW + HOUR)
    assert len(post.sent) == 2


def test_a_holdout_is_never_reached_is_counted_and_stays_the_same(store: Store):
    pool, post = Pool(store), Post(settings=post_settings("silver_medallists"))
    for number in range(60):
        pool.join("silver_medallists", pool.person(f"p{number}"))
    found = installation(post.settings)
    half = {
        **found.segments,
        "silver_medallists": found.segments["silver_medallists"].model_copy(update={"holdout": 0.5}),
    }
    whole = Installation({}, half, found.destinations, {}, policies=found.policies)
    told = delivery.deliver(store, whole, post, NOW, ON)
    held = {row.person_id for row in told.rows if row.reason == policy.HELD_OUT}
    assert 15 < len(held) < 45
    assert told.fates[Fate.SENT] + len(held) == 60
    assert not held & {f"per_{row.address.partition('@')[0]}" for row in post.sent}
    again = delivery.deliver(store, whole, post, NOW + DAY, ON)
    assert {row.person_id for row in again.rows} == held


FINAL = SegmentDefinition(
    name="final_rejection", description="", subject="application", type="service", purpose=Purpose.THIS_APPLICATION,
    event=True, useless_after_days=30, owner="people@example.com",
    who={"all": [{"application.outcome": "rejected"}]},
)  # fmt: skip


def _rejected(pool: Pool, name: str, number: int, rank: int, **more: Any) -> str:
    pool.person(name)
    application = pool.application(name, number)
    pool.leave("acknowledge_new_applicants", application)
    with pool.store.writing() as connection:
        values = {"outcome": "rejected", "furthest_rank": rank, "recruiter_id": "7", **more}
        connection.execute(update(applications).where(applications.c.id == application).values(values))
    pool.join("final_rejection", application, f"per_{name}", subject_type="application")
    return application


def test_a_rejection_after_an_interview_is_a_task_and_never_a_message(store: Store):
    pool = Pool(store)
    _rejected(pool, "ann", 1, rank=3)
    _rejected(pool, "bob", 2, rank=1)
    offered = _rejected(pool, "cy", 3, rank=5, outcome="pending", stage="offer")
    with store.writing() as connection:
        connection.execute(
            insert(users).values(
                id="usr_7",
                organisation="default",
                connection="test",
                remote_id="7",
                record_id="rec_u",
                name="Ray Cruz",
                email="ray@example.com",
                active=True,
                roles=[],
            )
        )
    settings = DestinationSettings(
        name="post", connector="smtp",
        pushes=(Push(segment="final_rejection", since="2026-01-01T00:00:00Z", template="silver_medallists"),),
    )  # fmt: skip
    post = Post(settings=settings)
    whole = Installation({}, {"final_rejection": FINAL}, {"post": settings}, {})
    told = delivery.deliver(store, whole, post, NOW, ON)
    assert [row.address for row in post.sent] == ["bob@example.org"]
    assert told.fates[Fate.SUPPRESSED] == 2
    found = {one.person_id: one for one in tasks.listed(store)}
    assert {name: (one.kind, one.assignee) for name, one in found.items()} == {
        "per_ann": ("rejection", "Ray Cruz"),
        "per_cy": ("offer", "Ray Cruz"),
    }
    before = (pool.rows(tasks_table), pool.counts())
    delivery.deliver(store, whole, post, NOW + HOUR, ON)
    assert (pool.rows(tasks_table), pool.counts()) == before
    tasks.complete(store, found["per_ann"].id, "ray", NOW)
    assert [one.person_id for one in tasks.listed(store)] == ["per_cy"]
    with pytest.raises(Refused):
        tasks.complete(store, found["per_ann"].id, "ray", NOW)
    assert offered


def test_a_task_is_known_by_its_kind_and_not_by_its_sentence(store: Store, monkeypatch: pytest.MonkeyPatch):
    pool = Pool(store)
    _rejected(pool, "ann", 1, rank=3)
    settings = DestinationSettings(
        name="post", connector="smtp",
        pushes=(Push(segment="final_rejection", since="2026-01-01T00:00:00Z", template="silver_medallists"),),
    )  # fmt: skip
    monkeypatch.setattr(policy, "HUMAN_MOMENT", "Said in other words.")
    whole = Installation({}, {"final_rejection": FINAL}, {"post": settings}, {})
    told = delivery.deliver(store, whole, Post(settings=settings), NOW, ON)
    assert [row.reason for row in told.rows] == ["Said in other words."]
    assert [one.kind for one in tasks.listed(store)] == ["rejection"]


def test_each_voucher_code_is_handed_out_once(store: Store):
    pool = Pool(store)
    segment = FINAL.model_copy(update={"voucher": "course"})
    for number, name in enumerate(("ann", "bob", "cy"), start=1):
        _rejected(pool, name, number, rank=0)
    settings = DestinationSettings(
        name="post", connector="smtp",
        pushes=(Push(segment="final_rejection", since="2026-01-01T00:00:00Z", template="early_rejection"),),
    )  # fmt: skip
    post = Post(settings=settings)
    whole = Installation({}, {"final_rejection": segment}, {"post": settings}, {})
    assert vouchers.add(store, "course", ["AA-1", "BB-2", "AA-1"], NOW) == 2
    dry = delivery.deliver(store, whole, post, NOW, ON, dry_run=True)
    assert all(vouchers.SHOWN in row.fields["text"] for row in dry.rows)
    assert vouchers.counts(store) == {"course": (2, 0)}, "looking takes no code"
    told = delivery.deliver(store, whole, post, NOW, ON)
    codes = [code for row in post.sent for code in ("AA-1", "BB-2") if code in row.fields["text"]]
    assert sorted(codes) == ["AA-1", "BB-2"]
    assert [row.reason for row in told.rows if row.fate is Fate.DEFERRED] == [vouchers.NONE_LEFT]
    vouchers.add(store, "course", ["CC-3"], NOW)
    delivery.deliver(store, whole, post, NOW + HOUR, ON)
    assert "CC-3" in post.sent[-1].fields["text"]
    assert vouchers.counts(store) == {"course": (0, 3)}


def test_a_state_destination_takes_no_segment_for_colleagues(store: Store):
    found = installation(shelf_settings("silver_medallists"))
    thanks = found.segments["acknowledge_new_applicants"].model_copy(
        update={"recipient": "referrer", "name": "silver_medallists"}
    )
    whole = Installation({}, {**found.segments, "silver_medallists": thanks}, found.destinations, {})
    with pytest.raises(Exception, match="Push it as a message"):
        delivery.deliver(store, whole, Shelf(), NOW, ON)


@dataclass
class Waiting(Post):
    """A post that takes no message before the others, too, have had theirs cleared."""

    cleared: Barrier = field(default_factory=lambda: Barrier(1))

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        self.cleared.wait(30)
        yield from super().apply(rows, now)


def test_of_destinations_that_send_at_the_same_moment_one_writes_to_a_person(store: Store):
    pool, cleared = Pool(store), Barrier(3)
    segments = ("silver_medallists", "passive_talent", "referred_not_contacted")
    posts = [
        Waiting(settings=post_settings(one).model_copy(update={"name": f"post_{one}"}), batch=10, cleared=cleared)
        for one in segments
    ]
    names = ("ann", "bob", "cy")
    for name in names:
        person = pool.person(name)
        for segment in segments:
            pool.join(segment, person)
    daily = ContactPolicy(caps=(Cap(messages=1, days=1),), quiet_hours=None)
    with ThreadPoolExecutor(3) as threads:
        reports = list(threads.map(lambda post: _deliver(pool, post, daily), posts))
    reached = Counter(row.address for post in posts for row in post.sent)
    assert reached == {f"{name}@example.org": 1 for name in names}
    assert sum(report.fates[Fate.SENT] for report in reports) == 3
    assert sum(report.fates[Fate.DEFERRED] for report in reports) == 6
    assert not pool.unbalanced()
