"""Laws of resolution over random small worlds, and two resolvers at once."""

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.records import Candidate
from dedupe.scoring import edges
from talent_pool.people.person_ids import resolved
from talent_pool.refused import Refused
from talent_pool.resolution.decisions import decide, standing, withdraw
from talent_pool.resolution.neighbours import Score
from talent_pool.resolution.resolve import resolve, resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import changes, people, person_aliases
from tests.conftest import KEY
from tests.examples import examples
from tests.talent_pool.small_world import (
    INSTALLATION,
    birth_id,
    candidate,
    dump,
    held,
    land,
    later,
    partition,
    remove,
    same_address,
)

NAMES = ["Mary Jones", "Omar Haddad", "Li Wei", "Ana Souza"]
PLACES = [("ats", str(n)) for n in range(4)] + [("board", str(n)) for n in range(3)] + [("sister", "0")]
ADDRESSES = [f"{word}@example.com" for word in ("copper", "silver", "walnut", "maple", "cedar")]

versions = st.builds(
    lambda name, emails, phones: {"name": name, "emails": sorted(emails), "phones": phones},
    st.sampled_from(NAMES),
    st.sets(st.sampled_from(ADDRESSES), max_size=3),
    st.lists(st.sampled_from(["+442079460001", "+442079460002"]), max_size=1),
)
steps = st.one_of(
    st.tuples(st.just("land"), st.sampled_from(PLACES), versions),
    st.tuples(st.just("land"), st.sampled_from(PLACES), versions),
    st.tuples(st.just("remove"), st.sampled_from(PLACES), st.none()),
    st.tuples(st.just("resolve"), st.integers(1, 4), st.none()),
    st.tuples(st.sampled_from(["same", "different"]), st.sampled_from(PLACES), st.sampled_from(PLACES)),
    st.tuples(st.just("withdraw"), st.integers(0, 3), st.none()),
)
modest = examples(
    10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
few = examples(4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def version(remote_id: str, told: dict[str, Any]) -> Candidate:
    return candidate(remote_id, told["name"], told["emails"], phones=told["phones"])


@dataclass
class World:
    """A pool that a history happens to, watched from outside."""

    store: Store
    score: Score = same_address
    minute: int = 0
    current: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    decided: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    anchors: dict[str, str] = field(default_factory=dict)

    def take(self, step: tuple[Any, Any, Any]) -> None:
        kind, where, what = step
        self.minute += 1
        now = later(self.minute)
        if kind == "land":
            self.current[where] = what
            self.seen.add(where)
            land(self.store, where[0], version(where[1], what), now=now)
        elif kind == "remove" and where in self.current:
            del self.current[where]
            remove(self.store, birth_id(self.store, *where), now=now)
        elif kind == "resolve":
            self.resolve(where)
        elif kind in ("same", "different"):
            self._decide(kind, where, what)
        elif kind == "withdraw" and where < len(self.decided):
            withdraw(self.store, self.decided[where], now)

    def _decide(self, kind: Any, a: tuple[str, str], b: tuple[str, str]) -> None:
        try:
            told = decide(
                self.store, kind, birth_id(self.store, *a), birth_id(self.store, *b), by="hr", now=later(self.minute)
            )
        except Refused:
            return
        self.decided.append(told)

    def resolve(self, limit: int) -> None:
        resolve(self.store, INSTALLATION, later(self.minute), limit, self.score)
        self.check_ids()

    def finish(self) -> None:
        resolve_all(self.store, INSTALLATION, later(self.minute), 3, self.score)
        self.check_ids()

    def check_ids(self) -> None:
        """Hold what the last turn left to the law of lasting ids."""
        after = held(self.store)
        holder = {record: person for person, own in after.items() for record in own}
        with self.store.reading() as connection:
            rows = {row.id: row for row in connection.execute(select(people))}
            aliases = list(connection.execute(select(person_aliases)))
            known = self.anchors | {person: row.anchor_record_id for person, row in rows.items()}
            stands_for = {person: resolved(connection, person) for person in known}
        for person, anchor in known.items():
            assert stands_for[person] is not None, "an id that was given out resolves for ever"
            assert anchor not in holder or stands_for[person] == holder[anchor], "an id goes where its anchor goes"
            assert person not in rows or rows[person].anchor_record_id == anchor, "no id is reused"
        for alias in aliases:
            assert alias.id not in rows, "an id is a person or an alias, not both"
            assert rows[alias.person_id].minted_number < alias.minted_number, "the id minted first is kept"
        assert set(after) == {person for person, row in rows.items() if row.state != "ended"}
        self.anchors = known


@modest
@given(history=st.lists(steps, max_size=25))
def test_whatever_the_history_the_same_records_and_decisions_end_in_the_same_people(
    new_store: Callable[[], Store], history: list[Any]
) -> None:
    world = World(new_store())
    for step in history:
        world.take(step)
    world.finish()
    settled = dump(world.store)
    assert resolve(world.store, INSTALLATION, later(9999), score=same_address).records == 0
    assert dump(world.store) == settled

    other = new_store()
    unknown = {"name": "Li Wei", "emails": [], "phones": []}
    for place in sorted(world.seen, reverse=True):
        land(other, place[0], version(place[1], world.current.get(place, unknown)))
    with world.store.reading() as connection:
        decided = standing(connection)
    for decision in decided:
        decide(other, decision.kind, decision.record_a, decision.record_b, by="hr", now=later(0))
    remove(other, *(birth_id(other, *place) for place in world.seen - world.current.keys()))
    resolve_all(other, INSTALLATION, later(0), 10_000, same_address)
    assert partition(other) == partition(world.store)


@modest
@given(history=st.lists(steps, max_size=20))
def test_decisions_hold_in_every_turn(new_store: Callable[[], Store], history: list[Any]) -> None:
    world = World(new_store())
    for step in history:
        world.take(step)
    world.finish()
    person = {record: name for name, own in held(world.store).items() for record in own}
    with world.store.reading() as connection:
        decided = standing(connection)
    for decision in decided:
        if decision.record_a in person and decision.record_b in person:
            together = person[decision.record_a] == person[decision.record_b]
            assert together == (decision.kind == "same")


@few
@given(
    arriving=st.lists(
        st.tuples(st.sampled_from(PLACES), versions), min_size=3, max_size=8, unique_by=lambda one: one[0]
    ),
    cut=st.integers(1, 7),
    data=st.data(),
)
def test_the_shipped_model_gives_the_same_people_in_any_order_and_batch(
    new_store: Callable[[], Store], arriving: list[Any], cut: int, data: st.DataObject
) -> None:
    at_once, bit_by_bit = new_store(), new_store()
    for place, told in arriving:
        land(at_once, place[0], version(place[1], told))
    resolve_all(at_once, INSTALLATION, later(0))
    shuffled = data.draw(st.permutations(arriving))
    for portion in (shuffled[:cut], shuffled[cut:]):
        for place, told in portion:
            land(bit_by_bit, place[0], version(place[1], told))
        resolve_all(bit_by_bit, INSTALLATION, later(1), score=edges)
    assert partition(bit_by_bit) == partition(at_once)


def _resolve_elsewhere(url: str, start: Any) -> None:
    store = Store(url, KEY)
    start.wait()
    resolve_all(store, INSTALLATION, later(1), 7, same_address)
    store.close()


@pytest.mark.heavy
def test_resolvers_at_once_never_double_a_person(new_store_url: Callable[[], str]) -> None:
    url = new_store_url()
    store = Store(url, KEY)
    for n in range(30):
        for source in ("ats", "board"):
            land(store, source, candidate(str(n), NAMES[n % 4], [f"person{n}@example.com"]))
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    processes = [context.Process(target=_resolve_elsewhere, args=(url, start)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(len(own) for own in partition(store)) == [2] * 30
    with store.reading() as connection:
        told = list(connection.execute(select(changes.c.number, changes.c.kind).order_by(changes.c.number)))
    assert [row.number for row in told] == list(range(1, len(told) + 1))
    assert [row.kind for row in told].count("created") == 30 + [row.kind for row in told].count("merged")
    store.close()
