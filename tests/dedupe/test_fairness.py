"""Nobody is missed much more often than others for the culture, script or length of a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import PROTECTED_ATTRIBUTES, Candidate
from dedupe.comparisons import COMPARISONS
from dedupe.fairness import HELD_OUT, Group, Rate, report
from dedupe.normalise import Normalised, normalised
from dedupe.training_people import LOCALES

MOST_FALSE = 0.03
"""Share of a culture's records that may stand with another person's, at the lower end of what chance allows."""


@given(st.integers(0, 500), st.integers(1, 500))
def test_bounds_hold_the_share_and_narrow_with_the_number(count, more) -> None:
    of = max(count, 1) + more
    low, high = Rate(count, of).bounds
    assert 0 <= low <= count / of <= high <= 1
    wider = Rate(count * 10, of * 10).bounds
    assert wider[1] - wider[0] < high - low


def test_a_group_that_is_missed_twice_as_often_is_unfair() -> None:
    whole = Group("all", "all", Rate(2_000, 10_000), Rate(0, 10_000))
    assert Group("culture", "one", Rate(250, 1_000), Rate(0, 1)).is_fair(whole)
    assert not Group("culture", "other", Rate(420, 1_000), Rate(0, 1)).is_fair(whole)
    assert not Group("culture", "unknown", Rate(0, 0), Rate(0, 0)).is_fair(whole), "too few to say so is not fair"


def test_cultures_are_not_those_of_the_training() -> None:
    assert set(HELD_OUT).isdisjoint(LOCALES)


@pytest.mark.heavy
def test_no_group_of_names_is_missed_much_more_often() -> None:
    whole, *groups = report()
    assert {one.kind for one in groups} == {"culture", "script", "length"}
    assert min(one.missed.of for one in groups) >= 1_000
    assert [one for one in groups if not one.is_fair(whole)] == []
    assert [one for one in groups if one.false.bounds[0] > MOST_FALSE] == []


def test_protected_attributes_have_no_place_in_what_is_compared() -> None:
    compared = {*Normalised.__dataclass_fields__, *(one.name for one in COMPARISONS)}
    assert compared.isdisjoint({*PROTECTED_ATTRIBUTES, "birth_date", "date_of_birth", "sex", "photo"})


@given(
    st.dictionaries(
        st.sampled_from([*sorted(PROTECTED_ATTRIBUTES), "date_of_birth", "Sex", "Nationality"]),
        st.sampled_from(["f", "m", "1980-02-29", "Deaf", "yes"]),
    )
)
def test_nothing_that_a_source_says_of_them_changes_what_is_compared(told) -> None:
    plain = Candidate(remote_id="1", full_name="Maud Hartwell", title="Cook")
    told_of = plain.model_copy(update={"custom_fields": told, "profile": told, "tags": tuple(told)})
    assert normalised("a", told_of, "US", "ours") == normalised("a", plain, "US", "ours")
