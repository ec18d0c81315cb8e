"""Places for stores that several processes open by their settings."""

from collections.abc import Callable

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.heavy)])
def backend(request: pytest.FixtureRequest) -> str:
    """The database under a test; the way from end to end is gone on both, and by default on one."""
    request.node.user_properties.append(("store", request.param))
    return request.param


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Give a function that returns CATCHMENT_STORE_URL of a new installation; None is SQLite in its home."""
    return (lambda: None) if backend == "sqlite" else request.getfixturevalue("new_store_url")
