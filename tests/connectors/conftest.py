"""What every test of a connector shares: no real sleep, and a list of the naps that were asked for."""

import pytest


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the HTTP client would have slept, in order."""
    naps: list[float] = []
    # the limiter counts on by itself while it waits
    monkeypatch.setattr("pyrate_limiter.limiter.sleep", lambda _: None)
    monkeypatch.setattr("connectors.http._sleep", naps.append)
    return naps
