"""The two commands that the README gives, as a newcomer runs them: over real HTTP and real SMTP, then once more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _demo(home: Path, people: int) -> dict:
    report = home.parent / "report.json"
    command = [
        sys.executable,
        "-m",
        "dagster_project.cli",
        "demo",
        "--once",
        "--people",
        str(people),
        "--report",
        str(report),
    ]
    environ = {**os.environ, "CATCHMENT_HOME": str(home)}
    for name in ("CATCHMENT_STORE_URL", "CATCHMENT_DEFS", "CATCHMENT_AS_OF"):
        environ.pop(name, None)
    done = subprocess.run(command, check=False, env=environ, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(report.read_text())


def _must_hold(report: dict) -> None:
    assert report["failed"] == {}
    assert set(report["connections"]) == {
        "greenhouse", "indeed_apply", "typeform", "careers_form", "referral_links", "archive",
    }  # fmt: skip
    assert all(counts["read"] > 0 for counts in report["connections"].values())
    assert report["precision"] >= 0.98
    assert report["recall"] >= 0.90
    assert report["baseline"]["recall"] < report["recall"]
    assert set(report["destinations"]) == {
        "mailchimp", "hubspot", "sendgrid", "mail", "twilio", "webhook", "export",
    }  # fmt: skip
    for name, numbers in report["destinations"].items():
        assert numbers["sent"] > 0 or name == "export", name  # a small world may have no silver medallist who agreed
        assert numbers["eligible"] >= sum(numbers[fate] for fate in ("sent", "suppressed", "rejected", "deferred")), (
            name
        )


def _found_nothing_new(report: dict) -> None:
    assert {counts["new"] for counts in report["connections"].values()} == {0}
    assert {counts["changed"] for counts in report["connections"].values()} == {0}
    assert {numbers["sent"] for numbers in report["destinations"].values()} == {0}


@pytest.mark.heavy
def test_a_small_demo_goes_all_the_way_and_a_second_run_finds_nothing_new(tmp_path: Path) -> None:
    first = _demo(tmp_path / "home", 300)
    _must_hold(first)
    second = _demo(tmp_path / "home", 300)
    _found_nothing_new(second)
    assert second["people"] == first["people"]


@pytest.mark.heavy
def test_the_demo_of_the_readme(tmp_path: Path) -> None:
    first = _demo(tmp_path / "home", 2000)
    _must_hold(first)
    assert first["people"] >= 0.9 * 2000
    assert sum(counts["read"] for counts in first["connections"].values()) >= 3000
    assert first["records"] >= 3000
    assert first["peak_memory_mb"] < 4096
    _found_nothing_new(_demo(tmp_path / "home", 2000))
