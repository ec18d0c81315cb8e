"""The process of a sync killed at random moments, each time begun again: the store is as if nothing had happened."""

import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dagster_project.cli.pool import clock
from sandbox.client import Sandbox
from sandbox.generator import DEFAULT_NOW
from talent_pool import installation
from talent_pool.conservation import unbalanced
from talent_pool.home import Home
from talent_pool.resolution import resolve_all
from talent_pool.runs import listed
from talent_pool.store import Store
from talent_pool.tables import cursors, payload_versions, payloads, person_records, quarantine, records
from tests.end_to_end.places import command, process, settings, settled
from tests.talent_pool.dumps import LANDED, landed

KILLS = 20
SYNC = ("sync", "greenhouse", "typeform", "--no-resolve")


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox.start(people=400, seed=9, folder=tmp_path / "sandbox", now=DEFAULT_NOW) as started:
        yield started


def _place(sandbox: Sandbox, home: Path, store_url: str | None) -> Mapping[str, str]:
    own = settings(
        sandbox,
        home,
        store_url,
        CATCHMENT_AS_OF=DEFAULT_NOW.isoformat(),
        GREENHOUSE_PAGE_SIZE="20",
        TYPEFORM_PAGE_SIZE="5",
    )
    with settled(own):
        command("migrate")
    return own


def _requests(sandbox: Sandbox) -> int:
    return sum(sandbox.counts(server)["requests_total"] for server in ("greenhouse", "typeform"))


def _killed(sandbox: Sandbox, own: Mapping[str, str], seconds: float) -> int:
    """Sync in a process, kill it `seconds` after it first asked a vendor for something, and return how it ended."""
    before = _requests(sandbox)
    syncing = process(own, *SYNC)
    patience = time.monotonic() + 60
    while _requests(sandbox) == before and syncing.poll() is None:
        assert time.monotonic() < patience, "the sync never asked a vendor for anything"
        time.sleep(0.01)
    time.sleep(seconds)
    syncing.kill()
    return syncing.wait(30)


def _to_the_end(own: Mapping[str, str]) -> None:
    try:
        assert process(own, *SYNC).wait(300) == 0
    except subprocess.TimeoutExpired:
        pytest.fail("the sync did not come to its end")


def _held(own: Mapping[str, str]) -> int:
    with settled(own):
        store = Home().open()
    with store.reading() as connection:
        number = connection.execute(select(func.count()).select_from(payloads)).scalar_one()
    store.close()
    return number


def _dump(store: Store) -> dict[str, object]:
    """All that landed; of the cursors how far they came, for where they began may differ after a kill."""
    found: dict[str, object] = dict(landed(store, tables=[table for table in LANDED if table is not cursors]))
    with store.reading() as connection:
        rows = connection.execute(select(cursors.c.connection, cursors.c.stream, cursors.c.cursor)).all()
        reached = {(row.connection, row.stream): row.cursor for row in rows}
    for cursor in reached.values():
        cursor.pop("from", None)
    return found | {"cursors": reached}


def _partition(store: Store) -> set[frozenset[str]]:
    """Which candidate records are one person."""
    clusters: dict[str, set[str]] = defaultdict(set)
    with store.reading() as connection:
        for row in connection.execute(select(person_records)):
            clusters[row.person_id].add(row.record_id)
    return {frozenset(cluster) for cluster in clusters.values()}


def _seen(own: Mapping[str, str]) -> tuple[dict[str, object], set[frozenset[str]]]:
    with settled(own):
        store = Home().open()
        try:
            for run in listed(store, "sync", limit=1000):
                assert unbalanced(store, run.id) is None
            dump = _dump(store)
            resolve_all(store, installation.read(), clock())
            return dump, _partition(store)
        finally:
            store.close()


@pytest.mark.heavy
def test_killed_at_twenty_random_moments_the_store_is_as_if_undisturbed(sandbox, tmp_path, store_url) -> None:
    undisturbed = _place(sandbox, tmp_path / "undisturbed", store_url())
    _to_the_end(undisturbed)
    everything = _held(undisturbed)

    disturbed = _place(sandbox, tmp_path / "disturbed", store_url())
    chance = random.Random(20)
    codes, grown = [], [0]
    for _ in range(KILLS):
        codes.append(_killed(sandbox, disturbed, chance.uniform(0, 0.4)))
        grown.append(_held(disturbed))
    assert codes == [-signal.SIGKILL] * KILLS
    assert grown == sorted(grown)
    assert sum(later > before for before, later in zip(grown, grown[1:], strict=False)) >= KILLS / 2
    assert grown[-1] < everything, "all was landed before the last kill; let them come sooner"
    _to_the_end(disturbed)

    expected, people = _seen(undisturbed)
    found, people_found = _seen(disturbed)
    for table in (payloads, payload_versions, records, quarantine):
        assert len(found[table.name]) == len(expected[table.name])
    assert found == expected
    assert len(people) > 300
    assert people_found == people
