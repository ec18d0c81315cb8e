"""A segment that is written to once for each consent: asked again when a renewed one runs out, and at nothing else."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import insert, update

from connectors.contract import Fate
from connectors.records import Purpose
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery.occasions import Occasion
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import consent_statements, deliveries, memberships, person_aliases, person_records
from tests.examples import examples
from tests.talent_pool.outbound import NOW, ON, WHO, Pool, Post, post_settings

DAY = timedelta(days=1)
YEAR = 365 * DAY
ASKED = SegmentDefinition(
    name="silver_medallists", description="", type="marketing", purpose=Purpose.FUTURE_JOBS, once_per="consent", who=WHO
)


def consented(pool: Pool, name: str, given_at: datetime, ends: datetime) -> None:
    pool.number += 1
    row = {
        "id": f"cst_{pool.number}", "organisation": "default", "connection": "test", "record_id": f"rec_{name}",
        "purpose": "future_jobs", "channel": "email", "status": "given", "lawful_basis": "consent",
        "stated_by": "candidate", "stated_at": given_at, "learned_at": given_at, "expires_at": ends, "evidence": {},
    }  # fmt: skip
    with pool.store.writing() as connection:
        connection.execute(insert(consent_statements).values(row))


def push(pool: Pool, post: Post, now: datetime, segment: SegmentDefinition = ASKED) -> dict[Fate, int]:
    whole = Installation({}, {segment.name: segment}, {"post": post.settings}, {})
    return delivery.deliver(pool.store, whole, post, now, ON).fates


@pytest.fixture
def pool(store: Store) -> Pool:
    pool = Pool(store)
    pool.join("silver_medallists", pool.person("ann", consents=False))
    consented(pool, "ann", NOW - YEAR, NOW + 20 * DAY)
    return pool


def test_who_consents_anew_is_asked_again_when_that_runs_out(pool: Pool):
    post = Post(settings=post_settings("silver_medallists"))
    assert push(pool, post, NOW)[Fate.SENT] == 1
    before = pool.counts()
    assert push(pool, post, NOW + DAY)[Fate.UNCHANGED] == 1
    assert pool.counts() == before, "a second run writes nothing"
    consented(pool, "ann", NOW + 5 * DAY, NOW + YEAR)
    later = NOW + YEAR - 10 * DAY
    assert push(pool, post, later)[Fate.SENT] == 1
    assert push(pool, post, later + DAY)[Fate.UNCHANGED] == 1
    assert len(post.sent) == 2
    assert len({row.row_id for row in post.sent}) == 2
    assert [(row.state, row.occasion != "") for row in pool.rows(deliveries)] == [("sent", True)] * 2


def test_the_same_consent_told_again_and_a_merge_are_no_occasions(pool: Pool):
    post = Post(settings=post_settings("silver_medallists"))
    push(pool, post, NOW)
    consented(pool, "ann", NOW + 2 * DAY, NOW + 20 * DAY)
    assert push(pool, post, NOW + 3 * DAY)[Fate.UNCHANGED] == 1
    pool.person("bob", consents=False)
    consented(pool, "bob", NOW - 30 * DAY, NOW + 25 * DAY)
    pool.join("silver_medallists", "per_bob")
    with pool.store.writing() as connection:  # ann becomes bob
        connection.execute(update(person_records).values(person_id="per_bob"))
        connection.execute(insert(person_aliases).values(id="per_ann", person_id="per_bob", minted_number=1, since=NOW))
        connection.execute(
            update(memberships).where(memberships.c.subject_id == "per_ann").values(until=NOW, left_because="merged")
        )
    assert push(pool, post, NOW + 4 * DAY)[Fate.SUPPRESSED] == 1
    assert len(post.sent) == 1


def test_a_segment_that_says_nothing_writes_once_for_ever(pool: Pool):
    post = Post(settings=post_settings("silver_medallists"))
    once = ASKED.model_copy(update={"once_per": "subject"})
    push(pool, post, NOW, once)
    consented(pool, "ann", NOW + 5 * DAY, NOW + YEAR)
    assert push(pool, post, NOW + YEAR - 10 * DAY, once)[Fate.UNCHANGED] == 1


def test_what_was_sent_before_there_were_occasions_counts_as_the_first(pool: Pool):
    post = Post(settings=post_settings("silver_medallists"))
    push(pool, post, NOW, ASKED.model_copy(update={"once_per": "subject"}))
    assert push(pool, post, NOW + DAY)[Fate.UNCHANGED] == 1
    consented(pool, "ann", NOW + 5 * DAY, NOW + YEAR)
    assert push(pool, post, NOW + YEAR - 10 * DAY)[Fate.SENT] == 1


def test_only_segments_of_people_are_written_to_once_per_consent():
    with pytest.raises(ValidationError, match="subject: person"):
        SegmentDefinition.model_validate(ASKED.model_dump() | {"subject": "application"})


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8),
    asked=st.lists(st.integers(0, 40), min_size=1, max_size=6),
)
def test_no_two_messages_without_a_consent_given_between_them_to_a_later_end(
    told: list[tuple[int, int]], asked: list[int]
):
    consents = [Occasion((NOW + end * DAY).isoformat(), NOW + at * DAY) for at, end in told]
    sent: list[tuple[datetime, str]] = []
    for day in sorted(asked):
        known = [one for one in consents if one.given_at and one.given_at <= NOW + day * DAY]
        newest = max(known, key=lambda one: one.name, default=Occasion())
        if not sent or newest.is_new_after(*sent[-1]):
            sent.append((NOW + day * DAY, newest.name))
    for (at, of_what), (_, then) in pairwise(sent):
        assert any(one.name == then > of_what and one.given_at and one.given_at > at for one in consents)
