"""Law 1 at run time: what was read is accounted for, and a landing that loses something is found out."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from talent_pool.landing import pages as landing
from talent_pool.landing import payload_rows, writer
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.sync import sync
from talent_pool.store import runs
from talent_pool.store.tables import run_pages
from tests.talent_pool.sources import NOW, MemorySource, candidate

OBJECTS = [candidate(1), candidate(2), {"id": 3, "broken": True}, candidate(1), candidate(4), None, candidate(1, 2)]


def _synced(store, inbox, listing=OBJECTS, now=NOW, **options):
    return sync(store, inbox, MemorySource({"candidates": list(listing)}), now, **options)


def test_balanced_run_says_nothing(store, inbox):
    for refresh in (False, True):
        report = _synced(store, inbox, full_refresh=refresh)
        assert report.counts.read == report.counts.landed == 7
        assert unbalanced(store, report.run_id) is None


def test_earlier_run_stays_balanced_when_a_later_one_changes_its_objects(store, inbox):
    first = _synced(store, inbox)
    second = _synced(store, inbox, [candidate(1, 5), candidate(2, 5)], NOW + timedelta(hours=1), full_refresh=True)
    assert unbalanced(store, first.run_id) is None
    assert unbalanced(store, second.run_id) is None


def test_object_dropped_before_it_is_sorted_is_found_out(store, inbox, monkeypatch):
    whole = landing.sort
    monkeypatch.setattr(landing, "sort", lambda run, stream, raws, **rest: whole(run, stream, raws[:-1], **rest))
    report = _synced(store, inbox)
    assert unbalanced(store, report.run_id) == "ats: 7 objects were read and 4 are accounted for."


@pytest.mark.parametrize("step", ["add", "replace"])
def test_object_counted_but_not_written_is_found_out(store, inbox, monkeypatch, step):
    _synced(store, inbox, [candidate(9)])
    monkeypatch.setattr(payload_rows, step, lambda *_: None)
    report = _synced(store, inbox, [candidate(9, 2), candidate(10)], NOW + timedelta(hours=1), full_refresh=True)
    assert "objects were new, changed or deleted, and the store holds" in unbalanced(store, report.run_id)


def test_page_lost_from_the_ledger_is_found_out(store, inbox):
    report = _synced(store, inbox)
    with store.writing() as connection:
        connection.execute(run_pages.delete().where(run_pages.c.number == 0))
    assert unbalanced(store, report.run_id) == "ats: 7 objects were read and 4 are accounted for."


def test_quarantine_that_was_never_counted_is_found_out(store, inbox):
    report = _synced(store, inbox)
    with store.writing() as connection:
        connection.execute(update(run_pages).values(quarantined=0, same=run_pages.c.same + run_pages.c.quarantined))
    assert "the quarantine holds 2 of them" in unbalanced(store, report.run_id)


def test_other_runs(store):
    assert unbalanced(store, "run_none") == "There is no run run_none."
    assert unbalanced(store, runs.start(store, "resolve", "pool", "default", NOW)) is None


def test_read_is_counted_before_landing(store, inbox, monkeypatch):
    whole = writer.commit

    def _forgetful(store, origin, lease, pages):
        whole(store, origin, lease, pages)
        for page in pages:
            page.counts.read = page.counts.new = 0

    monkeypatch.setattr(writer, "commit", _forgetful)
    assert _synced(store, inbox).counts.read == 7
