"""What goes to a cluster is the pool as it is compared here: every live candidate of every organisation, once."""

from connectors.records import Application
from talent_pool.resolution import landed, neighbours
from talent_pool.resolution.whole_pool import comparable
from talent_pool.store.database import Store
from tests.talent_pool.small_world import INSTALLATION, candidate, land, remove


def test_every_live_candidate_stands_in_it_once(store: Store) -> None:
    ours = land(store, "ats", candidate("1", "Mary Jones", phones=["020 7946 0018"]), candidate("2", "Omar Aziz"))
    theirs = land(store, "sister", candidate("1", "Mary Jones"))
    land(store, "ats", Application(remote_id="a", candidate_id="1"))
    (gone,) = land(store, "board", candidate("9", "Somebody Else"))
    remove(store, gone)
    found = list(comparable(store, INSTALLATION))
    assert [one.record_id for one in found] == sorted([*ours, *theirs])
    with store.reading() as connection:
        rows = landed.by_ids(connection, {*ours, *theirs})
    assert found == [neighbours.normal(INSTALLATION, rows[one.record_id]) for one in found]
    assert {one.organisation for one in found} == {"default", "sister_company"}


def test_however_many_are_read_together(store: Store) -> None:
    ids = land(store, "ats", *(candidate(str(number)) for number in range(7)))
    with store.reading() as connection:
        for at_once in (1, 3, 7, 8):
            assert [one.id for one in landed.every_live(connection, "candidate", at_once)] == sorted(ids)
