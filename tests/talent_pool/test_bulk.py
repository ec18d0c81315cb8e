"""A first load in columns ends as turns do, whatever happens in the middle of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.records import Application, Candidate, Interaction, Record
from dedupe.scoring import edges
from dedupe.training_people import Lot, records
from talent_pool.resolution.bulk import filing, minting
from talent_pool.resolution.bulk import load as bulk
from talent_pool.resolution.decisions import decide
from talent_pool.resolution.resolve import resolve, resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import changes, work
from talent_pool.store.tables import edges as edges_table
from tests.conftest import KEY
from tests.talent_pool.processes import die_at, ended, started
from tests.talent_pool.small_world import (
    INSTALLATION,
    NOW,
    birth_id,
    candidate,
    dump,
    held,
    land,
    later,
    partition,
    remove,
)
from tests.talent_pool.test_resolution_properties import World, few, steps

OF_HISTORY = {"counters", "changes", "people", "work", "tokens"}
"""Tables with numbers that tell which turn somebody came with."""


@pytest.fixture(autouse=True)
def _small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small pool be worth a load, of several portions each time."""
    monkeypatch.setattr(bulk, "LEAST", 2)
    monkeypatch.setattr(filing, "AT_ONCE", 60)
    monkeypatch.setattr(minting, "RECORDS_AT_ONCE", 40)


