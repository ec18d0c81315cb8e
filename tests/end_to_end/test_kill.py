"""The process of a sync killed at random moments, each time begun again: the store is as if nothing had happened."""

import random
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
from talent_pool.home import Home
from talent_pool.landing.conservation import unbalanced
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from talent_pool.store.runs import listed
from talent_pool.store.tables import cursors, payload_versions, payloads, person_records, quarantine, records
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
        GREENHOUSE_PAGE_SIZE="15",
        TYPEFORM_PAGE_SIZE="5",
    )
    with settled(own):
        command("migrate")
    return own


def _requests(sandbox: Sandbox) -> int:
    return sum(sandbox.counts(server)["requests_total"] for server in ("greenhouse", "typeform"))


def _killed(sandbox: Sandbox, own: Mapping[str, str], requests: int, seconds: float) -> int:
    """Sync in a process, kill it `seconds` after it has asked so many times, and return how it ended."""
    until = _requests(sandbox) + requests
    syncing = process(own, *SYNC)
    patience = time.monotonic() + 300
    while _requests(sandbox) < until and syncing.poll() is None:
        assert time.monotonic() < patience, "the sync never asked its vendors"
        time.sleep(0.002)
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


def _disturbed(sandbox: Sandbox, own: Mapping[str, str], chance: random.Random, requests: int, kills: int) -> list[int]:
    """Sync and kill at most so many times, then let it come to its end; return what was held after each kill."""
    held: list[int] = []
    while len(held) < kills:
        # what is complete is asked for again before anything new, so that the first tenth brings nothing
        asked = int(chance.uniform(0.05, 0.26) * requests)
        if _killed(sandbox, own, asked, seconds=chance.uniform(0, 0.05)) == 0:
            break
        held.append(_held(own))
    _to_the_end(own)
    return held


@pytest.mark.heavy
def test_killed_at_twenty_random_moments_the_store_is_as_if_undisturbed(sandbox, tmp_path, store_url) -> None:
    undisturbed = _place(sandbox, tmp_path / "undisturbed", store_url())
    _to_the_end(undisturbed)
    everything, requests = _held(undisturbed), _requests(sandbox)
    expected, people = _seen(undisturbed)
    assert len(people) > 300

    chance, held = random.Random(20), list[int]()
    while len(held) < KILLS:
        place = _place(sandbox, tmp_path / f"disturbed{len(held)}", store_url())
        after_kills = _disturbed(sandbox, place, chance, requests, KILLS - len(held))
        assert after_kills == sorted(after_kills), "a kill took away what had landed"
        held += after_kills
        found, people_found = _seen(place)
        for table in (payloads, payload_versions, records, quarantine):
            assert len(found[table.name]) == len(expected[table.name])
        assert found == expected
        assert people_found == people
    assert len({number for number in held if 0 < number < everything}) >= KILLS / 4, "most came too soon or too late"
