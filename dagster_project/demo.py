"""The demo, behind its command: sandbox and intake as processes, one Dagster run over everything, the figures."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import select

from connectors.contract import Fate
from connectors.errors import Misconfigured, Unavailable
from connectors.records import utc_now
from dagster_project.loopback import require_loopback
from dagster_project.resources import opened
from sandbox.client import Sandbox
from sandbox.truth import Record, by_shared_email, pairwise
from talent_pool.home import Home
from talent_pool.landing import referrals
from talent_pool.store import migrate
from talent_pool.store.tables import person_records, records

SYNC_COUNTS = ("read", "new", "changed", "same", "quarantined")
PUSH_COUNTS = (Fate.SENT, Fate.SUPPRESSED, Fate.REJECTED, Fate.DEFERRED)


@dataclass(slots=True)
class Demo:
    """A running sandbox and intake over one home."""

    folder: Path
    sandbox: Sandbox
    intake: subprocess.Popen[bytes]
    say: Callable[..., Any]
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def start(cls, *, people: int, seed: int, say: Callable[..., Any]) -> Iterator["Demo"]:
        """Start sandbox and intake; both end with the block.

        Raises Misconfigured if the home holds a real pool, or any setting leads to another machine.
        """
        began = time.perf_counter()
        home = Home()
        folder = home.folder
        world_at = _pinned(folder, people, seed)
        say(f"Inventing {people:,} people and playing their vendors on this machine …", highlight=False)
        with Sandbox.start(people=people, seed=seed, folder=folder / "sandbox", now=world_at) as sandbox:
            port = _free_port()
            _settle(folder, sandbox, port)
            _prepare(home, sandbox, world_at)
            intake = subprocess.Popen([sys.executable, "-m", "web"], env=dict(os.environ))
            try:
                _await(f"http://127.0.0.1:{port}/health", "The intake")
                yield cls(folder, sandbox, intake, say, {"start": round(time.perf_counter() - began, 2)})
            finally:
                intake.send_signal(signal.SIGTERM)
                intake.wait(10)

    def run(self) -> dict[str, Any]:
        """Deliver, then materialise everything in one Dagster run, and return the report."""
        with _memory() as peak:
            with self._timed("deliver"):
                public = Home().public_url
                self.say("Posting applications, forms and referral clicks to the intake …", highlight=False)
                self.sandbox.deliver_indeed(f"{public}/intake/indeed_apply")
                self.sandbox.deliver_forms(public)
                self.sandbox.deliver_referrals(public)
                os.environ["CATCHMENT_AS_OF"] = _settled(self.folder).isoformat()
            self.say("Running the graph under Dagster: sources, people, segments, destinations …", highlight=False)
            outcome = self._materialised()
        return {**outcome, **self._accuracy(), "seconds": self.seconds, "peak_memory_mb": round(peak[0] / 2**20)}

    def _materialised(self) -> dict[str, Any]:
        with self._timed("load_dagster"):
            import dagster as dg

            from dagster_project.definitions import defs, whole_graph

            definitions = defs()
            job = whole_graph(definitions)
        with opened() as pool:
            destinations = list(pool.installation.destinations)
        config = {
            "ops": {f"catchment__destinations__{name}": {"config": {"approve": True}} for name in destinations},
            "loggers": {"console": {"config": {"log_level": "ERROR"}}},
        }
        with dg.DagsterInstance.get() as instance, self._timed("run"):
            result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=config)
        connections: dict[str, Any] = {}
        pushed: dict[str, Any] = {}
        for event in result.get_asset_materialization_events():
            materialization = event.step_materialization_data.materialization
            area, name = (*materialization.asset_key.path, "", "")[1:3]
            numbers = {k: v.value for k, v in materialization.metadata.items()}
            if area == "sources":
                connections[name] = {count: numbers[count] for count in SYNC_COUNTS}
            elif area == "destinations":
                pushed[name] = {
                    "eligible": numbers["eligible"],
                    **{fate.value: numbers[fate.value] for fate in PUSH_COUNTS},
                    "requests": numbers["requests"],
                }
        failed: dict[str, str] = {}
        for event in result.all_node_events:
            if event.is_step_success:
                self.seconds[event.step_key or "?"] = round(event.step_success_data.duration_ms / 1000, 2)
            if event.is_step_failure:
                data = event.step_failure_data
                told = data.user_failure_data.description if data.user_failure_data else None
                failed[event.step_key or "?"] = (
                    told or (data.error.message if data.error else "no reason given")
                ).strip()
        return {"connections": connections, "destinations": pushed, "failed": failed}

    def _accuracy(self) -> dict[str, Any]:
        """Compare the pool's clusters with the truth, over every record that the sandbox knows the truth of."""
        truth = self.sandbox.truth()
        query = (
            select(records.c.connection, records.c.remote_id, records.c.body, person_records.c.person_id)
            .join(person_records, person_records.c.record_id == records.c.id)
            .where(records.c.record_type == "candidate", records.c.removed_at.is_(None))
        )
        with opened() as pool, pool.store.reading() as connection:
            rows = connection.execute(query).all()
        ours: dict[Record, str] = {(row.connection, row.remote_id): row.person_id for row in rows}
        addresses = {
            (row.connection, row.remote_id): [one["value"] for one in row.body.get("email_addresses", ())]
            for row in rows
        }
        agreement = pairwise(ours, truth)
        baseline = pairwise(by_shared_email(addresses), truth)
        return {
            "people": len(set(ours.values())),
            "records": len(rows),
            "precision": round(agreement.precision, 4),
            "recall": round(agreement.recall, 4),
            "baseline": {"precision": round(baseline.precision, 4), "recall": round(baseline.recall, 4)},
        }

    def write(self, report: dict[str, Any], file: Path) -> None:
        """Write the report as JSON."""
        file.write_text(json.dumps(report, indent=2) + "\n")
        self.say(f"Figures are in {file}.", highlight=False)

    def serve(self, port: int) -> None:
        """Keep the Dagster UI up until Ctrl-C, vendors and intake behind it."""
        port = port if _is_free(port) else _free_port()
        command = [
            sys.executable,
            "-m",
            "dagster",
            "dev",
            "-m",
            "dagster_project.definitions",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
        ]
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(command, env=dict(os.environ), stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # however it is ended, its processes end with it
        try:
            _await(f"http://127.0.0.1:{port}/server_info", "The Dagster UI", seconds=90)
            self.say(
                f"\nThe Dagster UI is at [bold]http://127.0.0.1:{port}[/bold]; Ctrl-C ends everything.", highlight=False
            )
            server.wait()
        except KeyboardInterrupt:
            self.say("Ending …")
        finally:
            end_group(server)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 2)


