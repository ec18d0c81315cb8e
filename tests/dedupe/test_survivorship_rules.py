"""Rules of a company's own: each does what its name says, and none lets the order of records decide."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dedupe.survivorship import Contribution, golden
from dedupe.survivorship_rules import DEFAULTS, SurvivorshipRules
from tests.examples import examples

START = datetime(2026, 1, 1, tzinfo=UTC)


def says(record_id, day=0, trust=50, number=1, source=None, **body) -> Contribution:
    return Contribution(record_id, source or f"from_{record_id}", body, START + timedelta(days=day), trust, number)


def fields(told, **rules) -> dict:
    return golden(told, SurvivorshipRules.model_validate(rules)).fields


few = st.sampled_from
bodies = st.fixed_dictionaries(
    {},
    optional={
        "full_name": few(["Ada King", "ADA KING", "King, Ada"]),
        "first_name": few(["Ada", "A.", "ada"]),
        "last_name": few(["King", "Byron"]),
        "preferred_name": few(["Addy", "addy", "n/a"]),
        "company": few(["Orla", "ORLA ", "Acme"]),
        "title": few(["Nurse", "Chef"]),
        "language": few(["en", "de"]),
        "location": few([{"city": "Leeds"}, {"city": "leeds", "country_code": "GB"}, {"raw": "Leeds, UK"}, {}]),
        "profile": few([{"basics": {"summary": "x"}}, {"work": [{"name": "Orla"}]}]),
        "email_addresses": st.lists(few([{"value": "a@example.com"}, {"value": "A@example.com", "is_primary": True},
                                         {"value": "b@example.com"}]), max_size=2),
        "tags": st.lists(few(["welder", "Welder", "nurse"]), max_size=2),
        "person_numbers": st.lists(few(["47-11", "4711", "0815"]), max_size=2),
        "is_private": st.booleans(),
        "relationship": few(["candidate", "employee", "former_employee"]),
        "custom_fields": st.dictionaries(few(["shoe", "name"]), few(["1", "2", "n/a"]), max_size=2),
    },
)  # fmt: skip
people = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), few(["ats", "board"]), bodies), min_size=1, max_size=5
)
rule = few(["most_trusted", "newest", "most_complete", "most_frequent"])
some_rules = st.dictionaries(
    few(sorted(SurvivorshipRules.model_fields)),
    st.fixed_dictionaries({"rule": rule}, optional={"sources": few([["ats"], ["board", "ats"]])}),
).map(SurvivorshipRules.model_validate)


@examples(150)
@given(people, some_rules, st.randoms(use_true_random=False))
def test_order_does_not_matter_under_any_rules(told, rules, chance) -> None:
    voices = [says(f"r{at}", day, trust, at // 2, source, **body) for at, (day, trust, source, body) in enumerate(told)]
    shuffled = list(voices)
    chance.shuffle(shuffled)
    survived = golden(voices, rules)
    assert golden(shuffled, rules) == survived
    for name, source in survived.provenance.items():
        assert survived.fields.get(name) not in [one["value"] for one in source["superseded"]]


def test_the_value_that_most_records_say_is_counted_folded() -> None:
    told = [
        says("a", trust=90, day=9, language="de"),
        says("b", number=2, language="en"),
        says("c", number=3, language="EN "),
    ]
    assert fields(told)["language"] == "de"
    assert fields(told, language="most_frequent")["language"] == "en"
    assert golden(told, SurvivorshipRules.model_validate({"language": "most_frequent"})).provenance["language"] == {
        "record_id": "b", "connection": "from_b", "observed_at": "2026-01-01T00:00:00Z", "rule": "most frequent",
        "superseded": [
            {"record_id": "a", "connection": "from_a", "observed_at": "2026-01-10T00:00:00Z", "value": "de"},
            {"record_id": "c", "connection": "from_c", "observed_at": "2026-01-01T00:00:00Z", "value": "EN "},
        ],
    }  # fmt: skip


def test_most_agree_on_the_company_before_they_agree_on_the_title() -> None:
    told = [
        *(says(f"a{at}", company="Orla") for at in range(3)),
        *(says(f"b{at}", trust=90, company="Acme", title="Chef") for at in range(2)),
        says("c", company="orla", title="Nurse"),
    ]
    survived = fields(told, company_and_title="most_frequent")
    assert (survived["company"], survived["title"]) == ("orla", "Nurse")


def test_most_agree_on_a_name_however_it_is_told() -> None:
    told = [
        says("a", trust=90, first_name="Ada", last_name="Byron"),
        says("b", full_name="King, Ada"),
        says("c", first_name="Ada", last_name="King"),
        says("d", trust=99, first_name="A.", last_name="King"),
    ]
    assert fields(told)["last_name"] == "Byron"
    assert fields(told, name="most_frequent")["full_name"] == "King, Ada"
    only = SurvivorshipRules.model_validate({"name": {"sources": ["from_c"]}})
    assert golden(told, only).fields["full_name"] == "Ada King"


def test_the_most_complete_place_has_the_most_parts() -> None:
    told = [
        says("a", day=9, location={"raw": "somewhere in the north of England", "city": None}),
        says("b", location={"city": "Leeds", "country_code": "GB"}),
    ]
    assert fields(told)["location"]["raw"]
    assert fields(told, location="most_complete")["location"]["city"] == "Leeds"


def test_sources_are_trusted_in_their_order_for_that_field_alone() -> None:
    told = [
        says("a", 9, 99, language="de", company="Orla"),
        says("b", 1, 1, language="en", company="Acme"),
        says("c", 0, 1, language="fr"),
    ]
    named = {"sources": ["from_c", "from_b"]}
    assert fields(told, language=named) == {"language": "fr", "company": "Orla"}
    # under another rule they settle ties alone
    assert fields(told, language={"rule": "newest", **named})["language"] == "de"
    level = [one._replace(observed_at=START) for one in told]
    assert fields(level, language={"rule": "newest", **named})["language"] == "fr"


def test_the_rule_of_many_values_says_which_is_primary_and_drops_none() -> None:
    def mail(*addresses: str) -> dict:
        return {"email_addresses": [{"value": one} for one in addresses]}

    told = [
        says("a", 0, 90, **mail("trusted@example.com")),
        says("b", 9, 10, 2, **mail("new@example.com", "often@example.com")),
        says("c", 1, 20, 3, **mail("often@example.com")),
    ]

    def order(rule: str) -> list[str]:
        kept = fields(told, email_addresses=rule)["email_addresses"]
        assert [one["is_primary"] for one in kept] == [True, False, False]
        return [one["value"].partition("@")[0] for one in kept]

    assert order("most_trusted") == ["trusted", "often", "new"]
    assert order("newest") == ["new", "often", "trusted"]
    assert order("most_complete") == ["new", "often", "trusted"]
    assert order("most_frequent") == ["often", "trusted", "new"]


def test_a_title_at_a_former_company_is_superseded_and_not_joined_to_the_new_one() -> None:
    survived = golden([says("a", company="Orla", title="Nurse"), says("b", 5, company="Acme")])
    assert survived.fields == {"company": "Acme"}
    assert [one["value"] for one in survived.provenance["title"]["superseded"]] == ["Nurse"]


def test_a_former_name_is_superseded_and_a_part_of_the_name_that_stands_is_not() -> None:
    former = says("a", 0, 10, first_name="Ada", last_name="Byron", full_name="Ada Byron")
    parts = golden([former, says("b", 0, 90, 2, first_name="Ada", last_name="King")]).provenance
    assert [one["value"] for one in parts["full_name"]["superseded"]] == ["Ada Byron"]
    whole = golden([former, says("b", 0, 90, 2, full_name="Ada King")]).provenance
    assert "first_name" not in whole
    assert [one["value"] for one in whole["last_name"]["superseded"]] == ["Byron"]


def test_custom_fields_are_each_settled_and_their_former_values_kept() -> None:
    told = [
        says("a", 0, custom_fields={"shoe": "41", "hat": "7"}),
        says("b", 5, number=2, custom_fields={"shoe": "42", "hat": "n/a"}),
    ]
    survived = golden(told)
    assert survived.fields["custom_fields"] == {"hat": "7", "shoe": "42"}
    assert [one["value"] for one in survived.provenance["custom_fields"]["superseded"]] == [{"shoe": "41"}]
    level = [one._replace(observed_at=START) for one in told]
    assert golden(level).fields["custom_fields"]["shoe"] == "41"  # who landed first


def test_privacy_and_relationship_may_have_another_rule_too() -> None:
    told = [
        says("a", 0, 90, is_private=False, relationship="candidate"),
        says("b", 0, 10, 2, is_private=True, relationship="employee"),
    ]
    assert fields(told) == {"is_private": True, "relationship": "employee"}
    assert fields(told, is_private="most_trusted", relationship="most_trusted") == {
        "is_private": False, "relationship": "candidate",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"titel": "newest"}, "titel"),
        ({"title": "newest"}, "title"),
        ({"location": "newst"}, "'most_trusted', 'newest'"),
        ({"location": {"rule": "newest", "source": ["ats"]}}, "source"),
        ({"location": "closest"}, "closest is a rule for relationship alone"),
        ({"language": {"rule": "any"}}, "any is a rule for is_private alone"),
        ({"location": {"sources": ["ats", "board", "ats"]}}, "stands here twice"),
        ({"location": {"sources": "ats"}}, "location.sources"),
    ],
)
def test_a_mistake_is_told(rules, sentence) -> None:
    with pytest.raises(ValidationError) as error:
        SurvivorshipRules.model_validate(rules)
    assert sentence in str(error.value)


def test_a_rule_is_its_name_or_more_and_what_is_not_named_keeps_its_default() -> None:
    assert SurvivorshipRules.model_validate({"location": "newest"}) == DEFAULTS
    assert SurvivorshipRules.model_validate({"location": {"sources": ["ats"]}}).location.rule == "most_trusted"
