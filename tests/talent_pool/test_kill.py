"""A sync that is killed at any point and begun again leaves the store as one that was never disturbed."""

import os
import random
import signal
import time

import pytest
from sqlalchemy import select

from connectors.contract import Stream
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.store.database import Store
from talent_pool.store.runs import listed
from talent_pool.store.tables import records
from tests.conftest import KEY
from tests.talent_pool.dumps import LANDED, landed
from tests.talent_pool.processes import all_at_once, die_at, ended, started
from tests.talent_pool.sources import EVIDENCE, NOW, MemorySource, candidate, delivery, email

STATEMENT = {
    "purpose": "marketing", "channel": "email", "status": "given", "stated_by": "candidate",
    "stated_at": "2026-01-01T00:00:00Z", "evidence": EVIDENCE,
}  # fmt: skip


def _world(name="ats") -> MemorySource:
    """Some of everything: new, changed, stale, repeated, unreadable, removed, merged, said."""
    objects = [candidate(n, 1, email_addresses=[email(f"p{n}@example.com")], title="Cook") for n in range(12)]
    for n in range(0, 12, 3):
        objects[n]["consent"] = {**STATEMENT, "remote_id": f"c{n}", "candidate_id": str(n)}
        objects[n]["application"] = [{"remote_id": f"a{n}.{k}", "candidate_id": str(n)} for k in range(2)]
    objects += [candidate(n, 3, title=None) for n in range(0, 12, 3)] + [candidate(1, 0), {"id": 99, "broken": True}, 7]
    gone = {"deleted_type": "candidate", "cause": "deleted", "at": "2026-01-01T00:09:00Z"}
    deletions = [
        {"id": "d1", "deletion": {**gone, "remote_id": "2"}},
        {"id": "d2", "deletion": {**gone, "remote_id": "4", "cause": "merged_upstream", "merged_into": "5"}},
    ]
    defined = [Stream("candidates"), Stream("deletions")]
    return MemorySource({"candidates": objects, "deletions": deletions}, size=3, name=name, defined=defined)


def _fill(inbox: Inbox) -> None:
    for number in range(5):
        inbox.put(
            delivery(number, [("candidates", candidate(20 + number)), ("forms", {"id": f"f{number}"})]), "default"
        )
    inbox.put(delivery(9, b"{"), "default")


def _sync(store_url: str, inbox_url: str, point: int | None = None, pause: float = 0) -> None:
    if point is not None:
        die_at(point)
    store, inbox = Store(store_url, KEY), Inbox(inbox_url)
    sync(store, inbox, _world(), NOW, on_page=lambda *_: time.sleep(pause))


@pytest.fixture
def places(new_store, tmp_path):
    """Give a function that makes a store with its inbox filled: the store, its URL and its inbox's."""

    def _place():
        store = new_store()
        url = store.url.render_as_string(hide_password=False)
        inbox_url = f"sqlite:///{tmp_path / f'inbox{id(store)}.db'}" if store.is_sqlite else url
        inbox = Inbox(inbox_url)
        _fill(inbox)
        inbox.close()
        return store, url, inbox_url

    return _place


def _after_kills(place, kills: list[int | float]) -> tuple[dict, list[int]]:
    """Sync until it comes to its end, killed at each of `kills`: a statement's number, or seconds."""
    store, url, inbox_url = place
    codes = []
    for kill in kills:
        if isinstance(kill, int):
            codes.append(ended(started(_sync, url, inbox_url, kill)))
            continue
        child = started(_sync, url, inbox_url, None, 0.06)  # slow enough that no machine ends before its death
        time.sleep(kill)
        os.kill(child, signal.SIGKILL)
        codes.append(ended(child))
    assert ended(started(_sync, url, inbox_url)) == 0
    for run in listed(store, "sync"):
        assert unbalanced(store, run.id) is None
    return landed(store, tables=LANDED), codes


@pytest.mark.heavy
def test_killed_at_any_statement(places):
    undisturbed, _ = _after_kills(places(), [])
    chance = random.Random(11)
    for _ in range(3):
        kills = [chance.randint(1, 300) for _ in range(3)]
        store, codes = _after_kills(places(), kills)
        assert store == undisturbed, kills
        assert -9 in codes


@pytest.mark.heavy
def test_killed_at_every_statement_in_turn(places):
    undisturbed, _ = _after_kills(places(), [])
    deaths, point = 0, 1
    while True:
        store, codes = _after_kills(places(), [point])
        assert store == undisturbed, point
        if codes == [0]:
            break
        deaths += 1
        point += 3
    assert deaths > 50


@pytest.mark.heavy
def test_killed_at_twenty_random_moments(places):
    undisturbed, _ = _after_kills(places(), [])
    chance = random.Random(12)
    killed = 0
    for _ in range(5):
        store, codes = _after_kills(places(), [chance.uniform(0.05, 0.35) for _ in range(4)])
        assert store == undisturbed
        killed += codes.count(-9)
    assert killed >= 10, "most ended before they could be killed, so that nothing was shown"


def _sync_one(store_url: str, inbox_url: str, name: str) -> None:
    sync(Store(store_url, KEY), Inbox(inbox_url), _world(name), NOW)


def test_three_connections_landed_at_once_lose_nothing(places):
    store, url, inbox_url = places()
    names = ["ats", "board", "portal"]
    assert all_at_once([(_sync_one, url, inbox_url, name) for name in names]) == [0, 0, 0]
    for run in listed(store, "sync"):
        assert (run.state, unbalanced(store, run.id)) == ("succeeded", None)
    with store.reading() as connection:
        rows = connection.execute(select(records.c.connection, records.c.landing_number)).all()
    assert sorted(row.landing_number for row in rows) == list(range(1, len(rows) + 1))
    assert {row.connection for row in rows} == set(names)


def test_one_connection_synced_by_three_at_once_is_landed_once(places):
    alone, url, inbox_url = places()
    assert ended(started(_sync, url, inbox_url)) == 0
    store, url, inbox_url = places()
    codes = all_at_once([(_sync, url, inbox_url, None, 0.05)] * 3)
    assert sorted(codes) == [0, 1, 1]
    assert landed(store, tables=LANDED) == landed(alone, tables=LANDED)
