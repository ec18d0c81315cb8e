"""The demo reaches nobody but this machine, whatever the environment says."""

from pathlib import Path

import pytest

from connectors.errors import Misconfigured
from dagster_project.loopback import require_loopback
from dagster_project.resources import opened
from sandbox.generator import World, generate
from sandbox.vendors import running
from talent_pool.home import Home
from talent_pool.store import migrate


@pytest.fixture(scope="module", name="world")
def _world() -> World:
    return generate(5, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUBSPOT_BASE_URL", ""),
        ("MAILCHIMP_BASE_URL", ""),
        ("GREENHOUSE_TOKEN_URL", "https://auth.greenhouse.io/token"),
        ("MAIL_HOST", "mail.example.com"),
        ("MAIL_IMAP_HOST", "imap.example.com"),
        ("WEBHOOK_URL", "https://127.0.0.1.example.com/events"),
        ("TWILIO_BASE_URL", "http://10.0.0.7"),
    ],
)
def test_a_setting_that_leads_elsewhere_is_refused(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("CATCHMENT_HOME", str(tmp_path / "home"))
    for known in ("CATCHMENT_STORE_URL", "CATCHMENT_DEFS"):
        monkeypatch.delenv(known, raising=False)
    with running(world, tmp_path) as vendors:
        for known, told in {**vendors.environ, "ARCHIVE_PATH": vendors.ports["archive_csv"]}.items():
            monkeypatch.setenv(known, told)
        store = Home().open()
        migrate.upgrade(store)
        store.close()
        with opened() as pool:
            require_loopback(pool)
            monkeypatch.setenv(name, value)
            if name == "MAIL_IMAP_HOST":
                monkeypatch.setenv("MAIL_IMAP_USERNAME", "us")
                monkeypatch.setenv("MAIL_IMAP_PASSWORD", "secret")
            with pytest.raises(Misconfigured, match=r"leads to another machine.*this one alone"):
                require_loopback(pool)
