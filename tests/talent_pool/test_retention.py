"""Retention: counted from the latest relevant event over all sources, with grace, hold and preview."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from connectors.errors import Misconfigured
from talent_pool import installation
from talent_pool.people import reading
from talent_pool.privacy import requests, retention
from talent_pool.privacy.retention_rules import RetentionRule, RetentionRules
from talent_pool.refused import Refused
from tests.talent_pool.forgetting import REMOTE, World

RULES = RetentionRules(grace_days=14, rules=(RetentionRule(name="everybody", months=6),))
OUTCOME = datetime(2025, 12, 1, 10, tzinfo=UTC)
"""Her last relevant event: the rejection."""


@pytest.fixture
def world(store, inbox, tmp_path):
    world = World(store, inbox, tmp_path)
    world.furnish()
    return world


def due(world, rules=RULES):
    return {one.person_id: one for one in retention.preview(world.store, rules, world.now).due}


def her(world):
    return world.person_of(REMOTE[0])


def test_nobody_is_due_before_the_months_are_over_and_a_mail_of_ours_does_not_extend_them(world):
    person = her(world)
    world.now = requests.month_later(OUTCOME, 6) - timedelta(seconds=1)
    assert person not in due(world)
    world.now += timedelta(seconds=1)
    assert due(world)[person].latest_at == OUTCOME  # the message sent to her in March is no event


def test_an_event_at_any_of_the_merged_sources_counts(world):
    person = her(world)
    late = {
        "remote_id": "appl-board",
        "candidate_id": REMOTE[2],
        "applied_at": "2026-02-20T10:00:00Z",
        "outcome": "rejected",
    }
    world.board["people"][0]["application"] = [late]
    world.read_all()
    world.now = requests.month_later(OUTCOME, 6)
    assert person not in due(world)
    world.now = datetime(2026, 8, 20, 10, tzinfo=UTC)
    assert due(world)[person].latest_at == datetime(2026, 2, 20, 10, tzinfo=UTC)


def test_who_is_in_process_is_not_due(world):
    world.now = datetime(2030, 1, 1, tzinfo=UTC)
    world.ats["candidates"][0]["application"][0] |= {"outcome": "pending", "remote_updated_at": "2026-02-01T00:00:00Z"}
    world.read_all()
    assert her(world) not in due(world)


def test_nothing_goes_before_the_grace_is_over_and_then_by_the_same_erasure(world):
    person = her(world)
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    told = retention.preview(world.store, RULES, world.now)
    assert not any(one.is_ready for one in told.due)
    assert retention.apply(world.desk, RULES, told.token, world.now).erased == 0
    before = told.token
    world.now += timedelta(days=14)
    told = retention.preview(world.store, RULES, world.now)
    assert {one.person_id for one in told.due if one.is_ready} >= {person}
    with pytest.raises(Refused, match="Look first"):
        retention.apply(world.desk, RULES, before, world.now)
    done = retention.apply(world.desk, RULES, told.token, world.now)
    world.resolve()
    assert done.erased == len(told.due)
    assert reading.get(world.store, person).state == "erased"
    assert world.hits() == []
    assert due(world) == {}


def test_an_event_within_the_grace_takes_the_mark_away(world):
    person = her(world)
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    assert person in due(world)
    world.now += timedelta(days=5)
    again = {
        "remote_id": "appl-again",
        "candidate_id": REMOTE[0],
        "applied_at": "2026-07-03T10:00:00Z",
        "outcome": "rejected",
    }
    world.ats["candidates"][0]["application"].append(again)
    world.read_all()
    assert person not in due(world)
    world.now = datetime(2027, 1, 4, tzinfo=UTC)
    assert due(world)[person].goes_at == world.now + timedelta(days=14)


def test_a_hold_archives_first_and_erases_when_it_ends(world):
    person = her(world)
    rules = RetentionRules(grace_days=0, rules=(RetentionRule(name="us", months=6, then="archive", hold_months=48),))
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    told = retention.preview(world.store, rules, world.now)
    assert due(world, rules)[person].then == "archive"
    assert retention.apply(world.desk, rules, told.token, world.now).archived == len(told.due)
    assert reading.get(world.store, person).state == "archived"
    world.resolve()
    world.now = datetime(2029, 11, 1, tzinfo=UTC)
    assert person not in due(world, rules)
    world.now = requests.month_later(OUTCOME, 48)
    found = due(world, rules)[person]
    assert (found.then, found.is_ready) == ("erase", True)


def test_who_asked_for_restriction_is_kept(world):
    person = her(world)
    requests.open_request(world.store, "restriction", person, world.now)
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    due(world)
    world.now += timedelta(days=30)
    assert not due(world)[person].is_ready


def test_the_first_rule_that_fits_counts_by_country_and_basis(world):
    rules = RetentionRules(
        rules=(
            RetentionRule(name="germany", countries=["DE"], months=6),
            RetentionRule(name="consented", basis="consent", months=24),
            RetentionRule(name="others", months=12),
        )
    )
    fitting = [rules.of("DE", "consent"), rules.of("FR", "consent"), rules.of(None, "unknown")]
    assert [rule.name if rule else None for rule in fitting] == ["germany", "consented", "others"]
    assert RetentionRules().of("DE", "contract") is None
    assert due(world, RetentionRules()) == {}


def test_a_second_look_writes_nothing(world):
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    first = due(world)
    world.now += timedelta(days=1)
    second = due(world)
    assert {one.goes_at for one in first.values()} == {one.goes_at for one in second.values()}


def test_a_rule_that_archives_for_ever_or_shorter_than_it_keeps_is_refused():
    with pytest.raises(ValidationError, match="go together"):
        RetentionRule(name="us", months=6, then="archive")
    with pytest.raises(ValidationError, match="is longer"):
        RetentionRule(name="us", months=60, then="archive", hold_months=48)


def test_a_wrong_rule_in_yaml_is_told_with_its_line(tmp_path):
    (tmp_path / "defs.yaml").write_text(
        "type: dagster_project.components.Retention\nattributes:\n  rules:\n    - name: germany\n      months: 0\n"
    )
    with pytest.raises(Misconfigured, match=r"defs.yaml:5: rules.0.months"):
        installation.read(tmp_path)
