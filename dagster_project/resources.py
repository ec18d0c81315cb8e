"""The talent pool as a Dagster resource: opened per step, so that any executor may run it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from connectors.destination import Destination, open_destination
from connectors.records import utc_now
from connectors.source import Source, open_source
from talent_pool import installation
from talent_pool.home import Home
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.store import migrate
from talent_pool.store.database import Store
from talent_pool.store.tokens import StoreTokenKeeper


@dataclass(frozen=True, slots=True)
class OpenPool:
    """An opened talent pool, and the one reading of the clock that its step works with."""

    home: Home
    installation: Installation
    store: Store
    inbox: Inbox
    now: datetime

    def source(self, name: str) -> Source:
        """Return the source of one connection, with its secrets. Raises Misconfigured."""
        return open_source(self.installation.connection(name), os.environ, StoreTokenKeeper(self.store))

    def destination(self, name: str) -> Destination:
        """Return one destination, with its secrets. Raises Misconfigured."""
        return open_destination(self.installation.destination(name), os.environ)


@contextmanager
def opened(as_of: str | None = None) -> Iterator[OpenPool]:
    """Open the installation that the environment names; `as_of` (ISO 8601) stands in for the clock."""
    home = Home()
    store, inbox = home.open(), Inbox(home.inbox_url)
    try:
        migrate.require_current(store)
        now = datetime.fromisoformat(as_of).astimezone(UTC) if as_of else utc_now()
        yield OpenPool(home, installation.read(home.defs), store, inbox, now)
    finally:
        inbox.close()
        store.close()


class TalentPool(dg.ConfigurableResource):
    """Where the pool is comes from the environment (CATCHMENT_HOME, CATCHMENT_STORE_URL)."""

    as_of: str | None = None
    """Work as if it were this moment (ISO 8601); for the demo, tests and looking back."""

    @contextmanager
    def open(self) -> Iterator[OpenPool]:
        """Open the pool for one step."""
        with opened(self.as_of or os.environ.get("CATCHMENT_AS_OF")) as pool:
            yield pool
