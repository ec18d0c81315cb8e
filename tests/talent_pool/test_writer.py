"""A long sync has a second process write for it; the store must not tell the difference, whatever happens to either."""

import os
import signal
import subprocess

import pytest
from sqlalchemy import select, update

from connectors.errors import Unavailable
from talent_pool.landing import writer
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.store.database import Store
from talent_pool.store.leases import Busy
from talent_pool.store.runs import listed
from talent_pool.store.tables import leases, records
from talent_pool.store.unavailable import StoreUnavailable
from tests.conftest import KEY
from tests.talent_pool.dumps import LANDED, landed
from tests.talent_pool.processes import ended, started
from tests.talent_pool.sources import EVIDENCE, NOW, MemorySource, candidate, email

CONSENT = {
    "purpose": "marketing", "channel": "email", "status": "given", "stated_by": "candidate",
    "stated_at": "2026-01-01T00:00:00Z", "evidence": EVIDENCE,
}  # fmt: skip


def _source(**options) -> MemorySource:
    """Thirty pages with new, changed, repeated and unreadable objects, removals, merges and statements."""
    objects = [candidate(n, 1, email_addresses=[email(f"p{n}@example.com")], title="Cook") for n in range(60)]
    for n in range(0, 60, 7):
        objects[n]["consent"] = {**CONSENT, "remote_id": f"c{n}", "candidate_id": str(n)}
        objects[n]["application"] = [{"remote_id": f"a{n}", "candidate_id": str(n)}]
    objects += [candidate(n, 3, title=None) for n in range(0, 60, 5)] + [candidate(1, 0), {"id": 99, "broken": True}, 7]
    gone = {"deleted_type": "candidate", "at": "2026-01-01T00:09:00Z"}
    objects += [
        {"id": "d1", "deletion": {**gone, "remote_id": "2", "cause": "deleted"}},
        {"id": "d2", "deletion": {**gone, "remote_id": "4", "cause": "merged_upstream", "merged_into": "5"}},
    ]
    return MemorySource({"candidates": objects}, size=3, **options)


@pytest.fixture
def began(monkeypatch):
    """Give the writers that are started, as they are."""
    processes = []

    class _Seen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(writer.subprocess, "Popen", _Seen)
    return processes


def test_short_sync_starts_no_writer(store, inbox, began):
    sync(store, inbox, _source(), NOW)
    assert not began


def test_writer_leaves_the_store_as_one_process_would(new_store, inbox, began):
    here, beside = new_store(), new_store()
    report = sync(here, inbox, _source(), NOW)
    told = []
    assert sync(beside, inbox, _source(), NOW, alone=9, on_page=lambda _, counts: told.append(counts)).counts == (
        report.counts
    )
    assert landed(beside, tables=LANDED) == landed(here, tables=LANDED)
    assert len(told) == 26
    assert sum(counts.read for counts in told) == report.counts.read
    assert [process.returncode for process in began] == [0]
    assert unbalanced(beside, listed(beside, "sync")[0].id) is None


@pytest.mark.heavy
def test_what_was_fetched_before_an_error_is_committed_and_told(store, inbox):
    failing = _source(fail_at={("candidates", 30): Unavailable("gone for a while")})
    told = []
    with pytest.raises(Unavailable):
        sync(store, inbox, failing, NOW, alone=0, on_page=lambda _, counts: told.append(counts.read))
    assert sum(told) == 30
    assert listed(store, "sync")[0].counts["read"] == 30
    assert sync(store, inbox, _source(), NOW, alone=0).counts.read == len(failing.listing["candidates"]) - 30


@pytest.mark.heavy
def test_writer_without_the_lease_writes_nothing(store, inbox):
    def _stolen(_stream, _counts):
        with store.writing() as connection:
            connection.execute(update(leases).values(holder="somebody else"))

    with pytest.raises(Busy, match="taken over"):
        sync(store, inbox, _source(), NOW, alone=0, on_page=_stolen)
    with store.reading() as connection:
        held = len(connection.execute(select(records.c.id)).all())
    assert 0 < held < 60


@pytest.mark.heavy
def test_writer_that_is_killed_is_an_error_and_the_next_sync_goes_on(new_store, inbox, began):
    undisturbed, store = new_store(), new_store()
    sync(undisturbed, inbox, _source(), NOW)
    with pytest.raises(StoreUnavailable, match="run again"):
        sync(store, inbox, _source(), NOW, alone=0, on_page=lambda *_: began[0].kill())
    sync(store, inbox, _source(), NOW, alone=0)
    assert landed(store, tables=LANDED) == landed(undisturbed, tables=LANDED)


def _die_at(page: int, store_url: str, inbox_url: str) -> None:
    told = []

    def _count(*_: object) -> None:
        told.append(1)
        if len(told) == page:
            os.kill(os.getpid(), signal.SIGKILL)

    sync(Store(store_url, KEY), Inbox(inbox_url), _source(), NOW, alone=0, on_page=_count)


@pytest.mark.heavy
def test_writer_ends_with_who_started_it(new_store, tmp_path):
    undisturbed, store = new_store(), new_store()
    inbox_url = f"sqlite:///{tmp_path / 'inbox.db'}"
    sync(undisturbed, Inbox(inbox_url), _source(), NOW)
    for page in (1, 4, 7):
        child = started(_die_at, page, store.url.render_as_string(hide_password=False), inbox_url)
        assert ended(child) == -signal.SIGKILL
    sync(store, Inbox(inbox_url), _source(), NOW)
    assert landed(store, tables=LANDED) == landed(undisturbed, tables=LANDED)
    for run in listed(store, "sync"):
        assert unbalanced(store, run.id) is None
