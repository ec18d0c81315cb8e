"""What most commands open: home, store, inbox and installation, and one reading of the clock."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from talent_pool import installation, migrate
from talent_pool.home import Home
from talent_pool.inbox import Inbox
from talent_pool.installation import Installation
from talent_pool.store import Store


@dataclass(frozen=True, slots=True)
class Pool:
    """An opened installation."""

    home: Home
    installation: Installation
    store: Store
    inbox: Inbox
    now: datetime
    environ: Mapping[str, str]


@contextmanager
def opened() -> Iterator[Pool]:
    """Open the installation, its schema brought up to date if it is new. Raises Misconfigured, StoreUnavailable."""
    home = Home()
    configured = installation.read(home.defs)
    store, inbox = home.open(), Inbox(home.inbox_url)
    try:
        migrate.upgrade(store)
        yield Pool(home, configured, store, inbox, clock(), os.environ)
    finally:
        inbox.close()
        store.close()


def clock() -> datetime:
    """Return the present instant, or the one that CATCHMENT_AS_OF puts in its place."""
    as_of = os.environ.get("CATCHMENT_AS_OF")
    return datetime.fromisoformat(as_of).astimezone(UTC) if as_of else datetime.now(UTC)
