"""The durable inbox."""

import threading

from sqlalchemy import select

from talent_pool.landing.inbox import Inbox
from talent_pool.store.inbox_tables import inbox as table
from tests.talent_pool.sources import NOW, delivery


def test_delivery_waits_until_it_is_taken(inbox):
    assert inbox.put(delivery(1, [["s", {"id": 1}]]), "default")
    assert inbox.put(delivery(2, b"\x00\xff", "board"), "default")
    assert inbox.connections_waiting() == ["ats", "board"]
    (waiting,) = inbox.waiting("board", 10)
    assert waiting.delivery == delivery(2, b"\x00\xff", "board")
    inbox.take([waiting.id], NOW)
    assert inbox.connections_waiting() == ["ats"]
    assert inbox.waiting("board", 10) == []


def test_repeat_is_known_before_and_after_it_is_taken(inbox):
    assert inbox.put(delivery(1, b"a"), "default")
    assert not inbox.put(delivery(1, b"b"), "default")
    inbox.take([each.id for each in inbox.waiting("ats", 9)], NOW)
    assert not inbox.put(delivery(1, b"c"), "default")
    assert inbox.put(delivery(1, b"c", "board"), "default")


def test_oldest_come_first_and_no_more_than_asked_for(inbox):
    for number in range(5):
        inbox.put(delivery(number, b"x"), "default")
    assert [each.delivery.key for each in inbox.waiting("ats", 3)] == ["key-0", "key-1", "key-2"]


def test_nothing_of_a_taken_delivery_is_kept_but_its_key(inbox):
    inbox.put(delivery(1, b"Anna"), "default")
    inbox.take([each.id for each in inbox.waiting("ats", 9)], NOW)
    with inbox._reader.begin() as connection:
        (row,) = connection.execute(select(table)).all()
    assert (row.key, row.headers, bytes(row.body)) == ("key-1", {}, b"")


def test_of_many_repeats_at_once_one_is_committed(inbox, inbox_url):
    fates, start = [], threading.Barrier(6)

    def _put():
        own = Inbox(inbox_url)
        start.wait()
        fates.append(own.put(delivery(1, b"x"), "default"))
        own.close()

    threads = [threading.Thread(target=_put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(fates) == [False] * 5 + [True]
