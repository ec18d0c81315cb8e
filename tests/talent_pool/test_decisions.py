"""What people decided outranks the model, and outlives what it was about."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from talent_pool.refused import Refused
from talent_pool.resolution.decisions import Ties, around, decide, standing, ties, withdraw
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import decisions, work
from tests.examples import examples
from tests.talent_pool.small_world import (
    INSTALLATION,
    NOW,
    candidate,
    held,
    land,
    later,
    partition,
    remove,
    same_address,
)


def run(store: Store, minutes: int = 0) -> None:
    resolve_all(store, INSTALLATION, later(minutes), score=same_address)


def two(store: Store, *, alike: bool) -> tuple[str, str]:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mary@example.com" if alike else "mj@example.org"]))
    run(store)
    return a, b


def test_same_brings_together_and_its_withdrawal_parts_again(store: Store) -> None:
    a, b = two(store, alike=False)
    before = held(store)
    decision = decide(store, "same", b, a, by="pat", now=NOW, note="met her")
    run(store, 1)
    assert partition(store) == {frozenset({a, b})}
    withdraw(store, decision, later(2))
    run(store, 2)
    assert held(store) == before


def test_different_parts_and_outlives_removal_and_return(store: Store) -> None:
    a, b = two(store, alike=True)
    decide(store, "different", a, b, by="pat", now=NOW)
    run(store, 1)
    assert partition(store) == {frozenset({a}), frozenset({b})}
    remove(store, b)
    run(store, 2)
    land(store, "board", candidate("2", "Mary Jones", ["mary@example.com"]), now=later(3))
    run(store, 3)
    assert partition(store) == {frozenset({a}), frozenset({b})}


def test_a_decision_reaches_through_a_record_that_is_gone(store: Store) -> None:
    a, b = two(store, alike=False)
    (c,) = land(store, "portal", candidate("3", "Mary Jones", ["third@example.org"]))
    decide(store, "same", a, c, by="pat", now=NOW)
    decide(store, "same", c, b, by="pat", now=NOW)
    run(store, 1)
    remove(store, c)
    run(store, 2)
    assert partition(store) == {frozenset({a, b})}


def test_a_contradiction_is_refused_and_names_what_is_in_its_way(store: Store) -> None:
    a, b = two(store, alike=False)
    (c,) = land(store, "portal", candidate("3", "Mary Jones", ["third@example.org"]))
    first = decide(store, "same", a, b, by="pat", now=NOW)
    second = decide(store, "same", b, c, by="pat", now=NOW)
    with pytest.raises(Refused, match=f"{min(first, second)}, {max(first, second)}"):
        decide(store, "different", a, c, by="kim", now=NOW)
    withdraw(store, second, NOW)
    third = decide(store, "different", a, c, by="kim", now=NOW)
    with pytest.raises(Refused, match=third):
        decide(store, "same", b, c, by="pat", now=NOW)
    with store.reading() as connection:
        assert {one.id for one in standing(connection)} == {first, third}


def test_said_twice_it_is_one_decision_and_waits_for_resolution(store: Store) -> None:
    a, b = two(store, alike=False)
    assert decide(store, "same", a, b, by="pat", now=NOW) == decide(store, "same", b, a, by="kim", now=later(1))
    with store.reading() as connection:
        waiting = set(connection.execute(select(work.c.subject_id).where(work.c.stage == "resolve")).scalars())
    assert waiting == {a, b}


def test_what_is_no_pair_of_candidates_of_one_organisation_is_refused(store: Store) -> None:
    a, _ = two(store, alike=False)
    (elsewhere,) = land(store, "sister", candidate("1", "Mary Jones", ["mary@example.com"]))
    with pytest.raises(Refused, match="one and the same"):
        decide(store, "same", a, a, by="pat", now=NOW)
    with pytest.raises(Refused, match="rec_nobody"):
        decide(store, "same", a, "rec_nobody", by="pat", now=NOW)
    with pytest.raises(Refused, match="different organisations"):
        decide(store, "same", a, elsewhere, by="pat", now=NOW)
    with pytest.raises(Refused, match="dec_unknown"):
        withdraw(store, "dec_unknown", NOW)


def _merged_at_the_source(store: Store, gone: str, into: str) -> None:
    """Write what landing writes when a source merges two records of its own."""
    a, b = sorted((gone, into))
    with store.writing() as connection:
        row = {"id": f"dec_{a[4:10]}{b[4:10]}", "kind": "same", "record_a": a, "record_b": b, "decided_at": NOW}
        connection.execute(decisions.insert().values(**row, decided_by="vendor:ats", note="merged at the source"))
    remove(store, gone)


def test_the_id_of_a_record_merged_at_its_source_leads_to_the_other(store: Store) -> None:
    a, b = two(store, alike=False)
    (first,) = (person for person, own in held(store).items() if a in own)

    _merged_at_the_source(store, a, b)
    run(store, 1)
    assert held(store) == {first: frozenset({b})}


NAMES = [f"rec_{letter}" for letter in "abcdefgh"]


@st.composite
def _decisions(draw: st.DrawFn) -> list[dict[str, object]]:
    pairs = st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True).map(sorted)
    told = draw(
        st.lists(st.tuples(st.sampled_from(["same", "different"]), pairs, st.sampled_from(["pat", "vendor:a"])))
    )
    return [
        {"id": f"dec_{number}", "kind": kind, "record_a": a, "record_b": b, "decided_by": by, "decided_at": NOW}
        for number, (kind, (a, b), by) in enumerate(told)
    ]


@given(told=_decisions())
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decisions_around_a_record_say_all_that_is_decided_about_it(
    store: Store, told: list[dict[str, object]]
) -> None:
    with store.reading() as connection:  # of which nothing is kept
        if told:
            connection.execute(decisions.insert(), told)
        whole = ties(standing(connection))
        for name in NAMES:
            part = ties(around(connection, [name]))
            assert part.peers(name) == whole.peers(name)
            assert _opposite(part, name) == _opposite(whole, name)


def _opposite(known: Ties, name: str) -> set[str]:
    own = known.peers(name)
    return {other for pair in known.opposed if own in pair for group in pair for other in group - own}


def test_a_person_overrules_a_vendors_merge(store: Store) -> None:
    a, b = two(store, alike=False)
    _merged_at_the_source(store, a, b)
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store, 1)
    assert partition(store) == {frozenset({a, b})}
    decide(store, "different", a, b, by="pat", now=NOW)
    run(store, 2)
    assert partition(store) == {frozenset({a}), frozenset({b})}
