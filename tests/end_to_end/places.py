"""Installations of their own beside a sandbox: what their environment says, and their command line."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from dagster_project.cli.main import main
from sandbox.client import Sandbox
from tests.conftest import KEY

ROOT = Path(__file__).resolve().parents[2]
_OURS = ("CATCHMENT_", "GREENHOUSE_", "TYPEFORM_", "MAILCHIMP_", "MAIL_", "INDEED_")


def settings(sandbox: Sandbox, home: Path, store_url: str | None, **more: str) -> dict[str, str]:
    """Return the settings of an installation in `home`, on SQLite there if `store_url` is None; sending is on."""
    own = {
        **sandbox.environ,
        "ARCHIVE_PATH": str(sandbox.archive_csv),
        "EXPORT_FOLDER": str(home / "exports"),
        "CATCHMENT_HOME": str(home),
        "CATCHMENT_KEY": KEY.hex(),
        "CATCHMENT_SENDING": "on",
        # what has just happened is seen at once
        "GREENHOUSE_LAG_MINUTES": "0",
    }
    return own | ({"CATCHMENT_STORE_URL": store_url} if store_url else {}) | more


def environ(own: Mapping[str, str]) -> dict[str, str]:
    """Return a process's whole environment, with these settings and none of another installation's."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | dict(own)


@contextmanager
def settled(own: Mapping[str, str]):
    """Let these settings be this process's own, as long as the block lasts."""
    before = dict(os.environ)
    after = environ(own)
    os.environ.clear()
    os.environ.update(after)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, and all it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def command(*arguments: str, codes: tuple[int, ...] = (0,)) -> Said:
    """Run the command line in this process, with this process's settings; it must end with one of `codes`."""
    done = CliRunner().invoke(main, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = Said(done.exit_code, done.stdout, done.stderr)
    assert said.code in codes, f"{arguments} ended with {said.code}: {said.out}{said.err}"
    return said


def process(own: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dagster_project.cli", *arguments],
        cwd=ROOT,
        env=environ(own),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
