"""A connection's sync: cursors, inbox, errors, the lease."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from connectors.contract import Page, Stream
from connectors.errors import RateLimited, Unavailable
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.pages import DELIVERIES, commit, prepare
from talent_pool.landing.quarantine import listed
from talent_pool.landing.sync import cursor, sync, under_lease
from talent_pool.store import leases, runs
from talent_pool.store.tables import cursors
from talent_pool.store.tables import leases as lease_rows
from tests.talent_pool.dumps import bodies
from tests.talent_pool.sources import NOW, MemorySource, candidate, delivery


def test_sync_goes_on_from_its_cursor(store, inbox):
    source = MemorySource({"candidates": [candidate(n) for n in range(4)]})
    assert sync(store, inbox, source, NOW).counts.new == 4
    source.listing["candidates"].append(candidate(4))
    report = sync(store, inbox, source, NOW)
    assert (report.counts.read, report.counts.new) == (1, 1)
    assert cursor(store, "ats", "candidates") == {"at": 5}


def test_full_refresh_reads_all_again(store, inbox):
    source = MemorySource({"candidates": [candidate(n) for n in range(4)]})
    sync(store, inbox, source, NOW)
    assert dict(sync(store, inbox, source, NOW, full_refresh=True).counts)["same"] == 4
    with store.reading() as connection:
        assert connection.execute(select(cursors.c.full_read_at)).scalar() == NOW


def test_pages_of_one_transaction_move_each_cursor_to_its_end(store):
    source = MemorySource({})
    with under_lease(store, source, "sync", NOW) as (landing, _):
        pages = [
            prepare(landing, Stream("candidates"), Page("candidates", [candidate(1)], {"at": 1}, ends_full_read=True)),
            prepare(landing, Stream("jobs"), Page("jobs", [{"id": 1}], {"at": 7})),
            prepare(landing, Stream("candidates"), Page("candidates", [candidate(2)], {"at": 2})),
        ]
        commit(store, landing.origin, landing.lease, pages)
    assert cursor(store, "ats", "candidates") == {"at": 2}
    assert cursor(store, "ats", "jobs") == {"at": 7}
    with store.reading() as connection:
        ended = dict(connection.execute(select(cursors.c.stream, cursors.c.full_read_at)).all())
    assert ended == {"candidates": NOW, "jobs": None}


def test_counts_are_told_by_page_and_by_stream(store, inbox):
    told = []
    source = MemorySource({"jobs": [{"id": 1}], "candidates": [candidate(n) for n in range(4)]})
    report = sync(store, inbox, source, NOW, on_page=lambda stream, counts: told.append((stream, counts.read)))
    assert told == [("jobs", 1), ("candidates", 3), ("candidates", 1)]
    assert {name: counts.new for name, counts in report.streams.items()} == {"jobs": 1, "candidates": 4}
    run = runs.latest(store, "sync", "ats")
    assert (run.id, run.state, run.counts["read"]) == (report.run_id, "succeeded", 5)
    assert run.counts["streams"]["candidates"]["new"] == 4


@pytest.mark.parametrize(
    "error", [Unavailable("The vendor is away.\nSecond line."), RateLimited("Wait.", timedelta(minutes=5))]
)
def test_failed_read_keeps_what_landed_and_goes_on_there(store, inbox, error):
    source = MemorySource({"candidates": [candidate(n) for n in range(8)]}, fail_at={("candidates", 3): error})
    with pytest.raises(type(error)):
        sync(store, inbox, source, NOW)
    run = runs.latest(store, "sync", "ats")
    assert (run.state, run.error) == ("failed", str(error).splitlines()[0])
    assert run.counts["read"] == 3
    assert unbalanced(store, run.id) is None
    assert cursor(store, "ats", "candidates") == {"at": 3}
    source.fail_at.clear()
    assert sync(store, inbox, source, NOW).counts.new == 5


def test_somebody_else_is_syncing(store, inbox):
    source = MemorySource({"candidates": [candidate(1)]})
    with leases.held(store, "connection:ats", "sync", NOW), pytest.raises(leases.Busy, match="connection ats is being"):
        sync(store, inbox, source, NOW)
    assert sync(store, inbox, source, NOW).counts.new == 1


def test_who_lost_the_lease_writes_nothing(store, inbox):
    source = MemorySource({"candidates": [candidate(n) for n in range(9)]})

    def _steal(_stream, _counts):
        with store.writing() as connection:
            connection.execute(lease_rows.update().values(holder="another"))

    with pytest.raises(leases.Busy, match="taken over"):
        sync(store, inbox, source, NOW, on_page=_steal)
    assert len(bodies(store)) == 3


def test_run_whose_process_died_is_written_off(store, inbox):
    run_id = runs.start(store, "sync", "ats", "default", NOW)
    sync(store, inbox, MemorySource({}), NOW)
    states = {run.id: run.state for run in runs.listed(store, "sync")}
    assert states.pop(run_id) == "failed"
    assert set(states.values()) == {"succeeded"}


def test_deliveries_land_before_the_streams_are_read(store, inbox):
    for number in range(3):
        inbox.put(delivery(number, [("candidates", candidate(number, 9)), ("forms", {"id": f"f{number}"})]), "default")
    source = MemorySource({"candidates": [candidate(n) for n in range(3)]})
    report = sync(store, inbox, source, NOW)
    assert report.streams["forms"].new == 3
    assert (report.streams["candidates"].new, report.streams["candidates"].duplicate) == (3, 3)
    assert inbox.waiting("ats", 10) == []
    assert unbalanced(store, report.run_id) is None


def test_delivery_that_was_landed_but_not_taken_is_not_landed_again(store, inbox, monkeypatch):
    inbox.put(delivery(1, [("forms", {"id": "f1"})]), "default")
    monkeypatch.setattr(inbox, "take", lambda *_: (_ for _ in ()).throw(Unavailable("cut off")))
    with pytest.raises(Unavailable):
        sync(store, inbox, MemorySource({}), NOW)
    monkeypatch.undo()
    assert sync(store, inbox, MemorySource({}), NOW).counts.read == 0
    assert inbox.waiting("ats", 10) == []


def test_delivery_that_cannot_be_taken_apart_is_quarantined(store, inbox):
    inbox.put(delivery(1, b"{"), "default")
    inbox.put(delivery(2, [("forms", {"id": "f1"})]), "default")
    report = sync(store, inbox, MemorySource({}), NOW)
    assert (report.counts.read, report.counts.new, report.counts.quarantined) == (2, 1, 1)
    assert [(row.stream, row.reason) for row in listed(store)] == [(DELIVERIES, "the body is not JSON")]
    assert unbalanced(store, report.run_id) is None


def test_delivered_stream_is_partial(store, inbox):
    source = MemorySource({}, defined=[Stream("candidates")])
    inbox.put(delivery(1, [("hooks", candidate(1, 1, title="Cook"))]), "default")
    sync(store, inbox, source, NOW)
    inbox.put(delivery(2, [("hooks", candidate(1, 2, title=None))]), "default")
    sync(store, inbox, source, NOW)
    assert bodies(store)["candidate", "1"]["title"] == "Cook"
