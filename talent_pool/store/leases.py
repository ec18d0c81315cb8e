"""One writer per connection, credential and destination: a lease in the store, taken alike by every process.

A lease ends by itself when its holder stops renewing it, and at once when its process on this machine is seen dead.
Whoever writes under a lease renews it in the same transaction, so that one who lost it can write nothing.
"""

import os
import re
import secrets
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from talent_pool.store.database import Store
from talent_pool.store.tables import leases

LASTS = timedelta(minutes=15)
"""How long a lease lives without renewal: longer than the longest wait for one page."""

_PROCESS = re.compile(r"process (\d+) on (\S+) \(")


class Busy(Exception):
    """Somebody else holds the lease; the text says who, since when, and what to do."""


class Lease:
    """A lease that is held. Time is the caller's `now` plus what has passed since."""

    def __init__(self, name: str, holder: str, now: datetime) -> None:
        self.name = name
        self.holder = holder
        self._now = now
        self._started = time.monotonic()

    def renew(self, connection: Connection) -> None:
        """Renew within `connection`'s transaction, which thereby fails if the lease is lost. Raises Busy."""
        now = self._now + timedelta(seconds=time.monotonic() - self._started)
        held = connection.execute(
            update(leases)
            .where(leases.c.name == self.name, leases.c.holder == self.holder)
            .values(expires_at=now + LASTS)
        ).rowcount
        if not held:
            raise Busy(
                f"{_spoken(self.name)} was taken over by another process, since this one had not been heard of for "
                f"{LASTS.seconds // 60} minutes. What it had committed stays; run again to go on."
            )


@contextmanager
def held(store: Store, name: str, holder: str, now: datetime) -> Generator[Lease]:
    """Hold the lease `name` (`connection:greenhouse`) until the block ends; `holder` says who, in words.

    Raises Busy when another holds it.
    """
    lease = Lease(name, f"{holder}, process {os.getpid()} on {socket.gethostname()} ({secrets.token_hex(4)})", now)
    _take(store, lease, now)
    try:
        yield lease
    finally:
        with store.writing() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == lease.holder))


def _take(store: Store, lease: Lease, now: datetime) -> None:
    row = {"name": lease.name, "holder": lease.holder, "acquired_at": now, "expires_at": now + LASTS}
    taken = False
    while not taken:
        with store.writing() as connection:
            other = connection.execute(select(leases).where(leases.c.name == lease.name).with_for_update()).first()
            if other is not None:
                if other.expires_at > now and not _is_dead(other.holder):
                    raise Busy(
                        f"{_spoken(lease.name)} is being worked on already by {other.holder.rpartition(' (')[0]}, "
                        f"since {other.acquired_at:%H:%M} UTC. Wait for it to end, or stop it, then run again."
                    )
                connection.execute(delete(leases).where(leases.c.name == lease.name))
            # Two who find no row at the same moment on PostgreSQL: one inserts, the other looks again.
            inserted = store.insert(leases).values(row).on_conflict_do_nothing().returning(leases.c.name)
            taken = connection.execute(inserted).first() is not None


def _is_dead(holder: str) -> bool:
    """Say whether the holder was a process of this machine that is gone."""
    found = _PROCESS.search(holder)
    if found is None or found[2] != socket.gethostname():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _spoken(name: str) -> str:
    kind, _, subject = name.partition(":")
    return f"The {kind} {subject}" if subject else name