def end_group(leader: "subprocess.Popen[bytes]", patience: Sequence[float] = (20, 10, 5)) -> None:
    """End a process and all that it started in its session: asked as by Ctrl-C, then told, then made to.

    Ctrl-C is not heard by what was started in the background, where shells have it ignored. `patience`: seconds to
    wait after each.
    """
    for number, seconds in zip((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), patience, strict=True):
        with suppress(ProcessLookupError):
            os.killpg(leader.pid, number)
        with suppress(subprocess.TimeoutExpired):
            leader.wait(seconds)
            break
    with suppress(ProcessLookupError):  # whom it left behind
        os.killpg(leader.pid, signal.SIGKILL)


def _pinned(folder: Path, people: int, seed: int) -> datetime:
    """Return the moment the world is seen at, the same in every run in one home, so that a second finds nothing new."""
    file = folder / "demo.json"
    if file.exists():
        pinned = json.loads(file.read_text())
        if (pinned["people"], pinned["seed"]) != (people, seed):
            raise Misconfigured(
                f"The home {folder} holds a demo of {pinned['people']} people with seed {pinned['seed']}. "
                "Use the same figures, or another CATCHMENT_HOME."
            )
        return datetime.fromisoformat(pinned["world_at"])
    if (folder / "pool.db").exists() or os.environ.get("CATCHMENT_DEFS"):
        raise Misconfigured(
            f"The home {folder} is of a real installation, and the demo never touches one. "
            "Set CATCHMENT_HOME to another folder and unset CATCHMENT_DEFS."
        )
    world_at = utc_now().replace(microsecond=0)
    file.write_text(json.dumps({"world_at": world_at.isoformat(), "people": people, "seed": seed}))
    return world_at


def _settled(folder: Path) -> datetime:
    """Return the moment at which the demo works: just after its first deliveries, and the same ever after."""
    file = folder / "demo.json"
    pinned = json.loads(file.read_text())
    pinned.setdefault("as_of", utc_now().isoformat())
    file.write_text(json.dumps(pinned))
    return datetime.fromisoformat(pinned["as_of"])


def _settle(folder: Path, sandbox: Sandbox, intake_port: int) -> None:
    """Point every setting at the sandbox; nothing outside this machine can be reached from here on."""
    dagster_home = folder / "dagster"
    dagster_home.mkdir(exist_ok=True)
    if not (dagster_home / "dagster.yaml").exists():
        shutil.copy(Path(__file__).parent / "dagster.yaml", dagster_home / "dagster.yaml")
    os.environ |= {
        **sandbox.environ,
        "ARCHIVE_PATH": str(sandbox.archive_csv),
        "EXPORT_FOLDER": str(folder / "exports"),
        "CATCHMENT_HOME": str(folder),
        "CATCHMENT_SENDING": "on",
        "CATCHMENT_PUBLIC_URL": f"http://127.0.0.1:{intake_port}",
        "CATCHMENT_PORT": str(intake_port),
        "DAGSTER_HOME": str(dagster_home),
    }


def _prepare(home: Home, sandbox: Sandbox, world_at: datetime) -> None:
    """Make the pool with the links that staff share, once nothing in the installation leads to another machine."""
    store = home.open()
    migrate.upgrade(store)
    with opened() as pool:
        require_loopback(pool)
    for link in sandbox.referral_links:
        referrals.create(
            store,
            target_url=link["target_url"],
            now=world_at,
            token=link["token"],
            referrer_name=link["name"],
            referrer_email=link["email"],
            job=f"greenhouse:{link['job_id']}",
        )
    store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _await(url: str, who: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise Unavailable(f"{who} did not come up within {seconds:.0f} seconds. Look at its output and try again.")


@contextmanager
def _memory() -> Iterator[list[int]]:
    """Measure the largest resident size, in bytes, summed over this process and all it started."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not ended.wait(0.25):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()
