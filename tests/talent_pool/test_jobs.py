"""Jobs that outlive a run: nothing is called sent before the vendor said so, and nothing is sent again meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from sqlalchemy import select

from connectors.contract import Action, Awaited, Cleared, Fate, RowOutcome
from connectors.errors import Unavailable
from talent_pool.delivery.jobs import WORKED_ON
from talent_pool.store.database import Store
from talent_pool.store.tables import destination_jobs, holdings, push_rows, runs
from tests.talent_pool.outbound import Killed, Pool, Shelf

SEGMENT = "silver_medallists"


@dataclass
class Queue(Shelf):
    """A shelf that takes orders and fills them once it is `ready`; killed right after an order, if so told."""

    ready: bool = False
    orders: dict[str, list[Cleared]] = field(default_factory=dict)
    dies_following: bool = False
    broken: bool = False

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        self.requests += 1
        job = f"job_{len(self.orders)}"
        self.orders[job] = list(rows)
        for row in rows:
            yield RowOutcome(row.row_id, Fate.PENDING, job=job)

    def followed(self, job: str, rows: Sequence[Awaited], now: datetime) -> Iterator[RowOutcome]:
        self.requests += 1
        if self.dies_following:
            raise Killed
        if self.broken:
            raise Unavailable("the queue cannot be reached")
        if not self.ready:
            return
        for row in rows:
            if told := self.answers.get(row.address):
                yield RowOutcome(row.row_id, told.fate, told.reason, told.vendor_reason)
            elif row.action is Action.REMOVE:
                self.held.pop((row.address, row.tag), None)
                yield RowOutcome(row.row_id, Fate.REMOVED)
            else:
                self.held[row.address, row.tag] = {}
                yield RowOutcome(row.row_id, Fate.SENT, remote_id=f"remote {row.address[:3]}")


def _ordered(queue: Queue) -> list[str]:
    return sorted(row.address[:3] for rows in queue.orders.values() for row in rows)


@pytest.fixture
def pool(store: Store) -> Pool:
    pool = Pool(store)
    for name in ("ann", "bob", "cyd", "dee"):
        pool.join(SEGMENT, pool.person(name))
    return pool


def test_a_job_that_ends_within_its_run_is_sent_and_leaves_nothing(pool: Pool):
    queue = Queue(ready=True)
    report = pool.deliver(queue)
    assert (report.fates[Fate.SENT], report.fates[Fate.PENDING]) == (4, 0)
    assert not pool.rows(destination_jobs)
    assert {row.remote_id for row in pool.rows(holdings)} == {"remote ann", "remote bob", "remote cyd", "remote dee"}
    assert not pool.unbalanced()


def test_what_is_not_done_is_pending_and_settled_by_a_later_run_without_sending_again(pool: Pool):
    queue = Queue()
    queue.answers["bob@example.org"] = RowOutcome("", Fate.REJECTED, "refused", "bad")
    first = pool.deliver(queue)
    assert (first.fates[Fate.PENDING], first.fates[Fate.SENT]) == (4, 0)
    assert not pool.rows(holdings)
    before = pool.counts()
    second = pool.deliver(queue)
    assert (second.fates[Fate.PENDING], second.requests) == (4, 0)
    assert pool.counts() == before, "what was said already is not said again"
    queue.ready = True
    third = pool.deliver(queue)
    assert (third.fates[Fate.UNCHANGED], third.fates[Fate.REJECTED]) == (3, 1)
    assert _ordered(queue) == ["ann", "bob", "cyd", "dee"]
    assert len(pool.rows(holdings)) == 3
    assert not pool.rows(destination_jobs)
    assert not pool.unbalanced()


@pytest.mark.parametrize("ready", [True, False])
def test_a_run_killed_while_waiting_is_followed_up_and_sends_nobody_twice(pool: Pool, ready: bool):
    queue = Queue(dies_following=True)
    with pytest.raises(Killed):
        pool.deliver(queue)
    assert len(pool.rows(destination_jobs)) == 3
    queue.dies_following, queue.ready = False, ready
    pool.deliver(queue)
    assert _ordered(queue) == ["ann", "bob", "cyd", "dee"]
    queue.ready = True
    assert pool.deliver(queue).fates[Fate.UNCHANGED] == 4
    assert _ordered(queue) == ["ann", "bob", "cyd", "dee"]
    with pool.store.reading() as connection:
        ended = connection.execute(select(runs.c.id, runs.c.error)).all()
    assert sum(bool(error) for _, error in ended) == 1
    assert len(pool.unbalanced()) == 1, "the one that was cut off"


def test_whoever_leaves_or_changes_meanwhile_is_taken_out_or_sent_after_the_job(pool: Pool):
    queue = Queue()
    pool.deliver(queue)
    pool.leave(SEGMENT, "per_ann")
    pool.rename("bob", "Robert")
    pool.deliver(queue)
    assert len(queue.orders) == 2, "one for three, one for the fourth"
    queue.ready = True
    report = pool.deliver(queue)
    assert (report.fates[Fate.REMOVED], report.fates[Fate.SENT], report.fates[Fate.UNCHANGED]) == (1, 1, 2)
    assert {address[:3] for address, _ in queue.held} == {"bob", "cyd", "dee"}
    assert not pool.unbalanced()


def test_a_held_one_is_not_taken_out_while_an_order_would_bring_it_back(pool: Pool):
    queue = Queue(ready=True)
    pool.deliver(queue)
    pool.rename("ann", "Anna")
    queue.ready = False
    pool.deliver(queue)
    pool.leave(SEGMENT, "per_ann")
    report = pool.deliver(queue)
    assert report.fates[Fate.PENDING] == 1
    assert report.fates[Fate.REMOVED] == 0
    queue.ready = True
    assert pool.deliver(queue).fates[Fate.REMOVED] == 1
    assert not pool.unbalanced()


def test_a_queue_that_cannot_be_reached_fails_the_run_and_keeps_its_jobs(pool: Pool):
    queue = Queue()
    pool.deliver(queue)
    queue.broken = True
    with pytest.raises(Unavailable):
        pool.deliver(queue)
    assert len(pool.rows(destination_jobs)) == 4
    assert len(queue.orders) == 2
    queue.broken, queue.ready = False, True
    pool.deliver(queue)
    assert len(pool.rows(holdings)) == 4
    assert not pool.unbalanced()


def test_a_dry_run_says_pending_and_asks_nobody(pool: Pool):
    queue = Queue()
    pool.deliver(queue)
    asked = queue.requests
    report = pool.deliver(queue, dry_run=True)
    assert (report.fates[Fate.PENDING], queue.requests) == (4, asked)
    assert {row.reason for row in pool.rows(push_rows)} == {WORKED_ON}
