"""What people are kept for: each application by the law of its job, each basis beside them; the last one counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from talent_pool.privacy import retention
from talent_pool.privacy.requests import month_later
from talent_pool.privacy.retention import Due
from talent_pool.privacy.retention_grounds import Ground
from talent_pool.privacy.retention_rules import RetentionRule, RetentionRules
from talent_pool.store.database import Store
from tests.examples import examples
from tests.talent_pool.pool_rows import Pool

START = datetime(2024, 1, 15, tzinfo=UTC)
GERMANY = RetentionRule(name="germany", countries=["DE"], basis="contract", months=6)
AMERICA = RetentionRule(name="america", countries=["US"], months=12, then="archive", hold_months=48)
POOLED = RetentionRule(name="pooled", basis="consent", months=24)
OTHERS = RetentionRule(name="others", months=9)
RULES = RetentionRules(grace_days=0, rules=(GERMANY, AMERICA, POOLED, OTHERS))


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store)


def months(count: int) -> datetime:
    return month_later(START, count)


def ended(pool: Pool, person: str, at: datetime = START, **more: Any) -> str:
    return pool.application(
        person,
        **{"outcome": "rejected", "applied_at": at - timedelta(days=9), "outcome_at": at, "landed_at": at} | more,
    )


def due(pool: Pool, now: datetime, rules: RetentionRules = RULES) -> dict[str, Due]:
    return {one.person_id: one for one in retention.preview(pool.store, rules, now).due}


def rule_at(pool: Pool, now: datetime, rules: RetentionRules = RULES) -> str | None:
    found = list(due(pool, now, rules).values())
    return f"{found[0].then} by {found[0].rule}" if found else None


def located(pool: Pool, *countries: str) -> str:
    return pool.job(body={"locations": [{"country_code": one} for one in countries]})


def test_the_law_of_the_job_counts_before_that_of_the_organisation_and_of_the_person(pool: Pool):
    person = pool.person(country_code="US", created_at=START)
    ended(pool, person, job_id=located(pool, "DE"))
    assert rule_at(pool, months(6) - timedelta(seconds=1)) is None
    assert rule_at(pool, months(6)) == "erase by germany"


def test_the_law_of_the_organisation_counts_where_the_job_names_none(pool: Pool):
    person = pool.person(country_code="US", created_at=START)
    ended(pool, person, job_id=pool.job())
    assert rule_at(pool, months(6)) is None
    assert rule_at(pool, months(6), RULES.model_copy(update={"jurisdictions": {"default": "DE"}})) == "erase by germany"
    assert rule_at(pool, months(12)) == "archive by america", "the person's own, where nothing else is known"


def test_offices_name_countries_where_the_source_tells_no_more(pool: Pool):
    ended(pool, pool.person(created_at=START), job_id=pool.job(body={"offices": ["4000017"]}))
    assert rule_at(pool, months(6)) is None
    assert rule_at(pool, months(6), RULES.model_copy(update={"offices": {"4000017": "DE"}})) == "erase by germany"


def test_a_job_in_two_countries_is_out_of_use_by_the_shorter_and_kept_by_the_longer(pool: Pool):
    ended(pool, pool.person(created_at=START), job_id=located(pool, "US", "DE"))
    found = due(pool, months(6))["per_0000"]
    assert (found.then, found.rule, found.kept_until) == ("archive", "america", months(48))


def test_she_goes_when_the_last_of_her_applications_lets_her_go(pool: Pool):
    person = pool.person(created_at=START)
    ended(pool, person, job_id=located(pool, "US"))
    ended(pool, person, months(30), job_id=located(pool, "DE"))
    assert rule_at(pool, months(35)) is None, "the second is in use until then"
    assert rule_at(pool, months(36)) == "archive by america"
    assert rule_at(pool, months(48)) == "erase by america"


def test_consent_keeps_her_beyond_her_application_until_it_ends_or_is_withdrawn(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    ended(pool, person)
    said = {"record_id": f"rec_{person}", "stated_at": START, "learned_at": START}
    pool.statement(expires_at=months(20), **said)
    assert rule_at(pool, months(6)) is None
    assert rule_at(pool, months(20)) == "erase by germany", "what ended holds nobody"
    pool.statement(**said | {"stated_at": months(1), "status": "withdrawn"})
    assert rule_at(pool, months(6)) == "erase by germany"


def test_consent_to_her_application_alone_ends_with_it(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    ended(pool, person)
    pool.statement(record_id=f"rec_{person}", purpose="this_application", stated_at=START)
    assert rule_at(pool, months(6)) == "erase by germany"


def test_the_law_that_a_statement_names_counts_for_it(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    pool.statement(record_id=f"rec_{person}", stated_at=START, jurisdiction="US")
    assert rule_at(pool, months(12)) == "archive by america"


def test_a_ground_that_no_rule_speaks_of_keeps_her(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    ended(pool, person)
    rules = RetentionRules(rules=(GERMANY,))
    assert rule_at(pool, months(6), rules) == "erase by germany"
    pool.statement(record_id=f"rec_{person}", stated_at=START)
    assert rule_at(pool, months(100), rules) is None


def test_events_count_for_their_application_and_what_is_about_none_for_all(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    german = ended(pool, person, job_id=located(pool, "DE"))
    ended(pool, person, job_id=located(pool, "US"))
    told = {"candidate_record_id": f"rec_{person}", "type": "told", "actor": "human"}
    pool.event(application_id=german, at=months(3), **told)
    assert due(pool, months(12))[person].kept_until == months(48)
    pool.event(at=months(4), **told)
    pool.event(at=months(11), **told | {"actor": "machine"})
    assert rule_at(pool, months(15)) is None
    assert due(pool, months(16))[person].kept_until == month_later(months(4), 48)


def test_an_open_application_keeps_her_while_something_happens_to_it_if_so_configured(pool: Pool):
    person = pool.person(country_code="DE", created_at=START)
    pool.application(person, applied_at=START, landed_at=START)
    assert rule_at(pool, months(60)) is None
    rules = RULES.model_copy(update={"in_process_days": 365})
    assert rule_at(pool, START + timedelta(days=364), rules) is None
    assert rule_at(pool, START + timedelta(days=365), rules) == "erase by germany"


GROUNDS = st.lists(
    st.builds(
        Ground,
        basis=st.sampled_from(("contract", "consent", "unknown")),
        countries=st.lists(st.sampled_from(("DE", "US", "FR", None)), min_size=1, max_size=2, unique=True).map(tuple),
        latest_at=st.integers(0, 40).map(months),
    ),
    min_size=1,
    max_size=4,
)


@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=GROUNDS, more=GROUNDS, day=st.integers(0, 120).map(months))
def test_one_more_ground_never_lets_her_go_sooner(found: list[Ground], more: list[Ground], day: datetime):
    def fate(those: list[Ground]) -> int:
        terms = [term for term in (retention._term(one, RULES) for one in those) if term]
        told = retention._of_terms("per_1", terms, day, None, is_kept=False)
        return 0 if told is None else 1 if told.then == "archive" else 2

    assert fate(found + more) <= fate(found)
    assert fate(list(reversed(found))) == fate(found)
