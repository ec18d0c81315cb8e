"""Changed segments: held, previewed, applied; warned of."""

from pathlib import Path

import pytest

from connectors.contract import DestinationSettings, Push
from connectors.errors import Misconfigured
from talent_pool import installation as installations
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.installation import Installation
from talent_pool.refused import Refused
from talent_pool.segments import evaluate, explain, lint
from talent_pool.segments.in_force import as_in_force
from talent_pool.segments.preview import apply, preview
from talent_pool.store.database import Store
from tests.talent_pool.pool_rows import NOW, Pool, installation, segment

LYON = segment(who={"all": [{"person.city": "Lyon"}]})
OSLO = segment(who={"all": [{"person.city": "Oslo"}]})


def test_a_change_is_held_until_its_preview_is_applied(store: Store):
    pool = Pool(store)
    ada, bob = pool.person(city="Lyon", full_name="Ada Lin"), pool.person(city="Oslo", full_name="Bob Ray")
    evaluate(store, installation(LYON), NOW)
    changed = installation(OSLO)
    assert evaluate(store, changed, NOW).held == ["tested"]
    assert pool.open() == {ada}
    assert as_in_force(store, changed).segments["tested"].who == LYON.who
    assert "not in tested" in explain(store, changed, "tested", bob, NOW)[0]
    before = pool.dump()
    told = preview(store, changed, "tested", NOW)
    assert pool.dump() == before, "looking writes nothing"
    assert (told.members_now, told.members_then, told.joins, told.leaves) == (1, 1, 1, 1)
    assert [(one.change, one.who, one.because) for one in told.examples] == [
        ("joins", "Bob Ray", "person city is Oslo"),
        ("leaves", "Ada Lin", "not: person city is Oslo"),
    ]
    with pytest.raises(Refused, match="no preview"):
        apply(store, changed, "tested", "0" * 16, NOW)
    apply(store, changed, "tested", told.token, NOW)
    assert pool.open() == {bob}
    assert evaluate(store, changed, NOW).held == []
    with pytest.raises(Refused, match="nothing to apply"):
        apply(store, changed, "tested", told.token, NOW)


def test_a_token_is_refused_when_somebody_else_would_join(store: Store):
    pool = Pool(store)
    pool.person(city="Lyon")
    evaluate(store, installation(LYON), NOW)
    token = preview(store, installation(OSLO), "tested", NOW).token
    pool.person(city="Oslo")
    with pytest.raises(Refused, match="catchment segments preview tested"):
        apply(store, installation(OSLO), "tested", token, NOW)


def test_wording_changes_freely_and_the_type_does_not(store: Store):
    Pool(store).person(city="Lyon")
    evaluate(store, installation(LYON), NOW)
    worded = LYON.model_copy(update={"description": "others", "owner": "else@example.com"})
    assert evaluate(store, installation(worded), NOW).held == []
    served = LYON.model_copy(update={"type": "service"})
    assert evaluate(store, installation(served), NOW).held == ["tested"]


def test_a_preview_tells_the_messages_that_consent_and_policy_would_let_go(store: Store):
    pool = Pool(store)
    evaluate(store, installation(LYON), NOW)
    for name in ("ada", "bob", "cy"):
        person = pool.person(f"{name}@example.org", city="Oslo")
        if name != "cy":
            pool.statement(record_id=f"rec_{person}")
        if name == "bob":
            pool.application(person, outcome="pending")
    settings = DestinationSettings(
        name="mail", connector="smtp", pushes=(Push(segment="tested", since="2020-01-01T00:00:00Z"),)
    )
    whole = Installation(
        {}, {"tested": OSLO}, {"mail": settings}, {}, policies={"default": ContactPolicy(quiet_hours=None)}
    )
    told = preview(store, whole, "tested", NOW, messages_by=["mail"])
    assert (told.joins, told.messages) == (3, {"mail": {"suppressed": 2, "would go": 1}})


def test_proxies_and_knock_outs_are_warned_of_and_counted(store: Store):
    pool = Pool(store)
    for code in ("10115", "10115", "20095"):
        pool.person(city="Berlin", golden={"origins": [], "location": {"postal_code": code}})
    pool.person(city="Oslo", golden={"origins": [], "location": {"postal_code": "10115"}})
    asking = segment(
        who={"all": [{"person.city": "Berlin"}, {"person.postal_code": "10115"}], "none": [{"person.last_name": "Lin"}]}
    )
    told = preview(store, installation(asking), "tested", NOW)
    (postcode, alone), (name, _) = told.warnings
    assert (alone, "who.all[1].person.postal_code: a postcode stands in" in postcode) == (1, True)
    assert "who.none[0].person.last_name" in name
    assert [one.kind for one in lint.warnings(segment(who={"all": [{"person.degree": "MSc"}]}))] == ["knock_out"]
    assert lint.warnings(LYON) == []


YAML = """\
type: dagster_project.components.CandidateSegment
attributes:
  name: tested
  description: as tested
  subject: {subject}
  type: marketing
  purpose: future_jobs
  {more}
  who:
    all:
      - person.city: Lyon
      - person.postal_code: "10115"
"""


def test_mistakes_and_warnings_are_told_with_their_line(tmp_path: Path):
    file = tmp_path / "defs.yaml"
    file.write_text(YAML.format(subject="person", more="priority: 3"))
    found = installations.read(tmp_path)
    (warned,) = lint.warnings(found.segments["tested"])
    assert installations.place_of(found, "tested", warned.path) == f"{file}:12"
    assert installations.segment_in(file, "tested") == found.segments["tested"]
    with pytest.raises(Misconfigured, match="no segment 'other'"):
        installations.segment_in(file, "other")
    for subject, more, line, problem in (
        ("person", "recipient: recruiter", 8, "has no recruiter"),
        ("application", "recipient: referrer", 8, "marketing goes to candidates alone"),
        ("person", "useless_after: first_seen_at", 8, "event: true"),
        ("person", "holdout: 2", 8, "less than 1"),
        ("user", "recipient: user", 11, "a segment of users asks about"),
        ("interviews", "priority: 1", 5, "Input should be"),
    ):
        file.write_text(YAML.format(subject=subject, more=more))
        with pytest.raises(Misconfigured) as error:
            installations.read(tmp_path)
        assert f"{file}:{line}: " in str(error.value), (more, str(error.value))
        assert problem in str(error.value)
