"""What two spellings of one thing share, and what says nothing at all."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import PROTECTED_ATTRIBUTES, Candidate
from dedupe.normalise import Normalised, normalised, phone
from tests.dedupe.records import candidate, compared
from tests.examples import examples

texts = st.text(max_size=40) | st.sampled_from(["n/a", "http://[x", "//", "@", "a@b", "Test", "linkedin.com/in/"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Zoë", "Müller"), ("ZOE", "MULLER")),
        (("Ann", "McDonald"), ("ANN", "MCDONALD")),
        (("Vincent", "van der Berg"), ("Vincent", "Berg")),
        (("Dr. Ada", "O'Neill"), ("Ada", "ONeill")),
        (("Иван", "Петров"), ("Ivan", "Petrov")),
        (("芳", "王"), ("Fang", "Wang")),
        (("Wang", "Fang"), ("Fang", "Wang")),
    ],
)
def test_one_name_spelt_two_ways_compares_equal(one, other) -> None:
    assert compared("a", *one).name == compared("b", *other).name != None  # noqa: E711 - equal, and there


@pytest.mark.parametrize(
    ("short", "formal"), [("Bob", "Robert"), ("Bill", "William"), ("Liz", "Elizabeth"), ("Alex", "Alexander")]
)
def test_nickname_has_a_form_in_common_with_its_formal_name(short, formal) -> None:
    assert set(compared("a", short).forms) & set(compared("b", formal).forms)


@pytest.mark.parametrize(("first", "last"), [("Na", "Li"), ("Minh", "Do"), ("Chris", "Null"), ("Test", "Ng")])
def test_names_that_look_like_nothing_are_kept_whole(first, last) -> None:
    assert compared("a", first, last).name == " ".join(sorted((first.lower(), last.lower())))


def test_full_name_is_read_where_there_are_no_parts() -> None:
    told = [
        normalised("a", Candidate(remote_id="1", full_name=name), None, "ours") for name in ("Ada King", "King, Ada")
    ]
    assert [(one.first, one.last) for one in told] == [("ada", "king")] * 2


def test_placeholders_are_missing() -> None:
    blank = compared(
        "a", "Unknown", "n/a", email=("noemail@example.com", "test@test", "xxxx@example.com"),
        phone=("0000000000", "+1 111 111 1111", "1234567890", "n/a"), city="N/A", company="-", title="TBD",
    )  # fmt: skip
    assert blank == Normalised("a", "ours")


def test_addresses_are_folded_for_comparison() -> None:
    folded = compared("a", email=("A.da+jobs@GoogleMail.com", "j@smith.example")).emails
    assert folded == ("ada@gmail.com", "j@smith.example")


@pytest.mark.parametrize(
    "spelling", ["+44 20 7946 0958", "0044 20 7946 0958", "(020) 7946-0958", "+44 (0)20 7946 0958"]
)
def test_numbers_become_e164_by_the_region_of_their_source(spelling) -> None:
    assert phone(spelling, "GB") == "+442079460958"


def test_own_country_stands_in_for_a_source_without_region() -> None:

    said = candidate(phone=("020 7946 0958",), country="GB")
    assert normalised("a", said, None, "ours").phones == ("+442079460958",)


def test_pages_are_told_by_site_and_slug() -> None:
    told = compared(
        "a",
        url=(
            "https://de.linkedin.com/in/Ada-King/?trk=x", "linkedin.com/pub/ada-king/4/5b/a12", "github.com/ada/engine",
            "https://www.xing.com/profile/Ada_King",
            "https://github.com/orgs/acme", "http://[broken", "example.com/ada",
        ),
    )  # fmt: skip
    assert told.linkedins == ("linkedin:ada-king", "linkedin:pub/ada-king/4/5b/a12")
    assert set(told.profiles) - set(told.linkedins) == {"github:ada", "xing:ada_king"}


def test_legal_form_of_an_employer_does_not_matter() -> None:
    assert compared("a", company="Orla GmbH & Co. KG").employer == compared("b", company="ORLA").employer == "orla"


@examples(300)
@given(texts, texts, texts, texts, texts)
def test_any_text_at_all_is_read_and_comes_out_the_same_twice(first, last, address, number, url) -> None:
    made = [compared("a", first, last, email=(address,), phone=(number,), url=(url,), company=first) for _ in range(2)]
    assert made[0] == made[1]
    for one in (made[0].name, made[0].last, made[0].employer):
        assert one is None or (one.isascii() and one == one.strip() != "")


def test_protected_attributes_have_no_way_in() -> None:
    assert not {one.name for one in fields(Normalised)} & PROTECTED_ATTRIBUTES
    plain = candidate("Ada", "King")
    told = candidate("Ada", "King", custom_fields={"gender": "f", "date_of_birth": "1990-01-01"}, profile={"age": 36})
    assert normalised("a", plain, "US", "ours") == normalised("a", told, "US", "ours")
