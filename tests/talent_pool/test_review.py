"""What waits for a person's decision, in which order, and what the answers do to people."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

import pytest
from sqlalchemy import select

from dedupe.blocking import Key
from dedupe.model import MatchModel, probability
from dedupe.normalise import Normalised
from dedupe.scoring import Edge
from talent_pool.people.person_ids import NoSuchPerson
from talent_pool.people.review import Pair, queue, still_open
from talent_pool.refused import Refused
from talent_pool.resolution.by_hand import By, Outcome, bring_together, keep_apart, merge, unmerge
from talent_pool.resolution.decisions import Kind, decide, standing
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import deliveries, work
from tests.talent_pool.small_world import INSTALLATION, NOW, candidate, held, land, later, partition, remove

PAT = By("pat", later(5), "met her")


def plain_score(
    compared: Sequence[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key], model: MatchModel
) -> list[Edge]:
    """Score as plainly as can be, so that no training moves a pair over a threshold."""
    found: list[Edge] = []
    for a, b in combinations(sorted(compared, key=lambda one: one.record_id), 2):
        named = a.name == b.name
        told = (
            (12.0, {"name": 9, "email": 3}) if named and set(a.emails) & set(b.emails)
            else (6.0, {"name": 0, "phone": 1}) if not named and set(a.phones) & set(b.phones)
            else (2.0, {"name": 9, "city": 2}) if named and a.city and a.city == b.city
            else (1.0, {"name": 9}) if named
            else None
        )  # fmt: skip
        if told and focus & {a.record_id, b.record_id}:
            found.append(Edge(a.record_id, b.record_id, told[0], probability(told[0]), told[1]))
    return found


def run(store: Store, minutes: int = 0) -> None:
    resolve_all(store, INSTALLATION, later(minutes), score=plain_score)


def joined(store: Store, a: str, b: str, by: By = PAT, *, anyway: bool = False) -> Outcome:
    return merge(store, INSTALLATION, a, b, by, anyway=anyway, score=plain_score)


def parted(store: Store, a: str, b: str | None = None) -> Outcome:
    return unmerge(store, INSTALLATION, a, b, PAT, score=plain_score)


def waiting(store: Store, limit: int = 20) -> list[Pair]:
    return queue(store, INSTALLATION, limit)


def records_of(pairs: list[Pair]) -> list[set[str]]:
    return [{*pair.a.records, *pair.b.records} for pair in pairs]


def two(store: Store, name: str = "Mary Jones", *, city: str | None = None, start: int = 1) -> tuple[str, str]:
    """Two records that are likely one person, and not likely enough."""
    told = {"location": {"city": city}} if city else {}
    (a,) = land(store, "ats", candidate(str(start), name, [f"a{start}@example.com"], **told))
    (b,) = land(store, "board", candidate(str(start + 1), name, [f"b{start}@example.org"], **told))
    run(store)
    return a, b


def whole_people(store: Store) -> tuple[str, str, str, str]:
    """Two people of two records each who may be one; the second of each has a telephone under another name."""
    (a1,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    (a2,) = land(store, "portal", candidate("2", "Mary Jones", ["mary@example.com"], phones=["+44 20 7946 0101"]))
    (b1,) = land(store, "board", candidate("3", "Mary Jones", ["mj@example.org"]))
    (b2,) = land(store, "board", candidate("4", "Mary Jones", ["mj@example.org"]))
    run(store)
    return a1, a2, b1, b2


def person_of(store: Store, record: str) -> str:
    return next(person for person, own in held(store).items() if record in own)


# ---- the queue


def test_a_likely_pair_waits_with_both_sides_and_the_reason(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["Mary@example.com"], phones=["020 7946 0101"]))
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mj@example.org"], company="Contoso"))
    land(store, "portal", candidate("3", "Bruno Lind", ["bruno@example.org"]))
    run(store)
    (pair,) = waiting(store)
    assert {pair.a.record_id, pair.b.record_id} == {a, b}
    assert (pair.records, pair.weight) == (2, 1.0)
    assert pair.probability == pytest.approx(2 / 3)
    ats, board = sorted((pair.a, pair.b), key=lambda side: side.sources)
    assert (ats.names, ats.emails, ats.phones) == (("Mary Jones",), ("mary@example.com",), ("+442079460101",))
    assert (board.employers, board.sources, board.records) == (("Contoso",), ("board",), (b,))
    assert [step.comparison for step in pair.steps] == ["prior", "name"]
    assert "not enough" in pair.held_apart


def test_what_is_certain_or_one_person_already_does_not_wait(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    land(store, "board", candidate("2", "Mary Jones", ["mary@example.com"]))
    run(store)
    assert len(partition(store)) == 1
    assert waiting(store) == []


def test_a_pair_that_a_guard_held_apart_waits(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", phones=["+44 20 7946 0101"]))
    land(store, "board", candidate("2", "Hugo Smith", phones=["+44 20 7946 0101"]))
    run(store)
    (pair,) = waiting(store)
    assert pair.probability > 0.9
    assert pair.held_apart.startswith("two names")


def test_two_people_are_one_line_however_many_of_their_records_resemble(store: Store) -> None:
    everything = whole_people(store)
    (pair,) = waiting(store)
    assert pair.records == 4
    assert {*pair.a.records, *pair.b.records} == set(everything)
    assert pair.a.records[0] == pair.a.record_id < pair.b.record_id == pair.b.records[0]


def test_most_records_come_first_then_the_likeliest(store: Store) -> None:
    weak = two(store, "Ada Okafor", start=10)
    strong = two(store, "Bruno Lind", city="Leeds", start=20)
    large = whole_people(store)
    assert records_of(waiting(store)) == [set(large), set(strong), set(weak)]
    assert records_of(waiting(store, 2)) == [set(large), set(strong)]


@pytest.mark.parametrize("kind", ["same", "different"])
def test_a_decided_pair_leaves_for_good(kind: Kind, store: Store) -> None:
    a, b = two(store)
    (pair,) = waiting(store)
    assert still_open(store, INSTALLATION, pair) == pair
    decide(store, kind, a, b, by="pat", now=NOW)
    run(store, 1)
    assert waiting(store) == []
    assert still_open(store, INSTALLATION, pair) is None
    land(store, "ats", candidate("1", "Mary Jones", ["new@example.com"]), now=later(2))
    run(store, 2)
    remove(store, b)
    run(store, 3)
    land(store, "board", candidate("2", "Mary Jones", ["b1@example.org"]), now=later(4))
    run(store, 4)
    assert waiting(store) == []
    assert len(partition(store)) == (1 if kind == "same" else 2)


def test_one_decision_settles_all_that_two_people_have_in_common(store: Store) -> None:
    _, a2, _, b2 = whole_people(store)
    keep_apart(store, INSTALLATION, a2, b2, PAT, score=plain_score)
    assert waiting(store) == []
    assert len(partition(store)) == 2


def test_a_queue_writes_nothing(store: Store) -> None:
    two(store)
    before = held(store)
    waiting(store)
    with store.reading() as connection:
        assert standing(connection) == []
        assert connection.execute(select(work).where(work.c.stage == "resolve")).all() == []
    assert held(store) == before


# ---- merge


@pytest.mark.parametrize("by_person", [True, False])
def test_merge_then_unmerge_gives_the_people_of_before(by_person: bool, store: Store) -> None:
    a1, a2, b1, b2 = whole_people(store)
    before = held(store)
    names = (person_of(store, a1), person_of(store, b1)) if by_person else (a2, b2)
    done = joined(store, *names)
    assert [set(one.records) for one in done.people] == [{a1, a2, b1, b2}]
    with store.reading() as connection:
        assert [(one.kind, one.decided_by) for one in standing(connection)] == [("same", "pat")]
    back = parted(store, done.record_a, done.record_b)
    assert len(back.withdrawn) == 1
    assert held(store) == before


def test_merging_people_keeps_each_of_them_whole_across_a_guard(store: Store) -> None:
    a1, a2, b1, b2 = whole_people(store)
    other = candidate("3", "Hugo Smith", ["mj@example.org"], phones=["+44 20 7946 0101"])
    land(store, "board", other, candidate("4", "Hugo Smith", ["mj@example.org"]), now=later(1))
    run(store, 1)
    assert partition(store) == {frozenset({a1, a2}), frozenset({b1, b2})}
    before = held(store)
    done = joined(store, person_of(store, a1), person_of(store, b1))
    assert partition(store) == {frozenset({a1, a2, b1, b2})}
    parted(store, done.record_a, done.record_b)
    assert held(store) == before


def test_an_answer_brings_both_sides_of_a_pair_together(store: Store) -> None:
    everything = whole_people(store)
    (pair,) = waiting(store)
    done = bring_together(store, INSTALLATION, pair.a.records, pair.b.records, PAT, score=plain_score)
    assert partition(store) == {frozenset(everything)}
    assert (done.record_a, done.record_b) == (pair.a.record_id, pair.b.record_id)


def test_merge_refuses_what_cannot_be(store: Store) -> None:
    a, b = two(store)
    (elsewhere,) = land(store, "sister", candidate("1", "Mary Jones"))
    run(store)
    with pytest.raises(NoSuchPerson, match="per_nobody"):
        joined(store, a, "per_nobody")
    with pytest.raises(Refused, match="one person already"):
        joined(store, a, a)
    with pytest.raises(Refused, match="different organisations"):
        joined(store, a, elsewhere)
    joined(store, a, b)
    with pytest.raises(Refused, match=f"one person already: {person_of(store, a)}"):
        joined(store, person_of(store, a), b)
    remove(store, elsewhere)
    run(store, 1)
    with pytest.raises(Refused, match="no longer holds it"):
        joined(store, a, elsewhere)


def test_merge_refuses_against_a_cannot_link_between_any_two_records_unless_anyway(store: Store) -> None:
    a1, a2, b1, b2 = whole_people(store)
    decision = decide(store, "different", a2, b2, by="kim", now=NOW)
    run(store, 1)
    before = held(store)
    one, other = person_of(store, a1), person_of(store, b1)
    with pytest.raises(Refused, match=f"{decision} by kim"):
        joined(store, one, other)
    assert held(store) == before
    assert joined(store, one, other, anyway=True).withdrawn == (decision,)
    assert partition(store) == {frozenset({a1, a2, b1, b2})}


# ---- unmerge


def test_one_record_is_taken_from_all_the_others(store: Store) -> None:
    ids = [land(store, "ats", candidate(str(n), "Mary Jones", ["mary@example.com"]))[0] for n in range(3)]
    run(store)
    first = person_of(store, ids[0])
    done = parted(store, ids[2])
    assert partition(store) == {frozenset(ids[:2]), frozenset(ids[2:])}
    assert [one.records for one in done.people] == [tuple(ids[:2]), (ids[2],)]
    assert person_of(store, ids[0]) == first
    land(store, "ats", candidate("2", "Mary Jones", ["mary@example.com"], company="Contoso"), now=later(6))
    run(store, 6)
    assert partition(store) == {frozenset(ids[:2]), frozenset(ids[2:])}


def test_a_record_that_others_were_decided_to_be_is_cut_from_each(store: Store) -> None:
    a, b = two(store)
    (c,) = land(store, "portal", candidate("9", "Mary Jones", ["third@example.org"]))
    run(store)
    before = held(store)
    joined(store, a, b)
    joined(store, c, a)
    done = parted(store, a)
    assert len(done.withdrawn) == 2
    assert held(store) == before


def test_a_person_of_two_records_needs_no_record_named_and_one_of_more_does(store: Store) -> None:
    ids = [land(store, "ats", candidate(str(n), "Mary Jones", ["mary@example.com"]))[0] for n in range(3)]
    run(store)
    person = person_of(store, ids[0])
    with pytest.raises(Refused, match=f"3 records; name the one to take out: {', '.join(ids)}"):
        parted(store, person)
    parted(store, person, ids[2])
    parted(store, person)
    assert partition(store) == {frozenset({name}) for name in ids}


def test_unmerge_refuses_what_is_not_together(store: Store) -> None:
    a, b = two(store)
    with pytest.raises(Refused, match="two people already"):
        parted(store, a, b)
    with pytest.raises(Refused, match="only record"):
        parted(store, a)
    with pytest.raises(Refused, match="cannot be taken from itself"):
        parted(store, a, a)
    with pytest.raises(Refused, match="one has to be a record's"):
        parted(store, person_of(store, a), person_of(store, b))
    with pytest.raises(NoSuchPerson, match="rec_nobody"):
        parted(store, "rec_nobody")


def test_deciding_sends_nothing(store: Store) -> None:
    a, b = two(store)
    joined(store, a, b)
    parted(store, a, b)
    with store.reading() as connection:
        assert connection.execute(select(deliveries)).all() == []
