"""The grammar of rules: what it takes, and what it says of mistakes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from talent_pool.segments.calendar import add_working_days, subtract_working_days
from talent_pool.segments.field_conditions import instant
from talent_pool.segments.rule_tree import RuleError, leaves
from talent_pool.segments.rules import parse
from tests.talent_pool.pool_rows import segment


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ([], "who: a rule holds `all`, `any` or `none`"),
        ({}, "who: a rule holds"),
        ({"every": []}, "who.every: here stands `all`, `any` or `none`"),
        ({"all": []}, "who.all: give a list with at least one condition"),
        ({"all": "person"}, "who.all: give a list"),
        ({"all": ["person.city"]}, "who.all[0]: a condition is one line"),
        ({"all": [{"person.city": "A", "person.region": "B"}]}, "who.all[0]: a condition is one line"),
        ({"all": [{"persn.city": "A"}]}, "who.all[0].persn.city: there is no 'persn'; conditions begin with app"),
        ({"all": [{"person.cty": "A"}]}, "person has no field 'cty'; it has city, company"),
        ({"any": [{"person.gender": "x"}]}, "'gender' is a protected attribute"),
        ({"any": [{"age": {"at_least": 50}}]}, "'age' is a protected attribute"),
        ({"none": [{"application": {"job.nationality": "x"}}]}, "'nationality' is a protected attribute"),
        ({"all": [{"person.shoe_size": "44"}]}, "person has no field 'shoe_size'"),
        ({"all": [{"application.outcome": "refused"}]}, "outcome is never 'refused'; it is one of pending, hired"),
        ({"all": [{"application.outcome": None}]}, "no value is given; for what is not known write {known: false}"),
        ({"all": [{"application.outcome": {"at_least": "hired"}}]}, "outcome can be asked not, known"),
        ({"all": [{"application.furthest_stage": {"over": "offer"}}]}, "can be asked at_least, at_most, not, known"),
        ({"all": [{"application.applied_at": 3}]}, "a time is asked for in braces"),
        ({"all": [{"application.applied_at": {"within_days": -3}}]}, "applied_at.within_days: give a number above 0"),
        ({"all": [{"application.applied_at": {"within_working_days": 1.5}}]}, "give a whole number above 0"),
        ({"all": [{"application.applied_at": {"since": 3}}]}, "applied_at can be asked within_working_days"),
        ({"all": [{"application.applied_at": {"after": "soon"}}]}, "give a date such as 2026-01-31"),
        ({"all": [{"event.at": {"after": "person.born_at"}}]}, "person has no time 'born_at'; it has first_seen_at"),
        ({"all": [{"application.on_hold": "yes"}]}, "on_hold is true or false"),
        ({"all": [{"application.on_hold": {}}]}, "the braces are empty"),
        ({"all": [{"application": "rejected"}]}, "give one or more `field: value` in braces"),
        ({"all": [{"may_be_contacted": "spam"}]}, "name a purpose: this_application, future_jobs"),
        ({"all": [{"other_application.outcome": "hired"}]}, "needs a segment with `subject: application`"),
        ({"all": [{"any": [{"none": [{"job.state": "x"}]}]}]}, "any[0].none[0].job.state: application has no field"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(who: object, sentence: str) -> None:
    with pytest.raises(RuleError) as error:
        parse(who, "person")
    assert sentence in str(error.value)


def test_a_rule_reads_as_sentences() -> None:
    who = {
        "all": [
            {"application": {"furthest_stage": {"at_least": "final_interview"}, "outcome": ["rejected", "withdrawn"]}},
            {"job.status": "open"},
            {"may_be_contacted": "future_jobs"},
        ],
        "none": [{"person.last_activity_at": {"older_than_days": 90}}, {"person.relationship": {"not": "candidate"}}],
    }
    assert [leaf.text for leaf in leaves(parse(who, "person"))] == [
        "an application with furthest_stage is at least final_interview and outcome is rejected or withdrawn",
        "an application with job.status is open",
        "may be contacted about future_jobs",
        "person last_activity_at is 90 days ago or more",
        "person relationship is not candidate",
    ]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"event": True}, "names its `fact`"),
        ({"event": True, "subject": "application"}, "says `useless_after_days`"),
        ({"event": True, "subject": "application", "fact": "outcome"}, "`fact` is one of applied_at"),
        ({"since": "2026-01-01"}, "belong to segments with `event: true`"),
        ({"event": True, "since": "tomorrow"}, "give a date or time"),
        ({"useless_after_days": 0}, "greater than 0"),
        ({"who": {"all": [{"person.religion": "x"}]}}, "protected attribute"),
    ],
)  # fmt: skip
def test_a_definition_is_checked(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        segment(**settings)


def test_the_version_is_of_the_meaning() -> None:
    one = segment()
    assert one.version() == segment(description="in other words", owner="somebody@example.com").version()
    assert one.version() != segment(who={"all": [{"person.relationship": {"not": "candidate"}}]}).version()
    assert one.version() != segment(organisation="another").version()
    assert one.version("greenhouse") != one.version()


def test_since_without_a_zone_is_utc() -> None:
    settings = {"event": True, "subject": "application", "useless_after_days": 3}
    assert segment(since="2026-01-31", **settings).since_at == datetime(2026, 1, 31, tzinfo=UTC)
    summer = segment(since="2026-07-01T02:00:00+02:00", **settings)
    assert summer.since_at == datetime(2026, 7, 1, tzinfo=UTC)


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, moments, st.integers(0, 15))
def test_working_days_turn_round(fact: datetime, now: datetime, days: int) -> None:
    """The threshold that SQL compares with and the instant at which it flips are one rule."""
    assert (fact <= subtract_working_days(now, days)) == (add_working_days(fact, days) <= now)


@given(moments, moments, st.integers(0, 15))
def test_working_days_keep_order(one: datetime, other: datetime, days: int) -> None:
    first, second = sorted((one, other))
    assert add_working_days(first, days) <= add_working_days(second, days)


def test_working_days_leave_out_the_weekend() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert add_working_days(friday, 1) == friday + timedelta(days=3)
    assert add_working_days(friday, 5) == friday + timedelta(days=7)
    assert add_working_days(friday + timedelta(days=1), 1) == datetime(2026, 11, 24, tzinfo=UTC)


def test_a_yaml_date_is_midnight() -> None:
    assert instant(datetime(2026, 1, 31).date()) == datetime(2026, 1, 31, tzinfo=UTC)  # noqa: DTZ001
