"""Whatever a rule says of time: looking only at who is due finds the same as looking at everybody."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete

from talent_pool.segments import evaluate
from talent_pool.store import tables
from talent_pool.store.database import Store
from tests.talent_pool.pool_rows import NOW, Pool, installation, segment

TIMES = (
    "person.last_activity_at",
    "person.first_seen_at",
    "application.applied_at",
    "application.outcome_at",
    "event.at",
)
WRITTEN = (
    tables.people, tables.person_records, tables.person_addresses, tables.applications, tables.events,
    tables.consent_statements, tables.segments, tables.memberships, tables.segment_due, tables.work,
)  # fmt: skip


def _question(random: Random) -> dict[str, int]:
    days = random.randint(1, 5)
    return random.choice(
        [
            {"within_days": days},
            {"older_than_days": days},
            {"within_days": days + 2, "older_than_days": days},
            {"older_than_working_days": days},
            {"within_working_days": days},
            {"in_next_hours": random.randint(1, 90)},
        ]
    )


def _condition(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {random.choice(TIMES): _question(random)},
            {random.choice(TIMES): _question(random)},
            {"event": {"type": "told", "at": _question(random)}},
            {"application": {"outcome": "rejected", "outcome_at": _question(random)}},
            {"application.outcome": "rejected"},
            {"may_be_contacted": "future_jobs"},
        ]
    )


def _tree(random: Random, depth: int = 2) -> dict[str, Any]:
    if depth == 0 or random.random() < 0.5:
        return _condition(random)
    return {random.choice(("all", "any", "none")): [_tree(random, depth - 1) for _ in range(random.randint(1, 2))]}


def _rule(random: Random) -> dict[str, Any]:
    return {random.choice(("all", "any", "none")): [_tree(random) for _ in range(random.randint(1, 2))]}


def _moment(random: Random) -> datetime | None:
    return None if random.random() < 0.1 else NOW + timedelta(hours=random.randint(-150, 100))


def _fill(pool: Pool, random: Random) -> None:
    with pool.store.writing() as connection:
        for table in WRITTEN:
            connection.execute(delete(table))
    for number in range(5):
        person_id = pool.person(
            f"p{number}@example.com", last_activity_at=_moment(random), first_seen_at=_moment(random)
        )  # fmt: skip
        for _ in range(random.randint(0, 2)):
            outcome = random.choice(("rejected", "pending"))
            pool.application(person_id, outcome=outcome, applied_at=_moment(random), outcome_at=_moment(random))
        for _ in range(random.randint(0, 2)):
            kind = random.choice(("told", "decided"))
            pool.event(candidate_record_id=f"rec_{person_id}", type=kind, at=_moment(random))
        pool.statement(record_id=f"rec_{person_id}", expires_at=_moment(random))


def _everybody(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(tables.people.select().with_only_columns(tables.people.c.id)).scalars())


@pytest.mark.heavy
def test_who_is_due_is_all_that_needs_looking_at(store: Store) -> None:
    pool = Pool(store)
    changed = 0
    for seed in range(60):
        random = Random(seed)
        _fill(pool, random)
        settings = {"who": _rule(random), "subject": random.choice(("person", "application"))}
        rule, fresh = segment(**settings), segment("fresh", **settings)
        now = NOW
        evaluate(store, installation(rule), now)
        first = pool.open()
        for _ in range(3):
            now += timedelta(hours=random.randint(6, 60))
            evaluate(store, installation(rule), now)
            evaluate(store, installation(fresh), now, person_ids=_everybody(store))
            assert pool.open() == pool.open(fresh.name), f"seed {seed}, {now}: {settings}"
        changed += first != pool.open()
    assert changed > 20, "time changes too little here for the test to mean anything"
