"""Epochs: what is learned, what a preview shows, and that putting one in force does exactly that."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

import pytest
from sqlalchemy import func, insert, select

from dedupe.blocking import Key
from dedupe.errors import ModelMisfit
from dedupe.model import MatchModel, probability, shipped
from dedupe.normalise import Normalised
from dedupe.scoring import Edge
from talent_pool.epochs import stored as epochs_of
from talent_pool.epochs.enacting import apply
from talent_pool.epochs.preview import Preview, preview
from talent_pool.epochs.training import train
from talent_pool.refused import Refused
from talent_pool.resolution.decisions import decide
from talent_pool.resolution.resolve import resolve, resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import changes, edges, epochs, memberships, people, work
from tests.conftest import KEY
from tests.talent_pool.processes import die_at, ended, started
from tests.talent_pool.small_world import INSTALLATION, NOW, candidate, dump, held, land, later, partition, remove

ADA, BEN, CAM, DEE = "Ada Okafor", "Ben Lindqvist", "Cam Marchetti", "Dee Novak"
EPOCH_1 = {"email": 8.0, "phone": -4.0}
"""By the first model an e-mail address makes two records one, and by the second a phone does."""
EPOCH_2 = {"email": -4.0, "phone": 8.0}


def scored(
    compared: Sequence[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key], model: MatchModel
) -> list[Edge]:
    """Score as plainly as can be by what a test wrote into the model's weights."""
    found: list[Edge] = []
    for a, b in combinations(sorted(compared, key=lambda one: one.record_id), 2):
        if a.organisation != b.organisation or not focus & {a.record_id, b.record_id}:
            continue
        emails = {one for one in set(a.emails) & set(b.emails) if Key("email", one) not in shared}
        phones = {one for one in set(a.phones) & set(b.phones) if Key("phone", one) not in shared}
        levels = {"email": 3 if emails else -1, "phone": 2 if phones else -1}
        weight = sum(model.weights[name][level] for name, level in levels.items() if level >= 0)
        if (emails or phones) and probability(weight) >= model.review_at:
            found.append(Edge(a.record_id, b.record_id, weight, probability(weight), levels))
    return found


def model(weights: dict[str, float]) -> MatchModel:
    start = shipped()
    own = {name: dict.fromkeys(start.weights[name], weights[name]) for name in weights}
    return start.model_copy(update={"name": str(weights), "weights": {**start.weights, **own}})


def write(store: Store, number: int, weights: dict[str, float], *, in_force: bool = False) -> None:
    row = {"number": number, "model": model(weights).model_dump(mode="json"), "created_at": NOW, "in_force": in_force}
    with store.writing() as connection:
        connection.execute(insert(epochs).values(row))


def run(store: Store, minutes: int = 0, limit: int = 10_000) -> None:
    resolve_all(store, INSTALLATION, later(minutes), limit, scored)


def shown(store: Store, number: int | None = None) -> Preview:
    return preview(store, INSTALLATION, number, scored)


def enacted(store: Store, token: str, number: int = 2) -> None:
    apply(store, INSTALLATION, number, token, later(60), scored)


def said(number: int, name: str, email: str, phone: int):
    return candidate(str(number), name, [f"{email}@example.com"], phones=[f"+44 20 7946 0{phone}"])


def landed(store: Store) -> list[str]:
    """Ada and Ada again by e-mail; Ben and Cam by phone; Dee by both; in the end somebody by herself."""
    ids = land(store, "ats", said(1, ADA, "ada", 101), said(2, BEN, "ben", 202), said(3, DEE, "dee", 303))
    ids += land(store, "board", said(4, ADA, "ada", 104), said(5, CAM, "cam", 202), said(6, DEE, "dee", 303))
    return [*ids, *land(store, "portal", said(7, "Eve Sato", "eve", 707))]


def pool(store: Store) -> list[str]:
    write(store, 1, EPOCH_1, in_force=True)
    ids = landed(store)
    run(store)
    write(store, 2, EPOCH_2)
    return ids


def feed(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(changes.c.kind).order_by(changes.c.number)).scalars())


def waits(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.execute(select(work.c.subject_id).where(work.c.stage == "resolve")).scalars())


