"""Quarantine and replay: nothing that could not be read once is lost."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from connectors.contract import Stream
from connectors.errors import Malformed
from connectors.records import Candidate
from talent_pool.landing import quarantine, replay
from talent_pool.landing.conservation import unbalanced
from talent_pool.landing.sync import sync
from talent_pool.store.tables import payloads, work
from tests.talent_pool.dumps import bodies, done, waiting
from tests.talent_pool.sources import NOW, MemorySource, candidate, delivery, parse

LATER = NOW + timedelta(days=1)


class Strict(MemorySource):
    """A source whose parser cannot read titles yet."""

    def parse(self, stream, raw):
        if "title" in raw.get("candidate", {}):
            raise Malformed("the field 'title' is not known")
        return parse(stream, raw)


def test_listed_by_connection_oldest_first(store, inbox):
    for name in ("ats", "board"):
        sync(store, inbox, MemorySource({"candidates": [{"id": 1, "broken": True}, None]}, name=name), NOW)
    assert [(row.connection, row.remote_id) for row in quarantine.listed(store, "board")] == [
        ("board", "1"),
        ("board", None),
    ]
    assert len(quarantine.listed(store)) == 4
    assert quarantine.listed(store)[0].reason == "the field 'broken' is set"


def test_replay_lands_what_the_parser_can_read_by_now(store, inbox):
    listing = {"candidates": [candidate(1, title="Cook"), candidate(2), {"id": 3, "broken": True}]}
    sync(store, inbox, Strict(listing), NOW)
    report = quarantine.replay(store, MemorySource(listing), LATER)
    assert (report.counts.read, report.counts.new, report.counts.quarantined) == (2, 1, 1)
    assert bodies(store)["candidate", "1"]["title"] == "Cook"
    assert [row.remote_id for row in quarantine.listed(store)] == ["3"]
    assert unbalanced(store, report.run_id) is None


def test_replay_of_chosen_ones(store, inbox):
    listing = {"candidates": [candidate(1, title="Cook"), candidate(2, title="Waiter")]}
    sync(store, inbox, Strict(listing), NOW)
    chosen = quarantine.listed(store)[1].id
    assert quarantine.replay(store, MemorySource(listing), LATER, [chosen]).counts.new == 1
    assert [row.remote_id for row in quarantine.listed(store)] == ["1"]


def test_replayed_object_does_not_replace_what_came_after_it(store, inbox):
    old = {"id": 1, "candidate": {"remote_id": "1", "full_name": "Old", "title": "Cook"}}
    new = {"id": 1, "candidate": {"remote_id": "1", "full_name": "New"}}
    sync(store, inbox, Strict({"candidates": [{"id": 1, "candidate": {"remote_id": "1"}}, old]}), NOW)
    with store.writing() as connection:
        connection.execute(payloads.delete())
    sync(store, inbox, Strict({"candidates": [old, new]}), NOW, full_refresh=True)
    sync(store, inbox, Strict({"candidates": [new, {**new, "n": 1}]}), LATER, full_refresh=True)
    listing = MemorySource({"candidates": []})
    with store.writing() as connection:
        connection.execute(quarantine.quarantine.update().values(replayed_at=None))
    assert quarantine.replay(store, listing, LATER + timedelta(days=1)).counts.stale == 1
    assert bodies(store)["candidate", "1"]["full_name"] == "New"
    assert quarantine.listed(store) == []


def test_replay_of_a_delivery(store, inbox):
    class Deaf(MemorySource):
        def objects(self, _delivery):
            raise Malformed("not understood")

    inbox.put(delivery(1, [("forms", {"id": "f1"}), ("candidates", candidate(1))]), "default")
    sync(store, inbox, Deaf({}), NOW)
    assert quarantine.replay(store, Deaf({}), LATER).counts.read == 0
    assert len(quarantine.listed(store)) == 1
    report = quarantine.replay(store, MemorySource({}), LATER)
    assert report.counts.new == 2
    assert quarantine.listed(store) == []
    assert unbalanced(store, report.run_id) is None


class Titled(MemorySource):
    """A source whose parser has learned to read one more field of `candidates`."""

    def parse(self, stream, raw):
        for record in parse(stream, raw):
            if isinstance(record, Candidate) and record.remote_id == "2":
                yield record.model_copy(update={"company": "Harbour Kitchens"})
            else:
                yield record


def test_replay_of_payloads_touches_only_records_that_come_out_otherwise(store, inbox):
    listing = {"candidates": [candidate(n) for n in range(4)]}
    sync(store, inbox, MemorySource(listing), NOW)
    done(store)
    source = Titled({"candidates": []}, defined=[Stream("candidates")])
    report = replay.replay(store, source, LATER)
    assert (report.counts.read, report.counts.changed, report.counts.same) == (4, 1, 3)
    assert bodies(store)["candidate", "2"]["company"] == "Harbour Kitchens"
    with store.reading() as connection:
        assert len(connection.execute(select(work)).all()) == 1
    assert unbalanced(store, report.run_id) is None
    assert replay.replay(store, source, LATER).counts.same == 4


def test_replay_of_one_stream(store, inbox):
    sync(store, inbox, MemorySource({"candidates": [candidate(1)], "jobs": [{"id": 1}]}), NOW)
    assert replay.replay(store, MemorySource({}), LATER, stream="jobs").counts.read == 1


def test_payload_that_can_no_longer_be_read_keeps_its_records(store, inbox):
    sync(store, inbox, MemorySource({"candidates": [candidate(1, title="Cook"), candidate(2)]}), NOW)
    done(store)
    report = replay.replay(store, Strict({}), LATER)
    assert (report.counts.same, report.counts.quarantined) == (1, 1)
    assert bodies(store)["candidate", "1"]["title"] == "Cook"
    assert waiting(store) == 0


def test_failed_replay_is_a_failed_run(store, inbox):
    class Broken(MemorySource):
        def parse(self, stream, raw):
            raise MemoryError

    sync(store, inbox, MemorySource({"candidates": [candidate(1)]}), NOW)
    with pytest.raises(MemoryError):
        replay.replay(store, Broken({}), LATER)
    assert replay.replay(store, MemorySource({}), LATER).counts.same == 1
