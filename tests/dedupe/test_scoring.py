"""Pairs are compared level by level; their weights are the model's."""

import logging
import random
import subprocess
import sys

import pytest

from dedupe.blocking import Key
from dedupe.clustering import clusters
from dedupe.comparisons import COMPARISONS
from dedupe.errors import ModelMisfit
from dedupe.explanation import waterfall
from dedupe.model import MatchModel, shipped
from dedupe.normalise import normalised
from dedupe.scoring import compared as findings
from dedupe.scoring import edges
from dedupe.training import prepared
from dedupe.training_people import Lot
from tests.dedupe.records import candidate, compared

MODEL = shipped()
HOME = {"email": ("the.hartwells@example.com",), "phone": ("+12125550143",), "city": "Norwich"}


def score(*records, shared=frozenset(), focus=None, model=MODEL):
    return edges(records, {one.record_id for one in records} if focus is None else focus, shared, model)


def merged(*records) -> bool:
    return len(clusters([one.record_id for one in records], score(*records), (), (), MODEL)) == 1


@pytest.fixture(scope="module")
def lot():
    return prepared(Lot(150), 7)


def test_pairs_weight_is_its_own_whoever_else_is_there(lot) -> None:
    _, records, shared = lot
    every = {(one.record_a, one.record_b): one for one in score(*records, shared=shared)}
    shuffled = list(records)
    random.Random(1).shuffle(shuffled)
    assert {(one.record_a, one.record_b): one for one in score(*shuffled, shared=shared)} == every
    by_id = {one.record_id: one for one in records}
    for pair in random.Random(2).sample(sorted(every), 4):
        assert score(*(by_id[name] for name in pair), shared=shared) == [every[pair]]


def test_focus_returns_the_pairs_that_touch_it_and_no_other(lot) -> None:
    _, records, shared = lot
    focus = {one.record_id for one in records[::9]}
    wanted = [one for one in score(*records, shared=shared) if focus & {one.record_a, one.record_b}]
    assert score(*records, shared=shared, focus=focus) == wanted != []


def test_edges_are_in_order_and_worth_keeping(lot) -> None:
    _, records, shared = lot
    found = score(*records, shared=shared)
    assert all(one.record_a < one.record_b and one.probability >= MODEL.review_at for one in found)
    assert [(one.record_a, one.record_b) for one in found] == sorted({(one.record_a, one.record_b) for one in found})


def test_waterfall_adds_up_to_the_weight(lot) -> None:
    _, records, shared = lot
    for one in score(*records, shared=shared):
        assert sum(step.weight for step in waterfall(one.levels, MODEL)) == pytest.approx(one.weight)


def test_score_does_not_care_which_of_two_comes_first() -> None:
    # ids decide which stands left; the findings must not notice
    sides = ({"city": "Leeds", "company": "Orla Ltd"}, {"city": "Leeds", "company": "Orlah"})
    names = (("Katherine", "Hartwell"), ("Kate", "Hartwel"))
    one, other = (
        [compared(ids[number], *names[number], **sides[number]) for number in (0, 1)]
        for ids in (("a", "b"), ("b", "a"))
    )
    ((forth,), (back,)) = score(*one), score(*other)
    assert (forth.levels, forth.weight) == (back.levels, back.weight)


def test_same_person_with_other_contacts_is_found() -> None:
    old = compared("a", "Katherine", "Hartwell", email=("k.hartwell@example.com",), city="Norwich", company="Orla Ltd")
    new = compared("b", "Kate", "Hartwell", email=("kate99@example.org",), city="Norwich", company="Orla")
    assert merged(old, new)


@pytest.mark.parametrize("other", [("Piers", "Hartwell"), ("Kofi", "Osei")])
def test_household_is_not_one_person_however_much_it_shares(other) -> None:
    work = {"company": "Orla", "title": "Clerk"}
    assert not merged(compared("a", "Maud", "Hartwell", **HOME, **work), compared("b", *other, **HOME, **work))