def edge_epochs(store: Store) -> set[int]:
    with store.reading() as connection:
        return set(connection.execute(select(edges.c.epoch)).scalars())


def test_preview_shows_who_would_merge_and_split_and_writes_nothing(store: Store) -> None:
    a1, b, d1, a2, c, d2, e = pool(store)
    before, people_of = dump(store), {name: person for person, own in held(store).items() for name in own}
    told = shown(store)
    assert dump(store) == before
    assert (told.number, told.instead_of, told.records, told.waiting) == (2, 1, 7, 0)
    assert told.merges == [tuple(sorted((people_of[b], people_of[c])))]
    assert list(told.splits) == [people_of[a1]]
    assert people_of[a1] == people_of[a2]
    assert (told.people_before, told.people_after) == (5, 5)
    merge, split = told.examples
    assert (merge.kind, {*merge.names}, {*merge.records}) == ("merge", {BEN, CAM}, {b, c})
    assert merge.findings == ("the same phone number",)
    assert (split.kind, split.names, {*split.records}) == ("split", (ADA, ADA), {a1, a2})
    assert "the same e-mail address" in split.findings
    assert ADA not in repr(told)
    assert {people_of[d1], people_of[d2], people_of[e]}.isdisjoint({p for pair in told.merges for p in pair})


def test_preview_counts_the_members_of_each_segment_that_are_touched(store: Store) -> None:
    _, b, d, *_ = pool(store)
    people_of = {name: person for person, own in held(store).items() for name in own}
    for number, (segment, record, until) in enumerate(
        [("talent", b, None), ("talent", d, None), ("former", b, NOW), ("silver", d, None)]
    ):
        row = {
            "id": f"m{number}", "organisation": "default", "segment": segment, "segment_version": "1",
            "subject_type": "person", "subject_id": people_of[record], "person_id": people_of[record],
            "since": NOW, "until": until, "entered_because": "tested",
        }  # fmt: skip
        with store.writing() as connection:
            connection.execute(insert(memberships).values(row))
    assert shown(store).segments == {"talent": 1}


@pytest.mark.parametrize("limit", [1, 3, 10_000])
def test_epoch_in_force_does_what_its_preview_showed_and_what_a_fresh_store_would_hold(new_store, limit) -> None:
    store, fresh = new_store(), new_store()
    a1, b, _, a2, c, *_ = pool(store)
    before = held(store)
    told = shown(store)
    enacted(store, told.token)
    assert edge_epochs(store) <= {2}, "edges of two epochs never meet"
    assert waits(store) == {a1, a2, b, c}, "nobody else has to be looked at"
    assert held(store) == before
    run(store, 61, limit)
    write(fresh, 2, EPOCH_2, in_force=True)
    landed(fresh)
    run(fresh)
    assert partition(store) == partition(fresh)
    for table in ("edges", "record_keys", "record_forms"):
        assert dump(store)[table] == dump(fresh)[table]
    after = held(store)
    kept = {person for person, own in before.items() if after.get(person) == own}
    assert len(before) - len(kept) == len({p for pair in told.merges for p in pair} | set(told.splits))
    assert sorted(feed(store)[len(before) :]) == ["changed", "changed", "merged", "split"]


def test_ids_last_through_an_epoch_and_back_again(store: Store) -> None:
    pool(store)
    before = held(store)
    enacted(store, shown(store).token)
    run(store, 61)
    assert set(held(store)) != set(before)
    back = shown(store, 1)
    assert (back.number, back.instead_of) == (1, 2)
    enacted(store, back.token, 1)
    run(store, 62)
    after = held(store)
    assert after == before, "whoever was merged has the former id again, and the anchor's part never lost it"


def test_decisions_hold_in_every_epoch(store: Store) -> None:
    a1, b, d1, a2, c, d2, e = pool(store)
    decide(store, "same", a1, a2, by="pat", now=NOW)
    decide(store, "different", b, c, by="pat", now=NOW)
    decide(store, "same", e, d1, by="pat", now=NOW)
    run(store, 1)
    before = partition(store)
    told = shown(store)
    assert (told.merges, list(told.splits)) == ([], [])
    enacted(store, told.token)
    run(store, 61)
    assert partition(store) == before == {frozenset({a1, a2}), frozenset({b}), frozenset({c}), frozenset({d1, d2, e})}