def people_of(count: int, seed: int = 11) -> dict[str, list[Candidate]]:
    """Return records of generated people, by the connection that brings them."""
    told = [one for _, _, one in islice(records(Lot(max(100, count // 2)), seed), count)]
    told = [one.model_copy(update={"remote_id": str(number)}) for number, one in enumerate(told)]
    agency = [
        candidate(f"x{number}", f"{name} Agent", ["jobs@agency.example"]) for number, name in enumerate("ABCDEFGH")
    ]
    return {"ats": told[::2] + agency, "board": told[1::3], "sister": told[3::6]}


def filled(store: Store, told: Mapping[str, Sequence[Record]]) -> Store:
    for connection, arriving in told.items():
        land(store, connection, *arriving)
    return store


def without_history(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in dump(store).items() if name not in OF_HISTORY}


def test_a_first_load_ends_as_one_turn(new_store: Callable[[], Store]) -> None:
    loaded, turned = (filled(new_store(), people_of(240)) for _ in range(2))
    report = resolve_all(loaded, INSTALLATION, NOW)
    in_one_turn = resolve(turned, INSTALLATION, NOW, limit=10_000)
    assert report == in_one_turn
    assert report.records > report.people > 100
    found, wanted = dump(loaded), dump(turned)
    for table in ("counters", "tokens"):  # of the store itself, not of its people
        del found[table], wanted[table]
    assert found == wanted
    assert _edges_between_people(loaded)


def test_most_of_it_takes_no_turn(store: Store) -> None:
    filled(store, people_of(240))
    report = bulk.load(store, INSTALLATION, NOW)
    assert report.records > 200
    with store.reading() as connection:
        assert not connection.execute(select(work).where(work.c.stage == "resolve")).all()


@pytest.mark.heavy
def test_what_hangs_on_a_candidate_comes_with_it(new_store: Callable[[], Store]) -> None:
    told: dict[str, list[Record]] = {name: list(arriving) for name, arriving in people_of(60).items()}
    own = [one.remote_id for one in told["ats"]]
    told["ats"] += [Application(remote_id=f"a{name}", candidate_id=name, job_id="j") for name in own]
    told["ats"] += [
        Interaction(remote_id=f"i{name}", application_id=f"a{name}", type="applied", at=NOW) for name in own
    ]
    loaded, turned = (filled(new_store(), told) for _ in range(2))
    assert bulk.load(loaded, INSTALLATION, NOW).applications == len(own)
    resolve_all(loaded, INSTALLATION, NOW)
    resolve(turned, INSTALLATION, NOW, limit=10_000)
    assert without_history(loaded) == without_history(turned)
    with loaded.reading() as connection:
        assert set(connection.execute(select(changes.c.kind)).scalars()) == {"created"}


@pytest.mark.heavy
@few
@given(
    history=st.lists(st.one_of(steps, st.tuples(st.just("load"), st.none(), st.none())), max_size=20),
)
def test_a_load_at_any_time_leaves_the_same_people(new_store: Callable[[], Store], history: list[Any]) -> None:
    with_loads, without = World(new_store(), score=edges), World(new_store(), score=edges)
    for step in history:
        if step[0] == "load":
            bulk.load(with_loads.store, INSTALLATION, later(with_loads.minute))
            with_loads.check_ids()
        else:
            with_loads.take(step)
        without.take(step if step[0] != "load" else ("nothing", None, None))
    with_loads.resolve(10_000)
    for world in (with_loads, without):
        while resolve(world.store, INSTALLATION, later(99), 3).taken:
            world.check_ids()
    assert partition(with_loads.store) == partition(without.store)
    assert _matches(with_loads.store) == _matches(without.store)


def test_who_has_a_history_goes_by_lasting_ids(store: Store) -> None:
    world = World(store, score=edges)
    told = [
        {"name": name, "emails": [f"{n}@x.example"], "phones": []} for n, name in enumerate(("Mary Jones", "Li Wei"))
    ]
    world.take(("land", ("ats", "0"), told[0]))
    world.take(("land", ("board", "0"), told[0]))
    world.take(("land", ("ats", "1"), told[1]))
    world.resolve(10)
    before = held(store)
    assert sorted(map(len, before.values())) == [1, 2]
    world.take(("remove", ("ats", "1"), None))
    world.resolve(10)
    world.take(("land", ("ats", "1"), told[1]))  # comes back to an id without records
    world.take(("land", ("ats", "0"), {**told[0], "name": "Mary Jones-Hill"}))
    world.take(("land", ("board", "1"), {**told[1], "emails": []}))
    bulk.load(store, INSTALLATION, later(world.minute))
    world.check_ids()
    world.resolve(10)
    assert before.keys() <= held(store).keys()


def test_what_crosses_the_line_of_what_many_share_counts_backwards(store: Store) -> None:
    first = land(store, "ats", *(candidate(str(n), f"{name} Jones", ["one@x.example"]) for n, name in enumerate("AA")))
    resolve_all(store, INSTALLATION, NOW)
    assert partition(store) == {frozenset(first)}
    names = ("Bo Adams", "Cy Brown", "Di Clark", "Ed Dean", "Flo Evans", "Gus Ford", "Hal Grey", "Ike Hill")
    land(store, "board", *(candidate(str(n), name, ["one@x.example"]) for n, name in enumerate(names)))
    bulk.load(store, INSTALLATION, later(1))
    with store.reading() as connection:
        assert {row.subject_id for row in connection.execute(select(work).where(work.c.stage == "resolve"))} == {*first}


@pytest.mark.heavy
def test_a_decision_in_the_middle_stops_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store, people_of(120))
    land(store, "portal", *(candidate(str(n), f"Zoe {name}") for n, name in enumerate(("Young", "Zeller"))))
    a, b = (birth_id(store, "portal", n) for n in "01")
    made = _meanwhile(monkeypatch, 2, lambda: decide(store, "same", a, b, by="hr", now=NOW))
    report = bulk.load(store, INSTALLATION, NOW)
    assert made == [True]
    assert 0 < report.records < 80
    resolve_all(store, INSTALLATION, NOW)
    assert frozenset((a, b)) in {own for own in partition(store) if a in own}


@pytest.mark.heavy
def test_what_changes_in_the_middle_goes_on_waiting(
    new_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = people_of(120)
    loaded = filled(new_store(), told)
    changed = told["ats"][5].model_copy(update={"full_name": "Somebody Else", "first_name": None, "last_name": None})
    gone = birth_id(loaded, "ats", told["ats"][6].remote_id)

    def happens(store: Store) -> None:
        land(store, "ats", changed, now=later(1))
        remove(store, gone, now=later(1))

    _meanwhile(monkeypatch, 1, lambda: happens(loaded))
    bulk.load(loaded, INSTALLATION, NOW)
    with loaded.reading() as connection:
        waiting = {row.subject_id for row in connection.execute(select(work).where(work.c.stage == "resolve"))}
    assert {birth_id(loaded, "ats", changed.remote_id), gone} <= waiting
    assert not waiting & {record for own in partition(loaded) for record in own}
    resolve_all(loaded, INSTALLATION, NOW)
    other = filled(new_store(), told)
    happens(other)
    resolve_all(other, INSTALLATION, NOW)
    assert partition(loaded) == partition(other)
    assert _matches(loaded) == _matches(other)


@pytest.mark.heavy
@pytest.mark.parametrize("point", [9, 40, 90, 140, 190])
def test_killed_in_the_middle_nothing_is_lost(new_store_url: Callable[[], str], point: int) -> None:
    told = people_of(240)
    url, other_url = new_store_url(), new_store_url()
    with closing(Store(url, KEY)) as store:
        filled(store, told)
    assert ended(started(_load_and_die, url, point)) != 0
    with closing(Store(url, KEY)) as store, closing(Store(other_url, KEY)) as other:
        filled(other, told)
        resolve_all(store, INSTALLATION, NOW)
        resolve_all(other, INSTALLATION, NOW)
        assert without_history(store) == without_history(other)
        numbers = _column(store, changes.c.number)
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.heavy
def test_some_thousand_people_end_as_in_turns(new_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "AT_ONCE", 5_000)
    monkeypatch.setattr(minting, "RECORDS_AT_ONCE", 2_000)
    loaded, turned = (filled(new_store(), people_of(10_000)) for _ in range(2))
    assert resolve_all(loaded, INSTALLATION, NOW).people > 3_000
    resolve(turned, INSTALLATION, NOW, limit=20_000)
    found, wanted = dump(loaded), dump(turned)
    del found["counters"], wanted["counters"]
    assert found == wanted


def _load_and_die(url: str, point: int) -> None:
    store = Store(url, KEY)
    die_at(point)
    bulk.load(store, INSTALLATION, NOW)


def _meanwhile(monkeypatch: pytest.MonkeyPatch, portion: int, happens: Callable[[], object]) -> list[bool]:
    """Let something happen when so many portions of people have been thought out."""
    plan, made, passed = minting.plan, list[bool](), list[int]()

    def _plan(*given: Any, **named: Any) -> Any:
        passed.append(1)
        if len(passed) == portion:
            happens()
            made.append(True)
        return plan(*given, **named)

    monkeypatch.setattr(minting, "plan", _plan)
    return made


def _matches(store: Store) -> list[Any]:
    """Return keys, forms and edges."""
    tables = ("record_keys", "record_forms", "edges")
    return [rows for name, rows in dump(store).items() if name in tables]


def _edges_between_people(store: Store) -> bool:
    person = {record: name for name, own in held(store).items() for record in own}
    pairs = zip(_column(store, edges_table.c.record_a), _column(store, edges_table.c.record_b), strict=True)
    return any(person[a] != person[b] for a, b in pairs)


def _column(store: Store, column: Any) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(select(column).order_by(*column.table.primary_key)).scalars())
