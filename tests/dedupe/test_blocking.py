"""Who is compared with whom, and when a value stops counting."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedupe.blocking import MOST_HOLDERS, MOST_NAMES, MOST_OF_ONE, Key, is_shared, keys
from tests.dedupe.records import compared
from tests.examples import examples

name_keys = st.text("abcde", max_size=3)


def test_record_that_says_nothing_has_no_key() -> None:
    assert keys(compared("a", "n/a", None, email=("noemail@example.com",), phone=("000000000",))) == []


def test_keys_come_once_and_in_one_order() -> None:
    one = compared("a", "Bob", "Hart", email=("bob.hart@example.com",) * 2, city="Leeds", company="Orla")
    assert keys(one) == keys(one)
    assert len(set(keys(one))) == len(keys(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Robert", "Hart"), ("Bob", "Hart")),
        (("Ada", "King"), ("King", "Ada")),
        (("Ada", "Kingsley"), ("Adah", "Kingsly")),
    ],
)
def test_people_whose_contacts_have_all_changed_still_meet(one, other) -> None:
    before = compared("a", *one, email=("old1@example.com",), phone=("+12125550143",), city="Leeds")
    after = compared("b", *other, email=("new2@example.com",), phone=("+12125550199",), city="Leeds")
    assert set(keys(before)) & set(keys(after))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"street": "12 Calimna Circuit", "postcode": "2032"}, {"street": "Calimma Cct 12", "postcode": "2032"}),
        ({"street": "12 Calimna Circuit", "city": "Boyup Brook"}, {"street": "12 Calima", "city": "Boyup Broook"}),
    ],
)
def test_people_with_both_names_misspelt_meet_at_their_house(one, other) -> None:
    found = [
        set(keys(compared("a", *names, **home))) for names, home in ((("Ada", "King"), one), (("Ade", "Kng"), other))
    ]
    assert found[0] & found[1]


@examples(300)
@given(st.lists(name_keys), st.randoms(use_true_random=False))
def test_contact_is_shared_by_names_however_often_each_stands(names, chance) -> None:
    shuffled = names * 2
    chance.shuffle(shuffled)
    expected = is_shared("email", Counter(names))
    assert is_shared("email", Counter(shuffled)) == is_shared("email", Counter([*set(names), ""])) == expected


@examples(200)
@given(st.lists(name_keys), name_keys)
def test_further_name_never_makes_a_value_personal_again(names, name) -> None:
    assert is_shared("phone", Counter([*names, name])) or not is_shared("phone", Counter(names))


def test_line_lies_where_it_is_said_to_lie() -> None:
    names = [f"n{number}" for number in range(MOST_NAMES + 1)]
    assert not is_shared("email", Counter(names[:-1]))
    assert is_shared("email", Counter(names))
    assert not is_shared("name", Counter(names)), "people of one name are told apart by the model"
    assert not is_shared("name", {"jh": MOST_HOLDERS})
    assert is_shared("name", {"jh": MOST_HOLDERS - 10, "hj": 11}), "so many would be compared for nothing"
    assert not is_shared("email", {"jh": MOST_OF_ONE})
    assert is_shared("email", {"": MOST_OF_ONE + 1}), "nameless rows of one address"


def test_one_persons_spellings_are_not_many_people() -> None:
    spellings = [
        ("Robert", "Hart"),
        ("Bob", "Hart"),
        ("R.", "Hart"),
        ("Robrt", "Haart"),
        ("Hart", "Robert"),
        ("ROB", "HART"),
    ]
    assert not is_shared("email", Counter(compared("a", *one).name_key for one in spellings))
    assert Key("email", "x") == ("email", "x")
