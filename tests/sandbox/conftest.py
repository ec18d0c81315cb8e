"""One small world, its vendors up on loopback in this process."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.generator import World, generate
from sandbox.vendors import Vendors, running

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def world() -> World:
    return generate(2_000, 7)


@pytest.fixture(scope="session")
def small_world() -> World:
    return generate(150, 3)


@pytest.fixture
def vendors(small_world: World, tmp_path: Path) -> Iterator[Vendors]:
    with running(small_world, tmp_path) as up:
        yield up


@pytest.fixture
def harvest(vendors: Vendors) -> Iterator[httpx.Client]:
    environ = vendors.environ
    credentials = (environ["GREENHOUSE_CLIENT_ID"], environ["GREENHOUSE_CLIENT_SECRET"])
    with httpx.Client(base_url=environ["GREENHOUSE_BASE_URL"] + "/", trust_env=False, verify=False) as client:
        answer = client.post(
            environ["GREENHOUSE_TOKEN_URL"], auth=credentials, data={"grant_type": "client_credentials"}
        )
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client
