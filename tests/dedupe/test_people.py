"""Records in, people out, without a store."""

import random
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.people import candidate_of
from dedupe.people import ALONE, people_of
from sandbox.generator import generate
from tests.dedupe.records import candidate


def test_one_person_is_found_and_the_reason_is_said():
    first, second = people_of(
        [
            candidate("Anna", "Müller", email=("a.m@example.com",)),
            candidate("Anna", "Mueller", email=("a.m@example.com",)),
        ]
    )
    assert (first.person, second.person, second.nearest) == (0, 0, 0)
    assert "the same e-mail address" in second.reason
    assert second.probability is not None
    assert second.probability > 0.9


def test_family_of_one_address_stays_apart():
    home = {"email": ("the.hartwells@example.com",), "city": "Norwich"}
    members = people_of([candidate("Anna", "Hartwell", **home), candidate("Peter", "Hartwell", **home)])
    assert [member.person for member in members] == [0, 1]
    assert {member.reason for member in members} == {ALONE}


def test_nobody_among_nobody():
    assert people_of([]) == []


def test_order_does_not_matter():
    candidates = [candidate_of(one) for one in generate(150, 3).appearances]
    order = list(range(len(candidates)))
    random.Random(1).shuffle(order)
    shuffled = people_of([candidates[place] for place in order])
    groups: dict[int, set[int]] = {}
    for place, member in zip(order, shuffled, strict=True):
        groups.setdefault(member.person, set()).add(place)
    there: dict[int, set[int]] = {}
    for place, member in enumerate(people_of(candidates)):
        there.setdefault(member.person, set()).add(place)
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, there.values()))
    assert len(there) < len(candidates)


# few values, so that rows meet, tie and repeat each other
ROW = st.builds(
    lambda first, last, email, phone, city, firm: candidate(
        first, last, email=email and (email,), phone=phone and (phone,), city=city, company=firm
    ),
    st.sampled_from([None, "Anna", "Anne", "Peter", "Maud"]),
    st.sampled_from([None, "Müller", "Mueller", "Hartwell"]),
    st.sampled_from([(), "home@example.com", "a.mueller@example.com", "a.mueller@example.org"]),
    st.sampled_from([(), "+12025550143", "+12025550178"]),
    st.sampled_from([None, "Norwich", "Leeds"]),
    st.sampled_from([None, "Orla Ltd", "Orlah"]),
)


def parted(order, candidates):
    """Return the people as sets of places in `candidates`, found with the rows in this order."""
    groups = defaultdict(set)
    for place, member in zip(order, people_of([candidates[place] for place in order]), strict=True):
        groups[member.person].add(place)
    return {frozenset(group) for group in groups.values()}


@given(st.lists(ROW, min_size=2, max_size=14), st.randoms(use_true_random=False))
def test_no_order_of_the_rows_changes_the_people(candidates, chance):
    order = list(range(len(candidates)))
    chance.shuffle(order)
    assert parted(order, candidates) == parted(range(len(candidates)), candidates)


def test_tie_is_not_broken_by_who_comes_first():
    # the address alone agrees equally well with either of two people
    home = {"email": ("home@example.com",)}
    candidates = [candidate(None, None, **home), candidate(None, "Hartwell", **home), candidate("Anna", None, **home)]
    assert parted([2, 1, 0], candidates) == parted([0, 1, 2], candidates)


@given(st.lists(ROW, min_size=1, max_size=14))
def test_members_point_into_their_own_person(candidates):
    members = people_of(candidates)
    for place, member in enumerate(members):
        assert members[member.person].person == member.person <= place
        assert (member.nearest is None) == (member.probability is None) == (member.reason == ALONE)
        if member.nearest is not None:
            assert member.nearest != place
            assert members[member.nearest].person == member.person


def test_address_of_many_people_is_no_reason():
    office = {"email": ("office@agency.example",), "city": "Norwich"}
    names = ("Ada Byrne", "Bo Castell", "Cy Dunmore", "Di Eastwick", "Ed Farrow", "Flo Garrick")
    members = people_of([candidate(*name.split(), **office) for name in (*names, names[0])])
    assert [member.person for member in members] == [0, 1, 2, 3, 4, 5, 0]
    assert "e-mail" not in members[-1].reason
