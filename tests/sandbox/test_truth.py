import pytest

from sandbox.truth import b_cubed, by_shared_email, pairwise

A, B, C, D = (("x", letter) for letter in "abcd")
TRUTH = {A: 1, B: 1, C: 2, D: 2}


def test_perfect_whatever_the_labels() -> None:
    found = {A: "p", B: "p", C: "q", D: "q"}
    assert pairwise(found, TRUTH).f1 == 1
    assert b_cubed(found, TRUTH).f1 == 1


def test_everybody_in_one() -> None:
    found = dict.fromkeys(TRUTH, 0)
    agreement = pairwise(found, TRUTH)
    assert (agreement.precision, agreement.recall) == (pytest.approx(2 / 6), 1)
    assert b_cubed(found, TRUTH).precision == pytest.approx(0.5)


def test_a_missing_record_stands_alone() -> None:
    agreement = pairwise({A: 1, B: 1}, TRUTH)
    assert (agreement.precision, agreement.recall) == (1, 0.5)
    assert b_cubed({A: 1, B: 1}, TRUTH).recall == pytest.approx(0.75)


def test_shared_addresses_chain() -> None:
    found = by_shared_email({A: ["a@x.example"], B: ["A@x.example", "b@x.example"], C: ["b@x.example"], D: []})
    assert found[A] == found[B] == found[C] != found[D]
