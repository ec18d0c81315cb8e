"""How many namesakes a name has by chance."""

from hypothesis import given
from hypothesis import strategies as st

from dedupe.model import shipped
from dedupe.population import LEAST_HOLDERS, counted
from tests.dedupe.records import compared
from tests.examples import examples

SHIPPED = shipped().population
PARTS = ["john", "wei", "smith", "wang", "quillfeather", "j"]
NAMES = [
    ("John", "Smith"),
    ("Maria", "Garcia"),
    ("Wei", "Wang"),
    ("Ottoline", "Quillfeather"),
    ("Xiu", None),
    (None, None),
]


def people(*names, times=1):
    return [compared(f"r{number}", *name) for number, name in enumerate(names * times)]


def test_a_frequent_name_has_more_namesakes_than_a_rare_one() -> None:
    assert SHIPPED.namesakes("john smith") > 100 * SHIPPED.namesakes("ottoline quillfeather")


def test_parts_of_one_culture_go_together() -> None:
    apart = SHIPPED.namesakes("wang") * SHIPPED.namesakes("wei") / SHIPPED.people
    assert SHIPPED.namesakes("wang wei") > 3 * apart


def test_a_name_alone_is_borne_by_more_than_the_name_with_another_part() -> None:
    assert SHIPPED.namesakes("smith") > SHIPPED.namesakes("john smith") > SHIPPED.namesakes("albert john smith")


def test_an_initial_says_less_than_a_name() -> None:
    assert SHIPPED.namesakes("j smith") > SHIPPED.namesakes("john smith")


def test_a_name_that_a_pool_is_full_of_is_not_rare_there() -> None:
    own = counted(people(("Ottoline", "Quillfeather"), times=2_000), SHIPPED)
    assert own.namesakes("ottoline quillfeather") > 100 * SHIPPED.namesakes("ottoline quillfeather")


def test_a_larger_pool_has_more_namesakes() -> None:
    assert counted([], SHIPPED, of=1_000_000).namesakes("john smith") == 100 * SHIPPED.namesakes("john smith")


def test_a_city_that_everybody_tells_says_nothing() -> None:
    records = [
        compared(f"r{number}", *NAMES[number % 4], city="Anytown", company=f"Firm {number}") for number in range(60)
    ]
    own = counted(records, SHIPPED)
    assert own.everywhere == {"city": {"anytown"}}
    assert own.telling(records[0]).city is None
    assert own.telling(records[0]).employer == records[0].employer
    few = counted(records[:40], SHIPPED)
    assert few.telling(records[0]) is records[0], "in a short list, all may well be of one town"


def test_a_name_that_few_bear_is_not_written_down() -> None:
    few, many = ("Ottoline", "Quillfeather"), ("Thaddeus", "Brambleby")
    own = counted(people(few, times=LEAST_HOLDERS - 1) + people(many, times=LEAST_HOLDERS), SHIPPED)
    assert set(own.counts) == {"thaddeus", "brambleby"}


@examples(50)
@given(st.lists(st.sampled_from(NAMES), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(names, chance) -> None:
    records = [compared(f"r{number}", *name) for number, name in enumerate(names)]
    expected = counted(records, SHIPPED)
    chance.shuffle(records)
    assert counted(records, SHIPPED) == expected


@given(
    st.lists(st.sampled_from(["john", "wei", "smith", "wang", "quillfeather", "j"]), min_size=1, max_size=4),
    st.randoms(),
)
def test_the_order_of_a_names_parts_does_not_matter(parts, chance) -> None:
    expected = SHIPPED.namesakes(" ".join(parts))
    chance.shuffle(parts)
    assert abs(SHIPPED.namesakes(" ".join(parts)) - expected) <= 1e-9 * expected