def test_token_of_another_picture_is_refused_and_nothing_is_done(store: Store) -> None:
    pool(store)
    token = shown(store).token
    land(store, "portal", said(8, "Flo Adeyemi", "ben", 808))
    run(store, 1)
    before = dump(store)
    for wrong in (token, "0123456789abcdef"):
        with pytest.raises(Refused, match="catchment epochs preview 2"):
            enacted(store, wrong)
    assert dump(store) == before
    enacted(store, shown(store).token)


def test_token_holds_while_what_came_in_changes_nobody_who_would_merge_or_split(store: Store) -> None:
    pool(store)
    token = shown(store).token
    (new,) = land(store, "portal", said(8, "Flo Adeyemi", "flo", 808))
    run(store, 1)
    (waiting,) = land(store, "portal", said(9, "Gus Brandt", "gus", 909))
    assert shown(store).waiting == 1
    enacted(store, token)
    run(store, 61)
    assert {frozenset({new}), frozenset({waiting})} < partition(store)


def test_records_that_wait_when_an_epoch_comes_end_as_in_a_fresh_store(new_store) -> None:
    store, fresh = new_store(), new_store()
    _, b, _, a2, *_ = pool(store)
    land(store, "portal", said(8, BEN, "ben", 104), said(9, "Eve Sato", "gus", 707))
    land(store, "ats", said(3, DEE, "dee", 909))
    remove(store, b)
    enacted(store, shown(store).token)
    run(store, 61, 2)
    write(fresh, 2, EPOCH_2, in_force=True)
    landed(fresh)
    land(fresh, "portal", said(8, BEN, "ben", 104), said(9, "Eve Sato", "gus", 707))
    land(fresh, "ats", said(3, DEE, "dee", 909))
    remove(fresh, b)
    run(fresh)
    assert partition(store) == partition(fresh)
    assert dump(store)["edges"] == dump(fresh)["edges"]
    assert any(a2 in own and len(own) == 2 for own in partition(store))


def test_resolver_that_thought_by_the_former_epoch_thinks_again(store: Store) -> None:
    pool(store)
    token = shown(store).token
    land(store, "portal", said(8, "Flo Adeyemi", "flo", 101))
    seen: list[str] = []

    def meanwhile(compared, focus, shared, by):
        seen.append(by.name)
        if len(seen) == 1:
            apply(store, INSTALLATION, 2, shown(store).token, later(5), scored)
        return scored(compared, focus, shared, by)

    resolve(store, INSTALLATION, later(5), score=meanwhile)
    assert seen[0] != seen[-1]
    assert edge_epochs(store) == {2}
    assert token != ""


def test_what_is_resolved_while_an_epoch_is_thought_out_is_not_overlooked(store: Store) -> None:
    pool(store)
    token = shown(store).token
    turns: list[int] = []

    def meanwhile(compared, focus, shared, by):
        if not turns:
            land(store, "portal", said(8, "Flo Adeyemi", "flo", 808))
            run(store, 2)
        turns.append(1)
        return scored(compared, focus, shared, by)

    apply(store, INSTALLATION, 2, token, later(5), meanwhile)
    assert len(turns) == 2
    assert edge_epochs(store) == {2}


def test_epochs_that_are_not_there_or_in_force_already_are_refused(store: Store) -> None:
    with pytest.raises(Refused, match="catchment train"):
        shown(store)
    write(store, 1, EPOCH_1, in_force=True)
    with pytest.raises(Refused, match="catchment train"):
        shown(store)
    with pytest.raises(Refused, match="in force already"):
        shown(store, 1)
    with pytest.raises(Refused, match="no epoch 7"):
        enacted(store, "x", 7)


def pairs(store: Store, count: int, start: int = 0) -> list[tuple[str, str]]:
    """Records of namesakes who share a city and an employer, and nothing that would make them one by itself."""
    told = {"location": {"city": "Leeds"}, "company": "Orla Ltd"}
    found: list[tuple[str, str]] = []
    for number in range(start, start + count):
        name = f"Mary {'abcdefghijklmnopqrst'[number]}ones"
        (a,) = land(store, "ats", candidate(str(number), name, [f"a{number}@example.com"], **told))
        (b,) = land(store, "board", candidate(str(number), name, [f"b{number}@example.org"], **told))
        found.append((a, b))
    resolve_all(store, INSTALLATION, NOW)
    return found


