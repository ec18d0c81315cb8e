"""Applications, jobs and events, whatever the order their parts come in."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from connectors.records import (
    Application,
    ApplicationSource,
    Disposition,
    Interaction,
    Job,
    JobStage,
    Outcome,
    Record,
    Reference,
    Referrer,
    RejectReason,
    Stage,
    StageEntry,
)
from talent_pool.resolution.resolve import ResolveReport, resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, changes, events, jobs, memberships, people, referral_links, work
from tests.examples import examples
from tests.talent_pool.small_world import (
    INSTALLATION,
    NOW,
    birth_id,
    candidate,
    held,
    land,
    later,
    remove,
    same_address,
)


def run(store: Store, minutes: int = 0) -> ResolveReport:
    return resolve_all(store, INSTALLATION, later(minutes), score=same_address)


def rows(store: Store, table: Any) -> list[Any]:
    with store.reading() as connection:
        return sorted(connection.execute(select(table)), key=lambda row: str(row[0]))


PARTS: list[Record] = [
    candidate("c1", "Mary Jones", ["mary@example.com"]),
    Application(
        remote_id="a1",
        candidate_id="c1",
        job_id="j1",
        applied_at=later(-9000),
        stage_id="s2",
        outcome=Outcome.REJECTED,
        source=ApplicationSource(remote_id="7"),
    ),
    Job(remote_id="j1", name="Welder", status="open", confidential=True),
    JobStage(remote_id="s2", job_id="j1", name="Phone", stage=Stage.SCREENING),
    JobStage(remote_id="s5", job_id="j1", name="Panel", stage=Stage.FINAL_INTERVIEW),
    StageEntry(remote_id="e1", application_id="a1", stage_id="s5", entered_at=later(-5000), exited_at=later(-4000)),
    StageEntry(remote_id="e2", application_id="a1", stage_id="s2", entered_at=later(-8000), current=True),
    Disposition(remote_id="d1", application_id="a1", outcome=Outcome.REJECTED, at=later(-100), reason_id="3"),
    Reference(remote_id="7", kind="source", name="Town fair", details={"family": "event"}),
    Reference(remote_id="reject_reason:3", kind="reject_reason", name="Not enough practice"),
    Interaction(remote_id="i1", application_id="a1", type="acknowledged", at=later(-8900), actor="machine"),
    Interaction(remote_id="i2", type="referral_click", at=later(-9100)),
]


def test_an_application_is_projected_from_all_its_parts(store: Store) -> None:
    land(store, "ats", *PARTS)
    report = run(store)
    assert report.applications == 1
    (row,) = rows(store, applications)
    (person,) = held(store)
    assert row.id == "app_" + birth_id(store, "ats", "a1", "application").removeprefix("rec_")
    assert (row.person_id, row.candidate_record_id) == (person, birth_id(store, "ats", "c1"))
    assert (row.stage, row.stage_name, row.stage_entered_at) == ("screening", "Phone", later(-8000))
    assert (row.furthest_stage, row.furthest_rank) == ("final_interview", Stage.FINAL_INTERVIEW.rank)
    assert (row.outcome, row.outcome_at, row.outcome_learned_at) == ("rejected", later(-100), NOW)
    assert (row.reject_reason, row.source_name, row.source_family) == ("Not enough practice", "Town fair", "event")
    assert (row.acknowledged_at, row.referred, row.on_hold) == (later(-8900), False, False)
    (job,) = rows(store, jobs)
    assert (job.id, job.name, job.confidential) == (row.job_id, "Welder", True)
    told = {event.type: event for event in rows(store, events)}
    assert (told["acknowledged"].application_id, told["acknowledged"].candidate_record_id) == (
        row.id,
        row.candidate_record_id,
    )
    assert (told["referral_click"].application_id, told["referral_click"].candidate_record_id) == (None, None)
    (mary,) = rows(store, people)
    assert mary.last_activity_at == later(-100)


def _without(row: Any, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in names}


@pytest.mark.heavy
@examples(8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(order=st.permutations(PARTS), cuts=st.sets(st.integers(1, len(PARTS) - 1), max_size=5))
def test_parts_may_come_in_any_order(new_store: Any, order: list[Record], cuts: set[int]) -> None:
    at_once, bit_by_bit = new_store(), new_store()
    land(at_once, "ats", *PARTS)
    run(at_once)
    edges = [0, *sorted(cuts), len(order)]
    for start, end in pairwise(edges):
        land(bit_by_bit, "ats", *order[start:end])
        run(bit_by_bit)
    for table in (applications, jobs, events):
        assert [_without(row) for row in rows(bit_by_bit, table)] == [_without(row) for row in rows(at_once, table)]
    derived = ("created_at", "modified_at", "sequence", "minted_number", "provenance")
    assert [_without(row, *derived) for row in rows(bit_by_bit, people)] == [
        _without(row, *derived) for row in rows(at_once, people)
    ]


def test_an_application_waits_for_its_candidate(store: Store) -> None:
    land(store, "ats", Application(remote_id="a1", candidate_id="c1"))
    run(store)
    (row,) = rows(store, applications)
    assert (row.person_id, row.outcome) == (None, "pending")
    land(store, "ats", candidate("c1", "Mary Jones", ["mary@example.com"]))
    run(store, 1)
    (row,) = rows(store, applications)
    assert [row.person_id] == list(held(store))


def test_applications_and_their_memberships_follow_the_person(store: Store) -> None:
    (a,) = land(store, "ats", candidate("c1", "Mary Jones", ["mary@example.com"]))
    run(store)
    land(
        store, "board", candidate("c2", "Mary Jones", ["mj@example.org"]), Application(remote_id="a", candidate_id="c2")
    )
    run(store)
    (row,) = rows(store, applications)
    first, second = next(person for person, own in held(store).items() if a in own), row.person_id
    with store.writing() as connection:
        own = {"organisation": "default", "segment_version": "1", "entered_because": "test"}
        connection.execute(
            insert(memberships),
            [
                own | {"id": "m1", "segment": "x", "subject_type": "application", "subject_id": row.id,
                       "person_id": second, "since": NOW},
                own | {"id": "m2", "segment": "y", "subject_type": "person", "subject_id": first, "person_id": first,
                       "since": later(5)},
                own | {"id": "m3", "segment": "y", "subject_type": "person", "subject_id": second,
                       "person_id": second, "since": later(2)},
                own | {"id": "m4", "segment": "z", "subject_type": "person", "subject_id": second,
                       "person_id": second, "since": later(2)},
            ],
        )  # fmt: skip
    (bridge,) = land(store, "portal", candidate("b", "Mary Jones", ["mary@example.com", "mj@example.org"]))
    run(store, 10)
    assert rows(store, applications)[0].person_id == first
    told = {row.id: (row.subject_id, row.person_id, row.until) for row in rows(store, memberships)}
    assert told == {
        "m1": (row.id, first, None),
        "m2": (first, first, later(10)),
        "m3": (first, first, None),
        "m4": (first, first, None),
    }
    remove(store, bridge)
    run(store, 11)
    assert rows(store, applications)[0].person_id == second
    assert {row.id: row.person_id for row in rows(store, memberships)}["m1"] == second


def test_a_name_that_lands_later_reaches_the_applications_that_wait_for_it(store: Store) -> None:
    land(store, "ats", candidate("c1", "Mary Jones", ["mary@example.com"]))
    rejected = {"outcome": Outcome.REJECTED, "reject_reason": RejectReason(remote_id="3")}
    land(store, "ats", Application(remote_id="a1", candidate_id="c1", **rejected))
    land(store, "ats", Application(remote_id="a2", candidate_id="c1", referrer=Referrer(remote_id="9")))
    run(store)
    land(
        store,
        "ats",
        Reference(remote_id="3", kind="reject_reason", name="Too far away"),
        Reference(remote_id="9", kind="referrer", name="Kim Lee"),
    )
    assert run(store, 1).applications == 2
    told = {row.remote_id: row for row in rows(store, applications)}
    assert told["a1"].reject_reason == "Too far away"
    assert told["a2"].referrer == {"remote_id": "9", "name": "Kim Lee"}
    assert told["a2"].referred


def test_a_referral_link_brings_its_job_and_who_shared_it(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(
            insert(referral_links).values(
                token="t0k3n", organisation="default", job_connection="ats", job_remote_id="j1",
                target_url="https://example.com/jobs/1", referrer_name="Kim Lee", referrer_email="kim@example.com",
                created_at=NOW,
            )
        )  # fmt: skip
    land(store, "ats", Job(remote_id="j1", name="Welder"))
    land(store, "portal", candidate("f1", "Mary Jones", ["mary@example.com"]))
    land(store, "portal", Application(remote_id="f1", candidate_id="f1", referrer=Referrer(link_token="t0k3n")))
    run(store)
    (row,), (job,) = rows(store, applications), rows(store, jobs)
    assert row.job_id == job.id
    assert row.referrer == {"link_token": "t0k3n", "name": "Kim Lee", "email": "kim@example.com"}
    assert row.referred


def test_an_outcome_is_learned_once(store: Store) -> None:
    ids = land(store, "ats", candidate("c1", "Mary Jones", ["mary@example.com"]),
               Application(remote_id="a1", candidate_id="c1", outcome=Outcome.REJECTED))  # fmt: skip
    run(store)
    land(
        store,
        "ats",
        Application(remote_id="a1", candidate_id="c1", outcome=Outcome.REJECTED, on_hold=True),
        now=later(9),
    )
    run(store, 9)
    (row,) = rows(store, applications)
    assert (row.on_hold, row.outcome_learned_at) == (True, NOW)
    assert [(c.subject_type, c.kind, c.cause) for c in rows(store, changes)][-1] == (
        "application", "changed", {"fields": ["on_hold"]},
    )  # fmt: skip
    remove(store, ids[1])
    run(store, 10)
    assert rows(store, applications) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, "rejected"),
        (Outcome.PENDING, "rejected"),
        (Outcome.HIRED, "hired"),
    ],
)
def test_a_disposition_counts_unless_the_application_knows_better(
    store: Store, told: Outcome | None, expected: str
) -> None:
    said: dict[str, Any] = {"outcome": told} if told else {}
    land(
        store,
        "ats",
        Application(remote_id="a1", candidate_id="c1", remote_updated_at=later(-10), **said),
        Disposition(remote_id="d1", application_id="a1", outcome=Outcome.REJECTED, at=later(-5)),
    )
    run(store)
    (row,) = rows(store, applications)
    assert row.outcome == expected
    assert row.furthest_stage == ("offer" if expected == "hired" else None)


def test_a_changed_job_wakes_whoever_applied_for_it(store: Store) -> None:
    land(store, "ats", *PARTS)
    run(store)
    with store.writing() as connection:
        connection.execute(work.delete())
    land(store, "ats", Job(remote_id="j1", name="Welder", status="closed"), now=later(1))
    run(store, 1)
    (waiting,) = rows(store, work)
    assert (waiting.stage, [waiting.subject_id]) == ("segments", list(held(store)))
