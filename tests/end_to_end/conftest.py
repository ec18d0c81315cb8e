"""Places for stores that several processes open by their settings."""

from collections.abc import Callable

import pytest


@pytest.fixture
def store_url(backend: str, request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """Give a function that returns CATCHMENT_STORE_URL of a new installation; None is SQLite in its home."""
    return (lambda: None) if backend == "sqlite" else request.getfixturevalue("new_store_url")
