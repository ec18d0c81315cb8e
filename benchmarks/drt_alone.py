"""The same change by drt, the yardstick of the delivery benchmark: rows in SQLite, upserted into HubSpot one by one.

    uv run --no-project --with drt-core==1.2.1 benchmarks/drt_alone.py DATABASE HUBSPOT_URL

In an environment of its own, for it is no part of ours. Its table is `changed`: email, firstname, lastname. It is told
to update only, which saves it half of its requests: as it is delivered it tries to create each contact, is told that
there is one, and asks again. Its pace (nine contacts a second at most) is its own and is left as it is, and of its
code only the constant that holds HubSpot's address is changed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

DRT = "drt-core==1.2.1"


class NotMeasured(Exception):
    """drt could not be installed, or did not get through; the text says which."""


def drt_alone(url: str, token: str, changed: Iterable[tuple[str, str, str]]) -> tuple[float, int]:
    """Push `changed` rows (address, first name, last name) by drt; return its seconds, and how many rows it wrote.

    The seconds are those of its sync alone, without its start. Raises NotMeasured.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "changed.db"
        with closing(connect(database)) as connection, connection:
            connection.execute("CREATE TABLE changed (email, firstname, lastname)")
            connection.executemany("INSERT INTO changed VALUES (?, ?, ?)", changed)
        alone = ["uv", "run", "--quiet", "--no-project", "--with", DRT]
        try:
            subprocess.run([*alone, "python", "-c", "import drt"], check=True, capture_output=True, cwd=folder)
        except (OSError, subprocess.CalledProcessError):
            raise NotMeasured(f"{DRT} cannot be installed here; see `{' '.join(alone)} python`") from None
        done = subprocess.run(
            [*alone, "python", __file__, str(database), url],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "HUBSPOT_TOKEN": token},
            check=False,
        )
    if done.returncode:
        raise NotMeasured(f"{DRT} failed: {done.stderr.strip().splitlines()[-1:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return told["seconds"], told["written"]


def _push(database: str, url: str) -> None:
    """Run in drt's environment: push the table and say how long it took."""
    from drt.config.models import SyncConfig
    from drt.config.profiles import SQLiteProfile
    from drt.destinations import hubspot
    from drt.engine.sync import run_sync
    from drt.sources.sqlite import SQLiteSource

    hubspot._HUBSPOT_API = f"{url}/crm/objects/2026-03"  # noqa: SLF001 - it has no setting for it
    sync = SyncConfig.model_validate(
        {
            "name": "contacts",
            "model": "SELECT email, firstname, lastname FROM changed",
            "destination": {"type": "hubspot", "auth": {"type": "bearer", "token_env": "HUBSPOT_TOKEN"}},
            "sync": {"match_policy": "update_only"},
        }
    )
    began = time.perf_counter()
    profile = SQLiteProfile(type="sqlite", database=database)
    result = run_sync(sync, SQLiteSource(), hubspot.HubSpotDestination(), profile, Path(database).parent)
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "written": result.success}) + "\n")


if __name__ == "__main__":
    _push(*sys.argv[1:])
