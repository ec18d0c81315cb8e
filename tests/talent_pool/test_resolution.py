"""Resolution on small worlds: clusters, lasting ids, and what a turn writes."""

import pytest
from sqlalchemy import select, update

from connectors.records import ConsentStatement, ConsentStatus, Evidence, Purpose, StatedBy
from talent_pool.resolution import resolve as resolution
from talent_pool.resolution.decisions import decide
from talent_pool.resolution.resolve import ResolveReport, StoreMoves, resolve, resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import (
    changes,
    epochs,
    people,
    person_addresses,
    person_aliases,
    record_keys,
    records,
    work,
)
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
    same_address,
)


def run(store: Store, now=NOW, limit=10_000) -> ResolveReport:
    return resolve_all(store, INSTALLATION, now, limit, same_address)


def rows(store: Store, table) -> list:
    with store.reading() as connection:
        return list(connection.execute(select(table)))


def person_of(store: Store, record: str) -> str:
    return next(person for person, own in held(store).items() if record in own)


def alias(store: Store) -> dict[str, str]:
    return {row.id: row.person_id for row in rows(store, person_aliases)}


def test_records_with_one_address_become_one_person_with_its_fields(store: Store) -> None:
    (a,) = land(store, "board", candidate("1", "Mary Jones", ["mary@example.com"]))
    (b,) = land(store, "ats", candidate("77", "Mary A Jones", ["Mary@Example.com"], company="Acme"))
    (c,) = land(store, "portal", candidate("x", "Omar Haddad", ["omar@example.org"]))
    report = run(store)
    assert (report.records, report.created, report.people) == (3, 2, 2)
    assert partition(store) == {frozenset({a, b}), frozenset({c})}
    (mary,) = (row for row in rows(store, people) if row.anchor_record_id == a)
    assert mary.id == "per_" + a.removeprefix("rec_")
    assert mary.company == "Acme"
    assert mary.state == "active"
    assert mary.primary_email.lower() == "mary@example.com"
    addresses = {row.record_id: row for row in rows(store, person_addresses) if row.person_id == mary.id}
    assert set(addresses) == {a, b}
    assert addresses[a].address_key == addresses[b].address_key
    assert {(row.stage, row.subject_id) for row in rows(store, work)} == {
        ("segments", row.id) for row in rows(store, people)
    }


