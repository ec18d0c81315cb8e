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
        street=st.sampled_from([None, "1 Mill Lane", "Mill Lane 1", "1 Mil Lane", "7 Mill Lane East", "2 Elm Road"]),
        postcode=st.sampled_from([None, "NR1 1AA", "nr11aa", "NR1 1AB", "NR1 A1A", "0150"]),
        numbers=_few(["4711-A", "4711B", "998877", "998787"]),
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


def test_a_similarity_at_its_very_bound_is_one_level_for_both():
    told = [
        candidate(email=["m.smith@example.com"], street=street) for street in ("119 Bahnhof Weg", "126 Bahnhof Weg")
    ]
    records = [normalised(f"r{number}", one, "US", "ours") for number, one in enumerate(told)]
    one_by_one, at_once = _both(records, {"r0", "r1"}, frozenset())
    assert one_by_one == at_once
    assert one_by_one[0][2]["street"] == 2


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
