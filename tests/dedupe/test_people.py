"""Records in, people out, without a store."""

import random

from dedupe.people import ALONE, people_of
from sandbox.generator import generate
from tests.dedupe.records import candidate
from tests.dedupe.test_accuracy import said


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
    candidates = [said(one) for one in generate(150, 3).appearances]
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
