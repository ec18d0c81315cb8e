"""What is left of people who were erased: keyed hashes, by which what comes back is recognised and never landed.

A tombstone names a record or a payload of a source, or an identifier (an address, a profile). Nobody reads a name or
an address out of one; they only answer whether something is the same.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select

from connectors.records import Channel
from talent_pool.store.addresses import folded
from talent_pool.store.database import Store, take_lock
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import tombstones

Kind = Literal["record", "payload", "email", "phone", "url", "name"]

_LOCK = "tombstones"
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://(www\.)?")
_ALL = select(tombstones.c.key, tombstones.c.kind, tombstones.c.erased_at)
_ANY = select(tombstones.c.key).limit(1)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One keyed hash and what kind of thing it stands for."""

    key: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Mason:
    """Makes the tombstones of one organisation."""

    store: Store
    organisation: str

    def record(self, connection: str, record_type: str, remote_id: str) -> Tombstone:
        """Return the tombstone of one record at its source."""
        return self._of("record", connection, record_type, remote_id)

    def payload(self, connection: str, stream: str, remote_id: str) -> Tombstone:
        """Return the tombstone of one raw object at its source."""
        return self._of("payload", connection, stream, remote_id)

    def email(self, address: str) -> Tombstone:
        """Return the tombstone of an e-mail address, the same for all its spellings."""
        return self._of("email", self.organisation, folded(Channel.EMAIL, address))

    def phone(self, number: str, name: str | None) -> Tombstone:
        """Return the tombstone of a number as one name holds it: a family's line is not one person's."""
        return self._of("phone", self.organisation, folded(Channel.PHONE, number), plain(name))

    def url(self, url: str) -> Tombstone:
        """Return the tombstone of a profile's address, whatever its scheme, case and closing slash."""
        return self._of("url", self.organisation, plain_url(url))

    def name(self, name: str) -> Tombstone:
        """Return the tombstone of a full name; it counts alone for referrers of whom nothing else is told."""
        return self._of("name", self.organisation, plain(name))

    def _of(self, kind: Kind, *parts: str) -> Tombstone:
        return Tombstone(self.store.hashed("tombstone", kind, *parts), kind)


def plain(name: str | None) -> str:
    """Return a name without case, accents and superfluous spaces."""
    apart = unicodedata.normalize("NFKD", name or "")
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).casefold().split())


def plain_url(url: str) -> str:
    """Return what tells one profile's address from others."""
    return _SCHEME.sub("", url.strip().casefold()).partition("?")[0].partition("#")[0].rstrip("/")


def hold(connection: Connection, *, shared: bool) -> None:
    """Keep erasures (`shared`) or landings out until this transaction ends, so that nobody slips in between."""
    take_lock(connection, _LOCK, shared=shared)


def any_stand(connection: Connection) -> bool:
    """Say whether anybody was ever erased."""
    return connection.execute(_ANY).first() is not None


def standing(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """Return those of `keys` that are tombstones, each with when it was set."""
    return {row.key: row.erased_at for row in rows_with(connection, _ALL, tombstones.c.key, keys)}


def set_up(connection: Connection, store: Store, stones: Iterable[Tombstone], request_id: str, now: datetime) -> None:
    """Write tombstones; one that stands stays as it is."""
    rows = [
        {"key": one.key, "kind": one.kind, "erased_at": now, "request_id": request_id}
        for one in sorted(set(stones), key=lambda one: one.key)
    ]
    if rows:
        connection.execute(store.insert(tombstones).on_conflict_do_nothing(), rows)
