"""One switch stops everything that leaves."""

from connectors.contract import Fate
from talent_pool.delivery import brake
from talent_pool.store.database import Store
from tests.talent_pool.outbound import NOW, Pool, Post, Shelf


def test_the_brake_stops_state_messages_and_removals_until_it_is_released(store: Store):
    pool, shelf, post = Pool(store), Shelf(), Post()
    for name in ("ann", "bob"):
        pool.join("silver_medallists", pool.person(name))
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_bob")
    pool.application("ann", 1)
    brake.pull(store, "hr-ops@example.com", NOW)
    assert pool.deliver(shelf).fates[Fate.DEFERRED] == 1
    assert pool.deliver(post).fates[Fate.DEFERRED] == 1
    assert len(shelf.held) == 2
    assert not post.sent
    assert brake.release(store)
    assert not brake.release(store)
    assert pool.deliver(shelf).fates[Fate.REMOVED] == 1
    assert pool.deliver(post).fates[Fate.SENT] == 1
    assert not pool.unbalanced()


def test_pulled_in_the_middle_of_a_run_it_stops_the_next_batch(store: Store):
    pool = Pool(store)
    for name in ("ann", "bob", "cy", "dee", "eve"):
        pool.join("silver_medallists", pool.person(name))

    class Alarming(Shelf):
        def apply(self, rows, now):
            yield from super().apply(rows, now)
            brake.pull(store, "hr-ops@example.com", NOW)

    report = pool.deliver(Alarming())
    assert (report.fates[Fate.SENT], report.fates[Fate.DEFERRED]) == (3, 2)
    assert "paused" in report.rows[-1].reason
