"""What most commands open: home, store, inbox and installation, and one reading of the clock."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from connectors.errors import Misconfigured
from talent_pool.home import Home
from talent_pool.store import migrate
from talent_pool.store.database import Store

if TYPE_CHECKING:
    from talent_pool.installation import Installation
    from talent_pool.landing.inbox import Inbox


@dataclass(frozen=True)
class Pool:
    """An opened installation. Its YAML is read, and its inbox opened, when a command first needs them."""

    home: Home
    store: Store
    now: datetime
    environ: Mapping[str, str]

    @cached_property
    def installation(self) -> "Installation":
        """Everything configured. Raises Misconfigured with file and line."""
        from talent_pool import installation

        return installation.read(self.home.defs)

    @cached_property
    def inbox(self) -> "Inbox":
        """The intake's inbox."""
        from talent_pool.landing.inbox import Inbox

        return Inbox(self.home.inbox_url)


@contextmanager
def opened() -> Iterator[Pool]:
    """Open the store, its schema brought up to date if it is new. Raises Misconfigured, StoreUnavailable."""
    home, now = Home(), clock()
    store = home.open()
    pool = Pool(home, store, now, os.environ)
    try:
        migrate.upgrade(store)
        yield pool
    finally:
        if "inbox" in vars(pool):
            pool.inbox.close()
        store.close()


def clock() -> datetime:
    """Return the present instant, or the one that CATCHMENT_AS_OF puts in its place. Raises Misconfigured."""
    as_of = os.environ.get("CATCHMENT_AS_OF")
    try:
        return datetime.fromisoformat(as_of).astimezone(UTC) if as_of else datetime.now(UTC)
    except ValueError:
        raise Misconfigured("CATCHMENT_AS_OF is no moment as in 2026-01-31T12:00:00Z. Correct or unset it.") from None
