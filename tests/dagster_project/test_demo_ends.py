"""However the demo is ended, nothing that it started goes on."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_project.demo import end_group

_CHILD = "import time; time.sleep(60)"
_LEADER = """
import signal, subprocess, sys, time
{deaf}
child = subprocess.Popen([sys.executable, "-c", {child!r}])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    "deaf",
    [
        "",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_all_that_a_leader_started_ends_with_it(deaf):
    code = _LEADER.format(deaf=deaf, child=_CHILD)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=quiet, start_new_session=True
    ) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        end_group(leader, patience=(1, 1, 5))
        assert leader.returncode is not None
    assert _is_gone(child)


def _is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that nobody waits for stays a zombie for a while in a container."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