def test_nothing_waiting_writes_nothing(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    before = dump(store)
    assert run(store, later(60)) == ResolveReport()
    assert dump(store) == before


def test_a_record_landed_again_unchanged_changes_nobody(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    before = dump(store)
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    report = run(store)
    assert (report.records, report.changed, report.people) == (1, 0, 0)
    after = dump(store)
    for name in ("people", "person_records", "changes", "person_addresses", "record_keys"):
        assert after[name] == before[name]


def test_a_merge_keeps_the_id_minted_first_and_redirects_the_other(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mj@example.org"]))
    run(store)
    first, second = person_of(store, a), person_of(store, b)
    land(store, "portal", candidate("3", "Mary Jones", ["mary@example.com", "mj@example.org"]))
    report = run(store, later(1))
    assert (report.merged, report.changed) == (1, 1)
    assert set(held(store)) == {first}
    assert alias(store) == {second: first}
    (told,) = (row for row in rows(store, changes) if row.kind == "merged")
    assert (told.subject_id, told.cause) == (second, {"into": first})


def test_an_older_record_that_lands_later_renames_nobody(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    before = person_of(store, a)
    land(store, "board", candidate("9", "M Jones", ["mary@example.com"], remote_created_at=later(-500_000)))
    run(store, later(1))
    assert list(held(store)) == [before]


def test_a_split_leaves_the_id_with_the_anchor_and_gives_the_other_its_own_back(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mj@example.org"]))
    run(store)
    first, second = person_of(store, a), person_of(store, b)
    (bridge,) = land(store, "portal", candidate("3", "Mary Jones", ["mary@example.com", "mj@example.org"]))
    run(store, later(1))
    minted = {row.id: row.minted_number for row in rows(store, person_aliases)}
    remove(store, bridge, now=later(2))
    report = run(store, later(2))
    assert (report.split, report.ended) == (1, 0)
    assert held(store) == {first: frozenset({a}), second: frozenset({b})}
    assert alias(store) == {}
    assert {row.id: row.minted_number for row in rows(store, people)}[second] == minted[second]
    land(store, "portal", candidate("3", "Mary Jones", ["mary@example.com", "mj@example.org"]), now=later(3))
    run(store, later(3))
    assert set(held(store)) == {first}
    assert alias(store) == {second: first}


def test_a_part_that_never_had_an_id_gets_a_new_one_for_its_first_landed_record(store: Store) -> None:
    a, b, c, bridge = land(
        store,
        "ats",
        candidate("1", "Mary Jones", ["mary@example.com"]),
        candidate("2", "Mary Jones", ["mj@example.org"]),
        candidate("3", "Mary Jones", ["mj@example.org"]),
        candidate("4", "Mary Jones", ["mary@example.com", "mj@example.org"]),
    )
    run(store)
    first = person_of(store, a)
    assert set(held(store)) == {first}
    remove(store, bridge)
    run(store, later(1))
    assert held(store) == {first: frozenset({a}), "per_" + b.removeprefix("rec_"): frozenset({b, c})}


def test_an_anchor_that_is_removed_leaves_its_id_with_the_others(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mary@example.com"]))
    run(store)
    person = person_of(store, a)
    remove(store, a)
    run(store, later(1))
    assert held(store) == {person: frozenset({b})}
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]), now=later(2))
    run(store, later(2))
    assert held(store) == {person: frozenset({a, b})}


def test_a_person_without_records_is_a_stub_and_comes_back_under_the_same_id(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    person = person_of(store, a)
    remove(store, a)
    report = run(store, later(1))
    assert report.ended == 1
    (stub,) = rows(store, people)
    assert (stub.id, stub.state, stub.golden, stub.provenance) == (person, "ended", {}, {})
    assert (stub.full_name, stub.primary_email) == (None, None)
    assert rows(store, person_addresses) == []
    assert rows(store, record_keys) == []
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]), now=later(2))
    assert run(store, later(2)).created == 1
    (back,) = rows(store, people)
    assert (back.id, back.state, back.full_name) == (person, "active", "Mary Jones")


def test_a_value_that_becomes_shared_stops_counting_backwards_and_counts_again_when_it_is_not(store: Store) -> None:
    names = ["Mary Jones", "Omar Haddad", "Li Wei", "Ana Souza", "Jan Novak", "Aoife Byrne", "Ivo Petrov", "Sara Lind"]
    more = [f"{first} {last}" for first in ("Tom", "Eva", "Kofi", "Mei", "Raj", "Noa") for last in
            ("Abel", "Baker", "Cole", "Dunn", "Ekman", "Fox")]  # fmt: skip
    pair = land(store, "ats", candidate("a", "Mary Jones", ["desk@example.com"]))
    pair += land(store, "board", candidate("b", "Mary Jones", ["desk@example.com"]))
    run(store)
    assert partition(store) == {frozenset(pair)}
    crowd = land(
        store, "portal", *(candidate(str(n), name, ["desk@example.com"]) for n, name in enumerate(names[1:] + more))
    )
    run(store, later(1))
    assert all(len(own) == 1 for own in partition(store))
    remove(store, *crowd)
    run(store, later(2))
    assert partition(store) == {frozenset(pair)}


def test_organisations_never_meet(store: Store) -> None:
    a = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    b = land(store, "sister", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    assert partition(store) == {frozenset(a), frozenset(b)}
    assert {row.organisation for row in rows(store, people)} == {"default", "sister_company"}


def test_a_change_takes_the_next_number_and_tells_no_values(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    land(store, "ats", candidate("1", "Mary Smith", ["mary@example.com"]), now=later(1))
    run(store, later(1))
    told = rows(store, changes)
    assert [row.number for row in told] == list(range(1, len(told) + 1))
    assert [row.kind for row in told] == ["created", "changed"]
    assert "Smith" not in repr(told)
    assert "mary" not in repr(told)
    assert rows(store, people)[0].sequence == told[-1].number


def test_the_epoch_in_force_is_the_stores_own(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    (epoch,) = rows(store, epochs)
    assert (epoch.number, epoch.in_force) == (1, True)
    seen = []

    def score(compared, focus, shared, model):
        seen.append(model.model_dump(mode="json"))
        return same_address(compared, focus, shared, model)

    land(store, "ats", candidate("2", "Omar Haddad", ["omar@example.com"]))
    resolve(store, INSTALLATION, NOW, score=score)
    assert seen == [epoch.model]


def test_a_turn_takes_no_more_than_its_limit(store: Store) -> None:
    land(store, "ats", *(candidate(str(n), "Mary Jones", ["mary@example.com"]) for n in range(5)))
    report = resolve(store, INSTALLATION, NOW, 2, same_address)
    assert report.records == 2
    assert run(store).records == 3
    assert len(partition(store)) == 1


def test_a_record_changed_while_its_turn_was_thought_out_is_thought_out_again(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    interrupted = []

    def score(compared, focus, shared, model):
        if not interrupted:
            interrupted.append(True)
            land(store, "ats", candidate("1", "Mary Smith", ["mary@example.com"]))
        return same_address(compared, focus, shared, model)

    report = resolve(store, INSTALLATION, NOW, score=score)
    assert report.created == 1
    assert [row.full_name for row in rows(store, people)] == ["Mary Smith"]
    assert not [row for row in rows(store, work) if row.stage == "resolve"]
    assert person_of(store, a) == person_id_of(a)


def test_a_decision_made_while_a_turn_was_thought_out_is_not_overlooked(store: Store) -> None:
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    run(store)
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mary@example.com"]))
    decided = []

    def score(compared, focus, shared, model):
        if not decided:
            decided.append(decide(store, "different", a, b, by="pat", now=NOW))
        return same_address(compared, focus, shared, model)

    resolve_all(store, INSTALLATION, NOW, score=score)
    assert partition(store) == {frozenset({a}), frozenset({b})}


def test_a_record_that_is_being_landed_right_now_is_left_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "_PAUSE_SECONDS", 0.0)
    if store.is_sqlite:
        pytest.skip("SQLite has one writer: nobody lands while a turn is written")
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    with store.writing() as landing:
        landing.execute(update(records).where(records.c.id == a).values(removed_at=NOW, modified_at=NOW))
        landing.execute(store.insert(work).values(stage="resolve", subject_id=a, since=NOW).on_conflict_do_nothing())
        with pytest.raises(StoreMoves):
            run(store)
    run(store)
    assert rows(store, people) == []
    assert not [row for row in rows(store, work) if row.stage == "resolve"]


def test_a_statement_wakes_whoever_it_concerns(store: Store) -> None:
    land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"]))
    land(store, "ats", candidate("2", "Omar Haddad", ["omar@example.org"]), candidate("3", "Li Wei"))
    run(store)
    with store.writing() as connection:
        connection.execute(work.delete())
    said = {
        "purpose": Purpose.MARKETING, "status": ConsentStatus.REFUSED, "stated_by": StatedBy.CANDIDATE,
        "stated_at": NOW, "evidence": Evidence(kind="one_click"),
    }  # fmt: skip
    land(store, "ats", ConsentStatement(remote_id="s1", candidate_id="1", **said))
    land(store, "portal", ConsentStatement(remote_id="s2", address="Omar@example.org", **said))
    assert run(store).people == 0
    woken = {row.subject_id for row in rows(store, work)}
    assert woken == {person_id_of(birth_id(store, "ats", number)) for number in ("1", "2")}


def person_id_of(record: str) -> str:
    return "per_" + record.removeprefix("rec_")


@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_work_for_records_that_are_not_there_is_done_with(store: Store, limit: int) -> None:
    with store.writing() as connection:
        connection.execute(work.insert().values(stage="resolve", subject_id="rec_unknown", since=NOW))
    assert run(store, limit=limit).records == 1
    assert rows(store, people) == []
    assert birth_id(store, "ats", "1") not in held(store)
