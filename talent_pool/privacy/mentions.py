"""Where other people's rows name one person: referrers, notes, raw objects that more than one stream tells.

Found by reading everything once, without a lock: she is looked for by what is hers alone (addresses, profiles, names
of referrers), and by her remote ids where an object says that it is about them.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, Table, Text, cast, func, or_, select

from talent_pool.landing.arrivals import decompressed
from talent_pool.privacy.extent import Extent, mentions, places_in
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import (
    applications,
    payload_versions,
    payloads,
    quarantine,
    records,
    referral_links,
)
from talent_pool.store.tombstones import plain

_AT_ONCE = 1000
_BODIES = (payloads, payload_versions, quarantine)
_SPEAKERS = ("application", "reference")


@dataclass
class Mentions:
    """Ids of rows that name her and are not hers alone; `about` those of raw objects that are about her alone."""

    records: set[str] = field(default_factory=set[str])
    links: set[str] = field(default_factory=set[str])
    naming: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    about: dict[str, set[int]] = field(default_factory=dict[str, set[int]])


def mentions_of(connection: Connection, extent: Extent) -> Mentions:
    """Look through the store for one person. Reads every raw object: a second for some ten thousands of them."""
    found = Mentions()
    found.records = set(_records(connection, extent))
    found.links = set(_links(connection, extent))
    speaking = _payloads_of(connection, found.records)
    finder = _Finder(extent)
    for table in _BODIES:
        for row, body in _every(connection, table):
            raw = finder.search(row.connection, body)
            if raw is None and not (table is payloads and (row.connection, row.stream, row.remote_id) in speaking):
                continue
            place = (row.connection, row.stream, row.remote_id)
            if place in extent.payloads:
                continue
            kind = found.about if _is_hers(connection, place, extent) else found.naming
            kind.setdefault(table.name, set()).add(row.id)
    return found


def _records(connection: Connection, extent: Extent) -> Iterator[str]:
    """Yield the records of others that name her, and the applications that name her as the one who referred them."""
    body = func.lower(cast(records.c.body, Text))
    named = [body.contains(_as_json_text(word), autoescape=True) for word in sorted(extent.words)]
    if named:
        for row in connection.execute(select(records.c.id).where(or_(*named))):
            if row.id not in extent.rows:
                yield row.id
    names = {plain(name) for name in extent.names}
    told = select(applications.c.record_id, applications.c.referrer).where(applications.c.referrer.is_not(None))
    for row in connection.execute(told):
        said: dict[str, Any] = row.referrer or {}
        if row.record_id not in extent.rows and not said.get("email") and plain(said.get("name")) in names - {""}:
            yield row.record_id
    references = select(records.c.id, records.c.body).where(records.c.record_type == "reference")
    for row in connection.execute(references):
        if row.body.get("kind") == "referrer" and plain(row.body.get("name")) in names - {""}:
            yield row.id


def _links(connection: Connection, extent: Extent) -> Iterator[str]:
    words, names = {word.casefold() for word in extent.words}, {plain(name) for name in extent.names} - {""}
    held = select(referral_links.c.token, referral_links.c.referrer_email, referral_links.c.referrer_name)
    for row in connection.execute(held):
        email = (row.referrer_email or "").casefold()
        if email in words or (not email and plain(row.referrer_name) in names):
            yield row.token


def _payloads_of(connection: Connection, ids: Collection[str]) -> set[tuple[str, str, str]]:
    columns = select(records.c.connection, records.c.stream, records.c.payload_remote_id)
    return {tuple(row) for row in rows_with(connection, columns, records.c.id, ids)}


def _every(connection: Connection, table: Table) -> Iterator[tuple[Any, bytes]]:
    last = 0
    columns = (table.c.id, table.c.connection, table.c.stream, table.c.remote_id, table.c.body)
    while True:
        page = connection.execute(select(*columns).where(table.c.id > last).order_by(table.c.id).limit(_AT_ONCE)).all()
        for row in page:
            yield row, plain_body(row.body)
        if not page:
            return
        last = page[-1].id


def plain_body(body: bytes) -> bytes:
    """Return a raw object's text; a whole delivery lies in quarantine with its own body in hex."""
    text = decompressed(body)
    packed = re.match(rb'\{"body":"([0-9a-f]*)"', text)
    return text + bytes.fromhex(packed[1].decode()) if packed else text


class _Finder:
    """Looks for one person in the text of raw objects."""

    def __init__(self, extent: Extent) -> None:
        words = sorted({_as_json_text(word) for word in extent.words})
        self._words = re.compile("|".join(re.escape(word) for word in words).encode()) if words else None
        self._places = places_in(extent)
        self._ids = {
            source: re.compile(b"|".join(re.escape(one.encode()) for kind in kinds.values() for one in sorted(kind)))
            for source, kinds in self._places.items()
        }

    def search(self, connection: str, body: bytes) -> Any | None:
        """Return something if the object names her."""
        if self._words and self._words.search(body.decode(errors="replace").lower().encode()):
            return True
        ids = self._ids.get(connection)
        if ids and ids.search(body) and mentions(_read(body), self._places[connection]):
            return True
        return None


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # a delivery, whose own text stands behind it
        return None


def _as_json_text(word: str) -> str:
    """Return a word as it stands within JSON, in lower case."""
    return orjson.dumps(word).decode()[1:-1].lower()


def _is_hers(connection: Connection, place: tuple[str, str, str | None], extent: Extent) -> bool:
    """Say whether nobody else's record was read from this object."""
    source, stream, remote_id = place
    if remote_id is None:
        return True
    told = select(records.c.id).where(
        records.c.connection == source, records.c.stream == stream, records.c.payload_remote_id == remote_id
    )
    return all(name in extent.rows for name in connection.execute(told).scalars())


def number_of(found: Iterable[Collection[Any]]) -> int:
    """Return how many rows these are together."""
    return sum(len(one) for one in found)