def test_contact_under_another_name_is_worth_less() -> None:
    for name, own, household in (("email", 3, 2), ("phone", 2, 1)):
        assert MODEL.weights[name][household] < MODEL.weights[name][own]


def test_two_linkedin_pages_keep_namesakes_apart() -> None:
    one, other = (compared(n, "Maud", "Hartwell", **HOME, url=(f"linkedin.com/in/{n}-maud",)) for n in "ab")
    assert not merged(one, other)


@pytest.mark.parametrize(
    "fields",
    [
        {"email": ("noemail@example.com",), "phone": ("0000000000",)},
        {"email": ("test@test",), "company": "n/a", "city": "unknown"},
        {},
    ],
)
def test_blanks_and_placeholders_link_nobody(fields) -> None:
    assert score(compared("a", "Ann", "Lee", **fields), compared("b", "Tom", "Roe", **fields)) == []
    assert score(compared("a", **fields), compared("b", **fields)) == []


def test_shared_value_is_no_finding_between_records_that_meet_otherwise() -> None:
    one, other = (compared(n, "Maud", "Hartwell", email=("office@agency.example",), city="Norwich") for n in "ab")
    ((_, _, own),) = findings([one, other], {"a"}, frozenset(), MODEL.population)
    ((_, _, shared),) = findings([one, other], {"a"}, {Key("email", "office@agency.example")}, MODEL.population)
    assert (own["email"], shared["email"]) == (3, -1)


def test_records_that_have_a_shared_value_alone_are_not_compared() -> None:
    # nameless, so that neither employer nor title is a key: once compared, they would weigh enough
    work = {"email": ("office@agency.example",), "company": "Orla", "title": "Clerk"}
    records = [compared(name, **work) for name in "ab"]
    shared = {Key("email", "office@agency.example"), Key("local", "office")}
    assert len(score(*records)) == 1
    assert score(*records, shared=shared) == []


def test_contact_under_another_name_is_a_finding_of_its_own() -> None:
    ((_, _, one),) = findings(
        [compared("a", "Maud", "Hartwell", **HOME), compared("b", "Kofi", "Osei", **HOME)],
        {"a"},
        set(),
        MODEL.population,
    )
    assert (one["name"], one["email"], one["phone"]) == (0, 2, 1)
    ((_, _, one),) = findings(
        [compared("a", "Maud", "Hartwell", **HOME), compared("b", **HOME)], {"a"}, set(), MODEL.population
    )
    assert (one["name"], one["email"], one["phone"]) == (-1, 3, 2)


def test_organisations_never_meet() -> None:
    said = candidate("Maud", "Hartwell", **HOME)
    assert score(*(normalised(name, said, "US", f"organisation {name}") for name in "ab")) == []


def test_model_of_other_levels_is_refused() -> None:
    other = MatchModel(**MODEL.model_dump() | {"weights": {**MODEL.weights, "phone": {0: -1.0, 1: 5.0}}})
    with pytest.raises(ModelMisfit, match="catchment train"):
        score(model=other)


def test_shipped_model_never_rewards_the_weaker_agreement() -> None:
    for comparison in COMPARISONS:
        numbers = [one.number for one in reversed(comparison.levels) if one.number >= comparison.rising_from]
        weights = [MODEL.weights[comparison.name][number] for number in numbers]
        assert weights == sorted(weights)


def test_nothing_is_said_aloud(caplog, capfd) -> None:
    with caplog.at_level(logging.DEBUG):
        score(compared("a", "Maud", "Hartwell", **HOME), compared("b", "Maud", "Hartwell", **HOME))
    assert not [one for one in caplog.records if one.name.startswith("splink")]
    assert capfd.readouterr() == ("", "")


def test_starting_up_loads_neither_splink_nor_duckdb() -> None:
    slow = "{'splink', 'duckdb', 'pyarrow', 'phonenumbers'}"
    code = f"import sys, dedupe.scoring, dedupe.clustering; print(sorted({slow} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
