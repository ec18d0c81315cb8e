"""Rows that a destination put off until a certain moment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from connectors.contract import Action, Cleared, Fate, RowOutcome
from talent_pool.store.database import Store
from talent_pool.store.tables import push_rows, retries
from tests.talent_pool.outbound import NOW, Pool, Post, Shelf


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store)


@dataclass
class Moody(Shelf):
    """A shelf that puts everything off for ten minutes while it is `closed`."""

    closed: bool = True
    offered: list[Cleared] = field(default_factory=list)

    def apply(self, rows, now: datetime) -> Iterator[RowOutcome]:
        self.requests += 1
        for row in rows:
            self.offered.append(row)
            if self.closed:
                later = now + timedelta(minutes=10)
                yield RowOutcome(row.row_id, Fate.DEFERRED, "Closed.", not_before=later)
            else:
                self.held[row.address, row.tag] = dict(row.fields)
                yield RowOutcome(row.row_id, Fate.REMOVED if row.action is Action.REMOVE else Fate.SENT)


def after(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_a_row_that_is_put_off_is_not_asked_for_before_its_time_and_keeps_its_name(pool: Pool):
    pool.join("silver_medallists", pool.person("ann"))
    shelf = Moody()
    assert pool.deliver(shelf).fates[Fate.DEFERRED] == 1
    before = pool.counts()
    assert pool.deliver(shelf, now=after(5)).fates[Fate.DEFERRED] == 1
    assert pool.counts() == before, "a run with nothing due writes nothing"
    assert len(shelf.offered) == 1
    pool.deliver(shelf, now=after(11))
    shelf.closed = False
    assert pool.deliver(shelf, now=after(30)).fates[Fate.SENT] == 1
    assert [one.tries for one in shelf.offered] == [0, 1, 2]
    assert {one.occasion for one in shelf.offered} == {shelf.offered[0].occasion}
    assert [one.tried_since for one in shelf.offered] == [None, NOW, NOW]
    assert pool.rows(retries) == []
    assert pool.unbalanced() == []
    assert pool.deliver(shelf, now=after(40)).fates[Fate.UNCHANGED] == 1
    assert "due at 2026-10-05 09:10:00 UTC" in pool.rows(push_rows)[0].reason


def test_each_change_has_a_name_of_its_own(pool: Pool):
    person = pool.person("ann")
    pool.join("silver_medallists", person)
    shelf = Moody(closed=False)
    pool.deliver(shelf)
    for minute, name in enumerate(("Anna", "Ann", "Anna"), start=1):
        pool.rename("ann", name)
        pool.deliver(shelf, now=after(minute))
    pool.leave("silver_medallists", person)
    pool.deliver(shelf, now=after(9))
    pool.join("silver_medallists", person)
    pool.deliver(shelf, now=after(10))
    assert [one.held for one in shelf.offered] == [False, True, True, True, True, False]
    assert len({one.occasion for one in shelf.offered}) == 6, "to go back to what was before is another change"
    assert all(one.occasion for one in shelf.offered)
    assert {one.person_id for one in shelf.offered} == {person}


def test_something_new_is_tried_at_once_and_counts_from_the_beginning(pool: Pool):
    pool.join("silver_medallists", pool.person("ann"))
    shelf = Moody()
    pool.deliver(shelf)
    pool.rename("ann", "Anna")
    pool.deliver(shelf, now=after(1))
    assert [one.tries for one in shelf.offered] == [0, 0]
    assert shelf.offered[0].occasion != shelf.offered[1].occasion
    assert len(pool.rows(retries)) == 1


def test_who_leaves_while_waiting_waits_no_more(pool: Pool):
    person = pool.person("ann")
    pool.join("silver_medallists", person)
    shelf = Moody()
    pool.deliver(shelf)
    pool.leave("silver_medallists", person)
    pool.deliver(shelf, now=after(1))
    assert pool.rows(retries) == []
    assert len(shelf.offered) == 1


def test_a_removal_that_is_put_off_is_tried_again_under_its_name(pool: Pool):
    person = pool.person("ann")
    pool.join("silver_medallists", person)
    shelf = Moody(closed=False)
    pool.deliver(shelf)
    pool.leave("silver_medallists", person)
    shelf.closed = True
    pool.deliver(shelf, now=after(1))
    pool.deliver(shelf, now=after(2))
    shelf.closed = False
    pool.deliver(shelf, now=after(20))
    removals = [one for one in shelf.offered if one.action is Action.REMOVE]
    assert [one.tries for one in removals] == [0, 1]
    assert len({one.occasion for one in removals}) == 1
    assert pool.rows(retries) == []
    assert pool.unbalanced() == []


def test_a_message_that_is_put_off_waits_as_well(pool: Pool):
    pool.person("ann")
    pool.application("ann", 1)
    post = Post()
    later = NOW + timedelta(minutes=10)
    post.apply = lambda rows, now: (RowOutcome(one.row_id, Fate.DEFERRED, "Busy.", not_before=later) for one in rows)
    pool.deliver(post)
    del post.apply
    assert pool.deliver(post, now=after(5)).fates[Fate.DEFERRED] == 1
    assert post.sent == []
    assert pool.deliver(post, now=after(11)).fates[Fate.SENT] == 1
    assert pool.deliver(post, now=after(12)).fates[Fate.UNCHANGED] == 1
    assert len(post.sent) == 1
