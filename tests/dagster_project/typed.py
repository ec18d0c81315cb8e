"""An installation of its own in a temporary folder, and the command line as somebody types it there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import select

from dagster_project.cli.main import main
from talent_pool.landing import conservation
from talent_pool.people import reading as people
from talent_pool.store import runs
from talent_pool.store.database import Store
from talent_pool.store.tables import cursors, payloads
from tests.conftest import KEY

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("CATCHMENT_", "GREENHOUSE_", "TYPEFORM_", "MAILCHIMP_", "MAIL_", "INDEED_", "ARCHIVE_", "EXPORT_", "NO_COLOR")
BRISK = {"TYPEFORM_REQUESTS_PER_SECOND": "1000"}
"""The sandbox bears more than the vendor."""


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Installation:
    """A home with settings of its own, and nothing of whoever runs the tests."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def settings(self, more: Mapping[str, str | None]) -> dict[str, str | None]:
        nothing = {name: None for name in os.environ if name.startswith(_OURS)}
        own = {"CATCHMENT_HOME": str(self.home), "CATCHMENT_KEY": KEY.hex(), **self.environ}
        return {**nothing, **own, **more}

    def types(self, *arguments: str, code: int = 0, **more: str | None) -> Said:
        """Run the command in this process; whatever is no plain exit is raised, and the exit code must be `code`."""
        done = CliRunner().invoke(main, arguments, env=self.settings(more))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        said = Said(done.exit_code, done.stdout, done.stderr)
        assert said.code == code, f"{arguments} ended with {said.code}:\n{said.out}{said.err}"
        return said

    def process(self, *arguments: str, **more: str | None) -> dict[str, Any]:
        """Return what `subprocess.run` needs to run the command as a process of its own."""
        settings = {**os.environ, **self.settings(more)}
        return {
            "args": [sys.executable, "-m", "dagster_project.cli", *arguments],
            "cwd": ROOT,
            "env": {name: value for name, value in settings.items() if value is not None},
        }

    def runs(self, *arguments: str, **more: str | None) -> Said:
        """Run the command as a process of its own."""
        done = subprocess.run(
            **self.process(*arguments, **more), capture_output=True, text=True, timeout=60, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def store(self):
        store = Store(f"sqlite:///{self.home / 'pool.db'}", KEY)
        try:
            yield store
        finally:
            store.close()

    def held(self) -> dict[tuple[str, str, str], bytes]:
        """Return what the store holds: the hash of every object, by connection, stream and remote id."""
        p = payloads.c
        with self.store() as store, store.reading() as connection:
            rows = connection.execute(select(p.connection, p.stream, p.remote_id, p.hash)).all()
        return {(row.connection, row.stream, row.remote_id): row.hash for row in rows}

    def cursors(self) -> dict[tuple[str, str], Any]:
        with self.store() as store, store.reading() as connection:
            rows = connection.execute(select(cursors.c.connection, cursors.c.stream, cursors.c.cursor)).all()
        return {(row.connection, row.stream): row.cursor for row in rows}

    def must_be_sound(self) -> None:
        """Every run accounts for what it read, nobody is without a record, and no record without its person."""
        with self.store() as store:
            for run in runs.listed(store, limit=1000):
                assert conservation.unbalanced(store, run.id) is None
                assert run.state != "running"
            counted = people.statistics(store)
        assert (counted.unattached, counted.empty) == (0, 0)


def written(folder: Path, **files: str) -> Path:
    """Write `NAME/defs.yaml` for each name and return the folder."""
    for name, text in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "defs.yaml").write_text(text)
    return folder
