"""The laws of landing over random pages, orders and cuts."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.contract import Stream
from connectors.errors import Unavailable
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.quarantine import listed
from talent_pool.landing.sync import cursor, sync
from talent_pool.store.runs import latest
from talent_pool.store.tables import payloads, records
from tests.examples import examples
from tests.talent_pool.dumps import bodies, done, landed, waiting
from tests.talent_pool.sources import NOW, MemorySource, candidate

LATER = NOW + timedelta(days=1)
MISSING = "missing"
laws = examples(12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def _object(number: int, version: int, kind: str):
    """One object as a pure function of its number, version and kind."""
    if kind == "unreadable":
        return {**candidate(number, version), "broken": True}
    if kind == "no object":
        return [number, version]
    if kind == "deletion":
        at = f"2026-01-01T00:{version:02}:30Z"
        gone = {"deleted_type": "candidate", "remote_id": str(number), "cause": "deleted", "at": at}
        return {"id": f"d{number}.{version}", "deletion": gone}
    return candidate(number, version, title=f"Title {version}", tags=[f"t{version % 2}"])


_kinds = st.sampled_from(["candidate"] * 5 + ["deletion", "unreadable", "no object"])
_objects = st.lists(st.builds(_object, st.integers(1, 4), st.integers(1, 5), _kinds), max_size=14)


def _sync(store, inbox, objects, *, size=3, name="ats", now=NOW, complete=True):
    defined = [Stream("candidates", complete=complete)]
    source = MemorySource({"candidates": list(objects)}, size=size, name=name, defined=defined)
    return sync(store, inbox, source, now, full_refresh=True)


def _stored(store):
    with store.reading() as connection:
        return {row.remote_id for row in connection.execute(select(payloads.c.remote_id))}


@laws
@given(objects=_objects, size=st.integers(1, 6))
def test_nothing_is_lost(new_store, inbox, objects, size):
    new_store.give_back()
    store = new_store()
    report = _sync(store, inbox, objects, size=size)
    assert report.counts.read == len(objects)
    assert unbalanced(store, report.run_id) is None
    good = {str(raw["id"]) for raw in objects if isinstance(raw, dict) and "broken" not in raw}
    assert _stored(store) == good
    aside = {row.remote_id for row in listed(store)}
    bad = {str(raw["id"]) for raw in objects if isinstance(raw, dict) and "broken" in raw}
    assert bad - good <= aside
    assert (None in aside) == any(isinstance(raw, list) for raw in objects)


@laws
@given(objects=_objects, sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)), seed=st.integers(0, 9))
def test_neither_order_nor_cuts_matter(new_store, inbox, objects, sizes, seed):
    """Whatever the order and the size of pages: the same payloads, and the same records, living or removed."""
    new_store.give_back()
    shuffled = list(objects)
    random.Random(seed).shuffle(shuffled)
    kept = []
    for order, size in zip((objects, shuffled), sizes, strict=True):
        store = new_store()
        _sync(store, inbox, order, size=size)
        kept.append(landed(store, tables=(payloads, records)))
    assert kept[0]["payloads"] == kept[1]["payloads"]
    assert _standing(kept[0]) == _standing(kept[1])


def _standing(dump):
    """What is known of each record that stands, and which are removed; a removed one's last words may differ."""
    columns = [column.name for column in records.c if column.name != "landing_number"]
    rows = [dict(zip(columns, row, strict=True)) for row in dump["records"]]
    return {row["id"]: (row["removed_at"], row["removed_at"] or row["body"]) for row in rows}


@laws
@given(objects=_objects, sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_reading_again_changes_nothing_and_wakes_nobody(new_store, inbox, objects, sizes):
    new_store.give_back()
    store = new_store()
    _sync(store, inbox, objects, size=sizes[0])
    done(store)
    before = landed(store)
    again = _sync(store, inbox, objects, size=sizes[1], now=LATER)
    assert (again.counts.new, again.counts.changed, again.counts.deleted) == (0, 0, 0)
    assert unbalanced(store, again.run_id) is None
    after = landed(store)
    for dump in (before, after):
        dump.pop("cursors")
        dump["quarantine"] = [row[:4] for row in dump["quarantine"]]  # whether an older bad version was replayed
    assert after == before
    assert waiting(store) == 0


_said = st.sampled_from([MISSING, None, "", "Cook", "Waiter"])
_tags = st.sampled_from([MISSING, [], ["a"], ["b", "c"]])


@laws
@given(
    versions=st.lists(st.tuples(_said, _tags), min_size=1, max_size=6), complete=st.booleans(), size=st.integers(1, 6)
)
def test_missing_is_not_null(new_store, inbox, versions, complete, size):
    new_store.give_back()
    store = new_store()
    objects, title, tags = [], MISSING, MISSING
    for number, (new_title, new_tags) in enumerate(versions):
        fields = {"title": new_title, "tags": new_tags}
        objects.append(candidate(1, number, **{name: said for name, said in fields.items() if said != MISSING}))
        if new_title != MISSING and (complete or new_title is not None):
            title = new_title
        if new_tags != MISSING and (complete or new_tags):
            tags = new_tags
    _sync(store, inbox, objects, size=size, complete=complete)
    body = bodies(store)["candidate", "1"]
    assert body.get("title", MISSING) == title
    assert body.get("tags", MISSING) == tags


@laws
@given(number=st.integers(1, 20), size=st.integers(1, 5), broken_page=st.integers(0, 6))
def test_cursor_moves_with_what_it_covers_and_a_failed_read_deletes_nothing(
    new_store, inbox, number, size, broken_page
):
    new_store.give_back()
    store = new_store()
    objects = [candidate(n) for n in range(number)]
    _sync(store, inbox, objects, size=size)
    done(store)
    source = MemorySource({"candidates": [candidate(n, 2) for n in range(number)]}, size=size)
    source.fail_at = {("candidates", broken_page * size): Unavailable("cut off")}
    with suppress(Unavailable):
        sync(store, inbox, source, LATER, full_refresh=True)
    run = latest(store, "sync", "ats")
    assert run is not None
    assert unbalanced(store, run.id) is None
    covered = (cursor(store, "ats", "candidates") or {"at": 0})["at"]
    assert covered == min(broken_page * size, number) == waiting(store)
    with store.reading() as connection:
        rows = connection.execute(select(records.c.remote_id, records.c.removed_at, records.c.body)).all()
    assert {row.remote_id for row in rows} == {str(n) for n in range(number)}
    assert all(row.removed_at is None for row in rows)
    minutes = {int(row.remote_id): row.body["remote_updated_at"][14:16] for row in rows}
    assert {n for n, minute in minutes.items() if minute == "02"} == set(range(covered))


@pytest.mark.parametrize("kind", ["empty", "short"])
def test_read_that_finds_less_deletes_nothing(store, inbox, kind):
    objects = [candidate(n) for n in range(10)]
    _sync(store, inbox, objects)
    _sync(store, inbox, [] if kind == "empty" else objects[:4], now=LATER)
    with store.reading() as connection:
        assert connection.execute(select(records.c.removed_at)).scalars().all() == [None] * 10
