"""Clusters follow from members, edges and decisions, and from nothing else."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dedupe.clustering import clusters
from dedupe.comparisons import ONE_NAME_OUTWEIGHS, WHOLE_NAME, guard
from dedupe.model import shipped
from tests.dedupe.records import edge
from tests.examples import examples

MODEL = shipped()
NAMES = [f"r{number}" for number in range(8)]
PAIRS = list(combinations(NAMES, 2))
found = st.dictionaries(
    st.sampled_from(PAIRS),
    st.tuples(st.integers(-2, 20).map(float), st.sampled_from([-1, 0, 1]), st.sampled_from([-1, 0, 1, 8])),
).map(lambda told: [edge(*pair, weight, profile=page, name=name) for pair, (weight, page, name) in told.items()])
pairs = st.lists(st.sampled_from(PAIRS), max_size=4, unique=True)


def part(edges, same=(), different=(), members=NAMES):
    return clusters(members, edges, same, different, MODEL)


def together(parted, pair) -> bool:
    return any(set(pair) <= group for group in parted)


@examples(400)
@given(found, pairs, pairs, st.randoms(use_true_random=False))
def test_order_does_not_matter(edges, same, different, chance) -> None:
    before = part(edges, same, different)
    shuffled = [list(edges), [pair[::-1] for pair in same], [pair[::-1] for pair in different], NAMES * 2]
    for each in shuffled:
        chance.shuffle(each)
    assert before == part(*shuffled[:3], members=shuffled[3])
    assert sorted(name for group in before for name in group) == NAMES


@examples(300)
@given(found, pairs)
def test_same_holds_whatever_the_edges(edges, same) -> None:
    parted = part(edges, same)
    assert all(together(parted, pair) for pair in same)


@examples(300)
@given(found, pairs)
def test_different_holds_whatever_the_edges(edges, different) -> None:
    parted = part(edges, (), different)
    assert not any(together(parted, pair) for pair in different)


@examples(300)
@given(found)
def test_two_linkedin_pages_are_never_one_person_by_the_model_alone(edges) -> None:
    parted = part(edges)
    for one in edges:
        if one.levels["profile"] == 0:
            assert not together(parted, (one.record_a, one.record_b))


@examples(300)
@given(found)
def test_two_names_are_one_person_only_by_what_is_ones_own_or_by_many_of_one_name(edges) -> None:
    for group in part(edges):
        inside = [one.levels for one in edges if {one.record_a, one.record_b} <= group]
        named = sum(one["name"] >= WHOLE_NAME for one in inside)
        if any(guard(one) for one in inside):
            assert named >= ONE_NAME_OUTWEIGHS or any(one["profile"] == 1 for one in inside)


@examples(200)
@given(found, pairs, pairs)
def test_components_do_not_touch_each_other(edges, same, different) -> None:
    left, right = set(NAMES[:4]), set(NAMES[4:])

    def inside(side, told):
        return [one for one in told if {one[0], one[1]} <= side]

    ends = {id(one): (one.record_a, one.record_b) for one in edges}
    halves = [[one for one in edges if set(ends[id(one)]) <= side] for side in (left, right)]
    alone = [
        part(half, inside(side, same), inside(side, different), side)
        for half, side in zip(halves, (left, right), strict=True)
    ]
    whole = part(
        [*halves[0], *halves[1]],
        inside(left, same) + inside(right, same),
        inside(left, different) + inside(right, different),
    )
    assert sorted(map(sorted, whole)) == sorted(map(sorted, alone[0] + alone[1]))


def test_refused_edge_leaves_the_clusters_on_both_its_sides_whole() -> None:
    good = [edge("r0", "r1", 15.0), edge("r1", "r2", 15.0), edge("r3", "r4", 15.0)]
    assert part([*good, edge("r2", "r3", 9.0, profile=0)])[:2] == [
        frozenset({"r0", "r1", "r2"}),
        frozenset({"r3", "r4"}),
    ]


def test_person_outranks_two_linkedin_pages() -> None:
    contradictory = [edge("r0", "r1", 12.0, profile=0)]
    assert not together(part(contradictory), ("r0", "r1"))
    assert together(part(contradictory, same=[("r0", "r1")]), ("r0", "r1"))


def test_record_between_two_siblings_does_not_make_them_one() -> None:
    parted = part([edge("r0", "r1", 12.0, name=9), edge("r1", "r2", 11.0, name=9), edge("r0", "r2", 0.0, name=1)])
    assert together(parted, ("r0", "r1"))
    assert not together(parted, ("r0", "r2"))


def test_records_between_two_siblings_do_not_make_them_one_either() -> None:
    """Four records of a last name alone, each near to both."""
    middle = [edge(f"r{number}", end, 6.0, name=3) for number in range(2, 6) for end in ("r0", "r1")]
    parted = part([*middle, edge("r0", "r1", -1.0, name=1)])
    assert not together(parted, ("r0", "r1"))


def test_one_bad_record_among_many_does_not_keep_a_person_apart() -> None:
    many = [edge(f"r{one}", f"r{other}", 12.0, name=9) for one, other in combinations(range(5), 2)]
    late = [edge(f"r{one}", "r7", 8.0, name=6) for one in range(4)]
    bad = edge("r4", "r7", 2.0, name=0)
    assert together(part([*many, *late, bad]), ("r4", "r7"))
    assert not together(part([*many, *late[:3], bad]), ("r4", "r7")), "three are not enough"


def test_somebody_who_changed_names_is_one_by_a_page_of_theirs() -> None:
    old, new = edge("r0", "r1", 12.0, name=9), edge("r2", "r3", 12.0, name=9)
    others = [edge("r0", "r2", 0.5, name=1), edge("r0", "r3", 0.5, name=1)]
    page = edge("r1", "r2", 5.0, name=1, profile=1)
    assert together(part([old, new, *others, page]), ("r0", "r3"))
    assert not together(part([old, new, *others, edge("r1", "r2", 5.0, name=1)]), ("r0", "r3"))


def test_edges_below_the_threshold_join_nobody() -> None:
    assert all(len(group) == 1 for group in part([edge("r0", "r1", 2.0)]))


def test_one_good_edge_does_not_outweigh_what_the_rest_says() -> None:
    whole = [edge("r0", "r1", 15.0), edge("r1", "r2", 15.0), edge("r0", "r2", 15.0)]
    doubtful = [edge("r2", "r3", 3.7), edge("r0", "r3", -1.9), edge("r1", "r3", -1.9)]
    assert together(part([*whole, *doubtful[:2]]), ("r2", "r3")), "on the whole they speak for it"
    assert not together(part([*whole, *doubtful]), ("r2", "r3"))
