"""Few pairs are compared in this process, many by Splink on DuckDB; nobody may be able to tell which it was."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from dedupe import batch, instant, scoring
from dedupe.model import shipped
from dedupe.normalise import normalised
from dedupe.population import counted
from dedupe.scoring import edges
from dedupe.training import prepared, shared_keys
from dedupe.training_people import Lot
from tests.dedupe.records import candidate
from tests.examples import examples

POPULATION = shipped().population

FIRST = [
    "Maria",
    "María",
    "Mary",
    "Marie",
    "M",
    "Robert",
    "Bob",
    "Rob",
    "Jon",
    "John",
    "Wei",
    "Xi",
    "王",
    "Ольга",
    "N/A",
]
LAST = [
    "Smith",
    "Smyth",
    "Smithe",
    "García",
    "Garcia Lopez",
    "van der Berg",
    "Berg",
    "Li",
    "小明",
    "Petrova",
    "O'Neill",
]
MAIL = ["m.smith@example.com", "m.smith@example.org", "msmith@gmail.com", "info@example.com", "b@example.com"]
PHONE = ["+12025550101", "+12025550102"]
URL = ["https://www.linkedin.com/in/maria", "https://www.linkedin.com/in/bob", "https://github.com/maria"]


def _few(values):
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


_people = st.lists(
    st.builds(
        candidate,
        st.none() | st.sampled_from(FIRST),
        st.none() | st.sampled_from(LAST),
        email=_few(MAIL),
        phone=_few(PHONE),
        url=_few(URL),
        city=st.sampled_from([None, "Norwich", "Norwich ", "Norvich", "Oslo"]),
        street=st.sampled_from(
            [None, "1 Mill Lane", "Mill Lane 1", "1 Mil Lane", "1 Mill", "7 Mill Lane East", "2 Elm Road", "2"]
        ),
        postcode=st.sampled_from([None, "NR1 1AA", "nr11aa", "NR1 1AB", "NR1 A1A", "0150"]),
        numbers=_few(["4711-A", "4711B", "9988776", "9987876", "9988777"]),
        company=st.sampled_from([None, "Acme GmbH", "Acme", "Acmee", "Zenith"]),
        title=st.sampled_from([None, "Engineer", "Engineers", "Cook"]),
    ),
    min_size=2,
    max_size=30,
)


def _both(records, focus, shared):
    wanted = instant.pairs(records, focus, shared, 10**9)
    return instant.compared(records, wanted, shared, POPULATION), batch.compared(records, focus, shared, POPULATION)


@examples(12, suppress_health_check=[HealthCheck.too_slow])
@given(people=_people, every=st.integers(1, 4), most=st.integers(0, 1))
def test_levels_are_those_of_splink(people, every, most):
    records = [normalised(f"r{number:03}", one, "US", "ours") for number, one in enumerate(people)]
    focus = {one.record_id for one in records[::every]}
    shared = shared_keys(records) if most else frozenset()
    one_by_one, at_once = _both(records, focus, shared)
    assert one_by_one == at_once


@pytest.mark.heavy
def test_levels_are_those_of_splink_on_generated_people():
    _, records, shared = prepared(Lot(1_500), 11)
    one_by_one, at_once = _both(records, {one.record_id for one in records}, shared)
    assert one_by_one == at_once
    assert len(at_once) > 1_000


def _levels(one, other):
    """Return the levels of two people, after asking both ways."""
    records = [normalised(f"r{number}", told, "US", "ours") for number, told in enumerate((one, other))]
    focus = {"r0", "r1"}
    [(_, _, levels)] = instant.compared(records, [("r0", "r1")], frozenset(), POPULATION)
    at_once = batch.compared(records, focus, frozenset(), POPULATION)
    assert [found for _, _, found in at_once] in ([], [levels]), "not compared at all, or alike"
    return levels


def test_a_similarity_at_its_very_bound_is_one_level_for_both():
    same = {"email": ["m.smith@example.com"]}
    levels = _levels(candidate(**same, city="Hollandburgh"), candidate(**same, city="Hsllandbbrgh"))
    assert levels["city"] == 1, "0.9 and not a bit less"


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        (("Ethan", None), ("Etjan", "Hyland"), 4),
        (("Bob", None), ("Robert", "Hyland"), 4),
        ((None, "Hyland"), ("Sonja", "Hylland"), 3),
        ((None, "Hyland"), ("Sonja", "Weaver"), 0),
        (("Sonja", None), ("Mark", "Hyland"), 0),
        (("Hyland", None), ("Sonja", "Hyland"), 1),
        (("Mark", "Hyland"), ("Sonja", "Hyland"), 1),
        ((None, "Hyland"), (None, "Hyland"), 9),
    ],
)
def test_what_is_missing_of_a_name_contradicts_nothing(one, other, level):
    same = {"email": ["m.smith@example.com"]}
    assert _levels(candidate(*one, **same), candidate(*other, **same))["name"] == level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("12 Calimna Circuit, Shackleton", "Calimna Circuit Shackleton 12", 5),
        ("12 Calimna Circuit, Shackleton", "12 Calimma Shackletoncircuit", 4),
        ("12 Calimna Circuit, Shackleton Village", "12 Calimna Cct", 3),
        ("12 Calimna Circuit", "14 Calimna Circuit", 1),
        ("12 Calimna Circuit", "Calimna Circuit", 1),
        ("12 Mill Street", "12 Park Street", 0),
        ("12 Mill Street", "14 Park Street", 0),
    ],
)
def test_streets_are_told_by_house_and_letters(one, other, level):
    named = ("Sonja", "Hyland")
    assert _levels(candidate(*named, street=one), candidate(*named, street=other))["street"] == level


def test_a_street_under_another_name_is_a_household():
    home = {"street": "12 Calimna Circuit", "postcode": "2032"}
    assert _levels(candidate("Sonja", "Hyland", **home), candidate("Mark", "Hyland", **home))["street"] == 2


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("5061165", "506-1165", 2),
        ("5061165", "5061265", 1),
        ("5061165", "506165", 0),
        ("5061165", "50611655", 1),
        ("8052521", "8052512", 1),
        ("5061165", "5061166", 0),
        ("1041", "1141", 0),
        ("5061165", "9061166", 0),
    ],
)
def test_a_slip_in_a_long_number_is_no_other_number(one, other, level):
    named = ("Sonja", "Hyland")
    assert _levels(candidate(*named, numbers=(one,)), candidate(*named, numbers=(other,)))["number"] == level


def test_a_value_that_is_everywhere_is_missing_for_both():
    said = [candidate("Ana", "Souza", city="Anytown", postcode=f"12{number}34") for number in range(60)]
    records = [normalised(f"r{number}", one, None, "ours") for number, one in enumerate(said)]
    own = counted(records, POPULATION)
    wanted = instant.pairs(records, {"r0"}, frozenset(), 10**6)
    one_by_one = instant.compared(records, wanted, frozenset(), own)
    assert one_by_one == batch.compared(records, {"r0"}, frozenset(), own)
    assert {levels["city"] for _, _, levels in one_by_one} == {-1}
    assert min(levels["postcode"] for _, _, levels in one_by_one) >= 0


def test_many_pairs_go_to_splink_and_the_edges_are_the_same(monkeypatch):
    _, records, shared = prepared(Lot(150), 3)
    focus = {one.record_id for one in records}
    one_by_one = edges(records, focus, shared, shipped())
    called = []
    whole = batch.compared
    monkeypatch.setattr(batch, "compared", lambda *given: called.append(1) or whole(*given))
    monkeypatch.setattr(scoring, "MOST_AT_ONCE", 5)
    assert edges(records, focus, shared, shipped()) == one_by_one
    assert called


def test_pairs_stop_being_counted_where_they_are_too_many():
    same = [normalised(f"r{number}", candidate("Ana", "Souza"), None, "ours") for number in range(2_000)]
    assert instant.pairs(same, {one.record_id for one in same}, frozenset(), 1_000) is None
