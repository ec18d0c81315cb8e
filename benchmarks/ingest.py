"""Candidates from pages on loopback into the store, beside two yardsticks in the same run.

    uv run --group bench python -m benchmarks.ingest [--count 100000] [--store URL] [--rounds 3]

`floor` fetches the pages and parses their JSON, and does nothing else. `dlt` is its `rest_api` source into DuckDB.
`catchment` fetches, parses, validates, hashes, lands and commits, through the real source and the real sync.
Each is a process of its own, timed without its imports and set-up; memory is the largest resident size.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.pages import PER_PAGE, served


def floor(port: int) -> tuple[int, float]:
    """Fetch and parse every page; return how many objects there were, and the seconds."""
    import httpx
    import orjson

    began, url, count = time.perf_counter(), f"http://127.0.0.1:{port}/v3/candidates", 0
    with httpx.Client() as client:
        while url:
            response = client.get(url)
            count += len(orjson.loads(response.content))
            url = response.links.get("next", {}).get("url", "")
    return count, time.perf_counter() - began


def with_dlt(port: int) -> tuple[int, float]:
    """Load every page into DuckDB by dlt's own REST source; nested lists stay as JSON, as our payloads do."""
    import dlt
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(
        {
            "client": {"base_url": f"http://127.0.0.1:{port}/v3/", "paginator": "header_link"},
            "resources": [{"name": "candidates", "endpoint": {"path": "candidates"}, "primary_key": "id"}],
        }
    )
    source.max_table_nesting = 0
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench", destination=dlt.destinations.duckdb(f"{folder}/bench.duckdb"), pipelines_dir=folder, progress=None
        )
        began = time.perf_counter()
        pipeline.run(source)
        seconds = time.perf_counter() - began
        with pipeline.sql_client() as client:
            return int(client.execute_sql("SELECT count(*) FROM candidates")[0][0]), seconds


def with_catchment(port: int, store_url: str | None) -> tuple[int, float]:
    """Sync every page into a new store; return how many candidates it holds, and the seconds of the sync."""
    from sqlalchemy import func, select

    from connectors.contract import Connection
    from connectors.records import utc_now
    from connectors.source import open_source
    from talent_pool.landing.inbox import Inbox
    from talent_pool.landing.sync import sync
    from talent_pool.store import migrate
    from talent_pool.store.database import Store
    from talent_pool.store.tables import records

    settings = {"base_url": f"http://127.0.0.1:{port}/v3", "token_url": f"http://127.0.0.1:{port}/token"}
    connection = Connection(name="greenhouse", connector="greenhouse", settings=settings)
    environ = {"GREENHOUSE_CLIENT_ID": "bench", "GREENHOUSE_CLIENT_SECRET": "bench"}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(store_url or f"sqlite:///{folder}/pool.db", b"benchmark")
        migrate.upgrade(store)
        inbox, source = Inbox(f"sqlite:///{folder}/inbox.db"), open_source(connection, environ)
        began = time.perf_counter()
        sync(store, inbox, source, utc_now())
        seconds = time.perf_counter() - began
        held = select(func.count()).select_from(records).where(records.c.record_type == "candidate")
        with store.reading() as reading:
            return int(reading.execute(held).scalar_one()), seconds


def _one(which: str, port: int, store_url: str | None) -> None:
    run = {"floor": floor, "dlt": with_dlt, "catchment": lambda port: with_catchment(port, store_url)}[which]
    count, seconds = run(port)
    # a process of its own writes: the sum of both peaks is the most that the two ever held
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    sys.stdout.write(json.dumps({"count": count, "seconds": seconds, "peak_mb": peak}) + "\n")


def _measured(which: str, port: int, store_url: str | None) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.ingest", "--one", which, "--port", str(port)]
    if store_url:
        command += ["--store", store_url]
    environ = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        command, capture_output=True, check=True, text=True, env=environ, cwd=Path(__file__).parent.parent
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Run the three and print records per second, peak memory and the ratios."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--store", help="a PostgreSQL URL; else SQLite")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        _one(given.one, given.port, given.store)
        return
    rates: dict[str, list[float]] = {"floor": [], "catchment": [], "dlt": []}
    peaks: dict[str, float] = dict.fromkeys(rates, 0)
    with served(given.count) as port:
        for _ in range(given.rounds):  # in turn, for the machine's speed drifts
            for which, rate in rates.items():
                found = _measured(which, port, given.store)
                assert found["count"] == given.count, f"{which} holds {found['count']} of {given.count}"
                rate.append(given.count / found["seconds"])
                peaks[which] = max(peaks[which], found["peak_mb"])
    print(f"{given.count:,} candidates, pages of {PER_PAGE}, median of {given.rounds} rounds")
    for which, rate in rates.items():
        print(f"{which:<10} {median(rate):>10,.0f} records/s   peak {peaks[which]:>6,.0f} MB")
    for yardstick in ("dlt", "floor"):
        ratios = [ours / theirs for ours, theirs in zip(rates["catchment"], rates[yardstick], strict=True)]
        spread = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
        print(f"catchment / {yardstick:<6} {median(ratios):.2f}   (rounds: {spread})")


if __name__ == "__main__":
    main()
