"""Nobody whom the join rule lets be reached, today or by the mere passing of time, is left out beforehand."""

from datetime import timedelta
from random import Random
from typing import Any

from connectors.records import Channel, ConsentStatus, Purpose, StatedBy
from talent_pool import consent
from talent_pool.store.database import Store
from tests.talent_pool.pool_rows import NOW, Pool

PEOPLE = 60
ASKED: dict[str, Any] = {"organisation": "default", "purpose": Purpose.FUTURE_JOBS, "channel": Channel.EMAIL}


def _fill(pool: Pool, random: Random) -> set[str]:
    """Write people of whom some share addresses, and statements of all kinds; return the people."""
    emails = [f"p{number}@example.com" for number in range(PEOPLE)]
    ids = {pool.person(*random.sample(emails, random.randint(0, 2))) for _ in range(PEOPLE)}
    for person_id in sorted(ids):
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            pool.statement(
                record_id=f"rec_{person_id}" if random.random() < 0.7 else None,
                email=random.choice(emails) if random.random() < 0.5 else None,
                organisation=random.choice(("default", "default", "default", "another")),
                purpose=random.choice((Purpose.FUTURE_JOBS, Purpose.FUTURE_JOBS, Purpose.MARKETING)).value,
                channel=random.choice((Channel.EMAIL, Channel.ANY, Channel.SMS)).value,
                status=random.choice((ConsentStatus.GIVEN, ConsentStatus.GIVEN, *ConsentStatus)).value,
                stated_by=random.choice(tuple(StatedBy)).value,
                stated_at=NOW + timedelta(days=random.randint(-20, 20)),
                expires_at=random.choice((None, NOW + timedelta(days=random.randint(1, 40)))),
            )
    return ids


def test_whoever_never_said_yes_can_never_be_reached(store: Store) -> None:
    ids = _fill(Pool(store), Random(3))
    days = range(-25, 50, 5)
    with store.reading() as connection:
        spoken = consent.with_a_yes(connection, ids, **ASKED)
        answers = [consent.reachable(connection, store, ids, **ASKED, now=NOW + timedelta(days=day)) for day in days]
    reached = {one for answer in answers for one, verdict in answer.items() if verdict.allowed}
    assert reached <= spoken
    assert reached, "nobody may be reached, so that this says nothing"
    assert spoken < ids, "nobody is left out, so that this says nothing"


def test_an_application_is_a_yes_to_its_own_purpose(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.application(ada)
    with store.reading() as connection:
        assert consent.with_a_yes(connection, [ada], **{**ASKED, "purpose": Purpose.THIS_APPLICATION}) == {ada}
