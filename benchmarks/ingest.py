"""Candidates from pages on loopback into the store, beside two yardsticks in the same run.

    uv run --group bench python -m benchmarks.ingest [--count 100000] [--store URL] [--dlt-count 20000]

`floor` fetches the pages and parses their JSON, and does nothing else. `dlt` is its `rest_api` source into DuckDB.
`catchment` fetches, parses, validates, hashes, lands and commits, through the real source and the real sync.
Each is a process of its own; memory is its largest resident size.
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

from benchmarks.pages import PER_PAGE, served


def floor(port: int) -> int:
    """Fetch and parse every page; return how many objects there were."""
    import httpx
    import orjson

    url, count = f"http://127.0.0.1:{port}/v3/candidates", 0
    with httpx.Client() as client:
        while url:
            response = client.get(url)
            count += len(orjson.loads(response.content))
            url = response.links.get("next", {}).get("url", "")
    return count


def with_dlt(port: int) -> int:
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
        pipeline.run(source)
        with pipeline.sql_client() as client:
            return int(client.execute_sql("SELECT count(*) FROM candidates")[0][0])


def with_catchment(port: int, store_url: str | None) -> int:
    """Sync every page into a new store; return how many candidates it holds."""
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
        sync(store, Inbox(f"sqlite:///{folder}/inbox.db"), open_source(connection, environ), utc_now())
        with store.reading() as reading:
            return int(
                reading.execute(
                    select(func.count()).select_from(records).where(records.c.record_type == "candidate")
                ).scalar_one()
            )


def _one(which: str, port: int, store_url: str | None) -> None:
    began = time.perf_counter()
    run = {"floor": floor, "dlt": with_dlt, "catchment": lambda port: with_catchment(port, store_url)}[which]
    count = run(port)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
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
    options.add_argument(
        "--dlt-count", type=int, default=20_000, help="dlt's rate does not depend on it; its patience does"
    )
    options.add_argument("--store", help="a PostgreSQL URL; else SQLite")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        _one(given.one, given.port, given.store)
        return
    rates: dict[str, list[float]] = {"floor": [], "catchment": [], "dlt": []}
    peaks: dict[str, float] = {}
    for which, rate in rates.items():
        count = given.dlt_count if which == "dlt" else given.count
        with served(count) as port:
            for _ in range(1 if which == "dlt" else given.rounds):
                found = _measured(which, port, given.store)
                assert found["count"] == count, f"{which} holds {found['count']} of {count}"
                rate.append(count / found["seconds"])
                peaks[which] = max(peaks.get(which, 0), found["peak_mb"])
    print(f"{given.count:,} candidates, pages of {PER_PAGE} (dlt: {given.dlt_count:,})")
    for which, rate in rates.items():
        print(f"{which:<10} {sorted(rate)[len(rate) // 2]:>10,.0f} records/s   peak {peaks[which]:>6,.0f} MB")
    ours = sorted(rates["catchment"])[len(rates["catchment"]) // 2]
    print(f"catchment / dlt   {ours / rates['dlt'][0]:.1f}")
    print(f"catchment / floor {ours / sorted(rates['floor'])[len(rates['floor']) // 2]:.2f}")


if __name__ == "__main__":
    main()