def test_training_learns_from_decisions_and_the_pools_names(store: Store) -> None:
    with pytest.raises(Refused, match="catchment sync"):
        train(store, INSTALLATION, NOW)
    for a, b in pairs(store, 12):
        decide(store, "different", a, b, by="pat", now=NOW)
    gone = pairs(store, 1, 12)[0]
    decide(store, "same", *gone, by="pat", now=NOW)
    decide(store, "same", *gone, by="vendor:ats", now=NOW)
    remove(store, gone[0])
    before = {name: rows for name, rows in dump(store).items() if name not in {"epochs", "counters"}}
    done = train(store, INSTALLATION, later(1))
    assert (done.number, done.same, done.different, done.unused, done.records) == (2, 0, 12, 1, 25)
    assert {name: rows for name, rows in dump(store).items() if name not in {"epochs", "counters"}} == before
    assert train(store, INSTALLATION, later(2)) == type(done)(2, 0, 12, 1, 25, is_new=False)
    newest, first = epochs_of.listed(store)
    assert (newest.number, newest.in_force, first.in_force) == (2, False, True)
    assert "12 decisions" in newest.made_from
    with store.reading() as connection:
        model_2 = epochs_of.numbered(connection).model
    assert sum(model_2.population.counts["mary"].values()) == 25
    same_name = {"name": 9, "email": 0, "city": 2, "employer": 2}
    assert model_2.weight(same_name) < shipped().weight(same_name) - 1


@pytest.mark.parametrize("old", [{"weights": {"name": {"0": -1.0, "1": 4.0}}}, {"was": "of another form"}])
def test_upgrade_never_changes_the_epoch_in_force_and_training_mends_one_that_no_longer_fits(store: Store, old) -> None:
    row = {"number": 1, "model": shipped().model_dump(mode="json") | old, "created_at": NOW, "in_force": True}
    with store.writing() as connection:
        connection.execute(insert(epochs).values(row))
    ids = land(store, "ats", candidate("1", ADA, ["ada@example.com"]), candidate("2", ADA, ["ada@example.com"]))
    with pytest.raises(ModelMisfit, match="catchment train"):
        resolve_all(store, INSTALLATION, NOW)
    assert waits(store) == set(ids)
    number = train(store, INSTALLATION, later(1)).number
    with pytest.raises(ModelMisfit, match="catchment train"):
        resolve_all(store, INSTALLATION, later(1))
    apply(store, INSTALLATION, number, preview(store, INSTALLATION).token, later(2))
    resolve_all(store, INSTALLATION, later(3))
    assert partition(store) == {frozenset(ids)}
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar_one() == 1
    with pytest.raises(Refused, match="nothing to learn"):
        train(store, INSTALLATION, later(4))


def _enacts_and_resolves(url: str, token: str, point: int) -> None:
    die_at(point)
    store = Store(url, KEY)
    enacted(store, token)
    run(store, 61, 1)


@pytest.mark.heavy
@pytest.mark.parametrize("point", [20, 40, 55, 70, 110, 200])
def test_killed_at_any_point_it_ends_as_if_nothing_had_been(new_store_url, point) -> None:
    stores = [Store(new_store_url(), KEY) for _ in range(2)]
    store, witness = stores
    for one in stores:
        pool(one)
        token = shown(one).token
    enacted(witness, token)
    run(witness, 61)
    assert ended(started(_enacts_and_resolves, store.url.render_as_string(hide_password=False), token, point)) < 0
    with store.reading() as connection:
        number = epochs_of.in_force(connection).number
    assert edge_epochs(store) == {number}
    if number == 1:
        assert (waits(store), shown(store).token) == (set(), token)
        enacted(store, token)
    run(store, 62)
    assert held(store) == held(witness)
    assert dump(store)["edges"] == dump(witness)["edges"]
    for one in stores:
        one.close()
