"""One writer at a time."""

import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from talent_pool.store import leases
from talent_pool.store.leases import Busy, held
from talent_pool.store.tables import leases as rows
from tests.talent_pool.sources import NOW

MINUTE = timedelta(minutes=1)


def test_second_holder_is_told_who_and_since_when(store):
    with (
        held(store, "connection:ats", "a sync", NOW),
        pytest.raises(
            Busy, match=r"^The connection ats is being worked on already by a sync, process \d+ on .*12:00 UTC"
        ),
        held(store, "connection:ats", "another", NOW + MINUTE),
    ):
        pass
    with held(store, "connection:ats", "another", NOW):
        pass


def test_other_names_are_free(store):
    with held(store, "connection:ats", "a", NOW), held(store, "destination:ats", "b", NOW):
        pass


def test_lease_ends_when_it_is_not_renewed_and_its_first_holder_can_write_nothing(store):
    with held(store, "x", "first", NOW) as first, held(store, "x", "second", NOW + leases.LASTS) as second:
        with pytest.raises(Busy, match="taken over"), store.writing() as connection:
            first.renew(connection)
        with store.writing() as connection:
            second.renew(connection)


def test_first_holder_does_not_give_up_the_lease_of_the_second(store):
    with held(store, "x", "first", NOW):
        second = held(store, "x", "second", NOW + leases.LASTS)
        second.__enter__()
    with pytest.raises(Busy), held(store, "x", "third", NOW + leases.LASTS):
        pass
    second.__exit__(None, None, None)


def test_renewal_lengthens_the_lease(store):
    with held(store, "x", "first", NOW) as lease:
        with store.writing() as connection:
            connection.execute(update(rows).values(expires_at=NOW))
            lease.renew(connection)
        with store.reading() as connection:
            assert connection.execute(select(rows.c.expires_at)).scalar_one() >= NOW + leases.LASTS


def test_lease_of_a_dead_process_is_free_at_once(store):
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    with held(store, "x", "first", NOW):
        with store.writing() as connection:
            holder = connection.execute(select(rows.c.holder)).scalar_one()
            parts = holder.split("process ")
            dead = f"{parts[0]}process {died.pid} {parts[1].split(' ', 1)[1]}"
            connection.execute(update(rows).values(holder=dead))
        with held(store, "x", "second", NOW):
            pass


def test_of_many_at_once_one_gets_it(store):
    got, refused, start, over = [], [], threading.Barrier(6), threading.Barrier(6)

    def _try(number):
        start.wait()
        try:
            with held(store, "x", str(number), NOW):
                got.append(number)
                over.wait()
        except Busy:
            refused.append(number)
            over.wait()

    threads = [threading.Thread(target=_try, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 5)
